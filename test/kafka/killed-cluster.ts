/**
 * The story of processes that die by SIGKILL, are replaced, join and leave while traffic flows through them. In the end
 * the topics hold what they would hold had nobody died: every finding once and in order, every stop effective once, and
 * every record accounted for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { createRandom, type Random } from '../../src/math/random.js';
import type { FailpointName } from '../../src/pipeline/failpoint.js';
import { REGISTRY_TOPIC } from '../../src/pipeline/layout.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { until } from '../e2e/program.js';
import type { Server } from '../e2e/server.js';
import { Cluster, metricOf } from './cluster.js';
import { type FedRecord, feed, type TrafficOptions, trafficOf } from './feed.js';
import { type JudgedFigures, judge, readKept, sumOf, undisturbed } from './judgement.js';

/** Stops last until a person lifts them and the brakes are wide, so that no moment decides what is stopped. */
export const LASTING_POLICY = `
name: lasting
mode: enforce
brakes: { stops_max: 1000, interval: 1h, cooldown: 1h }
rules:
  - name: bursts
    when: { kinds: [rate-burst], severity: low }
    do: { action: throttle, for: until-released, calls_per_minute: 30 }
  - name: all
    when: { severity: low }
    do: { action: suspend, for: until-released }
`;
/** Budgets that make little traffic talk, and so narrow a table that the shelf is always at work. */
export const TALKATIVE = {
  hash_seed: 7,
  pages_per_agent_day: 0.5,
  notices_per_agent_day: 0.5,
  agents_max: 4,
};

/**
 * 'any': at any moment. 'proposal': as soon as an engine has proposed something, before what follows from the same
 * records is committed, if all goes as badly as it can. Else the failpoint that a process is started with.
 */
export type Death = 'any' | 'proposal' | `${FailpointName}:${number}`;

export interface KilledCluster {
  readonly seed: string;
  readonly traffic: Omit<TrafficOptions, 'seed' | 'partitions'>;
  readonly partitions: number;
  readonly processes: number;
  readonly deaths: readonly Death[];
  /** Before each death that is no failpoint's, ms: this long at least nobody dies. */
  readonly everyMs: number;
  /** After this many deaths another process joins, and one leaves in order; 0: never. */
  readonly joinEvery: number;
  readonly checkpointEveryMs: number;
}

/** Figures of a run that met every expectation. */
export interface KillFigures extends JudgedFigures {
  readonly deaths: number;
  /** From each death until every partition ran again, s. */
  readonly handOverS: readonly number[];
  /** Mean of the restores of those that lived to tell, s. */
  readonly restoreS: number;
}

/** How long a death takes until everything runs again, about. */
const HAND_OVER_MS = 8_000;
/** A proposal that is waited for may not come. */
const PROPOSAL_MS = 8_000;

export async function runThroughKills(kafka: KafkaOptions, plan: KilledCluster): Promise<KillFigures> {
  const { partitions, processes, deaths, everyMs, checkpointEveryMs } = plan;
  const cluster = await Cluster.create(kafka, {
    partitions,
    policy: LASTING_POLICY,
    config: { detection: TALKATIVE, checkpoint: { every: checkpointEveryMs } },
  });
  const fed = trafficOf({ ...plan.traffic, partitions, seed: plan.seed });
  const story = new Story(cluster, plan, createRandom(plan.seed));
  await Promise.all(Array.from({ length: processes }, (_, i) => story.join(i === 0)));
  await cluster.shared();
  const log = await cluster.openLog(true);
  // Longer than the deaths take, so that traffic flows through all of them.
  const feeding = feed(log, fed, { until: story.ended, leastMs: deaths.length * (everyMs + HAND_OVER_MS) });
  feeding.catch(() => {});
  await story.run();
  await feeding;
  await log.close();
  return conclude(cluster, story, fed);
}

async function conclude(cluster: Cluster, story: Story, fed: readonly FedRecord[]): Promise<KillFigures> {
  const { setup, servers } = cluster;
  const [last, ...others] = [...servers];
  for (const server of others) await cluster.leave(server);
  const { partitions } = await cluster.finished(last);
  await story.noteRestores(last);
  await cluster.leave(last);
  const kept = await readKept(cluster);
  expect(kept.records).toEqual(
    kept.records.map((_, at) => fed.filter(({ partition }) => partition === at).map(({ line }) => line)),
  );
  const truth = undisturbed(kept.records, setup);
  const figures = judge(kept, truth);
  expect(partitions.map(({ counts }) => counts)).toEqual(truth.counts);
  const { events, scored, duplicates, notAdmitted } = sumOf(partitions.map(({ counts }) => counts));
  const dead = partitions.reduce((sum, one) => sum + one.dead_lettered, 0);
  expect(dead).toBe(figures.dead);
  const ticks = fed.filter(({ line }) => line.startsWith('{"type":"tick"')).length;
  expect(fed.length - ticks).toBe(scored + duplicates + notAdmitted + dead);
  expect(events).toBe(scored + duplicates + notAdmitted);
  for (const count of [figures.findings, figures.stops, figures.dead, duplicates, notAdmitted]) {
    expect(count).toBeGreaterThan(0);
  }
  return { ...figures, deaths: story.deaths, handOverS: story.handOverS, restoreS: story.restoreS };
}

class Story {
  deaths = 0;
  readonly handOverS: number[] = [];
  /** By process, as last looked at. */
  private readonly restores = new Map<Server, { readonly count: number; readonly seconds: number }>();
  private readonly left: Death[];
  /** The process that is going to die by itself. */
  private doomed: Server | null = null;
  private isOver = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly plan: KilledCluster,
    private readonly random: Random,
  ) {
    this.left = [...plan.deaths];
  }

  /** Whether nobody is going to die any more. */
  readonly ended = (): boolean => this.isOver;

  get restoreS(): number {
    const all = [...this.restores.values()];
    const count = all.reduce((sum, one) => sum + one.count, 0);
    const seconds = all.reduce((sum, one) => sum + one.seconds, 0);
    return Math.round((seconds / Math.max(1, count)) * 100) / 100;
  }

  /** @param mayDie whether it gets the failpoint of the next death, where that is one */
  async join(mayDie: boolean): Promise<Server> {
    const [next] = this.left;
    const isFailpoint = mayDie && next !== undefined && next !== 'any' && next !== 'proposal';
    const server = await this.cluster.join(isFailpoint ? { failpoint: next } : {});
    if (isFailpoint) this.doomed = server;
    return server;
  }

  async run(): Promise<void> {
    const { joinEvery } = this.plan;
    try {
      while (this.left.length > 0) {
        await this.die();
        if (joinEvery > 0 && this.deaths % joinEvery === 0) await this.comeAndGo();
      }
    } finally {
      this.isOver = true;
    }
  }

  private async die(): Promise<void> {
    const { cluster, random, plan } = this;
    if (this.doomed === null) await this.kill();
    else await this.seeDie(this.doomed);
    const diedMs = performance.now();
    this.deaths += 1;
    this.left.shift();
    // Sometimes the others have taken its partitions by then, sometimes nobody has noticed yet.
    await sleep(random.pick([0, 2_000, 8_000].filter((ms) => ms < plan.everyMs)));
    await this.join(true);
    if (this.doomed === null) {
      await cluster.shared();
      this.handOverS.push(Math.round((performance.now() - diedMs) / 100) / 10);
    }
  }

  private async seeDie(doomed: Server): Promise<void> {
    await until(`it dies at ${this.left[0]}`, () => doomed.program.hasEnded);
    expect((await doomed.program.end()).signal).toBe('SIGKILL');
    this.cluster.forget(doomed);
    this.doomed = null;
  }

  private async kill(): Promise<void> {
    const { cluster, random, plan } = this;
    await sleep(plan.everyMs + random.below(1_000));
    for (const server of cluster.servers) await this.noteRestores(server);
    const proposer = this.left[0] === 'proposal' ? await this.nextProposer() : null;
    await cluster.kill(proposer ?? random.pick(cluster.servers));
  }

  /** Resolves as soon as somebody proposed something, with who it was; null: nobody does. */
  private async nextProposer(): Promise<Server | null> {
    const owners = await this.cluster.owners();
    const log = await this.cluster.openLog(true, { [REGISTRY_TOPIC]: 1 });
    try {
      let offset = await log.end(REGISTRY_TOPIC, 0);
      for (const endMs = performance.now() + PROPOSAL_MS; performance.now() < endMs; ) {
        await log.wait(REGISTRY_TOPIC, 0, offset, 500);
        const { records, next } = await log.read(REGISTRY_TOPIC, 0, offset, 100);
        offset = next;
        for (const { value } of records) {
          const record = JSON.parse(value) as RegistryRecord;
          if (record.type === 'proposal') return owners.get(record.proposal.partition) ?? null;
        }
      }
      return null;
    } finally {
      await log.close();
    }
  }

  /** Another process joins and takes its share; then one leaves in order. */
  private async comeAndGo(): Promise<void> {
    const { cluster, random, doomed } = this;
    await this.join(false);
    await cluster.shared();
    const leaver = random.pick(cluster.servers.filter((server) => server !== doomed));
    await cluster.leave(leaver);
    await cluster.shared();
  }

  async noteRestores(server: Server): Promise<void> {
    const count = await metricOf(server, 'killdeer_restore_seconds_count');
    this.restores.set(server, { count, seconds: await metricOf(server, 'killdeer_restore_seconds_sum') });
  }
}
