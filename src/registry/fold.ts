/**
 * The registry's fold: one record in, one verdict out. Pure and synchronous; every reader that folds the same records
 * holds the same entries, whoever wrote them and in whatever order they were sent. Knows no clock: time moves with the
 * records' own registry time and never back. `decide` alone takes the caller's clock.
 */
import type { Mode, Proposal } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import type { VerdictRecord } from '../engine/record.js';
import { isPerson } from './actor.js';
import { judgeRevoke, lapseApprovals, nextApprovalMs } from './approvals.js';
import { closed, nextTurnMs } from './brake.js';
import { decideCall } from './decision.js';
import { Desk } from './desk.js';
import { keepDrill } from './drill.js';
import { effectsOf, judgeEffect } from './effects.js';
import { judgeRegister, judgeSeen } from './enrolment.js';
import { emptyState, type FoldOptions, type FoldState, readState, writeState } from './fold-state.js';
import { judgeHalt, judgeRecover } from './halt.js';
import { haltedCall, haltsInForce } from './halted.js';
import { type Held, NONE } from './inventory.js';
import { type Judgement, refuse } from './judgement.js';
import { ladderUnder, ladderView, modeOf, noteProposal, noteRelease, noteWord } from './ladder.js';
import { brakesState, turnBrake } from './opening.js';
import { judgeRelease, judgeStop, keyOf } from './person-stop.js';
import { judgeProposal } from './proposal.js';
import type {
  Approval,
  Attempts,
  Decision,
  DeniedRecord,
  DrillResult,
  Effect,
  LadderView,
  Leaver,
  Note,
  Question,
  RegistryEntry,
  RegistryFold,
  RegistryRecord,
  SponsorPlan,
  Verdict,
} from './registry.js';
import { inForce, strongest } from './restriction.js';
import { judgeSponsor, planSponsor } from './sponsor.js';
import { judgeTriage } from './triage-judgement.js';
import { judgeUndo, judgeVerdict, verdictsInForce } from './verdicts.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Records after which the same restriction ends next as before. */
const ENDS_NOTHING = new Set<RegistryRecord['type']>(['time', 'attempt', 'effect', 'told', 'triage']);
const NOBODY: readonly RegistryEntry[] = Object.freeze([]);
/** Written by a newer version: every reader of this one passes over it alike. */
const UNKNOWN: Judgement = { effect: 'none', reason: 'a record of an unknown type', code: null, entry: null };

/** A fold before its first record. */
export function createFold(options: FoldOptions = {}): RegistryFold {
  return new Fold(emptyState(options), options);
}

/** Goes on from a snapshot; throws 'checkpoint.corrupt' where it is none. */
export function restoreFold(snapshot: unknown, options: FoldOptions = {}): RegistryFold {
  return new Fold(readState(snapshot, options), options);
}

class Fold implements RegistryFold {
  private readonly state: FoldState;
  private readonly desk: Desk;
  /** Kept between changes, since every record asks for it; undefined: to be found anew. */
  private nextMs: number | null | undefined = undefined;

  constructor(state: FoldState, { onAsked }: FoldOptions) {
    this.state = state;
    this.desk = new Desk(state, onAsked);
  }

  apply(record: RegistryRecord): Verdict {
    const expired = this.advance(record.timeMs);
    const judged = this.judge(record);
    const opened = turnBrake(this.state);
    if (opened !== null || !ENDS_NOTHING.has(record.type)) this.nextMs = undefined;
    return opened === null ? { ...judged, expired } : { ...judged, expired, opened };
  }

  private judge(record: RegistryRecord): Judgement {
    switch (record.type) {
      case 'time':
        return { effect: 'none', reason: null, code: null, entry: null };
      case 'seen':
        return judgeSeen(this.state, record);
      case 'register':
        return judgeRegister(this.state, record);
      case 'proposal':
        return noteProposal(this.state, record.proposal, judgeProposal(this.state, record.proposal));
      case 'stop':
        return judgeRevoke(this.state, record, keyOf(record)) ?? judgeStop(this.state, record);
      case 'release':
        return noteRelease(this.state, record, judgeRelease(this.state, record));
      case 'policy':
        return this.adopt(record.policy);
      case 'attempt':
        return this.attempt(record);
      case 'owner':
        return this.own(record);
      case 'verdict':
        if (!isPerson(record.actor)) return refuse('registry.refused', 'only a person gives verdicts', undefined);
        return noteWord(this.state, record, judgeVerdict(this.state, record));
      case 'verdict-undo':
        return judgeUndo(this.state, record);
      case 'drill':
        return keepDrill(this.state, record.drill);
      case 'effect':
        return judgeEffect(this.state, record);
      case 'halt':
        return judgeHalt(this.state, record);
      case 'recover':
        return judgeRecover(this.state, record);
      case 'sponsor':
        return judgeSponsor(this.state, record);
      case 'triage':
        return judgeTriage(this.state, record);
      case 'told':
        return { effect: 'none', reason: null, code: null, entry: null };
      default:
        return this.desk.judge(record) ?? UNKNOWN;
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
    lapseApprovals(state);
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

  /** A new policy is a person's act: the breaker closes, what was counted stays counted. */
  private adopt(policy: Policy): Judgement {
    this.state.ladder = ladderUnder(this.state.ladder, policy, this.state.clockMs);
    this.state.policy = policy;
    this.state.brake = closed(this.state.brake);
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
    return brakesState(this.state);
  }

  halts(): ReturnType<RegistryFold['halts']> {
    return haltsInForce(this.state.halts);
  }

  effects(tenant: string, agent: string): readonly Effect[] {
    return effectsOf(this.state, tenant, agent);
  }

  recommendations(): readonly Proposal[] {
    return this.state.recommended.proposals();
  }

  verdicts(): readonly VerdictRecord[] {
    return verdictsInForce(this.state);
  }

  drills(): readonly DrillResult[] {
    return this.state.drills;
  }

  leavers(): ReadonlyMap<string, Leaver> {
    return this.state.leavers;
  }

  foreseeSponsor(owner: string, state: 'left' | 'returned', successor: string | null): SponsorPlan {
    return planSponsor(this.state, { owner, state, successor });
  }

  approvals(): readonly Approval[] {
    return [...this.state.approvals.values()].reverse();
  }

  denials(): readonly DeniedRecord[] {
    return [...this.state.denials].reverse();
  }

  ladder(): LadderView | null {
    return ladderView(this.state);
  }

  mode(): Mode {
    return modeOf(this.state);
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
      nextTurnMs(brake),
      nextApprovalMs(this.state),
    );
    for (const held of inventory.restricted) {
      for (const { untilMs } of held.restrictions) if (untilMs !== null && untilMs < next) next = untilMs;
    }
    this.nextMs = Number.isFinite(next) ? next : null;
    return this.nextMs;
  }

  decide(tenant: string, agent: string, nowMs: number, question?: Question): Decision {
    const halted = haltedCall(this.state, tenant, agent, question?.parent ?? null);
    if (halted !== null) return halted;
    return decideCall(this.desk, tenant, agent, nowMs, question);
  }

  drainAttempts(nowMs: number): Attempts[] {
    return this.desk.drainAttempts(nowMs);
  }

  drainNotes(nowMs: number): Note[] {
    return this.desk.drain(nowMs);
  }

  snapshot(): unknown {
    return writeState(this.state);
  }
}

function byName(a: RegistryEntry, b: RegistryEntry): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  return a.agent < b.agent ? -1 : a.agent > b.agent ? 1 : 0;
}
