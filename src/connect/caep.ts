/**
 * Receivers of Shared Signals: Security Event Tokens (RFC 8417) with CAEP 1.0 events, pushed by RFC 8935. Each event is
 * a token of its own, whose `jti` follows from the wish, so that a receiver knows one that comes twice. A receiver
 * answers that it took a token and never what it made of it: nothing can be read back.
 */
import { createHash } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import { KilldeerError } from '../errors.js';
import type { AgentStatus } from '../registry/registry.js';
import type { Applied, Connector, Wish } from './contract.js';
import { type Answered, exchange, failureOf, objectOf } from './exchange.js';
import type { Secret } from './secret.js';
import { subjectOf } from './subject.js';
import { wordsOf } from './words.js';

export const SET_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const;

export interface CaepOptions {
  readonly name: string;
  readonly url: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: (typeof SET_ALGORITHMS)[number];
  /** PKCS #8 in PEM. */
  readonly key: Secret;
  /** `kid` of the key; null: the token names none. */
  readonly keyId: string | null;
  /** Members of `sub_id` (RFC 9493), with {tenant} and {agent}. */
  readonly subject: Readonly<Record<string, string>>;
  readonly credentialType: string;
  /** Authorises the push; null: the receiver asks for nothing. */
  readonly token: Secret | null;
  /** Wall clock, ms. */
  readonly now: () => number;
}

const EVENTS = 'https://schemas.openid.net/secevent/caep/event-type/';

const RISK: Readonly<Record<AgentStatus, 'LOW' | 'MEDIUM' | 'HIGH'>> = {
  active: 'LOW',
  throttled: 'MEDIUM',
  restricted: 'MEDIUM',
  suspended: 'HIGH',
  revoked: 'HIGH',
};

const INITIATORS: Readonly<Record<Wish['by'], string>> = { person: 'admin', policy: 'policy', system: 'system' };

export function createCaep(options: CaepOptions): Connector {
  return {
    name: options.name,
    kind: 'caep',
    apply: async (wish, key, signal) => {
      for (const [type, event] of eventsOf(wish, options.credentialType)) {
        const applied = await push(options, await signSet(options, wish, key, type, event), signal);
        if (!applied.done) return applied;
      }
      return { done: true, note: null };
    },
  };
}

/** Throws 'config.invalid' where the key is none of the algorithm. */
export async function requireKey({ name, algorithm, key }: CaepOptions): Promise<void> {
  try {
    await importPKCS8(key(), algorithm);
  } catch {
    throw new KilldeerError('config.invalid', `connectors.${name}: its key is no PKCS #8 in PEM for ${algorithm}`);
  }
}

/** The events that say what happened, by type. */
export function eventsOf(wish: Wish, credentialType: string): [type: string, event: Record<string, unknown>][] {
  const { status, by, timeMs } = wish;
  const common = {
    event_timestamp: Math.floor(timeMs / 1_000),
    initiating_entity: INITIATORS[by],
    reason_admin: { en: wish.reason },
    reason_user: { en: wordsOf(wish) },
  };
  const risk = { ...common, principal: 'USER', current_level: RISK[status], risk_reason: wish.reason };
  const events: [string, Record<string, unknown>][] = [];
  if (status === 'suspended' || status === 'revoked') events.push(['session-revoked', common]);
  else events.push(['token-claims-change', { ...common, claims: { agent_status: status } }]);
  if (status === 'revoked') {
    const revoked = { ...common, credential_type: credentialType, change_type: 'revoke' };
    events.push(['credential-change', revoked]);
  }
  events.push(['risk-level-change', risk]);
  return events;
}

async function signSet(
  options: CaepOptions,
  wish: Wish,
  key: string,
  type: string,
  event: Record<string, unknown>,
): Promise<string> {
  const { algorithm, keyId, issuer, audience, subject, now } = options;
  const sub = Object.fromEntries(Object.entries(subject).map(([name, text]) => [name, subjectOf(text, wish)]));
  const claims = { sub_id: sub, txn: digestOf(key), events: { [`${EVENTS}${type}`]: event } };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: 'secevent+jwt', ...(keyId === null ? {} : { kid: keyId }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(Math.floor(now() / 1_000))
    .setJti(digestOf(`${key} ${type}`))
    .sign(await importPKCS8(options.key(), algorithm));
}

async function push({ url, token }: CaepOptions, set: string, signal: AbortSignal): Promise<Applied> {
  const headers = {
    'content-type': 'application/secevent+jwt',
    'accept': 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token()}` }),
  };
  const answered = await exchange({ method: 'POST', url, headers, body: set, signal });
  if ('answer' in answered && answered.answer.status === 202) return { done: true, note: null };
  const failure = failureOf('security event', answered);
  const code = errorOf(answered);
  return code === null ? failure : { ...failure, reason: `${failure.reason}, ${code}` };
}

/** The registered word of a refusal, RFC 8935 section 2.4; its description may say anything and is left out. */
function errorOf(answered: Answered): string | null {
  if ('silence' in answered) return null;
  const code = objectOf(answered.answer.text)?.['err'];
  return typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? code : null;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}
