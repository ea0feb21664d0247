import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { createOutcome } from '../../src/engine/outcome.js';
import { createPriceTable } from '../../src/event/prices.js';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import type { Log } from '../../src/log/log.js';
import type { LiveReport } from '../../src/pipeline/live-parts.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import { openIntake } from '../../src/verbs/intake.js';
import { openSources, type Sources } from '../../src/verbs/kafka-sources.js';
import type { Setup } from '../../src/verbs/setup.js';
import { engineOf } from '../engine/world.js';
import { wire } from '../event/wire.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';

const PARTITIONS = 2;
const PRICES = createPriceTable([]);

async function send(kafka: KafkaOptions, topic: string, values: readonly { value: string; partition: number }[]) {
  const producer = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic, messages: [...values] });
  await producer.disconnect();
}

function events(from: number, count: number): { value: string; partition: number }[] {
  return Array.from({ length: count }, (_, at) => {
    const value = wire({ id: `e-${from + at}`, agent: `agent-${at % 7}`, parent: at % 7 === 0 ? 'chief' : null });
    return { value, partition: at % 3 };
  });
}

async function readAll(log: Log, topic: string, partition: number): Promise<string[]> {
  const values: string[] = [];
  const end = await log.end(topic, partition);
  for (let at = 0; at < end; ) {
    const { records, next } = await log.read(topic, partition, at, 1_000);
    for (const { value } of records) values.push(value);
    at = next;
  }
  return values;
}

async function allEvents(log: Log) {
  const lines = await Promise.all([0, 1].map((partition) => readAll(log, 'events', partition)));
  return lines.flat().map((line, at) => decodeRecord(line, at, PRICES));
}

/** The broker's own work cannot be waited for but by looking. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describeKafka('sources on a real broker', (broker) => {
  const world = async () => {
    const kafka = broker.options();
    await makeTopics(kafka, { 'crm': 3, 'noise': 1, 'events': PARTITIONS, 'signals': 1, 'rejected': 1 });
    const log = await openKafkaLog({ kafka, topics: { events: PARTITIONS, signals: 1, rejected: 1 } });
    onTestFinished(() => log.close());
    const sources = [
      { name: 'crm', topic: `${kafka.prefix}crm`, format: 'native', binding: { agents: ['agent-*', 'chief'] } },
      { name: 'noise', topic: `${kafka.prefix}noise`, format: 'native' },
    ];
    const config = parseConfig({ sources, kafka: { session_timeout: '6s' } }, 'test');
    const open = async (): Promise<Sources> => {
      const errors: LiveReport[] = [];
      const report = (said: LiveReport): void => {
        if (said.level === 'error') errors.push(said);
      };
      const setup = { config, prices: PRICES } as Setup;
      const opened = await openSources({ setup, kafka, log, intake: openIntake(config, log, true), report });
      onTestFinished(async () => {
        await opened.stop();
        expect(errors).toEqual([]);
      });
      return opened;
    };
    return { kafka, log, open };
  };
  const written = (all: readonly Sources[]): number =>
    all.flatMap((one) => one.status()).reduce((sum, { events: count }) => sum + count, 0);
  const owned = (one: Sources): number => one.status().flatMap(({ partitions }) => partitions).length;

  it('are shared by processes, and go on where another left off: every event is in the log', async () => {
    const { kafka, log, open } = await world();
    const first = await open();
    await send(kafka, `${kafka.prefix}crm`, events(0, 600));
    await until(() => written([first]) === 600);
    const second = await open();
    await until(() => owned(second) > 0 && owned(first) + owned(second) === 4);
    await send(kafka, `${kafka.prefix}crm`, events(600, 600));
    await until(() => written([first, second]) >= 1_200);
    await first.stop();
    await until(() => owned(second) === 4);
    await send(kafka, `${kafka.prefix}crm`, events(1_200, 600));
    await until(async () => new Set(idsOf(await allEvents(log))).size === 1_800);
    await second.stop();
    const third = await open();
    await send(kafka, `${kafka.prefix}crm`, events(1_800, 10));
    await until(() => written([third]) >= 10);
    // It began where the second had committed, not at the beginning.
    expect(written([third])).toBe(10);
    const edges = (await readAll(log, 'signals', 0)).map((line) => JSON.parse(line));
    expect(new Set(edges.map(({ by, key, agent }) => `${by} ${key} ${agent}`))).toEqual(
      new Set(['parent chief agent-0']),
    );
    const bound = (await allEvents(log)).filter((record) => 'bound' in record && record.bound);
    expect(bound.length).toBeGreaterThanOrEqual(1_810);
  });

  it('of nothing but junk are refused and paged about; the others go on', async () => {
    const { kafka, log, open } = await world();
    await send(
      kafka,
      `${kafka.prefix}noise`,
      Array.from({ length: 1_000 }, () => ({ value: 'junk', partition: 0 })),
    );
    const one = await open();
    await send(kafka, `${kafka.prefix}crm`, events(0, 300));
    await until(() => written([one]) === 300);
    await until(async () => (await allEvents(log)).some((record) => 'type' in record && record.type === 'source'));
    const noise = one.status().find(({ source }) => source === 'noise');
    expect(noise).toMatchObject({
      ...{ isRefused: true, rejected: { 'event.bad-json': 200 } },
      partitions: [{ partition: 0, position: 200, lag: 800 }],
    });
    expect(await readAll(log, 'rejected', 0)).toHaveLength(200);
    const engine = engineOf();
    const outcome = createOutcome();
    for (const [at, record] of (await allEvents(log)).entries()) if ('type' in record) engine.step(record, at, outcome);
    expect(engine.counts.scored).toBe(300);
    expect(outcome.findings.filter(({ kind }) => kind === 'source-refused')).toHaveLength(1);
  });
});

function idsOf(records: Awaited<ReturnType<typeof allEvents>>): string[] {
  return records.flatMap((record) => ('event' in record ? [record.event.id] : []));
}
