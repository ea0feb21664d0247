/** The log on Kafka while its broker is away, hangs, or comes back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import type { Log } from '../../src/log/log.js';
import { readAll } from '../contract/log.js';
import { type ChildBroker, describeOutage, kafkaOptions, makeTopics, startBroker } from '../kafka/broker.js';

const TOPICS = { events: 2 };
/** Until a broker that was told to hang does. */
const SETTLE_MS = 500;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Outage {
  readonly log: Log;
  readonly port: number;
  broker: ChildBroker;
  /** On the same port with the same data. */
  restart(): Promise<void>;
}

async function open(requestTimeoutMs: number): Promise<Outage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'killdeer-outage-'));
  closing.push(() => rm(dataDir, { recursive: true, force: true }));
  const broker = await startBroker({ dataDir });
  const kafka = kafkaOptions(broker.brokers, { requestTimeoutMs });
  await makeTopics(kafka, TOPICS);
  const log = await openKafkaLog({ kafka, topics: TOPICS });
  const { port } = broker;
  const outage: Outage = {
    log,
    port,
    broker,
    restart: async () => {
      outage.broker = await startBroker({ dataDir, port });
    },
  };
  closing.push(() => outage.broker.stop());
  closing.push(() => log.close());
  return outage;
}

/** Repeats the call while its error says that this may help. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error as { retry?: boolean }).retry) throw error;
    }
  }
}

/** Appends numbered lines until told to stop; resolves with those that were acknowledged. */
function appendOn(log: Log): () => Promise<string[]> {
  const acknowledged: string[] = [];
  let stopped = false;
  const run = async () => {
    for (let i = 0; !stopped; i += 1) {
      await patiently(() => log.append('events', 0, [`line ${i}`]));
      acknowledged.push(`line ${i}`);
    }
  };
  const running = run();
  return async () => {
    stopped = true;
    await running;
    return acknowledged;
  };
}

/** In the order of their first appearance, each once: what may be written twice is what was not acknowledged. */
function once(values: readonly string[]): string[] {
  return [...new Set(values)];
}

describeOutage('the log on Kafka in an outage', () => {
  it('says that the brokers are away, and goes on when they are back', async () => {
    const outage = await open(2_000);
    const { log } = outage;
    await log.append('events', 1, ['before']);
    await outage.broker.stop();
    const unreachable = { code: 'kafka.unreachable', retry: true };
    await expect(log.append('events', 1, ['lost'])).rejects.toMatchObject(unreachable);
    await expect(log.read('events', 1, 0, 1)).rejects.toMatchObject(unreachable);
    await expect(log.end('events', 1)).rejects.toMatchObject(unreachable);
    const waiting = log.wait('events', 1, 1, 60_000);
    await outage.restart();
    expect(await patiently(() => log.append('events', 1, ['after']))).toBe(1);
    expect(await waiting).toBe(true);
    expect(await patiently(() => readAll(log, 'events', 1))).toEqual(['before', 'after']);
  });

  it.each(['stop', 'kill'] as const)('loses nothing and keeps the order through a %s in the middle', async (how) => {
    const outage = await open(3_000);
    const stop = appendOn(outage.log);
    const reached = (end: number) => outage.log.wait('events', 0, end, 60_000);
    expect(await reached(50)).toBe(true);
    await outage.broker[how]();
    await outage.restart();
    const end = await patiently(() => outage.log.end('events', 0));
    expect(await reached(end + 50)).toBe(true);
    const acknowledged = await stop();
    expect(once(await patiently(() => readAll(outage.log, 'events', 0)))).toEqual(acknowledged);
  });

  it('does not wait for ever for a broker that hangs', async () => {
    const outage = await open(1_000);
    const { log, broker } = outage;
    await log.append('events', 0, ['before']);
    broker.pause();
    // The signal is on its way to all of the broker's threads: one of them may still answer.
    await sleep(SETTLE_MS);
    const calls = [log.append('events', 0, ['held up']), log.read('events', 0, 0, 1), log.end('events', 0)];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'kafka.unreachable' } });
    }
    broker.resume();
    await patiently(() => log.append('events', 0, ['after']));
    const values = await patiently(() => readAll(log, 'events', 0));
    // What was on its way when the broker hung may have arrived all the same.
    expect(values.filter((value) => value !== 'held up')).toEqual(['before', 'after']);
  });

  it('gives up what still waits when it is closed while nothing answers', async () => {
    const { log, broker } = await open(1_000);
    await log.append('events', 0, ['a']);
    broker.pause();
    const appends = [log.append('events', 0, ['under way'])];
    // Begun before the next come in, so that they wait behind it.
    await new Promise(setImmediate);
    appends.push(log.append('events', 0, ['waiting']), log.append('events', 1, ['beside']));
    const settled = Promise.allSettled(appends);
    await log.close();
    expect((await settled).map((append) => append.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await settled)[1]).toMatchObject({ reason: { code: 'log.closed' } });
    broker.resume();
  });

  it('closes at once although nothing answers', async () => {
    const { log, broker } = await open(2_000);
    await log.append('events', 0, ['a']);
    broker.pause();
    const waiting = log.wait('events', 0, 1, 600_000);
    const reading = log.read('events', 0, 0, 1).catch((error) => error);
    await log.close();
    expect(await waiting).toBe(false);
    expect(await reading).toMatchObject({ code: 'log.closed' });
    broker.resume();
  });
});
