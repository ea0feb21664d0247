/** Brokers that are away, that hang, and that wait for a transaction which nobody ends: under traffic, with processes that stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Producer, type Transaction } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { FINDINGS_TOPIC, STATE_TOPIC } from '../../src/pipeline/topics.js';
import { freshDirectory, until } from '../e2e/program.js';
import type { Server } from '../e2e/server.js';
import { type BrokerOptions, type ChildBroker, describeOutage, kafkaOptions, startBroker } from '../kafka/broker.js';
import { HELD, OTHER, OutageStory, STALE_AFTER_MS, stop } from '../kafka/outage.js';

const AWAY_MS = 60_000;
const HUNG_MS = 20_000;
const ASK_EVERY_MS = 250;

async function ownBroker(options: BrokerOptions = {}): Promise<ChildBroker> {
  const broker = await startBroker(options);
  onTestFinished(() => broker.stop());
  return broker;
}

/** In an outage everybody is answered: one process allows and says how stale it is, the other refuses. */
async function expectStale({ watch, allowing }: OutageStory): Promise<void> {
  let answers = watch.answers;
  await until('both say that they are stale', () => {
    answers = watch.answers;
    return answers.length === 2 && answers.every(({ staleMs }) => staleMs !== null);
  });
  const [allowed, denied] = answers;
  expect(allowed.allow).toBe(true);
  expect(denied.allow).toBe(false);
  expect(Math.min(allowed.staleMs ?? 0, denied.staleMs ?? 0)).toBeGreaterThan(STALE_AFTER_MS);
  expect(await allowing.ask('/healthz', { token: null })).toMatchObject({ status: 200 });
  expect(await allowing.ask('/readyz', { token: null })).toMatchObject({ status: 503 });
}

describeOutage('the brokers', () => {
  it('are away for a minute', async () => {
    const dataDir = freshDirectory();
    const broker = await ownBroker({ dataDir });
    const story = await OutageStory.begin(kafkaOptions(broker.brokers), {
      ...{ seed: 'away', isWallClock: false },
      trafficMs: AWAY_MS + 60_000,
    });
    await story.settle();
    await broker.kill();
    const endMs = performance.now() + AWAY_MS;
    await expectStale(story);
    expect(await stop(story.allowing, OTHER)).toMatchObject({ status: 503 });
    await sleep(Math.max(0, endMs - performance.now()));
    await ownBroker({ dataDir, port: broker.port });
    const recoveredS = await story.recover();
    expect((await story.allowing.decide(OTHER)).body.allow).toBe(true);
    const figures = await story.conclude(recoveredS);
    console.log(`away for ${AWAY_MS} ms: ${JSON.stringify(figures)}`);
    expect(figures.staleMs).toBeGreaterThan(AWAY_MS / 2);
  });

  it('hang for a while', async () => {
    const broker = await ownBroker();
    const story = await OutageStory.begin(kafkaOptions(broker.brokers), {
      ...{ seed: 'hung', isWallClock: true },
      trafficMs: HUNG_MS + 60_000,
    });
    await story.settle();
    broker.pause();
    const endMs = performance.now() + HUNG_MS;
    await expectStale(story);
    await sleep(Math.max(0, endMs - performance.now()));
    broker.resume();
    const figures = await story.conclude(await story.recover());
    console.log(`hung for ${HUNG_MS} ms: ${JSON.stringify(figures)}`);
  });
});

/** Somebody else who writes in a transaction and does not end it. */
class Hanging {
  private constructor(
    private readonly producer: Producer,
    private readonly transaction: Transaction,
  ) {}

  /** What it wrote last stays open. It pretends to be the owner of the partition, of another position. */
  static async begin(
    { brokers, prefix }: KafkaOptions,
    { id, partition, timeoutMs }: { readonly id: string; readonly partition: number; readonly timeoutMs: number },
  ): Promise<Hanging> {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
    const producer = kafka.producer({
      transactionalId: prefix + id,
      transactionTimeout: timeoutMs,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const transaction = await producer.transaction();
    const position = JSON.stringify({ offset: 1, epoch: 1, told: 0 });
    await transaction.send({ topic: prefix + FINDINGS_TOPIC, messages: [{ partition, value: 'nothing found' }] });
    await transaction.send({
      topic: prefix + STATE_TOPIC,
      messages: [{ partition, key: 'position', value: position }],
    });
    return new Hanging(producer, transaction);
  }

  /** True where it could not. */
  async failsToCommit(): Promise<boolean> {
    try {
      await this.transaction.commit();
      return false;
    } catch {
      return true;
    }
  }

  /** Goes away without a word. */
  async vanish(): Promise<void> {
    await this.producer.disconnect();
  }
}

describeOutage('a transaction that nobody ends', () => {
  it('of a writer that calls itself the owner is aborted by the owner, and what it wrote is seen by nobody', async () => {
    const broker = await ownBroker();
    const kafka = kafkaOptions(broker.brokers);
    const story = await OutageStory.begin(kafka, { seed: 'usurped', isWallClock: false, trafficMs: 60_000 });
    await story.settle();
    const usurpers = await Promise.all(
      [0, 1].map((partition) => Hanging.begin(kafka, { id: `score-${partition}`, partition, timeoutMs: 60_000 })),
    );
    const figures = await story.conclude(await story.recover());
    for (const usurper of usurpers) expect(await usurper.failsToCommit()).toBe(true);
    console.log(`usurped: ${JSON.stringify(figures)}`);
    expect(figures.fenced).toBeGreaterThan(0);
  });

  it('of an owner that died in its middle is aborted by the next owner', async () => {
    const broker = await ownBroker();
    const kafka = kafkaOptions(broker.brokers);
    const story = await OutageStory.begin(kafka, { seed: 'died', isWallClock: false, trafficMs: 60_000 });
    await story.settle();
    const { cluster, denying, allowing } = story;
    const orphans = await partitionsOf(cluster, denying);
    expect(orphans.length).toBeGreaterThan(0);
    await story.watch.end();
    await cluster.kill(denying);
    for (const partition of orphans) {
      const dead = await Hanging.begin(kafka, { id: `score-${partition}`, partition, timeoutMs: 300_000 });
      await dead.vanish();
    }
    const handOverS = await handOver(cluster);
    expect((await allowing.decide(HELD)).body.allow).toBe(false);
    const figures = await story.conclude(0);
    console.log(`died in a transaction: ${JSON.stringify({ ...figures, handOverS })}`);
  });

  it('of a stranger holds a partition back until the brokers end it, and then the partition goes on', async () => {
    const broker = await ownBroker();
    const kafka = kafkaOptions(broker.brokers);
    const story = await OutageStory.begin(kafka, { seed: 'stranger', isWallClock: false, trafficMs: 60_000 });
    await story.settle();
    const { cluster, denying } = story;
    const [partition] = await partitionsOf(cluster, denying);
    const stranger = await Hanging.begin(kafka, { id: 'stranger', partition, timeoutMs: 20_000 });
    // Whoever takes the partition over has to know what the stranger's transaction comes to.
    await story.watch.end();
    await cluster.kill(denying);
    const handOverS = await handOver(cluster);
    expect(await stranger.failsToCommit()).toBe(true);
    const figures = await story.conclude(0);
    console.log(`held back by a stranger: ${JSON.stringify({ ...figures, handOverS })}`);
  });
});

/** Until every partition runs again, s. */
async function handOver(cluster: OutageStory['cluster']): Promise<number> {
  const sinceMs = performance.now();
  await until('the other has taken its partitions', () => cluster.isShared(), ASK_EVERY_MS);
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}

async function partitionsOf(cluster: OutageStory['cluster'], server: Server): Promise<number[]> {
  return [...(await cluster.owners())].filter(([, owner]) => owner === server).map(([partition]) => partition);
}
