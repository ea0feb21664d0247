/** ClickHouse killed, away and slow under traffic, and the processes that feed it killed: history waits, nothing else does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { createRandom } from '../../src/math/random.js';
import { encodeEvent } from '../../src/pipeline/record-line.js';
import { until } from '../e2e/program.js';
import type { Server } from '../e2e/server.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { feed, trafficOf } from '../kafka/feed.js';
import { LASTING_POLICY } from '../kafka/killed-cluster.js';
import { stop } from '../kafka/outage.js';
import { expectStored, ProjectProcess, StoreServer } from '../kafka/stored.js';

const AWAY_MS = 60_000;
/** It is stopped for most of the time, again and again. */
const SLOW = { rounds: 6, hungMs: 7_000, awakeMs: 300 };
const KILLS = 10;
const SESSION_MS = 6_000;
const PARTITIONS = 4;
/** What an outage may cost the process that waits, bytes: one batch for each place. */
const GROWTH_MAX = 200 * 1024 * 1024;
/** A history that keeps up is no older than this, s. */
const CURRENT_S = 5;
const ASK_MS = 500;
const PERSONS = 'stopped-by-a-person';
const SPENDER = 'spender';

interface Installation {
  readonly cluster: Cluster;
  readonly store: StoreServer;
  readonly scorer: Server;
}

async function install(kafka: KafkaOptions): Promise<Installation> {
  const store = await StoreServer.start();
  const cluster = await Cluster.create(kafka, {
    partitions: PARTITIONS,
    policy: LASTING_POLICY,
    sessionTimeoutMs: SESSION_MS,
    config: {
      detection: { hash_seed: 7, pages_per_agent_day: 0.5, notices_per_agent_day: 0.5 },
      store: store.config,
      ops: { port: 0 },
    },
  });
  const scorer = await cluster.join();
  await cluster.shared();
  return { cluster, store, scorer };
}

/** Traffic for so long at least, and until `isOver`. */
async function sendTraffic(cluster: Cluster, seed: string, leastMs: number, isOver: () => boolean): Promise<void> {
  const log = await cluster.openLog(true);
  try {
    const fed = trafficOf({ scenario: 'mixed', agents: 24, days: 2, partitions: PARTITIONS, seed });
    await feed(log, fed, { leastMs, until: isOver });
  } finally {
    await log.close();
  }
}

/** One call that costs more than a person allows; at the time that its partition has reached. */
async function overspend(cluster: Cluster): Promise<void> {
  const log = await cluster.openLog(true);
  try {
    const partition = partitionOf('', SPENDER, PARTITIONS);
    const end = await log.end('events', partition);
    const { records } = await log.read('events', partition, Math.max(0, end - 1_000), 1_000);
    const times = records.map(({ value }) => /"(?:time|timeMs)":("[^"]*"|\d+)/.exec(value)?.[1] ?? 'null');
    const time = new Date(Math.max(...times.map((text) => new Date(JSON.parse(text)).getTime()))).toISOString();
    const call = { id: 'too-dear', time, agent: SPENDER, operation: 'chat', endpoint: 'model-1', cost_usd: 9 };
    await log.append('events', partition, [encodeEvent(JSON.stringify(call), true)]);
  } finally {
    await log.close();
  }
}

async function known(scorer: Server, agent: string, registration: object): Promise<void> {
  const answer = await scorer.ask(`/v1/agents/${agent}`, { method: 'PUT', json: registration });
  expect(answer).toMatchObject({ status: 200 });
}

async function isAllowed(scorer: Server, agent: string): Promise<boolean> {
  return (await scorer.decide(agent)).body.allow as boolean;
}

/** A person stops one agent, and a budget stops another. */
async function expectStops({ cluster, scorer }: Installation): Promise<void> {
  expect(await isAllowed(scorer, PERSONS)).toBe(true);
  expect(await isAllowed(scorer, SPENDER)).toBe(true);
  expect(await stop(scorer, PERSONS)).toMatchObject({ status: 200, body: { effect: 'applied' } });
  expect(await isAllowed(scorer, PERSONS)).toBe(false);
  await overspend(cluster);
  await until('what spends too much is stopped', async () => !(await isAllowed(scorer, SPENDER)), ASK_MS);
  // The stop goes ahead of the finding, which waits for its transaction.
  await until('people can read why', async () => (await budgetFindings(scorer)).length > 0, ASK_MS);
  expect(await budgetFindings(scorer)).toMatchObject([{ agent: SPENDER, severity: 'critical' }]);
}

async function budgetFindings(scorer: Server): Promise<readonly object[]> {
  return (await scorer.ask('/v1/findings?kinds=budget')).body.findings;
}

async function current(projector: ProjectProcess): Promise<number> {
  const sinceMs = performance.now();
  const isCurrent = async () => ((await projector.delayS()) ?? Number.POSITIVE_INFINITY) < CURRENT_S;
  await until('history keeps up', isCurrent, ASK_MS);
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}

/** The most memory of a process, from now on. */
function watchMemory(projector: ProjectProcess): { readonly before: number; most: number; end(): void } {
  const before = projector.rss();
  const timer = setInterval(() => {
    watched.most = Math.max(watched.most, projector.rss());
  }, ASK_MS);
  const watched = { before, most: before, end: () => clearInterval(timer) };
  onTestFinished(watched.end);
  return watched;
}

/** Resolves with the longest delay that was told meanwhile, s. */
async function hangOften(store: StoreServer, projector: ProjectProcess): Promise<number> {
  let mostS = 0;
  for (let round = 0; round < SLOW.rounds; round++) {
    store.pause();
    await sleep(SLOW.hungMs);
    mostS = Math.max(mostS, (await projector.delayS()) ?? 0);
    store.resume();
    await sleep(SLOW.awakeMs);
  }
  return mostS;
}

describeKafka('a store', (broker) => {
  it('is away for a minute, and then slow: rows come later, once; stops do not wait', async () => {
    const installation = await install(broker.options());
    const { cluster, store, scorer } = installation;
    await known(scorer, PERSONS, { owner: 'ada' });
    await known(scorer, SPENDER, { owner: 'ada', budgets: { session_usd: 5, day_usd: null } });
    const projector = await ProjectProcess.start(cluster);
    let isOver = false;
    const traffic = sendTraffic(cluster, 'away', AWAY_MS + 60_000, () => isOver);
    traffic.catch(() => {});
    await current(projector);
    const memory = watchMemory(projector);
    await store.kill();
    const endMs = performance.now() + AWAY_MS;
    await expectStops(installation);
    await sleep(Math.max(0, endMs - performance.now()));
    const delayS = (await projector.delayS()) ?? 0;
    expect(delayS).toBeGreaterThan(AWAY_MS / 2_000);
    await store.start();
    const recoveredS = await current(projector);
    const slowDelayS = await hangOften(store, projector);
    expect(slowDelayS).toBeGreaterThan(CURRENT_S);
    const slowRecoveredS = await current(projector);
    isOver = true;
    await traffic;
    await cluster.finished(scorer);
    const rows = await expectStored(cluster, store);
    memory.end();
    const rssMiB = [memory.before, memory.most, projector.rss()].map((bytes) => bytes >> 20);
    console.log(`store away: ${JSON.stringify({ ...rows, delayS, recoveredS, slowDelayS, slowRecoveredS, rssMiB })}`);
    expect(memory.most - memory.before).toBeLessThan(GROWTH_MAX);
    expect(rows.findings).toBeGreaterThan(0);
    expect(rows.deadLetters).toBeGreaterThan(0);
    await projector.leave();
    await cluster.leave(scorer);
  });

  it('is fed by two processes of which one dies or hangs again and again: every row once', async () => {
    const { cluster, store, scorer } = await install(broker.options());
    const random = createRandom('two projectors');
    const projectors = await Promise.all([ProjectProcess.start(cluster), ProjectProcess.start(cluster)]);
    let isOver = false;
    const traffic = sendTraffic(cluster, 'projectors', KILLS * 15_000, () => isOver);
    traffic.catch(() => {});
    for (let kill = 0; kill < KILLS; kill++) {
      await Promise.all(projectors.map(current));
      await sleep(random.below(2_000));
      const at = random.below(projectors.length);
      // Long enough to lose its partitions, and to come back with a batch that the other has written by then.
      if (kill % 3 === 2) await projectors[1 - at].hang(SESSION_MS + 2_000);
      await projectors[at].program.kill();
      projectors[at] = await ProjectProcess.start(cluster);
    }
    isOver = true;
    await traffic;
    await cluster.finished(scorer);
    const rows = await expectStored(cluster, store);
    console.log(`${KILLS} deaths of two projectors: ${JSON.stringify(rows)}`);
    expect(rows.findings).toBeGreaterThan(0);
    expect(rows.minutes).toBeGreaterThan(0);
    for (const projector of projectors) await projector.leave();
    await cluster.leave(scorer);
  });
});
