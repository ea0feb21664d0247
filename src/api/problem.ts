/** Errors as RFC 9457 problem details, from the one error table; nothing internal gets out. */
import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ERRORS, type ErrorCode, KilldeerError } from '../errors.js';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** `type` is a name, not an address: it is the code, and stays the same for ever. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** Whether the same call, unchanged, may succeed later. */
  readonly retry: boolean;
  /** What to do next, for a person. */
  readonly next: string;
  /** Request id, to find the call in the server's log. */
  readonly instance: string;
  /** What is wrong with which member of the call. */
  readonly errors?: readonly { readonly member: string; readonly message: string }[];
}

/**
 * Seconds to wait where an error may pass by itself: every row of 429 and 503 that may be tried again has one, because
 * exporters go by the header and not by our codes.
 */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = {
  'api.behind': 5,
  'api.rate-limited': 5,
  'api.unreachable': 5,
  'log.disk-full': 30,
  'log.closed': 5,
  // Brokers that come back are found again within seconds, a partition is restored within a minute at the most.
  'kafka.unreachable': 5,
  'kafka.commit-unknown': 10,
  'store.unreachable': 10,
  'oidc.unreachable': 10,
  'partition.away': 2,
  // It rests for minutes: no use in asking sooner.
  'source.refused': 60,
};

/** What Fastify itself refuses, in words of the table. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'api.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'api.unsupported-media',
  FST_ERR_MAX_PARAM_LENGTH: 'api.not-found',
};

export function retryAfterS(code: ErrorCode): number | null {
  return RETRY_AFTER_S[code] ?? null;
}

/** A problem of the table's row; `requestId` may be '' where there is none yet. */
export function problemOf(code: ErrorCode, detail: string, requestId: string, errors?: Problem['errors']): Problem {
  const { status, retry, next } = ERRORS[code];
  const problem: Problem = {
    type: `urn:killdeer:${code}`,
    title: title(code),
    status,
    detail,
    code,
    retry,
    next,
    instance: `urn:uuid:${requestId}`,
  };
  return errors === undefined ? problem : { ...problem, errors };
}

/** Any error of a request. Only a KilldeerError and a refusal of the call itself may speak in their own words. */
export function problemOfError(error: unknown, requestId: string): Problem {
  if (error instanceof KilldeerError) {
    if (error.code === 'api.internal') return internal(requestId);
    return problemOf(error.code, error.message, requestId);
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const part = (error as FastifyError).validationContext ?? 'call';
    const errors = error.validation.slice(0, 20).map((issue) => ({
      member: `${part}${issue.instancePath === '/' ? '' : issue.instancePath}`.slice(0, 200),
      message: (issue.message ?? 'invalid').slice(0, 300),
    }));
    const first = errors[0] as { member: string; message: string };
    return problemOf('api.invalid', `${first.member}: ${first.message}`, requestId, errors);
  }
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : FASTIFY_CODES[code];
  if (known !== undefined) return problemOf(known, (error as Error).message, requestId);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problemOf('api.invalid', (error as Error).message.slice(0, 300), requestId);
  }
  return internal(requestId);
}

function internal(requestId: string): Problem {
  return problemOf('api.internal', 'the server failed at this call', requestId);
}

/** 'api.not-found' reads 'not found'. */
function title(code: ErrorCode): string {
  return code.slice(code.indexOf('.') + 1).replaceAll('-', ' ');
}
