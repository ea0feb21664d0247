/**
 * Signed webhooks as Standard Webhooks 1.0 has them: three headers, of which the signature covers the id, the time and
 * the body. While a secret is being rotated the message carries a signature by each.
 */
import { createHash, createHmac } from 'node:crypto';
import { KilldeerError } from '../errors.js';

const PREFIX = 'whsec_';
/** Bytes of a key that the specification asks for. */
const KEY_BYTES = { min: 24, max: 64 };

/** One secret, or two separated by blanks. Throws 'config.invalid', without saying what the secret is. */
export function readKeys(name: string, secrets: string, section = 'connectors'): readonly Buffer[] {
  const keys = secrets.split(/\s+/).map((secret) => Buffer.from(secret.replace(PREFIX, ''), 'base64'));
  const fits = keys.every(({ length }) => length >= KEY_BYTES.min && length <= KEY_BYTES.max);
  if (fits && keys.length <= 2) return keys;
  throw new KilldeerError(
    'config.invalid',
    `${section}.${name}: its secret is one or two of ${PREFIX} and ${KEY_BYTES.min} to ${KEY_BYTES.max} bytes as base64`,
  );
}

/** The headers that sign a body. `id` is the same however often it is sent. */
export function signedHeaders(
  keys: readonly Buffer[],
  id: string,
  nowMs: number,
  body: string,
): Record<string, string> {
  const seconds = Math.floor(nowMs / 1_000);
  const signed = `${id}.${seconds}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  };
}

/** A message id for a key of any text: names may hold what a header must not. */
export function messageId(key: string): string {
  return `msg_${createHash('sha256').update(key).digest('base64url').slice(0, 32)}`;
}
