/**
 * The story of an outage: traffic flows, something happens to the brokers, and it is over. Meanwhile the processes
 * answer decisions from memory and say how old it is; afterwards the topics hold what they would hold without it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { until as untilNow } from '../e2e/program.js';
import type { Reply, Server } from '../e2e/server.js';
import { Cluster, metricOf, statusOf } from './cluster.js';
import { type FedRecord, feed, trafficOf } from './feed.js';
import { type JudgedFigures, judge, type Kept, readKept, undisturbed } from './judgement.js';
import { LASTING_POLICY, TALKATIVE } from './killed-cluster.js';

/** No faster than a server lets anybody ask. */
const ASK_EVERY_MS = 250;
const until = (what: string, isMet: () => boolean | Promise<boolean>) => untilNow(what, isMet, ASK_EVERY_MS);

const PARTITIONS = 4;
export const STALE_AFTER_MS = 5_000;
/** Stopped by a person before the outage. */
export const HELD = 'held-by-a-person';
/** Whom nobody stops. */
export const OTHER = 'somebody-else';
/** What an outage may cost a process, bytes: it holds back its work, it does not pile it up. */
const GROWTH_MAX = 200 * 1024 * 1024;

export interface OutageOptions {
  readonly seed: string;
  /** Ticks and registry by the machine's clock, not by the records'. */
  readonly isWallClock: boolean;
  /** Of traffic, at least, ms: longer than the outage. */
  readonly trafficMs: number;
}

export interface OutageFigures extends JudgedFigures {
  /** Of each process, before, and the most seen from then on, MiB. */
  readonly rssMiB: readonly (readonly [before: number, most: number])[];
  /** Largest age of the registry that was told, ms. */
  readonly staleMs: number;
  readonly decisions: number;
  /** Times that an owner was fenced. */
  readonly fenced: number;
  /** From the end of the outage until every partition ran and nothing waited, s. */
  readonly recoveredS: number;
}

/** Two processes; the second refuses everybody where the registry is stale. */
export class OutageStory {
  readonly watch: Watch;

  private constructor(
    readonly cluster: Cluster,
    readonly allowing: Server,
    readonly denying: Server,
    private readonly fed: readonly FedRecord[],
    private readonly feeding: Promise<void>,
    private readonly closeFeed: () => Promise<void>,
  ) {
    this.watch = new Watch([allowing, denying]);
  }

  static async begin(kafka: KafkaOptions, { seed, isWallClock, trafficMs }: OutageOptions): Promise<OutageStory> {
    const decide = (whenStale: string) => ({ stale_after: STALE_AFTER_MS, when_stale: whenStale });
    const cluster = await Cluster.create(kafka, {
      partitions: PARTITIONS,
      policy: LASTING_POLICY,
      config: { detection: TALKATIVE, checkpoint: { every: 2_000 }, decide: decide('allow') },
    });
    const fed = trafficOf({ scenario: 'mixed', agents: 24, days: 2, partitions: PARTITIONS, seed });
    const allowing = await cluster.join({ isWallClock });
    const denying = await cluster.join({ isWallClock, config: cluster.vary('deny', { decide: decide('deny') }) });
    await cluster.shared();
    for (const agent of [HELD, OTHER]) {
      const known = await allowing.ask(`/v1/agents/${agent}`, { method: 'PUT', json: { owner: 'ada' } });
      expect(known).toMatchObject({ status: 200 });
    }
    expect(await stop(allowing, HELD)).toMatchObject({ status: 200, body: { effect: 'applied' } });
    await until('the other process knows the stop', async () => (await denying.decide(HELD)).body.allow === false);
    const log = await cluster.openLog(true);
    const feeding = feed(log, fed, { leastMs: trafficMs, onFailure: isPassing });
    feeding.catch(() => {});
    return new OutageStory(cluster, allowing, denying, fed, feeding, () => log.close());
  }

  /** Once traffic has flowed for a while: looks at what is, and begins to watch. */
  async settle(): Promise<void> {
    await until('findings are scored', async () => {
      const { partitions } = await statusOf(this.allowing);
      return partitions.some(({ counts }) => counts !== null && counts.scored > 500);
    });
    this.watch.start();
  }

  /** Everything runs again, in the processes that were there before, and all that was sent is executed. */
  async recover(): Promise<number> {
    const { cluster, allowing, denying, watch } = this;
    const sinceMs = performance.now();
    await until('the registry is in reach again', async () => {
      const ages = await Promise.all([allowing, denying].map(async (one) => (await statusOf(one)).registry.stale_ms));
      return ages.every((ms) => ms < STALE_AFTER_MS);
    });
    await cluster.shared();
    await until('little waits', async () => {
      const behind = await Promise.all(cluster.servers.map(async (one) => (await statusOf(one)).behind));
      return behind.every((records) => records < 500);
    });
    const recoveredS = Math.round((performance.now() - sinceMs) / 100) / 10;
    for (const server of watch.servers) expect(server.program.hasEnded).toBe(false);
    return recoveredS;
  }

  async conclude(recoveredS: number): Promise<OutageFigures> {
    const { cluster, watch, fed, feeding } = this;
    await feeding;
    await this.closeFeed();
    const [last, ...others] = [...cluster.servers];
    const fences = await Promise.all(
      cluster.servers.map((server) => metricOf(server, 'killdeer_transactions_total{result="fenced"}')),
    );
    await watch.end();
    for (const server of others) await cluster.leave(server);
    const { partitions } = await cluster.finished(last);
    await cluster.leave(last);
    const kept = await readKept(cluster);
    for (const [partition, records] of kept.records.entries()) expectAll(fed, partition, records);
    const truth = undisturbed(kept.records, cluster.setup);
    const figures = judge(kept, { ...truth, registry: [...truth.registry, ...actsOf(kept)] });
    expect(partitions.map(({ counts }) => counts)).toEqual(truth.counts);
    expect(figures.findings).toBeGreaterThan(0);
    const { rss, staleMs, decisions } = watch;
    for (const { before, most } of rss) expect(most - before).toBeLessThan(GROWTH_MAX);
    const rssMiB = rss.map(({ before, most }) => [before, most].map((bytes) => bytes >> 20) as [number, number]);
    const sum = fences.reduce((total, count) => total + count, 0);
    return { ...figures, rssMiB, staleMs, decisions, fenced: sum, recoveredS };
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof KilldeerError && error.retry && error.code !== 'log.closed';
}

const ACTS: readonly RegistryRecord['type'][] = ['register', 'stop', 'attempt'];

/** What people did, and what was counted of it: it is told to an undisturbed registry as it happened. */
function actsOf({ registry }: Kept): RegistryRecord[] {
  return registry.filter(({ type }) => ACTS.includes(type));
}

/** Stops an agent as a person does, through a process. */
export function stop(server: Server, agent: string): Promise<Reply> {
  const json = { action: 'suspend', reason: 'looks hijacked' };
  return server.ask(`/v1/agents/${agent}/stop`, { json, token: server.token('responder') });
}

/** Everything that was sent stands in the log, in its order; some of it more than once. */
function expectAll(fed: readonly FedRecord[], partition: number, records: readonly string[]): void {
  const sent = fed.filter((record) => record.partition === partition);
  let at = 0;
  for (const line of records) if (at < sent.length && line === sent[at].line) at += 1;
  expect(at).toBe(sent.length);
}

interface Answer {
  readonly allow: boolean;
  /** As the header says; null: not stale. */
  readonly staleMs: number | null;
}

const WATCH_EVERY_MS = 400;

/** Asks for decisions all the while, and looks at the memory. */
export class Watch {
  readonly rss: { before: number; most: number }[] = [];
  decisions = 0;
  staleMs = 0;
  private isOver = false;
  private watching: Promise<void> = Promise.resolve();
  private failure: unknown = null;
  private latest: Answer[] = [];

  constructor(readonly servers: readonly Server[]) {}

  start(): void {
    for (const server of this.servers) {
      const bytes = rssOf(server);
      this.rss.push({ before: bytes, most: bytes });
    }
    this.watching = this.go().catch((error) => {
      this.failure = error;
    });
  }

  /** What was answered last about an agent that nobody stopped, by process. */
  get answers(): readonly Answer[] {
    if (this.failure !== null) throw this.failure;
    return this.latest;
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.watching;
    if (this.failure !== null) throw this.failure;
  }

  private async go(): Promise<void> {
    while (!this.isOver) {
      const latest: Answer[] = [];
      for (const [i, server] of this.servers.entries()) {
        latest.push(await this.ask(server));
        this.rss[i].most = Math.max(this.rss[i].most, rssOf(server));
      }
      this.latest = latest;
      await sleep(WATCH_EVERY_MS);
    }
  }

  private async ask(server: Server): Promise<Answer> {
    const held = await server.decide(HELD);
    expect(held).toMatchObject({ status: 200, body: { allow: false, status: 'suspended' } });
    const { status, headers, body } = await server.decide(OTHER);
    expect(status).toBe(200);
    const header = headers.get('killdeer-stale-ms');
    const staleMs = header === null ? null : Number(header);
    this.decisions += 2;
    this.staleMs = Math.max(this.staleMs, staleMs ?? 0);
    return { allow: body.allow as boolean, staleMs };
  }
}

/** Resident memory, bytes. */
function rssOf({ program }: Server): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
