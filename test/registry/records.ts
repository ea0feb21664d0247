/** Records and readings of the registry's tests. */
import type { Action, Mode, Proposal } from '../../src/decide/finding.js';
import type { Permission } from '../../src/decide/intent.js';
import { BRAKES_DEFAULT, type Brakes, type Policy } from '../../src/decide/policy.js';
import { createFold } from '../../src/registry/fold.js';
import type { Note, RegistryFold, RegistryRecord, Verdict } from '../../src/registry/registry.js';

export type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

export const HOUR_MS = 3_600_000;
const ENGINE = { actor: 'engine:0', authority: 'p', parent: null };
const PERSON = { actor: 'person:ada', authority: 'token-1', parent: null };
const SYSTEM = { actor: 'system', authority: 'system', parent: null };

export function policy(mode: Mode, brakes: Partial<Brakes> = {}, rest: Partial<Policy> = {}): Of<'policy'> {
  const whole: Policy = {
    name: 'p',
    mode,
    brakes: { ...BRAKES_DEFAULT, ...brakes },
    rules: [],
    protectedAgents: [],
    ...rest,
  };
  return { type: 'policy', timeMs: 0, policy: whole, ...SYSTEM };
}

export function time(timeMs: number): Of<'time'> {
  return { type: 'time', timeMs, ...SYSTEM };
}

export function seen(timeMs: number, agent: string, rest: Partial<Of<'seen'>> = {}): Of<'seen'> {
  return { type: 'seen', timeMs, tenant: '', agent, agentVersion: null, ...SYSTEM, ...rest };
}

let keys = 0;

export function wish(agent: string, action: Action = 'suspend', rest: Partial<Proposal> = {}): Proposal {
  return {
    key: `f-${keys++}:${action}`,
    time: '2031-01-01T00:00:00.000Z',
    tenant: '',
    agent,
    action,
    mode: 'enforce',
    reason: `${agent} repeats one failing call`,
    finding: 'f',
    kind: 'retry-loop',
    severity: 'high',
    forMs: HOUR_MS,
    callsPerMinute: action === 'throttle' ? 6 : null,
    policy: 'p',
    rule: 'r',
    hardBudget: false,
    evidence: [],
    partition: 0,
    epoch: 1,
    offset: 0,
    ...rest,
  };
}

export function proposal(timeMs: number, made: Proposal): Of<'proposal'> {
  return { type: 'proposal', timeMs, proposal: made, ...ENGINE };
}

export function stop(
  timeMs: number,
  agent: string,
  action: Action = 'suspend',
  rest: Partial<Of<'stop'>> = {},
): Of<'stop'> {
  return {
    type: 'stop',
    timeMs,
    key: `s-${keys++}`,
    tenant: '',
    agent,
    action,
    reason: 'asked to',
    forMs: HOUR_MS,
    callsPerMinute: null,
    ...PERSON,
    ...rest,
  };
}

export function release(timeMs: number, agent: string, rest: Partial<Of<'release'>> = {}): Of<'release'> {
  return { type: 'release', timeMs, key: `r-${keys++}`, tenant: '', agent, reason: 'fixed', ...PERSON, ...rest };
}

export function register(timeMs: number, agent: string, rest: Partial<Of<'register'>> = {}): Of<'register'> {
  return { type: 'register', timeMs, tenant: '', agent, ifVersion: null, ...PERSON, ...rest };
}

/** A fold that has read these, and their verdicts. */
export function fold(...records: readonly RegistryRecord[]): { fold: RegistryFold; verdicts: Verdict[] } {
  const made = createFold();
  return { fold: made, verdicts: records.map((record) => made.apply(record)) };
}

/** The verdict on the last of the records. */
export function last(...records: readonly RegistryRecord[]): Verdict {
  return fold(...records).verdicts[records.length - 1];
}

/** One step of Killdeer's own wire: what a log hands back of what was written. */
export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** A permission about everybody that allows everything, but for what is said. */
export function permission(name: string, over: Partial<Permission> = {}): Permission {
  return {
    name,
    who: { agents: [], roles: [], labels: [], trustMin: null, trustMax: null, environments: [] },
    allow: { operations: null, endpoints: null, targets: null, dataClasses: null, hours: null },
    budgets: { sessionUsd: null, dayUsd: null },
    delegation: null,
    approvals: [],
    mode: null,
    ...over,
  };
}

/** What a permission allows, by name. */
export function allow(over: Partial<Permission['allow']>): Permission['allow'] {
  return { ...permission('').allow, ...over };
}

/** Whom a permission is about. */
export function who(over: Partial<Permission['who']>): Permission['who'] {
  return { ...permission('').who, ...over };
}

export const BOB = { actor: 'person:bob', authority: 'token-2', parent: null } as const;

export function answer(
  timeMs: number,
  id: string,
  said: 'approve' | 'reject',
  by: object = BOB,
): Of<'approval-answer'> {
  return { type: 'approval-answer', timeMs, id, answer: said, comment: null, ...BOB, ...by };
}

/** What deciding has to tell, written and folded as the journal does it. */
export function settle(f: RegistryFold, timeMs: number): Note[] {
  const notes = f.drainNotes(timeMs);
  for (const note of notes) f.apply({ ...SYSTEM, timeMs, ...note } as RegistryRecord);
  return notes;
}

export function effect(timeMs: number, agent: string, rest: Partial<Of<'effect'>> = {}): Of<'effect'> {
  const made = { tenant: '', agent, version: 2, place: 'gate', state: 'sent' as const, reason: null };
  return { type: 'effect', timeMs, ...made, ...SYSTEM, ...rest };
}
