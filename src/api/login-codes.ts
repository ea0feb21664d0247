/**
 * One-time login codes: a token that can make one lets its person's browser in without ever being typed there. A code
 * is 256 random bits, kept as a hash, good once and for ten minutes.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock, Identity } from './identity.js';

export interface LoginCodes {
  make(identity: Identity): { readonly code: string; readonly expiresMs: number };
  /** Whom the code lets in, this once; null where there is no such code, or no more. */
  take(code: string): Identity | null;
}

export const LOGIN_CODE_MS = 10 * 60_000;
/** Beyond this the oldest goes. */
const CODES_MAX = 1_000;

/** On a wall clock. */
export function createLoginCodes(clock: Clock): LoginCodes {
  const codes = new Map<string, { readonly identity: Identity; readonly expiresMs: number }>();
  return {
    make(identity) {
      if (codes.size >= CODES_MAX) codes.delete(codes.keys().next().value as string);
      const code = randomBytes(32).toString('base64url');
      const expiresMs = clock() + LOGIN_CODE_MS;
      codes.set(hashOf(code), { identity, expiresMs });
      return { code, expiresMs };
    },
    take(code) {
      const hash = hashOf(code);
      const known = codes.get(hash);
      codes.delete(hash);
      return known !== undefined && clock() < known.expiresMs ? known.identity : null;
    },
  };
}

/** Where a browser takes the code from: what stands behind # is sent to no server and stands in no log. */
export function loginPath(code: string): string {
  return `/#login=${code}`;
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64');
}
