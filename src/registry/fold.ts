/**
 * The registry's fold: one record in, one verdict out. Pure and synchronous; every reader that folds the same records
 * holds the same entries, whoever wrote them and in whatever order they were sent. Knows no clock: time moves with the
 * records' own registry time and never back. `decide` alone takes the caller's clock.
 */
import type { Mode, Proposal } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { VerdictRecord } from '../engine/record.js';
import { BRAKES_FREE, stopsLeft } from './brake.js';
import { decideCall } from './decision.js';
import { effectsOf, judgeEffect } from './effects.js';
import {
  brakesOf,
  emptyState,
  type FoldOptions,
  type FoldState,
  readState,
  rememberKey,
  writeState,
} from './fold-state.js';
import { closesCircle, createHeld, type Held, NONE } from './inventory.js';
import { conflict, duplicate, type Judgement, refuse } from './judgement.js';
import { judgeProposal } from './proposal.js';
import type { Attempts, Decision, Effect, RegistryEntry, RegistryFold, RegistryRecord, Verdict } from './registry.js';
import { createRestriction, endOf, inForce, strongest } from './restriction.js';
import { judgeUndo, judgeVerdict, verdictsInForce } from './verdicts.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Versions of an agent's own code kept, newest. */
const AGENT_VERSIONS_MAX = 16;
/** Between two 'attempt' records of one agent. */
const ATTEMPTS_EVERY_MS = 60_000;
/** Records after which the same restriction ends next as before. */
const ENDS_NOTHING = new Set<RegistryRecord['type']>(['time', 'attempt', 'effect', 'told']);
const NOBODY: readonly RegistryEntry[] = Object.freeze([]);

/** A fold before its first record. */
export function createFold(options: FoldOptions = {}): RegistryFold {
  return new Fold(emptyState(options));
}

/** Goes on from a snapshot; throws 'checkpoint.corrupt' where it is none. */
export function restoreFold(snapshot: unknown, options: FoldOptions = {}): RegistryFold {
  return new Fold(readState(snapshot, options));
}

class Fold implements RegistryFold {
  private readonly state: FoldState;
  /** Stopped agents with refused calls that no record tells of yet. */
  private readonly refused = new Set<Held>();
  /** Kept between changes, since every record asks for it; undefined: to be found anew. */
  private nextMs: number | null | undefined = undefined;

  constructor(state: FoldState) {
    this.state = state;
  }

  apply(record: RegistryRecord): Verdict {
    const expired = this.advance(record.timeMs);
    const judged = this.judge(record);
    if (!ENDS_NOTHING.has(record.type)) this.nextMs = undefined;
    return { ...judged, expired };
  }

  private judge(record: RegistryRecord): Judgement {
    switch (record.type) {
      case 'time':
        return { effect: 'none', reason: null, code: null, entry: null };
      case 'seen':
        return this.seen(record);
      case 'register':
        return this.register(record);
      case 'proposal':
        return judgeProposal(this.state, record.proposal);
      case 'stop':
        return this.stop(record);
      case 'release':
        return this.release(record);
      case 'policy':
        return this.adopt(record.policy);
      case 'attempt':
        return this.attempt(record);
      case 'owner':
        return this.own(record);
      case 'verdict':
        if (!isPerson(record.actor)) return refuse('registry.refused', 'only a person gives verdicts', undefined);
        return judgeVerdict(this.state, record);
      case 'verdict-undo':
        return judgeUndo(this.state, record);
      case 'effect':
        return judgeEffect(this.state, record);
      case 'told':
        return { effect: 'none', reason: null, code: null, entry: null };
      default:
        // Written by a newer version: every reader of this one passes over it alike.
        return { effect: 'none', reason: 'a record of an unknown type', code: null, entry: null };
    }
  }

  /** Moves the clock and ends what is over, in the order of names, so that every reader tells it alike. */
  private advance(timeMs: number): readonly RegistryEntry[] {
    const { state } = this;
    if (!(timeMs > state.clockMs)) return NOBODY;
    state.clockMs = timeMs;
    const next = this.nextExpiryMs();
    if (next === null || timeMs < next) return NOBODY;
    this.nextMs = undefined;
    state.recommended.lapse(timeMs);
    state.skipped.lapse(timeMs);
    const { openUntilMs } = state.brake;
    if (openUntilMs !== null && timeMs >= openUntilMs) state.brake = { ...state.brake, openUntilMs: null };
    const over = [...state.inventory.restricted].filter((held) => this.end(held));
    return over.map((held) => held.entry).sort(byName);
  }

  /** Ends what is over of one agent. True where that changes what is in force. */
  private end(held: Held): boolean {
    const { inventory, clockMs } = this.state;
    const ended = held.restrictions.filter((one) => !inForce(one, clockMs));
    if (ended.length === 0) return false;
    const left = held.restrictions.filter((one) => inForce(one, clockMs));
    if (strongest(left) === strongest(held.restrictions)) {
      held.restrictions = left;
      return false;
    }
    // The cooldown runs from the moment it ended, not from the record that told so.
    held.endedMs = Math.max(...ended.map((one) => one.untilMs ?? 0));
    inventory.restrict(held, left.length === 0 ? NONE : left, clockMs);
    return true;
  }

  private own({ partition, epoch }: Of<'owner'>): Judgement {
    const { epochs } = this.state;
    const known = epochs.get(partition) ?? 0;
    if (epoch < known) {
      return refuse(
        'registry.refused',
        `epoch ${epoch} of partition ${partition} is over: ${known} owns it`,
        undefined,
      );
    }
    epochs.set(partition, epoch);
    return { effect: 'applied', reason: null, code: null, entry: null };
  }

  private seen(record: Of<'seen'>): Judgement {
    const { inventory, clockMs, agentsMax } = this.state;
    const { tenant, agent, agentVersion } = record;
    const known = inventory.get(tenant, agent);
    if (known === undefined && inventory.size >= agentsMax) {
      return refuse('registry.refused', `inventory is full: ${agentsMax} agents`, undefined);
    }
    const held = known ?? this.admit(tenant, agent, record.parentAgent ?? null);
    const { agentVersions } = held.entry;
    const isNew = agentVersion !== null && !agentVersions.includes(agentVersion);
    if (isNew) {
      const kept = [...agentVersions, agentVersion].slice(-AGENT_VERSIONS_MAX);
      held.entry = { ...held.entry, agentVersions: kept, lastChangeMs: clockMs };
    }
    return { effect: known === undefined || isNew ? 'applied' : 'none', reason: null, code: null, entry: held.entry };
  }

  private admit(tenant: string, agent: string, parent: string | null): Held {
    const { inventory, clockMs } = this.state;
    const sound = parent !== null && !closesCircle(inventory.of(tenant), agent, parent);
    const held = createHeld(tenant, agent, sound ? parent : null, clockMs);
    inventory.put(held);
    return held;
  }

  private register(record: Of<'register'>): Judgement {
    const { inventory, clockMs } = this.state;
    const { tenant, agent, ifVersion, parentAgent } = record;
    if (!isPerson(record.actor) && record.actor !== 'system')
      return refuse('registry.refused', 'only a person registers', undefined);
    const known = inventory.get(tenant, agent);
    if (ifVersion !== null && ifVersion !== (known?.entry.version ?? 0)) return conflict(known, ifVersion);
    if (typeof parentAgent === 'string' && closesCircle(inventory.of(tenant), agent, parentAgent)) {
      return refuse('registry.refused', `${parentAgent} works under ${agent} itself`, known);
    }
    const held = known ?? this.admit(tenant, agent, null);
    const { entry } = held;
    held.entry = {
      ...entry,
      registered: true,
      parent: parentAgent === undefined ? entry.parent : parentAgent,
      version: known === undefined ? entry.version : entry.version + 1,
      owner: record.owner === undefined ? entry.owner : record.owner,
      role: record.role === undefined ? entry.role : record.role,
      labels: record.labels ?? entry.labels,
      scopes: record.scopes ?? entry.scopes,
      budgets: record.budgets ?? entry.budgets,
      protected: record.protected ?? entry.protected,
      registration: { ...entry.registration, ...record.registration },
      lastChangeMs: clockMs,
    };
    return { effect: 'applied', reason: null, code: null, entry: held.entry };
  }

  /** A person's stop replaces what is in force, weaker or stronger; only a revocation is not a person's to weaken. */
  private stop(record: Of<'stop'>): Judgement {
    const { state } = this;
    const { tenant, agent, action, reason, forMs, callsPerMinute } = record;
    const known = state.inventory.get(tenant, agent);
    if (!isPerson(record.actor)) return refuse('registry.refused', `${record.actor} may not stop an agent`, known);
    if (known?.entry.status === 'revoked' && action !== 'revoke') {
      return refuse('registry.refused', `${agent} is revoked: an admin releases it first`, known);
    }
    if (!rememberKey(state, keyOf(record))) return duplicate(known);
    const held = known ?? this.admit(tenant, agent, null);
    const untilMs = endOf(action, forMs, state.clockMs);
    const restriction = createRestriction(agent, { action, untilMs, callsPerMinute, reason, automatic: false });
    state.inventory.restrict(held, [restriction], state.clockMs);
    state.recommended.answer(tenant, agent);
    state.skipped.answer(tenant, agent);
    return { effect: 'applied', reason: null, code: null, entry: held.entry };
  }

  private release(record: Of<'release'>): Judgement {
    const { state } = this;
    const { tenant, agent, ifVersion, role } = record;
    const held = state.inventory.get(tenant, agent);
    if (!isPerson(record.actor)) return refuse('registry.refused', `${record.actor} may not release an agent`, held);
    if (state.keys.has(keyOf(record))) return duplicate(held);
    if (typeof ifVersion === 'number' && ifVersion !== (held?.entry.version ?? 0)) return conflict(held, ifVersion);
    if (held?.entry.status === 'revoked' && role !== 'admin') {
      return refuse('registry.refused', `${agent} is revoked: only an admin releases it`, held);
    }
    const recommended = state.recommended.answer(tenant, agent);
    const skipped = state.skipped.answer(tenant, agent);
    if (held === undefined && !recommended && !skipped) {
      return refuse('registry.unknown-agent', `${agent} is not known`, undefined);
    }
    if ((held === undefined || held.restrictions.length === 0) && !recommended && !skipped) {
      return refuse('registry.refused', `${agent} is under no restriction`, held);
    }
    rememberKey(state, keyOf(record));
    if (held !== undefined && held.restrictions.length > 0) {
      held.endedMs = state.clockMs;
      state.inventory.restrict(held, NONE, state.clockMs);
    }
    return { effect: 'applied', reason: null, code: null, entry: held?.entry ?? null };
  }

  /** A new policy is a person's act: the breaker closes, what was counted stays counted. */
  private adopt(policy: Policy): Judgement {
    this.state.policy = policy;
    this.state.brake = { ...BRAKES_FREE, stopsMs: this.state.brake.stopsMs };
    return { effect: 'applied', reason: null, code: null, entry: null };
  }

  private attempt({ tenant, agent, count }: Of<'attempt'>): Judgement {
    const held = this.state.inventory.get(tenant, agent);
    if (held === undefined || held.restrictions.length === 0) {
      return { effect: 'none', reason: 'no stop in force any more', code: null, entry: held?.entry ?? null };
    }
    held.entry = { ...held.entry, attempts: held.entry.attempts + count };
    return { effect: 'applied', reason: null, code: null, entry: held.entry };
  }

  entry(tenant: string, agent: string): RegistryEntry | null {
    return this.state.inventory.get(tenant, agent)?.entry ?? null;
  }

  *entries(): IterableIterator<RegistryEntry> {
    for (const held of this.state.inventory.all()) yield held.entry;
  }

  brakes(): ReturnType<RegistryFold['brakes']> {
    const { brake, clockMs, skipped } = this.state;
    const brakes = brakesOf(this.state);
    const open = brake.openUntilMs !== null;
    return { brakes, left: stopsLeft(brake, brakes, clockMs), open, skipped: skipped.proposals() };
  }

  recommendations(): readonly Proposal[] {
    return this.state.recommended.proposals();
  }

  verdicts(): readonly VerdictRecord[] {
    return verdictsInForce(this.state);
  }

  effects(tenant: string, agent: string): readonly Effect[] {
    return effectsOf(this.state, tenant, agent);
  }

  mode(): Mode {
    return this.state.policy?.mode ?? 'observe';
  }

  policy(): Policy | null {
    return this.state.policy;
  }

  clockMs(): number {
    return this.state.clockMs;
  }

  nextExpiryMs(): number | null {
    if (this.nextMs !== undefined) return this.nextMs;
    const { inventory, brake, recommended, skipped } = this.state;
    let next = Math.min(
      recommended.nextLapseMs(),
      skipped.nextLapseMs(),
      brake.openUntilMs ?? Number.POSITIVE_INFINITY,
    );
    for (const held of inventory.restricted) {
      for (const { untilMs } of held.restrictions) if (untilMs !== null && untilMs < next) next = untilMs;
    }
    this.nextMs = Number.isFinite(next) ? next : null;
    return this.nextMs;
  }

  decide(tenant: string, agent: string, nowMs: number): Decision {
    return decideCall(this.state.inventory, this.state.policy, tenant, agent, nowMs, this.refused);
  }

  drainAttempts(nowMs: number): Attempts[] {
    const drained: Attempts[] = [];
    for (const held of this.refused) {
      if (held.drainedMs !== null && nowMs - held.drainedMs < ATTEMPTS_EVERY_MS) continue;
      drained.push({ tenant: held.entry.tenant, agent: held.entry.agent, count: held.refused });
      held.refused = 0;
      held.drainedMs = nowMs;
      this.refused.delete(held);
    }
    return drained;
  }

  snapshot(): unknown {
    return writeState(this.state);
  }
}

/** Telemetry, engines and agents never register, stop or release; whoever calls a control route is a person. */
function isPerson(actor: string): boolean {
  return actor.startsWith('person:');
}

/** Per agent: one incident's key may stop several of them. */
function keyOf({ type, key, tenant, agent }: Of<'stop' | 'release'>): string {
  return JSON.stringify([type, key, tenant, agent]);
}

function byName(a: RegistryEntry, b: RegistryEntry): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  return a.agent < b.agent ? -1 : a.agent > b.agent ? 1 : 0;
}
