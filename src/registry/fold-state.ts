/**
 * What the registry's fold remembers, and its plain JSON form. Everything here comes from records alone, so a state
 * that was written and read again goes on exactly as the one that was never written.
 */
import { BRAKES_DEFAULT, type Brakes, type Policy } from '../decide/policy.js';
import type { VerdictRecord } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { Approval } from './approval.js';
import { BRAKES_FREE, type BrakeState, readBrake } from './brake.js';
import { type Halts, haltsInForce, readHalts } from './halted.js';
import { type Held, Inventory, type Measured } from './inventory.js';
import type { LadderState } from './ladder-state.js';
import { type OpenProposal, OpenProposals } from './open-proposals.js';
import {
  type DeniedRecord,
  type DrillResult,
  type Effect,
  type Halt,
  type Leaver,
  type ModelChoice,
  NO_REGISTRATION,
  type RegistryEntry,
  type SettingsInForce,
  type SuppressionState,
} from './registry.js';
import { createRestriction, type RestrictionFields } from './restriction.js';

/** Limits of a fold; all memory is bounded by them. */
export interface FoldOptions {
  /** Agents that telemetry may bring in; a stop or a person may always add one more. */
  readonly agentsMax?: number;
  /** Idempotency keys remembered, newest; an older key that comes again is judged as a new one. */
  readonly keysMax?: number;
  /** Recommendations, and skipped proposals, kept for people: this many of each. */
  readonly openMax?: number;
  /** Told when deciding wants a person's leave that nobody was asked for yet: it can be written at once. */
  readonly onAsked?: () => void;
}

/** Default of agentsMax. */
export const AGENTS_MAX = 100_000;
/** Default of keysMax. */
export const KEYS_MAX = 20_000;
/** Default of openMax. */
export const OPEN_MAX = 100;

/** Changes with the snapshot's form. */
const FORMAT = 1;

/** Everything that a fold remembers. */
export interface FoldState {
  clockMs: number;
  policy: Policy | null;
  readonly inventory: Inventory;
  /** In order of arrival. */
  readonly keys: Set<string>;
  /** Largest owner epoch seen per partition. */
  readonly epochs: Map<number, number>;
  /** By id, oldest first. */
  readonly verdicts: Map<string, VerdictRecord>;
  /** By id, oldest first; with those that are over. */
  readonly suppressions: Map<string, SuppressionState>;
  /** Oldest first, at most DRILLS_MAX. */
  drills: readonly DrillResult[];
  /** Who has left, by name. */
  readonly leavers: Map<string, Leaver>;
  /** By id, oldest first. */
  readonly approvals: Map<string, Approval>;
  /** Oldest first. */
  readonly denials: DeniedRecord[];
  /** null: the policy has no ladder. */
  ladder: LadderState | null;
  /** By agent (effects.ts), the oldest word first. */
  readonly effects: Map<string, readonly Effect[]>;
  /** What people set last; null: nothing. */
  settings: SettingsInForce | null;
  modelChoice: ModelChoice | null;
  brake: BrakeState;
  readonly halts: Halts;
  readonly recommended: OpenProposals;
  readonly skipped: OpenProposals;
  readonly agentsMax: number;
  readonly keysMax: number;
}

interface AgentSnapshot {
  readonly entry: RegistryEntry;
  readonly restrictions: readonly RestrictionFields[];
  readonly endedMs: number | null;
  /** These are left out where there is nothing to say. */
  readonly restrictedVersion?: number;
  readonly measured?: Measured;
}

interface FoldSnapshot {
  readonly format: typeof FORMAT;
  readonly clockMs: number;
  readonly policy: Policy | null;
  readonly agents: readonly AgentSnapshot[];
  readonly keys: readonly string[];
  readonly epochs: readonly (readonly [partition: number, epoch: number])[];
  /** Left out by versions that knew of none. */
  readonly verdicts?: readonly VerdictRecord[];
  readonly suppressions?: readonly SuppressionState[];
  readonly drills?: readonly DrillResult[];
  /** Likewise. */
  readonly leavers?: readonly (readonly [owner: string, leaver: Leaver])[];
  readonly approvals?: readonly Approval[];
  readonly denials?: readonly DeniedRecord[];
  readonly ladder?: LadderState | null;
  /** Likewise. */
  readonly effects?: readonly (readonly [agent: string, effects: readonly Effect[]])[];
  /** Left out where nothing was set. */
  readonly settings?: SettingsInForce;
  readonly modelChoice?: ModelChoice;
  readonly brake: BrakeState;
  /** Left out by versions that knew of none. */
  readonly halts?: readonly Halt[];
  readonly recommended: readonly OpenProposal[];
  readonly skipped: readonly OpenProposal[];
}

const EMPTY: FoldSnapshot = {
  format: FORMAT,
  clockMs: 0,
  policy: null,
  agents: [],
  keys: [],
  epochs: [],
  brake: BRAKES_FREE,
  recommended: [],
  skipped: [],
};

/** The state before the first record. */
export function emptyState(options: FoldOptions): FoldState {
  return stateOf(EMPTY, options);
}

function stateOf(snapshot: FoldSnapshot, options: FoldOptions): FoldState {
  const inventory = new Inventory();
  for (const { entry, restrictions, endedMs, restrictedVersion = null, measured = null } of snapshot.agents) {
    // Versions before this one knew of no registration.
    const whole = { ...entry, registration: { ...NO_REGISTRATION, ...entry.registration } };
    const made = restrictions.map((fields) => createRestriction(entry.agent, fields));
    const about = { restrictedVersion, measured };
    inventory.put({ entry: whole, restrictions: made, endedMs, ...about, bucket: null, refused: 0, drainedMs: null });
  }
  const keysMax = options.keysMax ?? KEYS_MAX;
  const openMax = options.openMax ?? OPEN_MAX;
  return {
    clockMs: snapshot.clockMs,
    policy: snapshot.policy,
    inventory,
    keys: new Set(snapshot.keys.slice(-keysMax)),
    epochs: new Map(snapshot.epochs),
    verdicts: new Map((snapshot.verdicts ?? []).map((verdict) => [verdict.id, verdict])),
    suppressions: new Map((snapshot.suppressions ?? []).map((one) => [one.suppression.id, one])),
    drills: snapshot.drills ?? [],
    settings: snapshot.settings ?? null,
    modelChoice: snapshot.modelChoice ?? null,
    brake: readBrake(snapshot.brake) ?? BRAKES_FREE,
    halts: readHalts(snapshot.halts ?? []),
    leavers: new Map(snapshot.leavers),
    approvals: new Map((snapshot.approvals ?? []).map((approval) => [approval.id, approval])),
    denials: [...(snapshot.denials ?? [])],
    ladder: snapshot.ladder ?? null,
    effects: new Map(snapshot.effects ?? []),
    recommended: new OpenProposals(snapshot.recommended, openMax),
    skipped: new OpenProposals(snapshot.skipped, openMax),
    agentsMax: options.agentsMax ?? AGENTS_MAX,
    keysMax,
  };
}

/** Throws 'checkpoint.corrupt' where the value is no snapshot of this form. */
export function readState(snapshot: unknown, options: FoldOptions): FoldState {
  const given = snapshot as Partial<FoldSnapshot> | null;
  const lists = [
    given?.agents,
    given?.keys,
    given?.epochs,
    given?.recommended,
    given?.skipped,
    readBrake(given?.brake)?.stops,
  ];
  if (given?.format !== FORMAT || typeof given.clockMs !== 'number' || !lists.every(Array.isArray)) {
    throw new KilldeerError('checkpoint.corrupt', `no registry snapshot of format ${FORMAT}`);
  }
  return stateOf(given as FoldSnapshot, options);
}

/** The state as plain JSON. */
export function writeState(state: FoldState): FoldSnapshot {
  return {
    format: FORMAT,
    clockMs: state.clockMs,
    policy: state.policy,
    agents: Array.from(state.inventory.all(), agentSnapshot),
    keys: [...state.keys],
    epochs: [...state.epochs],
    verdicts: [...state.verdicts.values()],
    suppressions: [...state.suppressions.values()],
    drills: state.drills,
    leavers: [...state.leavers],
    approvals: [...state.approvals.values()],
    denials: [...state.denials],
    ladder: state.ladder,
    effects: [...state.effects],
    ...(state.settings === null ? {} : { settings: state.settings }),
    ...(state.modelChoice === null ? {} : { modelChoice: state.modelChoice }),
    brake: state.brake,
    halts: haltsInForce(state.halts),
    recommended: state.recommended.snapshot(),
    skipped: state.skipped.snapshot(),
  };
}

function agentSnapshot({ entry, restrictions, endedMs, restrictedVersion, measured }: Held): AgentSnapshot {
  const fields = restrictions.map(({ action, untilMs, callsPerMinute, reason, automatic }) => ({
    action,
    untilMs,
    callsPerMinute,
    reason,
    automatic,
  }));
  return {
    ...{ entry, restrictions: fields, endedMs },
    ...(restrictedVersion === null ? {} : { restrictedVersion }),
    ...(measured === null ? {} : { measured }),
  };
}

/** The brakes in force. */
export function brakesOf(state: FoldState): Brakes {
  return state.policy?.brakes ?? BRAKES_DEFAULT;
}

/** Remembers a key, forgetting the oldest where there are too many. False: it was known. */
export function rememberKey(state: FoldState, key: string): boolean {
  if (state.keys.has(key)) return false;
  state.keys.add(key);
  if (state.keys.size > state.keysMax) {
    for (const oldest of state.keys) {
      state.keys.delete(oldest);
      break;
    }
  }
  return true;
}
