/** Transactions on a real broker: whole or not at all, by one writer at a time, whatever dies in between. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { readKeyed } from '../../src/log/kafka-keyed.js';
import { openTransactionalWriter, type TransactionalWriter } from '../../src/log/kafka-transaction.js';
import { describeKafka, describeOutage, kafkaOptions, makeTopics, startBroker } from '../kafka/broker.js';
import { readPartition, readSettled, startChild, until, valuesOf } from './kafka-children.js';

const record = (value: string, topic = 'out', partition = 0) => ({ topic, partition, key: null, value });
/** Brokers that start take their time on a busy machine. */
const OUTAGE_MS_MAX = 180_000;

const code = (expected: string) => expect.objectContaining({ code: expected });

async function open(kafka: KafkaOptions, more: { timeoutMs?: number } = {}): Promise<TransactionalWriter> {
  const writer = await openTransactionalWriter({ kafka, transactionalId: `${kafka.prefix}score-0`, ...more });
  onTestFinished(() => writer.close());
  return writer;
}

describeKafka('transactions', (broker) => {
  const world = async (topics: Record<string, number> = { out: 2, state: 1 }, config = {}): Promise<KafkaOptions> => {
    const kafka = broker.options();
    await makeTopics(kafka, topics, config);
    return kafka;
  };

  it('are seen whole, in order, with their keys, in every topic and partition', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    const state = { topic: 'state', partition: 0, key: 'agent/é', value: Buffer.from([0, 255, 10]) };
    await writer.commit([record('a'), record('b', 'out', 1), state, record('c')]);
    await writer.commit([]);
    await writer.commit([{ ...state, value: null }, record('d')]);
    expect(await valuesOf(kafka, 'out', 0)).toEqual(['a', 'c', 'd']);
    expect(await valuesOf(kafka, 'out', 1)).toEqual(['b']);
    const { records } = await readSettled(kafka, 'state', 0);
    expect(records.map(({ key, value }) => [String(key), value])).toEqual([
      ['agent/é', Buffer.from([0, 255, 10])],
      ['agent/é', null],
    ]);
  });

  it('may be larger than a request, and follow each other when asked for at once', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    const large = Array.from({ length: 3_000 }, (_, i) => `${i} ${'x'.repeat(1_000)}`);
    const longest = 'y'.repeat(1_000_000);
    await Promise.all([writer.commit([...large, longest].map((value) => record(value))), writer.commit([record('z')])]);
    expect(await valuesOf(kafka, 'out')).toEqual([...large, longest, 'z']);
  });

  it.each(['gzip', 'snappy', 'lz4'] as const)('are compressed by %s', async (compression) => {
    const kafka = { ...(await world()), compression };
    const writer = await open(kafka);
    await writer.commit([record('a'.repeat(1_000)), record('b')]);
    expect(await valuesOf(kafka, 'out')).toEqual(['a'.repeat(1_000), 'b']);
  });

  it('of a writer that was fenced never come to be seen', async () => {
    const kafka = await world();
    const former = await open(kafka);
    await former.commit([record('before')]);
    const next = await open(kafka);
    await expect(former.commit([record('zombie')])).rejects.toThrow(code('kafka.fenced'));
    await expect(former.commit([record('again')])).rejects.toThrow(code('kafka.fenced'));
    expect(former.failure).toEqual(code('kafka.fenced'));
    await next.commit([record('after')]);
    expect(await valuesOf(kafka, 'out')).toEqual(['before', 'after']);
    expect(next.failure).toBeNull();
  });

  it('that a writer has open when it is fenced are aborted at once', async () => {
    const kafka = await world();
    const small = { ...kafka, compression: 'none' as const };
    let caught = 0;
    for (let attempt = 0; attempt < 8 && caught === 0; attempt += 1) {
      const before = (await readSettled(small, 'out', 0)).records.length;
      const { end: written } = await readPartition(small, 'out', 0, { readCommitted: false });
      const former = await open(small);
      const many = Array.from({ length: 60 }, (_, i) => record(`${attempt}/${i} ${'x'.repeat(900_000)}`));
      const committing = former.commit(many).then(
        () => null,
        (error: unknown) => error,
      );
      await until('records of the open transaction', async () => {
        const { end } = await readPartition(small, 'out', 0, { readCommitted: false });
        return end > written;
      });
      const next = await open(small);
      const seen = await readPartition(small, 'out', 0);
      const all = await readPartition(small, 'out', 0, { readCommitted: false });
      // Nothing holds readers back any more, and no record of a half stands.
      expect(seen.end).toBe(all.end);
      const outcome = await committing;
      expect(seen.records.length - before).toBe(outcome === null ? many.length : 0);
      if (outcome !== null) {
        expect(outcome).toEqual(code('kafka.fenced'));
        expect(former.failure).toEqual(code('kafka.fenced'));
        caught += 1;
      }
      await Promise.all([former.close(), next.close()]);
    }
    expect(caught).toBe(1);
  });

  it('of another client are fenced too, and its commit fails', async () => {
    const kafka = await world();
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const other = client.producer({
      transactionalId: `${kafka.prefix}score-0`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await other.connect();
    onTestFinished(() => other.disconnect());
    const transaction = await other.transaction();
    await transaction.send({ topic: `${kafka.prefix}out`, messages: [{ value: 'half', partition: 0 }] });
    expect((await readPartition(kafka, 'out', 0)).end).toBe(0);
    const writer = await open(kafka);
    await expect(transaction.commit()).rejects.toThrow(/epoch/);
    await writer.commit([record('whole')]);
    expect(await valuesOf(kafka, 'out')).toEqual(['whole']);
  });

  it('that fail while they are sent leave nothing to be seen and hold nobody back', async () => {
    const kafka = await world({ out: 2, state: 1 }, { 'max.message.bytes': '100000' });
    const writer = await open(kafka);
    await writer.commit([record('first')]);
    const failing = writer.commit([record('half', 'state'), record('x'.repeat(200_000), 'out', 1)]);
    await expect(failing).rejects.toThrow(code('log.too-long'));
    // What reached the brokers is not known: only a new writer may go on.
    expect(writer.failure).toEqual(code('log.too-long'));
    await expect(writer.commit([record('more')])).rejects.toThrow(code('log.too-long'));
    // Which also says that no open transaction holds readers back.
    expect(await valuesOf(kafka, 'state')).toEqual([]);
    const next = await open(kafka);
    await next.commit([record('second', 'state')]);
    expect(await valuesOf(kafka, 'state')).toEqual(['second']);
  });

  it('that cannot begin leave the writer as it was', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    await expect(writer.commit([record('a'), record('b', 'absent')])).rejects.toThrow(code('kafka.missing-topic'));
    await expect(writer.commit([record('a', 'out', 7)])).rejects.toThrow(`${kafka.prefix}out has no partition 7`);
    expect(writer.failure).toBeNull();
    await writer.commit([record('c')]);
    expect(await valuesOf(kafka, 'out')).toEqual(['c']);
  });

  it('need topics that are there, where they are named beforehand', async () => {
    const kafka = await world();
    const transactionalId = `${kafka.prefix}score-0`;
    const opening = openTransactionalWriter({ kafka, transactionalId, topics: ['out', 'absent'] });
    await expect(opening).rejects.toThrow(code('kafka.missing-topic'));
  });

  it('end with the writer, which leaves nothing that keeps a process alive', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    await Promise.all([writer.close(), writer.close()]);
    await expect(writer.commit([record('late')])).rejects.toThrow(code('log.closed'));
    const child = startChild({ kind: 'once', kafka, id: `${kafka.prefix}score-1` });
    expect(await child.ended).toBe(0);
    expect(child.said).toEqual([{ closed: true }]);
  });

  it('are there whole and once after every crash of the writer', async () => {
    const kafka = await world();
    const task = { kind: 'count', kafka, id: `${kafka.prefix}score-0`, bytes: 200 };
    let acknowledged = 0;
    for (let round = 0; round < 10; round += 1) {
      const child = startChild(task);
      // Killed after some commits, at whatever point the next has come to.
      await until(`commits of round ${round}`, () => child.said.length > 2 + ((round * 7) % 5));
      await child.kill();
      expect(child.said[0]['from']).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = Number(child.said.at(-1)?.['committed']);
    }
    await open(kafka);
    let last = 0;
    await readKeyed({ kafka, topic: 'state', partition: 0 }, (_key, value) => {
      last = Number(value);
    });
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    const parts = (partition: number) =>
      Array.from({ length: last }, (_, i) =>
        [0, 1, 2, 3, 4].filter((part) => part % 2 === partition).map((part) => `${i + 1}/${part}`),
      );
    for (const partition of [0, 1]) {
      const names = (await valuesOf(kafka, 'out', partition)).map((value) => value.split(' ')[0]);
      expect(names).toEqual(parts(partition).flat());
    }
  });
});

describeOutage('transactions while the broker is away', () => {
  it(
    'are not written, and the same writer commits once it is back',
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'killdeer-kafka-data-'));
      onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
      const first = await startBroker({ dataDir });
      onTestFinished(() => first.stop());
      const kafka = kafkaOptions(first.brokers, { requestTimeoutMs: 2_000 });
      await makeTopics(kafka, { out: 1 });
      const writer = await open(kafka, { timeoutMs: 8_000 });
      await writer.commit([record('before')]);
      await first.stop();
      await expect(writer.commit([record('meanwhile')])).rejects.toThrow(code('kafka.unreachable'));
      expect(writer.failure).toBeNull();
      const second = await startBroker({ dataDir, port: first.port });
      onTestFinished(() => second.stop());
      await writer.commit([record('after')]);
      second.pause();
      await expect(writer.commit([record('paused')])).rejects.toThrow(code('kafka.unreachable'));
      second.resume();
      // The request to begin may have reached it while it slept: that transaction is aborted first.
      if (writer.failure === null) await writer.commit([record('resumed')]).catch(() => {});
      const next = await open(kafka);
      await next.commit([record('last')]);
      const values = await valuesOf(kafka, 'out');
      expect(values.filter((value) => value !== 'resumed')).toEqual(['before', 'after', 'last']);
      await Promise.all([writer.close(), next.close()]);
    },
    OUTAGE_MS_MAX,
  );
});
