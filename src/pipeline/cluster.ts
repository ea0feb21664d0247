/**
 * The live side of a process among several: the same log, engines and registry as on one machine (live.ts), but the
 * log is the brokers', and which partitions are this process's is for the group to say. What each role needs is opened
 * for that role alone.
 *
 * Start and stop are one list read forwards and backwards: what was opened later needs what was opened before.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsDigest, settingsOf } from '../config.js';
import type { Inspection } from '../engine/contract.js';
import type { ControlRecord } from '../engine/record.js';
import { placeOf } from '../engine/record-place.js';
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import type { Log } from '../log/log.js';
import { activateLearned, Choices } from './choices.js';
import { Announcer } from './cluster-announcer.js';
import type { ClusterOptions, ClusterRegistry } from './cluster-parts.js';
import { type ClusterMemory, openClusterMemory } from './cluster-state.js';
import { createEvidences, type Evidences } from './evidence.js';
import { FindingsFollower } from './findings-follower.js';
import { isFenced, RESTART_LIMITS } from './kept-worker.js';
import { KeyedModels, modelRecord } from './keyed-models.js';
import { EVENTS_TOPIC, REGISTRY_TOPIC } from './layout.js';
import { LearnRole } from './learn-role.js';
import type { LiveHealth } from './live.js';
import type { Closers } from './live-ground.js';
import { createPatientLog, type PatientLog, seldom } from './patient-log.js';
import { encodeRecord } from './record-line.js';
import { createRegistryWriter } from './registry-writer.js';
import { ScoreRole } from './score-role.js';
import { CLUSTER_TOPIC, FINDINGS_TOPIC, MODELS_TOPIC, REJECTED_TOPIC, SIGNALS_TOPIC } from './topics.js';

const TICK_EVERY_MS = 10_000;
/** Before another look at what another process is just writing. */
const RETRY_MS = 500;

export interface Cluster<R extends ClusterRegistry> {
  /** An append that resolved is durable and on its way to its partition. */
  readonly log: Log;
  readonly registry: R;
  /** The clock of ticks and registry, ms. */
  readonly clock: () => number;
  readonly status: {
    health(): LiveHealth;
    /** By role, and 'registry'. */
    ready(): Readonly<Record<string, LiveHealth>>;
    stats(): Readonly<Record<string, unknown>>;
  };
  readonly control: { write(record: ControlRecord): Promise<void> };
  /** The event behind a finding's line; null: it rests on a tick, or the event is no longer kept. */
  readonly evidence: Evidences;
  /** What is known of the agent; null: it was never met. Rejects with 'partition.away', or 'partition.elsewhere'. */
  inspect(tenant: string, agent: string): Promise<Inspection | null>;
  /** Records of this process's partitions that are durable and not executed, as last looked at. */
  behind(): number;
  /** ms since the registry's log was last in reach. */
  staleMs(): number;
  /** Says that it is not ready any more, and waits for no broker that is away. To be followed by `stop`. */
  beginStop(): void;
  /** Ends in order, with a last snapshot of every partition. */
  stop(): Promise<void>;
}

/** Rejects where something stands in the way of starting; nothing is left open then. */
export async function startCluster<R extends ClusterRegistry>(options: ClusterOptions<R>): Promise<Cluster<R>> {
  const closers: Closers = [];
  const process = new Process(options, closers);
  try {
    await process.open();
    return process;
  } catch (error) {
    process.beginStop();
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

const OK: LiveHealth = { ok: true, reason: null };
const no = (reason: string): LiveHealth => ({ ok: false, reason });

class Process<R extends ClusterRegistry> implements Cluster<R> {
  log!: PatientLog;
  registry!: R;
  private readonly logs: PatientLog[] = [];
  private readonly choices = new Choices();
  private readonly announcer: Announcer;
  private memory!: ClusterMemory;
  private score: ScoreRole | null = null;
  private learn: LearnRole | null = null;
  private recordedMs = 0;
  /** What the registry's log said before is history. */
  private isOpen = false;
  private fault: unknown = null;
  private isStopping = false;
  private stopped: Promise<void> | null = null;

  constructor(
    private readonly options: ClusterOptions<R>,
    private readonly closers: Closers,
  ) {
    this.choices.onBudget = ({ pagesPerAgentDay }) => this.learn?.setBudget(pagesPerAgentDay);
    this.announcer = new Announcer({
      append: (record) => this.appendAll(encodeRecord(record)),
      log: () => this.log,
      configured: () => this.configured(),
      choices: this.choices,
      clock: this.clock,
      learns: options.config.learning.inline,
      report: options.report,
    });
  }

  readonly clock = (): number => (this.options.clock === 'recording' ? this.recordedNow() : Date.now());
  readonly control: Cluster<R>['control'] = { write: (record) => this.writeControl(record) };
  readonly evidence: Evidences = createEvidences(
    () => this.log,
    () => this.options.prices,
  );
  readonly status: Cluster<R>['status'] = {
    health: () => (this.fault === null ? OK : no('a log failed')),
    ready: () => this.ready(),
    stats: () => this.stats(),
  };

  async open(): Promise<void> {
    const { config, adapters, roles } = this.options;
    const topics = {
      [EVENTS_TOPIC]: config.partitions,
      ...Object.fromEntries([REGISTRY_TOPIC, CLUSTER_TOPIC, REJECTED_TOPIC].map((topic) => [topic, 1])),
      [SIGNALS_TOPIC]: config.partitions,
    };
    this.log = this.patient(await adapters.openLog(topics, false));
    this.closers.push(() => this.log.close());
    const models = new KeyedModels(adapters.readModels);
    await this.remember(models);
    // Before the registry, whose every change it has to be told.
    if (roles.includes('score')) this.score = this.createScoring();
    await this.openRegistry();
    if (roles.includes('score')) await this.announcer.announce(this.memory, this.options.startModel.version);
    this.isOpen = true;
    if (roles.includes('serve') || this.options.followsFindings === true) await this.followFindings();
    if (this.score !== null) await this.start(this.score);
    if (roles.includes('learn') && config.learning.inline) {
      this.learn = this.createLearning();
      await this.start(this.learn);
    }
  }

  async inspect(tenant: string, agent: string): Promise<Inspection | null> {
    const answer = this.score?.inspect(tenant, agent);
    if (answer === undefined) throw new KilldeerError('partition.elsewhere', 'another process scores this agent');
    return await answer;
  }

  behind(): number {
    return this.score?.behind() ?? 0;
  }

  staleMs(): number {
    return this.log.silentMs(REGISTRY_TOPIC);
  }

  beginStop(): void {
    this.isStopping = true;
    for (const log of this.logs) log.hurry();
  }

  stop(): Promise<void> {
    this.beginStop();
    this.stopped ??= closeAll(this.closers);
    return this.stopped;
  }

  /** The genesis, and what is configured here and not announced yet. */
  private async remember(models: KeyedModels): Promise<void> {
    const { config, policy, startModel, drawSeed } = this.options;
    await models.fetch(startModel.version);
    while (!models.has(startModel.version)) await this.storeModel(models);
    const genesis = () => ({
      settings: settingsOf(config, policy, drawSeed?.()),
      model: startModel.version,
      partitions: config.partitions,
    });
    this.memory = await openClusterMemory(this.log, genesis, config.partitions);
  }

  /** What the file says; people may have set some of it otherwise. */
  private configured(): Settings {
    const { config, policy } = this.options;
    return settingsOf(config, policy, this.memory.genesis.settings.hashSeed);
  }

  /** Processes that begin at the same moment fence each other: the last of them has written it. */
  /** As far as this process or the registry knows: one that scores nothing itself has the registry's time alone. */
  private recordedNow(): number {
    return Math.max(this.recordedMs, (this.registry as R | undefined)?.view.clockMs() ?? 0);
  }

  private async storeModel(models: KeyedModels): Promise<void> {
    const transactions = await this.options.adapters.openTransactions('models');
    try {
      await transactions.commit([modelRecord(this.options.startModel)]);
    } catch (error) {
      if (!isFenced(error)) throw error;
      await sleep(RETRY_MS);
    } finally {
      await transactions.close();
    }
    await models.refresh();
  }

  private async openRegistry(): Promise<void> {
    const { adapters, policy, roles, observer, onRegistryChange } = this.options;
    const isTimekeeper = roles.includes('serve') && this.options.clock !== 'recording';
    this.registry = await adapters.openRegistry({
      log: this.log,
      clock: this.clock,
      policy: null,
      onChange: (change) => {
        this.choices.note(change);
        this.announcer.noteChange(change, this.learn?.status() != null);
        this.score?.noteChange(change);
        if (this.isOpen) observer.registry(change);
        onRegistryChange?.(change);
      },
      onFault: (error) => this.fail(error),
      ...(isTimekeeper ? {} : { tickEveryMs: 0 }),
    });
    this.closers.push(() => this.registry.close());
    if (roles.includes('serve') || this.registry.view.policy() === null) await this.registry.adopt(policy);
  }

  private async followFindings(): Promise<void> {
    const { adapters, config, findings, observer, onFinding } = this.options;
    const log = this.patient(await adapters.openLog({ [FINDINGS_TOPIC]: config.partitions }, true));
    const places = Array.from({ length: config.partitions }, (_, partition) => ({
      log,
      topic: FINDINGS_TOPIC,
      partition,
    }));
    const follower = new FindingsFollower(
      places,
      (finding, isNew) => {
        findings.add(finding);
        if (!isNew) return;
        observer.finding(finding);
        onFinding?.(finding);
      },
      (error) => this.fail(error),
      config.triage.findings_max,
    );
    this.closers.push(async () => {
      follower.stop();
      await log.close();
      await follower.ended();
    });
    await follower.start();
  }

  private createScoring(): ScoreRole {
    const { adapters, config, prices, scratch, observer, report } = this.options;
    const writer = createRegistryWriter({ write: (draft) => this.registry.write(draft) });
    const { everyMs, isRecorded } = this.time;
    return new ScoreRole({
      partitions: config.partitions,
      log: this.log,
      spawn: (partition) =>
        adapters.spawnOwner({
          partition,
          partitions: config.partitions,
          genesis: this.memory.genesis,
          prices,
          checkpointEveryMs: config.checkpoint.every,
          learnEveryMs: config.learning.inline ? config.learning.every : null,
          directory: join(scratch, String(partition)),
        }),
      join: (onAssigned) => adapters.join({ group: 'score', topic: EVENTS_TOPIC, onAssigned }),
      writer,
      configured: () => this.configured(),
      writeRegistry: (draft) => this.registry.write(draft),
      tick: isRecorded ? null : { everyMs, now: Date.now },
      onClock: (nowMs) => {
        this.recordedMs = Math.max(this.recordedMs, nowMs);
      },
      limits: this.options.restart ?? RESTART_LIMITS,
      observer,
      report,
    });
  }

  private createLearning(): LearnRole {
    const { adapters, config, observer, report } = this.options;
    return new LearnRole({
      limits: this.options.restart ?? RESTART_LIMITS,
      join: (onAssigned) => adapters.join({ group: 'learn', topic: MODELS_TOPIC, onAssigned }),
      spawn: () =>
        adapters.spawnLearner({
          partitions: config.partitions,
          start: this.memory.genesis.model,
          pagesPerAgentDay: this.choices.over(this.configured()).pagesPerAgentDay,
        }),
      onClosed: () => observer.learned(),
      activate: (version, timeMs) =>
        activateLearned(this.choices, version, async (next) => {
          await this.appendAll(encodeRecord({ type: 'model', timeMs, version: next }));
          observer.activated(next);
        }),
      report,
    });
  }

  /** Measured by a clock that nobody sets: how stale an answer is must not depend on the machine's time. */
  private patient(log: Log): PatientLog {
    const { report } = this.options;
    const tell = (error: unknown): void =>
      report({ level: 'warn', message: 'the log is out of reach, it is waited for', error });
    const patient = createPatientLog(log, () => performance.now(), seldom(tell));
    this.logs.push(patient);
    return patient;
  }

  private async start(role: ScoreRole | LearnRole): Promise<void> {
    this.closers.push(() => role.stop());
    await role.start();
  }

  private get time(): { readonly isRecorded: boolean; readonly everyMs: number } {
    const { clock, tickEveryMs } = this.options;
    return { isRecorded: clock === 'recording', everyMs: tickEveryMs ?? TICK_EVERY_MS };
  }

  /** In its agent's partition, or in all. */
  private async writeControl(record: ControlRecord): Promise<void> {
    const line = encodeRecord(record);
    const partition = placeOf(record, this.options.config.partitions);
    if (partition === null) return this.appendAll(line);
    await this.log.append(EVENTS_TOPIC, partition, [line]);
  }

  /** One line in every partition. Rejects where one of them did not take it, after all were tried. */
  private async appendAll(line: string): Promise<void> {
    const partitions = Array.from({ length: this.options.config.partitions }, (_, partition) => partition);
    const appends = partitions.map((partition) => this.log.append(EVENTS_TOPIC, partition, [line]));
    for (const settled of await Promise.allSettled(appends)) if (settled.status === 'rejected') throw settled.reason;
  }

  private ready(): Readonly<Record<string, LiveHealth>> {
    if (this.isStopping) return { process: no('stopping') };
    const { config } = this.options;
    const staleMs = this.staleMs();
    const parts: Record<string, LiveHealth> = {
      log: this.fault === null ? OK : no('a log failed'),
      registry:
        staleMs <= config.decide.stale_after ? OK : no(`the registry's log was last in reach ${staleMs} ms ago`),
    };
    if (this.score !== null) parts['score'] = healthOf(this.score.notReady());
    if (this.learn !== null) parts['learn'] = healthOf(this.learn.notReady());
    return parts;
  }

  private stats(): Readonly<Record<string, unknown>> {
    const { roles } = this.options;
    return {
      clock: this.time.isRecorded ? 'recording' : 'wall',
      roles,
      config: settingsDigest(this.choices.over(this.configured())),
      behind: this.behind(),
      partitions: this.score?.status() ?? [],
      learning: this.learn?.status() ?? null,
      registry: { offset: this.registry.offset(), stale_ms: this.staleMs() },
    };
  }

  private fail(error: unknown): void {
    // Told once: every later call fails of the same. What a stop cuts off is no fault.
    if (this.fault !== null || this.isStopping) return;
    this.fault = error;
    this.options.report({ level: 'error', message: 'this process cannot go on', error });
  }
}

function healthOf(reason: string | null): LiveHealth {
  return reason === null ? OK : no(reason);
}
