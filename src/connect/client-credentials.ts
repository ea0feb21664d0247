/** An access token by the client-credentials grant (RFC 6749, section 4.4), kept until shortly before it ends. */
import { exchange, objectOf } from './exchange.js';
import type { Bearer } from './scim.js';
import type { Secret } from './secret.js';

/** A token that ends within this is not used any more, ms. */
const EARLY_MS = 15_000;

export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly secret: Secret;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export function createBearer({ tokenUrl, clientId, secret, now }: ClientCredentials): Bearer {
  let kept: { readonly token: string; readonly untilMs: number } | null = null;
  return async (signal, isRefused) => {
    if (isRefused) kept = null;
    if (kept !== null && now() < kept.untilMs) return kept;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: secret(),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'accept': 'application/json' };
    const answered = await exchange({ method: 'POST', url: tokenUrl, headers, body: form.toString(), signal });
    if ('silence' in answered || answered.answer.status !== 200) return { answered };
    const { access_token: token, expires_in: seconds } = objectOf(answered.answer.text) ?? {};
    if (typeof token !== 'string') return { answered: { silence: 'it gave no token' } };
    kept = { token, untilMs: now() + (typeof seconds === 'number' ? seconds * 1_000 - EARLY_MS : 0) };
    return { token };
  };
}
