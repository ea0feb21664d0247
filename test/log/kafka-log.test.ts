import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterEach, expect, it, vi } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { openKafkaFetch } from '../../src/log/kafka-fetch.js';
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka-log.js';
import type { Log } from '../../src/log/log.js';
import { logContract, readAll } from '../contract/log.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';

const TOPICS = { events: 3, findings: 1 };
const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const LONG = { 'max.message.bytes': String(RECORD_BYTES_MAX) };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openLog(kafka: KafkaOptions, more: Partial<KafkaLogOptions> = {}): Promise<Log> {
  await makeTopics(kafka, TOPICS, LONG);
  const log = await openKafkaLog({ kafka, topics: TOPICS, ...more });
  closing.push(() => log.close());
  return log;
}

function plainClient({ brokers }: KafkaOptions): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

/** Everything of the topic's partition below `offset` goes. */
async function deleteBelow(options: KafkaOptions, topic: string, partition: number, offset: number): Promise<void> {
  const admin = plainClient(options).admin();
  await admin.connect();
  // kafkajs deletes only from topics that it has asked about.
  await admin.fetchTopicOffsets(options.prefix + topic);
  await admin.deleteTopicRecords({
    topic: options.prefix + topic,
    partitions: [{ partition, offset: String(offset) }],
  });
  await admin.disconnect();
}

async function openProducer(options: KafkaOptions, transactionalId: string): Promise<Producer> {
  const producer = plainClient(options).producer({
    transactionalId: options.prefix + transactionalId,
    idempotent: true,
  });
  await producer.connect();
  closing.push(() => producer.disconnect());
  return producer;
}

describeKafka('the log on Kafka', (broker) => {
  const contract = (name: string, overrides: Partial<KafkaOptions> = {}, more: Partial<KafkaLogOptions> = {}) =>
    logContract(name, async () => {
      const options = broker.options(overrides);
      await makeTopics(options, TOPICS, LONG);
      const log = await openKafkaLog({ kafka: options, topics: TOPICS, ...more });
      const forget = async () => {
        await log.append(
          'events',
          1,
          Array.from({ length: 20 }, (_, i) => `${i}`),
        );
        await deleteBelow(options, 'events', 1, 19);
      };
      return { log, forget, dispose: () => log.close() };
    });
  contract('KafkaLog');
  contract('KafkaLog, compressed and not waiting for transactions', { compression: 'gzip' }, { readCommitted: false });

  it('names what is missing, and both numbers of what is otherwise', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, { events: 2 });
    await expect(openKafkaLog({ kafka, topics: { events: 3 } })).rejects.toMatchObject({
      code: 'kafka.wrong-topic',
      message: expect.stringMatching(/events: it has 2 partitions, wanted 3/),
    });
    await expect(openKafkaLog({ kafka, topics: { events: 2, absent: 1 } })).rejects.toMatchObject({
      code: 'kafka.missing-topic',
      message: expect.stringContaining(`${kafka.prefix}absent`),
    });
  });

  it('takes records up to the limit of the topic and says which is longer', async () => {
    const log = await openLog(broker.options());
    const longest = 'x'.repeat(RECORD_BYTES_MAX - 100);
    const long = log.append('events', 0, ['a', longest, 'b']);
    const beside = log.append('events', 0, ['beside']);
    expect([await long, await beside]).toEqual([0, 3]);
    expect(await readAll(log, 'events', 0)).toEqual(['a', longest, 'b', 'beside']);
    const tooLong = log.append('events', 0, ['a', 'x'.repeat(RECORD_BYTES_MAX)]);
    await expect(tooLong).rejects.toMatchObject({ code: 'log.too-long', retry: false });
    await expect(tooLong).rejects.toThrow('record 1 of the 2');
    expect(await log.end('events', 0)).toBe(4);
  });

  it('keeps the other partitions of a request out of a refusal', async () => {
    const kafka = broker.options();
    const log = await openLog(kafka);
    const admin = plainClient(kafka).admin();
    await admin.connect();
    // Behind the log's back: what it knows of the limit is no longer true.
    const entries = [{ name: 'max.message.bytes', value: '1000' }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: `${kafka.prefix}findings`, configEntries: entries }],
    });
    await admin.disconnect();
    await vi.waitFor(
      async () => {
        const appends = await Promise.allSettled([
          log.append('findings', 0, ['x'.repeat(2000)]),
          log.append('events', 0, ['good']),
        ]);
        expect(appends[1].status).toBe('fulfilled');
        expect(appends[0]).toMatchObject({ status: 'rejected', reason: { code: 'log.too-long' } });
      },
      { timeout: 10_000 },
    );
    expect(await log.append('findings', 0, ['short'])).toBe(await log.end('findings', 0).then((end) => end - 1));
    const values = await readAll(log, 'events', 0);
    expect(new Set(values)).toEqual(new Set(['good']));
  });

  it('keeps the order of many appends of all sizes to all partitions', async () => {
    const log = await openLog(broker.options());
    const sizes = [1, 700, 3, 1, 20, 5000, 1, 2];
    const written: string[][] = [[], [], []];
    const appends = Array.from({ length: 240 }, (_, i) => {
      const values = Array.from({ length: sizes[i % sizes.length] }, (_unused, j) => `${i}.${j}`);
      written[i % 3].push(...values);
      return log.append('events', i % 3, values);
    });
    await Promise.all(appends);
    for (const partition of [0, 1, 2]) expect(await readAll(log, 'events', partition)).toEqual(written[partition]);
  });

  it('reads what was committed, in the face of open, aborted and overlapping transactions', async () => {
    const kafka = broker.options();
    const log = await openLog(kafka);
    const all = await openKafkaLog({ kafka, topics: TOPICS, readCommitted: false });
    closing.push(() => all.close());
    const [one, other] = [await openProducer(kafka, 'one'), await openProducer(kafka, 'other')];
    const topic = `${kafka.prefix}events`;
    const send = (to: Pick<Producer, 'send'>, value: string) => to.send({ topic, messages: [{ partition: 0, value }] });
    await log.append('events', 0, ['first']);
    const [a, b] = [await one.transaction(), await other.transaction()];
    await send(a, 'a1, aborted');
    await send(b, 'b1, aborted');
    await send(a, 'a2, aborted');
    await a.abort();
    // The second's abort begins inside of the first's and ends after it: its records between stay void.
    const c = await one.transaction();
    await send(c, 'c1');
    await send(b, 'b2, aborted');
    await c.commit();
    await b.abort();
    const open = await one.transaction();
    await send(open, 'open');
    await log.append('events', 0, ['behind the open one']);
    const read = async (from: Log) => {
      const values: string[] = [];
      for (let offset = 0; ; ) {
        const { records, next } = await from.read('events', 0, offset, 2);
        values.push(...records.map(({ value }) => value));
        if (next === offset) return values;
        offset = next;
      }
    };
    expect(await read(log)).toEqual(['first', 'c1']);
    expect(await read(all)).toContain('b2, aborted');
    const end = await log.end('events', 0);
    expect(end).toBeLessThan(await all.end('events', 0));
    const waiting = log.wait('events', 0, end, 30_000);
    await open.commit();
    expect(await waiting).toBe(true);
    expect(await read(log)).toEqual(['first', 'c1', 'open', 'behind the open one']);
  });

  it('lets the broker wait for what an open transaction hides', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, TOPICS);
    const producer = await openProducer(kafka, 'open');
    const transaction = await producer.transaction();
    await transaction.send({ topic: `${kafka.prefix}events`, messages: [{ partition: 0, value: 'hidden' }] });
    const fetch = openKafkaFetch(kafka, { readCommitted: true });
    let answers = 0;
    const fetching = fetch.fetch(`${kafka.prefix}events`, 0, 0, { maxBytes: 1000, waitMs: 30_000 }).then((fetched) => {
      answers += 1;
      return fetched;
    });
    for (let i = 0; i < 20; i += 1) expect((await fetch.range(`${kafka.prefix}events`, 0)).end).toBe(0);
    expect(answers).toBe(0);
    await transaction.abort();
    expect(await fetching).toMatchObject({ records: [], next: 2, end: 2 });
    fetch.close();
  });

  it('brings keys, headers, times and tombstones raw', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, TOPICS);
    const producer = plainClient(kafka).producer();
    await producer.connect();
    closing.push(() => producer.disconnect());
    const topic = `${kafka.prefix}events`;
    const headers = { plain: 'x', twice: ['1', Buffer.from([0, 255])] };
    await producer.send({
      topic,
      messages: [
        { partition: 0, key: 'k', value: 'v', headers, timestamp: '1000000000000' },
        { partition: 0, key: Buffer.from([255, 0]), value: null, timestamp: '1700000000123' },
        { partition: 0, value: '' },
      ],
    });
    const fetch = openKafkaFetch(kafka, { readCommitted: true });
    closing.push(async () => fetch.close());
    const { records, next, begin, end } = await fetch.fetch(topic, 0, 0, { maxBytes: 1000, waitMs: 1000 });
    expect(records[0]).toEqual({
      offset: 0,
      timeMs: 1_000_000_000_000,
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      headers: [
        ['plain', Buffer.from('x')],
        ['twice', Buffer.from('1')],
        ['twice', Buffer.from([0, 255])],
      ],
    });
    expect(records[1]).toMatchObject({ key: Buffer.from([255, 0]), value: null, timeMs: 1_700_000_000_123 });
    expect(records[2]).toMatchObject({ offset: 2, key: null, value: Buffer.alloc(0), headers: [] });
    expect({ next, begin, end }).toEqual({ next: 3, begin: 0, end: 3 });
    const log = await openKafkaLog({ kafka, topics: TOPICS });
    closing.push(() => log.close());
    expect(await readAll(log, 'events', 0)).toEqual(['v', '', '']);
  });

  it('waits on many partitions at once, and for an end beyond what is there', async () => {
    const log = await openLog(broker.options());
    await log.append('events', 0, ['a']);
    const waits = [
      log.wait('events', 2, 0, 60_000),
      log.wait('events', 1, 0, 60_000),
      log.wait('events', 0, 3, 60_000),
    ];
    for (let i = 0; i < 3; i += 1) await log.append('events', 0, ['b']);
    expect(await waits[2]).toBe(true);
    await log.append('events', 1, ['a']);
    expect(await waits[1]).toBe(true);
    await log.append('events', 2, ['a']);
    expect(await waits[0]).toBe(true);
    expect(await log.wait('events', 0, 4, 50)).toBe(false);
  });

  it('leaves no socket and no timer behind', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, TOPICS, LONG);
    const held = () => process.getActiveResourcesInfo().filter((name) => /^TCP|^Timeout/.test(name)).length;
    const before = held();
    const log = await openKafkaLog({ kafka, topics: TOPICS });
    await log.append('events', 0, ['a']);
    await log.read('events', 0, 0, 1);
    const waiting = log.wait('events', 0, 1, 60_000);
    expect(held()).toBeGreaterThan(before);
    await log.close();
    expect(await waiting).toBe(false);
    // Each look comes when the pause before it is over, so that no timer of ours is counted.
    for (let looks = 0; looks < 200 && held() > before; looks += 1) await sleep(20);
    expect(held()).toBeLessThanOrEqual(before);
  });
});
