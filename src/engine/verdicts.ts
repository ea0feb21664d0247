/**
 * Verdict records at work: what a verdict teaches, whom it mutes, and how it is taken back. An agent's verdict touches
 * its profiles, seated or on the shelf; a role's teaches the agents of that role that are seated at that moment, and
 * mutes for all of them. A threshold is never touched.
 */
import { F, type Profile } from '../agent/layout.js';
import { changeSince, copyWords, type ProfileChange, putBack } from '../agent/profile-change.js';
import { agentKey } from '../agent/table.js';
import type { Attribution, Kind } from '../decide/finding.js';
import { MILDER_FACES } from '../decide/verdict-kinds.js';
import { onProfile, type Whom } from './any-profile.js';
import type { Level, Names } from './level.js';
import type { VerdictRecord, VerdictUndoRecord } from './record.js';
import type { EngineState } from './state.js';
import { forgetSince, hashNames, teachLevel, teachNames, windowsOf } from './teaching.js';
import { type Held, isCovered, isMute, namesAlike, type Taught, VERDICTS_MAX } from './verdict-book.js';

/** Agents that one role's verdict teaches in a partition, by name; the rest of them it only mutes. */
const ROLE_AGENTS_MAX = 256;

/** Takes in a verdict; one that was taken in before, or has run out already, does nothing. */
export function takeVerdict(state: EngineState, record: VerdictRecord): void {
  const { verdicts, settings } = state;
  if (verdicts.knows(record.id) || record.untilMs <= state.nowMs || verdicts.size >= VERDICTS_MAX) return;
  const { endpoint, target, kind } = record;
  const names = endpoint === null ? null : hashNames(endpoint, target, settings.hashSeed);
  const episode = verdicts.episode(record.finding);
  const held: Held = { record, names, levels: levelsOf(record, episode?.levels ?? []), taught: [] };
  // The answer closes the finding: what comes back is a new one, muted or worse.
  if (isMute(record) && record.finding !== null) state.findings.close(record.finding);
  if (record.verdict === 'true-positive') endMutes(state, held);
  const change = changeOf(state, held, Math.min(record.sinceMs, episode?.firstMs ?? record.sinceMs));
  if (change !== null && kind !== 'budget') {
    held.taught = whomOf(state, record).flatMap((whom) => alter(state, whom, change) ?? []);
  }
  verdicts.add(held);
}

/** Takes a verdict back: everything that it touched is as it was before. */
export function undoVerdict(state: EngineState, { id }: VerdictUndoRecord): void {
  const held = state.verdicts.find(id);
  if (held === undefined) return;
  takeBack(state, held);
  state.verdicts.drop(id);
}

/** A reset forgets what people said of the agent too; what they said of its role stays, but is not taken back of it. */
export function dropVerdicts(state: EngineState, tenant: string, name: string): void {
  for (const { record } of [...state.verdicts.all]) {
    if (record.tenant === tenant && 'agent' in record.scope && record.scope.agent === name) {
      state.verdicts.drop(record.id);
    }
  }
  for (const held of state.verdicts.all) {
    held.taught = held.taught.filter((one) => one.tenant !== tenant || one.name !== name);
  }
}

/** Id of the verdict that mutes a finding of the observation's agent; null: none does. */
export function muting(state: EngineState, kind: Kind, attribution: () => readonly Attribution[]): string | null {
  const { verdicts, observation: o, table } = state;
  if (verdicts.size === 0) return null;
  const { tenant, name } = table.entry(o.slot);
  let top: Attribution | undefined;
  for (const held of verdicts.all) {
    const { record } = held;
    if (!isFaceOf(kind, record.kind) || !isMute(record) || record.untilMs <= o.timeMs) continue;
    if (!reaches(state, record, tenant, name) || !namesAlike(record.kind, held.names, namesOf(state))) continue;
    top ??= attribution()[0];
    if (top === undefined) return null;
    const { detector, feature, observed: level } = top;
    const windows = windowsOf(detector, state.features.get(detector) ?? []);
    if (isCovered(held, { detector, feature, level }, windows)) return record.id;
  }
  return null;
}

function isFaceOf(kind: Kind, answered: Kind): boolean {
  return kind === answered || (MILDER_FACES[answered]?.includes(kind) ?? false);
}

/** What the event under test names. */
function namesOf({ observation: o }: EngineState): Names | null {
  if (o.event === null) return null;
  const pair = o.event.target === null ? null : ([o.pairLow, o.pairHigh] as const);
  return { endpoint: [o.endpointLow, o.endpointHigh], pair };
}

function reaches(state: EngineState, { tenant, scope }: VerdictRecord, of: string, name: string): boolean {
  if (tenant !== of) return false;
  return 'agent' in scope ? scope.agent === name : roleOf(state, of, name) === scope.role;
}

/** The role that people gave an agent; null: none. */
export function roleOf(state: EngineState, tenant: string, name: string): string | null {
  return state.facts.get(agentKey(tenant, name, true))?.role ?? null;
}

/** The levels of the whole finding, and that of its line. */
function levelsOf({ detector, feature, level }: VerdictRecord, noted: readonly Level[]): Level[] {
  const levels = noted.map((one) => ({ ...one }));
  const at = levels.findIndex((one) => one.detector === detector && one.feature === feature);
  if (at === -1) levels.push({ detector, feature, level });
  else if (Math.abs(level) > Math.abs(levels[at].level)) levels[at] = { detector, feature, level };
  return levels;
}

/** What a verdict does to a profile; null: nothing. */
function changeOf(state: EngineState, { record, names, levels }: Held, sinceMs: number): ((p: Profile) => void) | null {
  if (record.verdict === 'true-positive') return (p) => forgetSince(p, sinceMs);
  if (record.verdict === 'false-positive') return null;
  return (p) => {
    for (const level of levels) teachLevel(p, level, state.features.get(level.detector) ?? []);
    if (names !== null) teachNames(p, record.kind, names, Math.max(record.sinceMs, p.f64[p.at8 + F.lastMs]));
  };
}

/** What is an attack was not expected: takes back every verdict that muted the like of it for any of these agents. */
function endMutes(state: EngineState, confirmed: Held): void {
  const { record } = confirmed;
  for (const held of [...state.verdicts.all]) {
    if (!isMute(held.record) || !isAlike(held, confirmed) || !overlap(state, held.record, record)) continue;
    takeBack(state, held);
    state.verdicts.drop(held.record.id);
  }
}

/** Whether two verdicts are about the same kind, the same names, and any one measurement. */
function isAlike(a: Held, b: Held): boolean {
  if (a.record.kind !== b.record.kind || !namesAlike(a.record.kind, a.names, b.names)) return false;
  return a.levels.some((x) => b.levels.some((y) => x.detector === y.detector && x.feature === y.feature));
}

function overlap(state: EngineState, a: VerdictRecord, b: VerdictRecord): boolean {
  if (a.tenant !== b.tenant) return false;
  if ('agent' in b.scope) return reaches(state, a, b.tenant, b.scope.agent);
  if ('agent' in a.scope) return reaches(state, b, a.tenant, a.scope.agent);
  return a.scope.role === b.scope.role;
}

/** Whose profiles a verdict touches: both of an agent, or those of a role that are seated, by name. */
function whomOf(state: EngineState, { tenant, scope }: VerdictRecord): Whom[] {
  if ('agent' in scope) return [true, false].map((bound) => ({ tenant, name: scope.agent, bound }));
  const list: Whom[] = [];
  for (const slot of state.table.oldestFirst()) {
    const { tenant: of, name, bound } = state.table.entry(slot);
    if (of === tenant && roleOf(state, of, name) === scope.role) list.push({ tenant, name, bound });
  }
  const keyOf = ({ name, bound }: Whom): string => agentKey(tenant, name, bound);
  return list.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).slice(0, ROLE_AGENTS_MAX);
}

/** Puts back what a verdict touched, but for what a later one still stands on. */
function takeBack(state: EngineState, held: Held): void {
  const { all } = state.verdicts;
  const later = all.slice(all.indexOf(held) + 1);
  for (const { change, ...whom } of held.taught) {
    const isSame = (one: Taught): boolean =>
      one.tenant === whom.tenant && one.name === whom.name && one.bound === whom.bound;
    const above: ProfileChange[] = later.flatMap(({ taught }) => taught.filter(isSame).map((one) => one.change));
    onProfile(state, whom, (p) => putBack(change, p, above));
  }
}

/** Changes a profile and says what differs; null: there is no such profile, or nothing differs. */
function alter(state: EngineState, whom: Whom, work: (p: Profile) => void): Taught | null {
  let change: ProfileChange = [];
  onProfile(state, whom, (p) => {
    const before = copyWords(p);
    work(p);
    change = changeSince(before, p);
  });
  return change.length === 0 ? null : { ...whom, change };
}
