/** The identity provider as it describes itself: asked when it is first needed, and again after it was not there. */
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { KilldeerError } from '../errors.js';
import type { OidcConfig } from './section.js';

export interface ProviderOptions {
  readonly config: OidcConfig;
  /** Of the client; null: a public one. */
  readonly secret: string | null;
  /** Between two readings of its keys for a key that is not known, ms. */
  readonly cooldownMs?: number;
}

export interface Provider {
  /** Rejects with 'oidc.unreachable'. */
  client(): Promise<client.Configuration>;
  /** What a good token says; null: it is none. `audience` null: whatever it is meant for. */
  verify(token: string, audience: string | null): Promise<JWTPayload | null>;
}

/** Signatures by a key that the provider publishes; never `none`, and never a secret that both sides hold. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const TYPES: readonly (string | undefined)[] = [undefined, 'JWT', 'at+jwt', 'application/at+jwt'];
const TIMEOUT_S = 5;
const SKEW_S = 30;
const KEYS_FOR_MS = 600_000;

type Keys = ReturnType<typeof createRemoteJWKSet>;

export function createProvider({ config, secret, cooldownMs = 30_000 }: ProviderOptions): Provider {
  let found: Promise<client.Configuration> | null = null;
  let keys: Keys | null = null;

  function discovered(): Promise<client.Configuration> {
    found ??= discover(config, secret).catch((error: unknown) => {
      found = null;
      throw unreachable(config, error);
    });
    return found;
  }

  async function keysOf(): Promise<Keys> {
    const { jwks_uri: uri } = (await discovered()).serverMetadata();
    if (uri === undefined) throw unreachable(config, new Error('it publishes no keys'));
    const options = { cooldownDuration: cooldownMs, cacheMaxAge: KEYS_FOR_MS, timeoutDuration: TIMEOUT_S * 1_000 };
    keys ??= createRemoteJWKSet(new URL(uri), options);
    return keys;
  }

  async function verify(token: string, audience: string | null): Promise<JWTPayload | null> {
    const options: JWTVerifyOptions = {
      ...{ issuer: config.issuer, algorithms: ALGORITHMS, clockTolerance: SKEW_S, requiredClaims: ['exp', 'sub'] },
      ...(audience === null ? {} : { audience }),
    };
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await keysOf(), options);
      return TYPES.includes(protectedHeader.typ) && isForBearer(payload) ? payload : null;
    } catch (error) {
      if (isBadToken(error)) return null;
      throw error instanceof KilldeerError ? error : unreachable(config, error);
    }
  }

  return { client: discovered, verify };
}

function discover({ issuer, client_id }: OidcConfig, secret: string | null): Promise<client.Configuration> {
  const isPlain = new URL(issuer).protocol === 'http:';
  const execute = [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])];
  const proof = secret === null ? client.None() : client.ClientSecretBasic(secret);
  return client.discovery(new URL(issuer), client_id, {}, proof, { execute, timeout: TIMEOUT_S });
}

/** Not one of the provider's other tokens, and none that is worth something only with a key that we do not see. */
function isForBearer({ typ, cnf }: JWTPayload): boolean {
  return (typ === undefined || typ === 'Bearer') && cnf === undefined;
}

/** Everything else is the provider's fault or the network's. */
function isBadToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return error.code !== errors.JWKSTimeout.code && error.code !== errors.JOSEError.code;
}

function unreachable({ issuer }: OidcConfig, error: unknown): KilldeerError {
  return new KilldeerError('oidc.unreachable', `the identity provider ${issuer} gave no good answer`, error);
}
