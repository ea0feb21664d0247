/** Security Event Tokens, verified by a library that did not sign them. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CaepOptions, createCaep, requireKey } from '../../src/connect/caep.js';
import { type Connector, keyOfWish } from '../../src/connect/contract.js';
import { openLine } from './line.js';
import { openSetReceiver, type Receiver, type SetState } from './receivers.js';
import { type Counterpart, describeConnector } from './suite.js';
import { wish } from './wishes.js';

const ISSUER = 'https://killdeer.example';
const AUDIENCE = 'https://receiver.example';
const SIGNAL = new AbortController().signal;
const EVENTS = 'https://schemas.openid.net/secevent/caep/event-type/';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC = { type: 'spki', format: 'pem' } as const;

function caepOf(url: string, rest: Partial<CaepOptions> = {}): Connector {
  return createCaep(optionsOf(url, rest));
}

function optionsOf(url: string, rest: Partial<CaepOptions> = {}): CaepOptions {
  return {
    ...{ name: 'receiver', url, issuer: ISSUER, audience: AUDIENCE, algorithm: 'ES256', keyId: 'k1' },
    key: () => EC.privateKey.export(pem).toString(),
    subject: { format: 'iss_sub', iss: 'https://{tenant}.example', sub: '{agent}' },
    ...{ credentialType: 'app', token: null, now: Date.now },
    ...rest,
  };
}

const receive = () => openSetReceiver(EC.publicKey.export(PUBLIC).toString(), 'ES256', ISSUER, AUDIENCE);

describeConnector('a receiver of security events', async (): Promise<Counterpart> => {
  const receiver = await receive();
  const line = await openLine(receiver.url);
  return {
    connector: caepOf(line.url),
    line,
    secrets: [EC.privateKey.export(pem).toString().split('\n')[1]],
    isStopped: async (agent) => riskOf(receiver, agent) === 'HIGH',
    changes: () => receiver.state.sets.size,
    close: async () => {
      await line.close();
      await receiver.close();
    },
  };
});

/** As the receiver would have it: the last word on the agent. */
function riskOf({ state }: Receiver<SetState>, agent: string): unknown {
  const of = [...state.sets.values()].filter((claims) => (claims['sub_id'] as { sub: string }).sub === agent);
  const events = of.map(
    (claims) => (claims['events'] as Record<string, Record<string, unknown>>)[`${EVENTS}risk-level-change`],
  );
  return events.filter((event) => event !== undefined).pop()?.['current_level'];
}

async function told(status: Parameters<typeof wish>[1], rest: Partial<CaepOptions> = {}) {
  const receiver = await receive();
  try {
    const stop = wish('clerk', status, { timeMs: 1_900_000_000_500, by: 'person' });
    expect(await caepOf(receiver.url, rest).apply(stop, keyOfWish(stop), SIGNAL)).toEqual({ done: true, note: null });
    return { sets: [...receiver.state.sets.values()], headers: receiver.state.headers };
  } finally {
    await receiver.close();
  }
}

describe('a security event token', () => {
  it('holds one event each, with the members of CAEP and times in seconds', async () => {
    const { sets, headers } = await told('suspended');
    expect(headers[0]).toEqual({ alg: 'ES256', typ: 'secevent+jwt', kid: 'k1' });
    expect(sets.map(({ events }) => Object.keys(events as object))).toEqual([
      [`${EVENTS}session-revoked`],
      [`${EVENTS}risk-level-change`],
    ]);
    const [{ iss, aud, sub_id, txn, jti, events }, second] = sets;
    expect({ iss, aud, sub_id }).toEqual({
      ...{ iss: ISSUER, aud: AUDIENCE },
      sub_id: { format: 'iss_sub', iss: 'https://acme.example', sub: 'clerk' },
    });
    expect(txn).toBe(second['txn']);
    expect(jti).not.toBe(second['jti']);
    expect(Object.values(events as object)[0]).toMatchObject({
      event_timestamp: 1_900_000_000,
      initiating_entity: 'admin',
      reason_admin: { en: 'clerk repeats one failing call' },
    });
  });

  it.each([
    ['revoked', ['session-revoked', 'credential-change', 'risk-level-change'], 'HIGH'],
    ['restricted', ['token-claims-change', 'risk-level-change'], 'MEDIUM'],
    ['active', ['token-claims-change', 'risk-level-change'], 'LOW'],
  ] as const)('says what %s means to a receiver', async (status, types, level) => {
    const { sets } = await told(status);
    const events = sets.flatMap((claims) => Object.entries(claims['events'] as Record<string, object>));
    expect(events.map(([type]) => type.slice(EVENTS.length))).toEqual(types);
    expect(events[events.length - 1][1]).toMatchObject({ current_level: level });
    if (status === 'revoked') expect(events[1][1]).toMatchObject({ credential_type: 'app', change_type: 'revoke' });
  });

  it('names the word of a refusal, not its description', async () => {
    const receiver = await receive();
    try {
      const key = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString();
      const applied = await caepOf(receiver.url, { key }).apply(wish('clerk'), 'k', SIGNAL);
      expect(applied).toMatchObject({
        ...{ done: false, fault: 'wish', retryAfterMs: null },
        reason: 'security event: answered with 400, invalid_key',
      });
    } finally {
      await receiver.close();
    }
  });

  it('is signed by other algorithms too', async () => {
    const receiver = await openSetReceiver(RSA.publicKey.export(PUBLIC).toString(), 'RS256', ISSUER, AUDIENCE);
    try {
      const rsa = caepOf(receiver.url, { algorithm: 'RS256', key: () => RSA.privateKey.export(pem).toString() });
      expect(await rsa.apply(wish('clerk'), 'k', SIGNAL)).toMatchObject({ done: true });
    } finally {
      await receiver.close();
    }
  });

  it('needs a key of its algorithm, which no error shows', async () => {
    const ed = generateKeyPairSync('ed25519').privateKey.export(pem).toString();
    await expect(requireKey(optionsOf('http://x', { algorithm: 'EdDSA', key: () => ed }))).resolves.toBeUndefined();
    const wrong = requireKey(optionsOf('http://x', { key: () => 'no key at all' }));
    await expect(wrong).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.not.stringContaining('at all'),
    });
  });
});
