/**
 * A replay without its files: decoded lines in, findings, decisions and rejections out through its hooks. Holds the
 * one partition's engine, the learner, the registry's fold and the recording's clock, and makes of each event the
 * records that the engine sees. Synchronous and free of any clock of its own: a snapshot and the lines that follow
 * it give what the whole run would have given.
 */
import { rootOf } from '../agent/lineage.js';
import { type Config, settingsDigest, settingsOf } from '../config.js';
import type { Finding, Proposal } from '../decide/finding.js';
import { budgetsOf } from '../decide/intent.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel } from '../detect/model.js';
import type { EngineCounts, Shelf } from '../engine/contract.js';
import { PartitionEngine } from '../engine/engine.js';
import { clearOutcome, createOutcome, type Outcome, type Sample } from '../engine/outcome.js';
import type { Budgets, EngineRecord } from '../engine/record.js';
import { rejection } from '../event/decode.js';
import type { AgentEvent, Rejection } from '../event/event.js';
import { Learner } from '../learn/learner.js';
import type { Registration, RegistryEntry, RegistryFold, RegistryRecord, Verdict } from '../registry/registry.js';
import type { Failpoint } from './failpoint.js';
import { InlineFleet, type InlineFleetJson } from './inline-fleet.js';
import { type ClockJson, RecordingClock } from './recording-clock.js';
import {
  decisionOf,
  type Ending,
  type ReplayDecision,
  type ReplaySummary,
  Tally,
  type TallyJson,
} from './replay-summary.js';
import { type ReplayWord, ReplayWords, type ReplayWordsJson } from './replay-verdicts.js';

/** An agent that people have described: registered at the start, before its first event. */
export interface RegistryImport {
  readonly agent: string;
  /** Left out: ''. */
  readonly tenant?: string;
  readonly role: string | null;
  readonly owner: string | null;
  readonly labels: readonly string[];
  readonly budgets: Budgets;
  readonly scopes?: readonly string[];
  readonly protected?: boolean;
  readonly parentAgent?: string | null;
  readonly registration?: Partial<Registration>;
}

/** Makes the registry's fold; the caller chooses which. */
export interface FoldSource {
  create(): RegistryFold;
  /** From RegistryFold.snapshot(). */
  restore(snapshot: unknown): RegistryFold;
}

/** What decides a replay's outcome, beside the recording. */
export interface ReplayerOptions {
  readonly config: Config;
  readonly policy: Policy;
  /** Learning starts from it; it stays in force where learning is off. */
  readonly startModel: CohortModel;
  /** Whether the recording's senders count as bound to their agents. */
  readonly bound: boolean;
  readonly registryImport: readonly RegistryImport[];
  readonly registry: FoldSource;
  readonly shelf: Shelf;
  /** What people say of its findings; left out: nothing. */
  readonly words?: readonly ReplayWord[];
}

/** Each is called in the order of the lines; none may throw but to end the run. */
export interface ReplayerHooks {
  finding?(finding: Finding): void;
  decision?(decision: ReplayDecision): void;
  rejection?(rejected: Rejection, text: string | null): void;
  /** Before and after each record that the engine is given; the outcome is not to be kept. */
  before?(record: EngineRecord, offset: number): void;
  after?(record: EngineRecord, offset: number, outcome: Outcome): void;
  readonly failpoint?: Failpoint;
}

/** What a Replayer goes on from. */
export interface ReplayerSnapshot {
  readonly clock: ClockJson;
  readonly tally: TallyJson;
  readonly firstModel: string;
  readonly registry: unknown;
  readonly learner: unknown;
  readonly samples: readonly Sample[];
  readonly fleet: InlineFleetJson;
  readonly model: CohortModel;
  readonly engine: Uint8Array;
  readonly words?: ReplayWordsJson;
}

const PARTITION = 0;
const EPOCH = 1;
const SYSTEM = { actor: 'system', authority: 'system', parent: null } as const;
const ENGINE = { actor: `engine:${PARTITION}`, authority: 'system', parent: null } as const;

const keyOf = (tenant: string, agent: string): string => (tenant === '' ? agent : `${tenant}\u0000${agent}`);

export class Replayer {
  readonly engine: PartitionEngine;
  readonly fold: RegistryFold;
  private readonly options: ReplayerOptions;
  private readonly hooks: ReplayerHooks;
  private readonly learner: Learner;
  private readonly fleet: InlineFleet;
  private readonly clock: RecordingClock;
  private readonly tally: Tally;
  private readonly words: ReplayWords;
  private readonly outcome = createOutcome();
  private readonly firstModel: string;
  private samples: Sample[];
  private model: CohortModel;
  /** Keys of agents that are suspended or revoked now. */
  private readonly stopped = new Set<string>();

  constructor(options: ReplayerOptions, hooks: ReplayerHooks, snapshot?: ReplayerSnapshot) {
    this.options = options;
    this.hooks = hooks;
    const settings = settingsOf(options.config, options.policy);
    this.model = snapshot?.model ?? options.startModel;
    this.firstModel = snapshot?.firstModel ?? options.startModel.version;
    this.engine = new PartitionEngine(
      {
        settings,
        config: settingsDigest(settings),
        model: this.model,
        place: { partition: PARTITION, epoch: EPOCH },
        shelf: options.shelf,
        models: () => null,
        parseSettings: () => null,
      },
      snapshot?.engine,
    );
    const { pagesPerAgentDay } = settings;
    this.learner = new Learner({ start: options.startModel, pagesPerAgentDay }, snapshot?.learner);
    this.fold = snapshot === undefined ? options.registry.create() : options.registry.restore(snapshot.registry);
    this.clock = new RecordingClock(snapshot?.clock);
    this.tally = new Tally(snapshot?.tally);
    this.words = new ReplayWords(options.words ?? [], snapshot?.words);
    this.samples = [...(snapshot?.samples ?? [])];
    this.fleet = new InlineFleet(settings.hashSeed, snapshot?.fleet);
    for (const entry of this.fold.entries()) this.note(entry);
  }

  /** Whether an event waits for the next one; no snapshot can be made until it came. */
  get waits(): boolean {
    return this.clock.held !== null;
  }

  get counts(): Readonly<EngineCounts> {
    return this.engine.counts;
  }

  /** Takes the event of a line. */
  take(event: AgentEvent, line: number, text: string): void {
    const { clock } = this;
    const { held } = clock;
    if (held !== null) {
      clock.held = null;
      if (clock.confirms(held.event, event)) this.feed(held.event, held.line);
      else this.refuse(held.event, held.line, held.text);
    }
    if (clock.isAhead(event)) clock.held = { event, line, text };
    else this.feed(event, line);
  }

  /** Notes a line that is no event; `text` null where it could not be read. */
  reject(rejected: Rejection, text: string | null): void {
    this.tally.rejection(rejected.code);
    this.hooks.rejection?.(rejected, text);
  }

  /** The recording has ended: an event that still waits has nobody to confirm it, unless it is the only one. */
  finish(): void {
    const { held } = this.clock;
    if (held === null) return;
    this.clock.held = null;
    if (this.clock.tickMs === null) this.feed(held.event, held.line);
    else this.refuse(held.event, held.line, held.text);
  }

  /** Everything it goes on from, to be written down before the next line; not while it waits. */
  snapshot(): ReplayerSnapshot {
    if (this.waits) throw new Error('a snapshot between an event and its confirmation');
    return {
      clock: this.clock.snapshot(),
      tally: this.tally.snapshot(),
      firstModel: this.firstModel,
      registry: this.fold.snapshot(),
      learner: this.learner.snapshot(),
      samples: this.samples,
      fleet: this.fleet.snapshot(),
      model: this.model,
      engine: this.engine.snapshot(),
      words: this.words.snapshot(),
    };
  }

  summary(end: Omit<Ending, 'firstModel' | 'lastModel'>): ReplaySummary {
    const ending = { ...end, firstModel: this.firstModel, lastModel: this.model.version };
    return this.tally.summary(this.counts, ending);
  }

  private refuse(event: AgentEvent, line: number, text: string): void {
    this.reject(rejection('event.time-ahead', this.clock.reasonAgainst(event), line), text);
  }

  private feed(event: AgentEvent, line: number): void {
    const { clock } = this;
    let before = clock.tickMs;
    let due = clock.nextTick(event.timeMs);
    while (due !== null) {
      // Whatever was said before the first event is about nothing.
      if (before !== null) this.hear(due, line);
      this.tick(before, due, line);
      before = due;
      due = clock.nextTick(event.timeMs);
    }
    this.hear(event.timeMs, line);
    this.hooks.failpoint?.('event');
    clock.see(event.timeMs);
    const root = keyOf(event.tenant, rootOf(event.agent, event.parent));
    this.tally.event(event.timeMs, root, this.stopped.size > 0 && this.isStopped(event, root));
    this.fleet.note(event, this.options.bound, clock.tickMs ?? 0);
    this.step({ type: 'event', event, bound: this.options.bound }, line);
  }

  /** What people say up to this time, before anything of this time happens. */
  private hear(timeMs: number, line: number): void {
    if (this.words.size === 0) return;
    const roleOf = (tenant: string, agent: string) => this.fold.entry(tenant, agent)?.role ?? null;
    for (let said = this.words.due(timeMs, roleOf); said !== null; said = this.words.due(timeMs, roleOf)) {
      this.step(said, line);
    }
  }

  private isStopped(event: AgentEvent, root: string): boolean {
    return this.stopped.has(root) || this.stopped.has(keyOf(event.tenant, event.agent));
  }

  private tick(before: number | null, timeMs: number, line: number): void {
    // The clock alone changes nothing but what ends by it; all other records carry their own time.
    const endsMs = this.fold.nextExpiryMs();
    if (before === null || (endsMs !== null && endsMs <= timeMs)) this.apply({ type: 'time', timeMs, ...SYSTEM });
    this.step({ type: 'tick', timeMs }, line);
    for (const record of this.fleet.turn(timeMs)) this.step(record, line);
    if (before === null) {
      this.begin(timeMs, line);
      return;
    }
    const { inline, every } = this.options.config.learning;
    const window = Math.floor(timeMs / every);
    if (!inline || window === Math.floor(before / every)) return;
    const model = this.learner.close(window * every, this.samples);
    this.samples = [];
    if (model === null) return;
    this.model = model;
    this.engine.activate(model);
    this.tally.activation();
  }

  /** What people have said, before the first event and on the recording's own clock. */
  private begin(timeMs: number, line: number): void {
    const { policy, registryImport } = this.options;
    this.apply({ type: 'policy', timeMs, policy, ...SYSTEM, authority: policy.name });
    for (const { agent, tenant = '', role, owner, labels, budgets, ...more } of registryImport) {
      const described = { tenant, agent, role, labels, budgets };
      this.apply({ type: 'register', timeMs, ifVersion: null, owner, ...described, ...more, ...SYSTEM });
      const entry = this.fold.entry(tenant, agent);
      const held = entry === null ? {} : { budgets: budgetsOf(policy.permissions, entry) };
      this.step({ type: 'agent', timeMs, ...described, ...held }, line);
    }
  }

  private step(record: EngineRecord, line: number): void {
    const { outcome } = this;
    this.hooks.before?.(record, line);
    this.engine.step(record, line, outcome);
    this.hooks.after?.(record, line, outcome);
    for (const finding of outcome.findings) {
      this.tally.finding(finding);
      this.words.note(finding, record.type === 'event' ? record.event : null);
      this.hooks.finding?.(finding);
    }
    const timeMs = this.clock.tickMs ?? 0;
    for (const { tenant, agent, agentVersion, parent } of outcome.sightings) {
      // A parent named by whoever sent the event vouches for nothing unless the sender is bound.
      const parentAgent = this.options.bound ? parent : null;
      this.apply({ ...ENGINE, type: 'seen', timeMs, tenant, agent, agentVersion, parentAgent });
    }
    for (const proposal of outcome.proposals) this.propose(proposal, timeMs);
    if (this.options.config.learning.inline) this.samples.push(...outcome.samples);
    this.fleet.gather(outcome.signals);
    clearOutcome(outcome);
  }

  private propose(proposal: Proposal, timeMs: number): void {
    this.hooks.failpoint?.('registry-write');
    const authority = { ...ENGINE, authority: proposal.policy, parent: proposal.finding };
    const verdict = this.apply({ type: 'proposal', timeMs, proposal, ...authority });
    this.hooks.failpoint?.('registry-written');
    this.decide(decisionOf(proposal, verdict, timeMs));
  }

  private apply(record: RegistryRecord): Verdict {
    const verdict = this.fold.apply(record);
    for (const entry of verdict.expired) this.expire(entry, record.timeMs);
    if (verdict.entry !== null) this.note(verdict.entry);
    return verdict;
  }

  private expire(entry: RegistryEntry, timeMs: number): void {
    this.note(entry);
    this.decide({
      time: new Date(timeMs).toISOString(),
      tenant: entry.tenant,
      agent: entry.agent,
      action: null,
      effect: 'expired',
      reason: 'its time was over',
      status: entry.status,
      finding: null,
      proposal: null,
      policy: null,
      rule: null,
    });
  }

  private decide(decision: ReplayDecision): void {
    this.tally.decision(decision);
    this.hooks.decision?.(decision);
  }

  private note(entry: RegistryEntry): void {
    const key = keyOf(entry.tenant, entry.agent);
    if (entry.status === 'suspended' || entry.status === 'revoked') this.stopped.add(key);
    else this.stopped.delete(key);
  }
}
