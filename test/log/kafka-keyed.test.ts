/** Topics by key on a real broker: the last value of each key, compacted or not. */
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { readKeyed } from '../../src/log/kafka-keyed.js';
import { openTransactionalWriter, type TransactionalWriter } from '../../src/log/kafka-transaction.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';
import { readPartition, until } from './kafka-children.js';

/** Compacted as soon as the broker can. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '500',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '1',
  'max.compaction.lag.ms': '500',
};

const code = (expected: string) => expect.objectContaining({ code: expected });
const entry = (key: string, value: string | null, partition = 0) => ({ topic: 'state', partition, key, value });

describeKafka('a topic by key', (broker) => {
  const world = async (config: Record<string, string> = { 'cleanup.policy': 'compact' }): Promise<KafkaOptions> => {
    const kafka = broker.options();
    await makeTopics(kafka, { state: 2, models: 1 }, config);
    return kafka;
  };
  const open = async (kafka: KafkaOptions, name = 'score-0'): Promise<TransactionalWriter> => {
    const writer = await openTransactionalWriter({ kafka, transactionalId: kafka.prefix + name });
    onTestFinished(() => writer.close());
    return writer;
  };
  const lastValues = async (kafka: KafkaOptions, partition = 0): Promise<Record<string, string>> => {
    const values = new Map<string, string>();
    await readKeyed({ kafka, topic: 'state', partition }, (key, value) => {
      if (value === null) values.delete(key);
      else values.set(key, value.toString());
    });
    return Object.fromEntries(values);
  };

  it('reads what was committed last, of one partition, in order', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    await writer.commit([entry('a', '1'), entry('b', '1'), entry('other', '1', 1)]);
    await writer.commit([entry('a', '2'), entry('b', null), entry('c', '2')]);
    expect(await lastValues(kafka)).toEqual({ a: '2', c: '2' });
    const seen: string[] = [];
    const { end } = await readKeyed({ kafka, topic: 'state', partition: 0 }, async (key, value, offset) => {
      await Promise.resolve();
      seen.push(`${offset}:${key}=${value}`);
    });
    // Two records, the end of a transaction, three records, another end.
    expect(seen).toEqual(['0:a=1', '1:b=1', '3:a=2', '4:b=null', '5:c=2']);
    expect(end).toBe(7);
  });

  it('is the same after the broker has compacted it', async () => {
    const kafka = await world(COMPACTED);
    const writer = await open(kafka);
    for (let round = 0; round < 20; round += 1) {
      const entries = Array.from({ length: 20 }, (_, i) => entry(`agent-${i}`, `${round}/${i}`));
      await writer.commit([
        ...entries,
        entry(`gone-${round}`, 'x'),
        ...(round > 0 ? [entry(`gone-${round - 1}`, null)] : []),
      ]);
    }
    const expected = await lastValues(kafka);
    expect(Object.keys(expected)).toHaveLength(21);
    // Only segments that are full or old are compacted: writing goes on until one is.
    await until('the topic to be compacted', async () => {
      await writer.commit([entry('gone-19', null)]);
      const { records, end } = await readPartition(kafka, 'state', 0);
      return records.length < end / 4;
    });
    delete expected['gone-19'];
    expect(await lastValues(kafka)).toEqual(expected);
  });

  it('may be empty, or hold nothing but the ends of transactions', async () => {
    const kafka = await world();
    const progress: number[][] = [];
    const read = () =>
      readKeyed(
        { kafka, topic: 'state', partition: 0 },
        () => expect.unreachable(),
        (...step) => progress.push(step),
      );
    expect(await read()).toEqual({ end: 0 });
    expect(progress).toEqual([]);
    const writer = await open(kafka);
    const failing = writer.commit([
      entry('a', 'x'),
      { ...entry('b', 'x'), topic: 'models', value: 'x'.repeat(17 * 2 ** 20) },
    ]);
    await expect(failing).rejects.toThrow(code('log.too-long'));
    const { end } = await read();
    expect(end).toBeGreaterThan(0);
    expect(progress.at(-1)).toEqual([end, end]);
  });

  it('is read to its end as it was, however long it is, with its progress told', async () => {
    const kafka = await world();
    const writer = await open(kafka);
    const filling = 'x'.repeat(3_300);
    for (let round = 0; round < 3; round += 1) {
      await writer.commit(Array.from({ length: 2_000 }, (_, i) => entry(`${i}`, `${round} ${filling}`)));
    }
    const progress: number[][] = [];
    const values = new Map<string, string>();
    const { end } = await readKeyed(
      { kafka, topic: 'state', partition: 0 },
      async (key, value) => {
        // What is put while it is read is no part of it.
        if (values.size === 0) await writer.commit([entry('late', 'x')]);
        values.set(key, String(value));
      },
      (...step) => progress.push(step),
    );
    expect(values.size).toBe(2_000);
    expect([...values.values()].every((value) => value === `2 ${filling}`)).toBe(true);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.map(([, total]) => total)).toEqual(progress.map(() => end));
    expect(progress.map(([done]) => done)).toEqual([...progress.map(([done]) => done)].sort((a, b) => a - b));
    expect(progress.at(-1)).toEqual([end, end]);
  });

  it('waits for a transaction that is open, and not for ever', async () => {
    const kafka = await world();
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const producer = client.producer({
      transactionalId: `${kafka.prefix}other`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const transaction = await producer.transaction();
    await transaction.send({ topic: `${kafka.prefix}state`, messages: [{ key: 'a', value: '1', partition: 0 }] });
    const from = { kafka, topic: 'state', partition: 0 };
    await expect(readKeyed({ ...from, patienceMs: 100 }, () => undefined)).rejects.toThrow(code('kafka.unreachable'));
    const reading = lastValues(kafka);
    await transaction.commit();
    expect(await reading).toEqual({ a: '1' });
  });

  it('needs a topic that is there', async () => {
    const kafka = broker.options();
    const reading = readKeyed({ kafka, topic: 'state', partition: 0 }, () => undefined);
    await expect(reading).rejects.toThrow(code('kafka.missing-topic'));
  });
});
