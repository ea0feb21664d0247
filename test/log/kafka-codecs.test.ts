/**
 * Compression as others understand it. The broker is the other: a topic with a codec of its own makes it decompress
 * what we wrote and compress it anew, by the Java libraries that other clients use.
 */
import { afterEach, expect, it } from 'vitest';
import type { KafkaCompression, KafkaOptions } from '../../src/log/kafka-connection.js';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import type { Log } from '../../src/log/log.js';
import { readAll } from '../contract/log.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';

const TOPICS = { events: 1 };
const HAS_ZSTD = 'zstdCompressSync' in process.getBuiltinModule('node:zlib');
/** More than a block of any codec, some of it hard to compress. */
const VALUES = ['', 'x'.repeat(200_000), ...Array.from({ length: 3000 }, (_, i) => `${i} ${Math.sin(i)} \u{1f426}`)];

const opened: Log[] = [];
afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
});

async function open(kafka: KafkaOptions): Promise<Log> {
  const log = await openKafkaLog({ kafka, topics: TOPICS });
  opened.push(log);
  return log;
}

const usable: KafkaCompression[] = ['none', 'gzip', 'snappy', 'lz4', ...(HAS_ZSTD ? (['zstd'] as const) : [])];
/** What a topic may ask its broker to make of it; 'producer' keeps what came. */
const pairs = usable.flatMap((ours) =>
  ['producer', 'uncompressed', ...usable.slice(1)].map((theirs) => [ours, theirs] as const),
);

describeKafka('a compressed batch', (broker) => {
  it.each(pairs)('written with %s is read from a topic of %s', async (compression, kept) => {
    const kafka = broker.options({ compression });
    await makeTopics(kafka, TOPICS, { 'compression.type': kept });
    const log = await open(kafka);
    expect(await log.append('events', 0, VALUES)).toBe(0);
    expect(await readAll(log, 'events', 0)).toEqual(VALUES);
  });

  it.skipIf(HAS_ZSTD)('that cannot be read here says what it takes', async () => {
    const kafka = broker.options();
    await makeTopics(kafka, TOPICS, { 'compression.type': 'zstd' });
    const log = await open(kafka);
    await log.append('events', 0, ['a']);
    const reading = log.read('events', 0, 0, 1);
    await expect(reading).rejects.toMatchObject({ code: 'kafka.codec', retry: false });
    await expect(reading).rejects.toThrow('zstd needs Node 22.15');
    await expect(openKafkaLog({ kafka: { ...kafka, compression: 'zstd' }, topics: TOPICS })).rejects.toMatchObject({
      code: 'kafka.codec',
    });
  });
});
