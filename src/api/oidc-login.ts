/**
 * Login at the identity provider: the code flow with PKCE, state and nonce. What a login under way needs stays here, for
 * ten minutes; the browser holds a key to it, so that nobody finishes a login that another browser began.
 */
import { randomBytes } from 'node:crypto';
import * as client from 'openid-client';
import { KilldeerError } from '../errors.js';
import type { Clock } from './identity.js';
import { type Claims, identityOfClaims, type LoginPort } from './oidc.js';
import type { Provider } from './oidc-provider.js';
import type { OidcConfig } from './section.js';

interface Begun {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly untilMs: number;
}

const LOGIN_MS = 10 * 60_000;
/** Beyond this the oldest is forgotten. */
const BEGUN_MAX = 1_000;

/** `redirectUrl` is registered at the provider. On a wall clock. */
export function createLogin(config: OidcConfig, provider: Provider, redirectUrl: string, clock: Clock): LoginPort {
  const begun = new Map<string, Begun>();

  function take(key: string): Begun | null {
    const one = begun.get(key);
    begun.delete(key);
    return one !== undefined && clock() < one.untilMs ? one : null;
  }

  return {
    async begin() {
      const configuration = await provider.client();
      const verifier = client.randomPKCECodeVerifier();
      const one = { verifier, state: client.randomState(), nonce: client.randomNonce(), untilMs: clock() + LOGIN_MS };
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUrl,
        scope: config.scopes.join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: one.state,
        nonce: one.nonce,
      });
      if (begun.size >= BEGUN_MAX) begun.delete(begun.keys().next().value as string);
      const key = randomBytes(32).toString('base64url');
      begun.set(key, one);
      return { url: url.href, key };
    },
    async finish(key, search) {
      const one = take(key);
      if (one === null) throw new KilldeerError('api.unauthorized', 'this login was not begun here, or too long ago');
      const configuration = await provider.client();
      const back = new URL(redirectUrl);
      back.search = search;
      const checks = { pkceCodeVerifier: one.verifier, expectedState: one.state, expectedNonce: one.nonce };
      const tokens = await granted(
        client.authorizationCodeGrant(configuration, back, { ...checks, idTokenExpected: true }),
      );
      const claims = tokens.claims() as Claims;
      return identityOfClaims({ ...(await more(provider, tokens.access_token, claims)), ...claims }, config);
    },
  };
}

/** Who fails here gets no words of the provider: they may hold anything. */
async function granted<T>(grant: Promise<T>): Promise<T> {
  try {
    return await grant;
  } catch (error) {
    throw new KilldeerError('api.unauthorized', 'the login did not come to a good end: begin it again', error);
  }
}

/** Providers tell roles in the access token only, often; where it is theirs and of the same person it counts as well. */
async function more(provider: Provider, accessToken: string, { sub }: Claims): Promise<Claims> {
  const payload = accessToken.split('.').length === 3 ? await provider.verify(accessToken, null) : null;
  return payload !== null && payload.sub === sub ? payload : {};
}
