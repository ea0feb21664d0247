/**
 * The live side as a whole: one process on one data directory. It writes `log:events` and `log:registry`, keeps a
 * worker thread per partition and one for learning, moves the clock by ticks, and gives the API what it needs.
 *
 * Start and stop are one list read forwards and backwards: what was opened later needs what was opened before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsDigest } from '../config.js';
import type { Inspection } from '../engine/contract.js';
import { partitionOf } from '../engine/partition.js';
import type { ControlRecord } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';
import { nodeFiles } from '../log/files.js';
import type { Log } from '../log/log.js';
import { activateLearned } from './choices.js';
import { Edges } from './edges.js';
import { createEvidences, type Evidences } from './evidence.js';
import type { FindingsFollower } from './findings-follower.js';
import { RESTART_LIMITS } from './kept-worker.js';
import { EVENTS_TOPIC } from './layout.js';
import { type LiveFleet, openLiveFleet } from './live-fleet.js';
import {
  announceConfig,
  type Closers,
  type FollowedFindings,
  followFindings,
  type Ground,
  openGround,
  openLiveRegistry,
} from './live-ground.js';
import { LiveLearning } from './live-learning.js';
import { LivePartitions } from './live-partitions.js';
import type { LiveOptions, LiveRegistry } from './live-parts.js';
import { createSpawn } from './live-threads.js';
import { forgetModels } from './model-folder.js';
import type { Progress } from './partition-parts.js';
import { encodeRecord } from './record-line.js';
import { type FeedOptions, type FeedSummary, RecordingFeed } from './recording-feed.js';
import { createRegistryWriter } from './registry-writer.js';
import { SIGNALS_TOPIC } from './topics.js';

const TICK_EVERY_MS = 10_000;
const RETAIN_EVERY_MS = 60_000;
const POLL_MS = 10;
const DAY_MS = 86_400_000;
/** What is fed waits while more records than this are not executed. */
const FEED_BEHIND_MAX = 20_000;

export interface LiveHealth {
  readonly ok: boolean;
  readonly reason: string | null;
}

export interface Live<R extends LiveRegistry = LiveRegistry> {
  /** For ingest: an append that resolved is durable and on its way to its partition. */
  readonly log: Pick<Log, 'partitions' | 'append'>;
  /** For whoever follows what was taken in. */
  readonly reader: Pick<Log, 'partitions' | 'read' | 'begin' | 'end' | 'wait'>;
  readonly registry: R;
  /** The clock of registry and ticks, ms. */
  readonly clock: () => number;
  readonly status: { health(): LiveHealth; ready(): LiveHealth; stats(): Readonly<Record<string, unknown>> };
  /** Resolves once the record is durable in its agent's partition; what names no agent goes to every partition. */
  readonly control: { write(record: ControlRecord): Promise<void> };
  /** The event behind a finding's line; null: it rests on a tick, or the event is no longer kept. */
  readonly evidence: Evidences;
  /** What is known of the agent; null: it was never met. Rejects with 'partition.away' where its thread cannot be asked. */
  inspect(tenant: string, agent: string): Promise<Inspection | null>;
  /** Records that are durable and not executed yet. */
  behind(): number;
  /** By partition, as it stands; null before it ran. */
  progress(): readonly (Progress | null)[];
  /** Plays a recording's lines; only where the clock is the recording's, and one at a time. */
  feed(lines: Iterable<string> | AsyncIterable<string>, options?: FeedOptions): Promise<FeedSummary>;
  /** Resolves once everything durable was executed, and what follows from it was handed on. */
  drained(): Promise<void>;
  /** Ends in order, with a last checkpoint of every partition. */
  stop(): Promise<void>;
}

/** Rejects with 'log.locked', and with whatever stands in the way of opening; nothing is left open then. */
export async function startLive<R extends LiveRegistry>(options: LiveOptions<R>): Promise<Live<R>> {
  const closers: Closers = [];
  try {
    const ground = await openGround(options, closers);
    const { registry, relay } = await openLiveRegistry(options, ground, closers);
    await announceConfig(options, ground);
    relay.start();
    const findings = await followFindings(options, ground, closers);
    const fleet = await openLiveFleet(options, ground, closers);
    const workers = startWorkers(options, ground, registry, findings, fleet, closers);
    await Promise.all([workers.partitions.started(), workers.learning?.started()]);
    fleet.start();
    const side = new LiveSide(options, ground, registry, findings.follower, workers, closers);
    await side.begin();
    return side;
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

interface Workers {
  readonly partitions: LivePartitions;
  /** null: nothing is learned. */
  readonly learning: LiveLearning | null;
  readonly fleet: LiveFleet;
}

function startWorkers<R extends LiveRegistry>(
  options: LiveOptions<R>,
  { log, events, state, report, choices }: Ground,
  registry: R,
  findings: FollowedFindings,
  fleet: LiveFleet,
  closers: Closers,
): Workers {
  const limits = options.restart ?? RESTART_LIMITS;
  const spawn = createSpawn(options, state);
  const writer = createRegistryWriter(registry);
  const createLearning = (): LiveLearning =>
    new LiveLearning({
      limits,
      spawn: spawn.learner,
      activate: (version, timeMs) =>
        activateLearned(choices, version, async (next) => {
          await events.all(encodeRecord({ type: 'model', timeMs, version: next }));
          await state.save({ model: next });
        }),
      onClosed: ({ positions }) => partitions.learned(positions),
      report,
    });
  const learning = options.config.learning.inline ? createLearning() : null;
  const partitions: LivePartitions = new LivePartitions({
    ends: events.ends,
    limits,
    spawn: spawn.partition,
    tellRegistry: writer.write,
    onProgress: (partition, progress) => {
      findings.hint(partition, progress.findings);
      learning?.sampled(partition, progress.samples);
      fleet.hint(partition, progress.signals);
    },
    onCheckpoint: (partition, offset) => log.keepFrom(EVENTS_TOPIC, partition, offset),
    report,
  });
  choices.onBudget = ({ pagesPerAgentDay }) => learning?.setBudget(pagesPerAgentDay);
  events.onAppend = (partition, end) => partitions.appended(partition, end);
  closers.push(
    async () => learning?.stop(),
    async () => {
      writer.stop();
      await partitions.stop();
    },
  );
  return { partitions, learning, fleet };
}

class LiveSide<R extends LiveRegistry> implements Live<R> {
  readonly log: Live<R>['log'];
  readonly reader: Live<R>['reader'];
  readonly clock: Live<R>['clock'];
  readonly status: Live<R>['status'];
  readonly control: Live<R>['control'];
  readonly evidence: Live<R>['evidence'];
  private readonly timers: NodeJS.Timeout[] = [];
  private isStopping = false;
  private isFeeding = false;
  private stopped: Promise<void> | null = null;

  constructor(
    private readonly options: LiveOptions<R>,
    private readonly ground: Ground,
    readonly registry: R,
    private readonly follower: FindingsFollower,
    private readonly workers: Workers,
    private readonly closers: Closers,
  ) {
    this.log = ground.events;
    this.reader = ground.log;
    this.clock = ground.time.now;
    this.control = { write: (record) => ground.events.control(record) };
    this.evidence = createEvidences(
      () => ground.log,
      () => options.prices,
    );
    this.status = { health: () => this.health(), ready: () => this.ready(), stats: () => this.stats() };
  }

  /** The first tick, and whatever happens from time to time. */
  async begin(): Promise<void> {
    this.closers.push(() => {
      this.isStopping = true;
      for (const timer of this.timers) clearInterval(timer);
    });
    const { events, time } = this.ground;
    this.every(RETAIN_EVERY_MS, () => this.retain());
    if (time.isRecorded) return;
    await events.tick(time.now());
    this.every(this.options.tickEveryMs ?? TICK_EVERY_MS, () => events.tick(time.now()));
  }

  behind(): number {
    return this.workers.partitions.behind();
  }

  inspect(tenant: string, agent: string): Promise<Inspection | null> {
    const partition = partitionOf(tenant, agent, this.options.config.partitions);
    return this.workers.partitions.inspect(partition, tenant, agent);
  }

  progress(): readonly (Progress | null)[] {
    return this.workers.partitions.progress();
  }

  async feed(lines: Iterable<string> | AsyncIterable<string>, options: FeedOptions = {}): Promise<FeedSummary> {
    if (!this.ground.time.isRecorded || this.isFeeding) {
      throw new KilldeerError('usage', 'only one recording at a time is fed, and only where the clock is its own');
    }
    this.isFeeding = true;
    try {
      return await this.createFeed(options).run(lines);
    } finally {
      this.isFeeding = false;
    }
  }

  async drained(): Promise<void> {
    const { partitions, fleet } = this.workers;
    const ends = (): number[] => partitions.progress().map((progress) => progress?.findings ?? 0);
    // What the fleet stage says goes into the partitions, so it comes before they are idle for good.
    await this.until(
      () => fleet.hasReached(partitions.progress()) && partitions.isIdle() && this.follower.hasReached(ends()),
    );
  }

  stop(): Promise<void> {
    this.stopped ??= closeAll(this.closers);
    return this.stopped;
  }

  private createFeed(options: FeedOptions): RecordingFeed {
    const { events, time } = this.ground;
    const { learning } = this.workers;
    const { config, prices } = this.options;
    const edges = new Edges(this.ground.state.now.settings.hashSeed);
    const shown: string[] = [];
    const parts = {
      prices,
      partitions: config.partitions,
      lastTickMs: time.recordingMs,
      learnEveryMs: learning === null ? null : config.learning.every,
      append: async (partition: number, values: readonly string[]) => {
        const lines = shown.splice(0);
        if (lines.length > 0) await events.append(SIGNALS_TOPIC, 0, lines);
        await events.append(EVENTS_TOPIC, partition, values);
      },
      note: (event: AgentEvent, bound: boolean) => {
        shown.push(...edges.shown(event, bound, time.recordingMs));
      },
      ticked: async (timeMs: number) => {
        time.recordingMs = timeMs;
        await this.registry.tick();
      },
      learned: async (endMs: number) => {
        await this.until(() => this.behind() === 0);
        await learning?.learned(endMs);
      },
      paced: () => this.until(() => this.behind() <= FEED_BEHIND_MAX),
    };
    return new RecordingFeed(parts, options);
  }

  private health(): LiveHealth {
    return this.ground.fault === null ? { ok: true, reason: null } : { ok: false, reason: 'a log failed' };
  }

  private ready(): LiveHealth {
    if (this.isStopping) return { ok: false, reason: 'stopping' };
    if (this.ground.fault !== null) return this.health();
    const one = this.workers.partitions.notRunning();
    return one === null
      ? { ok: true, reason: null }
      : { ok: false, reason: `partition ${one.partition} is ${one.state}` };
  }

  private stats(): Readonly<Record<string, unknown>> {
    const { state, time } = this.ground;
    const { partitions, learning } = this.workers;
    return {
      clock: time.isRecorded ? 'recording' : 'wall',
      behind: partitions.behind(),
      model: state.now.model,
      config: settingsDigest(state.now.settings),
      partitions: partitions.status(),
      learning: learning?.status() ?? null,
      registry: { offset: this.registry.offset() },
    };
  }

  /** Waits; rejects where the live side ends or a partition is down, since then it may never be. */
  private async until(isMet: () => boolean): Promise<void> {
    for (;;) {
      if (this.isStopping) throw new KilldeerError('log.closed', 'the live side was stopped');
      const down = this.workers.partitions.down();
      if (down !== null) throw new KilldeerError('partition.fault', `partition ${down} is down`);
      if (isMet()) return;
      await sleep(POLL_MS);
    }
  }

  private every(ms: number, work: () => Promise<unknown>): void {
    const turn = (): void => {
      // What fails now is due again at the next turn.
      work().catch((error) =>
        this.ground.report({ level: 'warn', message: 'what is due from time to time failed', error }),
      );
    };
    this.timers.push(setInterval(turn, ms));
  }

  private async retain(): Promise<void> {
    const { log, layout, state } = this.ground;
    const { config } = this.options;
    await log.retain();
    const keptMs = Math.max(config.log.retention_age, config.checkpoint.daily * DAY_MS);
    const { model, genesis } = state.now;
    await forgetModels(nodeFiles, layout.models, Date.now() - keptMs, new Set([model, genesis.model]));
  }
}
