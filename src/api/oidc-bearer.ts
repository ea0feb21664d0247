/**
 * Access tokens of the identity provider as bearer tokens. Each is checked once and remembered by its hash until it ends,
 * for a few minutes at the most, so that a call with a token seen before waits for nobody.
 */
import { createHash } from 'node:crypto';
import { KilldeerError } from '../errors.js';
import type { Clock, Identity } from './identity.js';
import { type BearerPort, identityOfClaims } from './oidc.js';
import type { Provider } from './oidc-provider.js';
import type { OidcConfig } from './section.js';

/** Three parts of base64url; the scheme in any case. */
const JWT = /^Bearer +([\w-]{1,4000}\.[\w-]{1,12000}\.[\w-]{0,4000})$/i;
const REMEMBERED_MAX = 1_000;
const REMEMBERED_MS = 300_000;
/** Checked at once; each may wait for the provider's keys. */
const CHECKS_MAX = 100;

interface Known {
  readonly identity: Identity;
  readonly untilMs: number;
}

/** On a wall clock. */
export function createBearer(config: OidcConfig, provider: Provider, clock: Clock): BearerPort {
  const remembered = new Map<string, Known>();
  let checks = 0;

  function recall(hash: string): Identity | null {
    const known = remembered.get(hash);
    if (known === undefined) return null;
    if (clock() < known.untilMs) return known.identity;
    remembered.delete(hash);
    return null;
  }

  async function check(token: string, hash: string): Promise<Identity | null> {
    if (checks >= CHECKS_MAX) throw new KilldeerError('api.rate-limited', 'too many new tokens at once');
    checks += 1;
    try {
      const claims = await provider.verify(token, config.audience ?? config.client_id);
      if (claims === null) return null;
      const identity = identityOfClaims(claims, config);
      if (remembered.size >= REMEMBERED_MAX) remembered.delete(remembered.keys().next().value as string);
      const untilMs = Math.min((claims.exp as number) * 1_000, clock() + REMEMBERED_MS);
      remembered.set(hash, { identity, untilMs });
      return identity;
    } finally {
      checks -= 1;
    }
  }

  return {
    verify(header) {
      const token = JWT.exec(header)?.[1];
      if (token === undefined) return null;
      const hash = hashOf(token);
      return recall(hash) ?? check(token, hash);
    },
    known(header) {
      const token = header === undefined ? undefined : JWT.exec(header)?.[1];
      return token === undefined ? null : recall(hashOf(token));
    },
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
