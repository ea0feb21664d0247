/** Calls of the API in the name of the session. A call that is refused throws a Failure that a person can read. */
import type { SessionAnswer } from '../api/session-schema.js';

/** Why a call did not do what was wanted, and what to do about it. */
export class Failure extends Error {
  constructor(
    /** 0: there was no answer. */
    readonly status: number,
    message: string,
    readonly next: string,
  ) {
    super(message);
  }
}

interface ProblemDetail {
  readonly detail?: string;
  readonly next?: string;
}

const CSRF_HEADER = 'x-killdeer-csrf';
let csrf: string | null = null;
let onStranger = (): void => undefined;

/** The session that calls are made in; null: none. */
export function callAs(session: SessionAnswer | null): void {
  csrf = session?.csrf ?? null;
}

/** Is called whenever the server no longer knows who asks. */
export function whenStranger(then: () => void): void {
  onStranger = then;
}

export async function call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && csrf !== null) headers[CSRF_HEADER] = csrf;
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(path, init).catch(() => null);
  if (response === null) throw new Failure(0, 'the server does not answer', 'check the connection, then try again');
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const { detail, next } = (answer ?? {}) as ProblemDetail;
  const failure = new Failure(
    response.status,
    detail ?? `the server answered with ${response.status}`,
    next ?? 'try again',
  );
  if (response.status === 401 && path !== '/v1/sessions') onStranger();
  throw failure;
}

export const get = <T>(path: string): Promise<T> => call<T>('GET', path);
export const post = <T>(path: string, body: object): Promise<T> => call<T>('POST', path, body);

/** '/v1/agents/NAME/what?tenant=...' */
export function agentPath(agent: string, tenant: string, what: string): string {
  const query = tenant === '' ? '' : `?tenant=${encodeURIComponent(tenant)}`;
  return `/v1/agents/${encodeURIComponent(agent)}/${what}${query}`;
}

export function failureOf(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(0, String(error), 'load the page again');
}
