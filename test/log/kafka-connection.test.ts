/** Who gets in: TLS, SASL, addresses; and what is said where somebody does not. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { compressionOf, type KafkaOptions, kafkaError, openKafkaClient } from '../../src/log/kafka-connection.js';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import { type ChildBroker, describeOutage, kafkaOptions, makeTopics, SASL_USER, startBroker } from '../kafka/broker.js';

const TOPICS = { events: 1 };

describeOutage('a connection to Kafka', () => {
  let broker: ChildBroker;
  beforeAll(async () => {
    broker = await startBroker({ sasl: true, tls: true });
  });
  afterAll(() => broker.stop());

  /** Topics are made over the plain listener, which lets everybody in. */
  async function options(listener: string | null, overrides: Partial<KafkaOptions>): Promise<KafkaOptions> {
    const plain = kafkaOptions(broker.brokers);
    await makeTopics(plain, TOPICS);
    return { ...plain, brokers: [listener ?? ''], requestTimeoutMs: 3_000, ...overrides };
  }

  async function writesAndReads(kafka: KafkaOptions): Promise<void> {
    const log = await openKafkaLog({ kafka, topics: TOPICS });
    await log.append('events', 0, ['through']);
    expect((await log.read('events', 0, 0, 1)).records).toEqual([{ offset: 0, value: 'through' }]);
    await log.close();
  }

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('lets a user in by %s', async (mechanism) => {
    await writesAndReads(await options(broker.sasl, { sasl: { mechanism, ...SASL_USER } }));
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'says that the password is refused by %s, not what it is',
    async (mechanism) => {
      const password = 'not-the-password';
      const said: string[] = [];
      const kafka = await options(broker.sasl, {
        sasl: { mechanism, username: SASL_USER.username, password },
        report: (_level, ...words) => said.push(words.map(String).join(' ')),
      });
      const error = await openKafkaLog({ kafka, topics: TOPICS }).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'kafka.refused', retry: false });
      for (let at = error; at instanceof Error; at = at.cause)
        expect(`${at.message} ${at.stack}`).not.toContain(password);
      expect(said.join('\n')).not.toContain(password);
    },
  );

  it('speaks TLS with a certificate that it knows, and with no other', async () => {
    const ca = readFileSync(broker.certificate ?? '', 'utf8');
    await writesAndReads(await options(broker.tls, { tls: { ca } }));
    const strange = await options(broker.tls, { tls: true });
    await expect(openKafkaLog({ kafka: strange, topics: TOPICS })).rejects.toMatchObject({
      code: 'kafka.unreachable',
      message: expect.stringContaining('certificate'),
    });
  });

  it('tries every address that it was given', async () => {
    await writesAndReads(await options('127.0.0.1:1', { brokers: ['[::1]:1', '127.0.0.1:1', broker.brokers[0]] }));
  });

  it('can be given an address of IPv6', async () => {
    const kafka = await options('[::1]:1', {});
    const error = await openKafkaLog({ kafka, topics: TOPICS }).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'kafka.unreachable', message: expect.stringContaining('::1') });
  });
});

describe('what kafkajs throws', () => {
  const thrown = (members: object) => Object.assign(new Error('as the broker says'), members);

  it.each([
    [{ type: 'TOPIC_AUTHORIZATION_FAILED' }, 'kafka.refused'],
    [{ name: 'KafkaJSSASLAuthenticationError' }, 'kafka.refused'],
    [{ type: 'UNKNOWN_TOPIC_OR_PARTITION' }, 'kafka.missing-topic'],
    [{ type: 'MESSAGE_TOO_LARGE' }, 'log.too-long'],
    [{ type: 'INVALID_PRODUCER_EPOCH' }, 'kafka.fenced'],
    [{ type: 'KAFKAJS_UNKNOWN_ERROR_CODE', message: 'Unknown error code 90' }, 'kafka.fenced'],
    [{ type: 'NOT_LEADER_FOR_PARTITION' }, 'kafka.unreachable'],
    [{ name: 'KafkaJSConnectionError' }, 'kafka.unreachable'],
  ])('becomes one of ours: %j', (members, code) => {
    const inner = thrown(members);
    for (const error of [inner, thrown({ cause: inner }), thrown({ cause: thrown({ cause: inner }) })]) {
      const ours = kafkaError(error, 'an append failed');
      expect(ours).toMatchObject({ code, cause: error });
      expect(ours.message).toMatch(/^an append failed: /);
    }
  });

  it('stays as it is where it is ours', () => {
    const ours = new KilldeerError('kafka.codec', 'zstd needs a newer Node');
    expect(kafkaError(thrown({ cause: ours }), 'a read failed')).toBe(ours);
  });

  it('says what zstd needs where it is not there', () => {
    const has = 'zstdCompressSync' in process.getBuiltinModule('node:zlib');
    const options = kafkaOptions(['127.0.0.1:1'], { compression: 'zstd' });
    if (has) expect(compressionOf('zstd')).toBe(4);
    else expect(() => openKafkaClient(options)).toThrow(/zstd needs Node 22\.15/);
  });
});
