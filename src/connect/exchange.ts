/**
 * One HTTP call to a place: bounded in time and size, without redirects, to nowhere but the address that was
 * configured. It never throws, and what it says of a failure holds neither secrets nor what the other side sent.
 */
import { KilldeerError } from '../errors.js';
import type { Applied } from './contract.js';

/** Answers are short; what is longer is cut off unread. */
const ANSWER_BYTES_MAX = 262_144;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An answer, or why there was none. */
export type Answered = { readonly answer: Answer } | { readonly silence: string };

export async function exchange({ method, url, headers = {}, body, signal }: Call): Promise<Answered> {
  try {
    const init = { method, headers, signal, redirect: 'manual' as const, ...(body === undefined ? {} : { body }) };
    const response = await fetch(url, init);
    const text = await readBounded(response);
    if (text === null) return { silence: `its answer is longer than ${ANSWER_BYTES_MAX} bytes` };
    return { answer: { status: response.status, headers: response.headers, text } };
  } catch (error) {
    return { silence: silenceOf(error, signal) };
  }
}

async function readBounded(response: Response): Promise<string | null> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts).toString('utf8');
    bytes += value.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    parts.push(value);
  }
}

/** The code of what went wrong beneath; its message may name what nobody should read. */
function silenceOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code)) return `no answer (${code})`;
  }
  return 'no answer';
}

/** The failure that an answer or a silence is; `words` says what was tried. */
export function failureOf(words: string, answered: Answered): Applied & { readonly done: false } {
  if ('silence' in answered) {
    return { done: false, reason: `${words}: ${answered.silence}`, retryAfterMs: null, fault: 'place' };
  }
  const { status, headers } = answered.answer;
  const redirected = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  return {
    done: false,
    reason: `${words}: answered with ${status}${redirected}`,
    retryAfterMs: retryAfterOf(headers.get('retry-after'), Date.now()),
    // Whoever is refused entry is refused for every wish alike.
    fault: status >= 500 || [401, 403, 408, 425, 429].includes(status) ? 'place' : 'wish',
  };
}

/** Seconds or a date, RFC 9110 section 10.2.3, as ms from now; null: neither. */
export function retryAfterOf(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** JSON text as an object; null where it is none. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** An address with more path, percent-encoded part by part, and a query. */
export function urlOf(base: string, parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const path = parts.map((part) => `/${encodeURIComponent(part)}`).join('');
  const url = new URL(`${base.replace(/\/+$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Throws 'config.invalid' for an address that must not be called: not https, unless it is this machine or that is said
 * to be meant, or one with a secret in it.
 */
export function requireAddress(name: string, address: string, isInsecureMeant: boolean, section = 'connectors'): void {
  const complain = (words: string): never => {
    throw new KilldeerError('config.invalid', `${section}.${name}: ${words}`);
  };
  const url = URL.canParse(address) ? new URL(address) : complain('its url is no address');
  if (url.username !== '' || url.password !== '') complain('a secret does not belong into its url');
  if (url.protocol === 'https:') return;
  if (url.protocol !== 'http:') complain(`${url.protocol} is neither https nor http`);
  if (!isInsecureMeant && !isLoopback(url.hostname))
    complain(`${url.origin} is not https; say insecure if it is meant`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
