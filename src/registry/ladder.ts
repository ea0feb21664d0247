/**
 * A policy comes into force by and by: it observes first, then recommends, then enforces, each step only after a stated
 * time without a false decision. A person takes the steps upwards one by one, and downwards at any time.
 */
import { MODES, type Mode, type Proposal, SEVERITIES, type Severity } from '../decide/finding.js';
import type { Policy } from '../decide/policy.js';
import { hash64, hex64 } from '../math/hash.js';
import type { FoldState } from './fold-state.js';
import { type Judgement, refuse } from './judgement.js';
import type { LadderNote, LadderState } from './ladder-state.js';
import type { LadderView, Would, WouldAgent, WouldDeny } from './ladder-view.js';
import type { RegistryRecord } from './registry.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Proposals of a step that are remembered, newest. */
const NOTES_MAX = 1_000;
const AGENTS_SHOWN = 20;
const HOUR_MS = 3_600_000;
const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

/** The milder of two modes. */
export function milder(a: Mode, b: Mode): Mode {
  return MODES.indexOf(a) < MODES.indexOf(b) ? a : b;
}

/** The mode in force; 'observe' before the first policy. */
export function modeOf({ policy, ladder }: FoldState): Mode {
  if (policy === null) return 'observe';
  return ladder === null ? policy.mode : milder(policy.mode, ladder.step);
}

/**
 * The ladder under a policy that is adopted. What was promoted is what its rules and limits say: where they change, the
 * policy begins at the bottom again; another interval of the brakes does not take it down.
 */
export function ladderUnder(before: LadderState | null, policy: Policy, nowMs: number): LadderState | null {
  if (policy.ladder === undefined) return null;
  const { rules, permissions = null, restricted = null, unregistered = 'allow' } = policy;
  const content = digest(JSON.stringify([rules, permissions, restricted, unregistered]));
  if (before !== null && before.policy === policy.name && before.content === content) return before;
  return onStep(policy.name, content, 'observe', nowMs);
}

function onStep(policy: string, content: string, step: Mode, nowMs: number): LadderState {
  return { policy, content, step, sinceMs: nowMs, cleanSinceMs: nowMs, mistakes: 0, notes: [], forgotten: 0 };
}

function digest(text: string): string {
  const words = new Uint32Array(2);
  hash64(text, 0, words);
  return hex64(words[0], words[1]);
}

/** Takes a step, up or down. */
export function judgeLadder(state: FoldState, { actor, policy: name, to }: Of<'ladder'>): Judgement {
  const { ladder, policy, clockMs } = state;
  const no = (reason: string) => refuse('registry.refused', reason, undefined);
  if (!actor.startsWith('person:')) return no(`${actor} may not move a policy on its ladder`);
  if (ladder === null || policy === null) return no('the policy in force has no ladder');
  if (name !== policy.name) return no(`the policy in force is ${policy.name}, not ${name}`);
  const from = MODES.indexOf(ladder.step);
  const up = MODES.indexOf(to) - from;
  if (up === 0) return no(`${name} stands at ${to} already`);
  if (up > 0) {
    const against = againstPromotion(policy, ladder, up, clockMs);
    if (against !== null) return no(against);
  }
  state.ladder = onStep(name, ladder.content, to, clockMs);
  return APPLIED;
}

function againstPromotion(policy: Policy, ladder: LadderState, up: number, nowMs: number): string | null {
  const next = MODES[MODES.indexOf(ladder.step) + 1];
  if (milder(next, policy.mode) !== next) return `${policy.name} goes no further than ${policy.mode}: change its mode`;
  if (up > 1) return `after ${ladder.step} comes ${next}`;
  const readyMs = readyAt(policy, ladder);
  if (nowMs >= readyMs) return null;
  const hours = Math.ceil((readyMs - nowMs) / HOUR_MS);
  const why = ladder.mistakes === 0 ? '' : ` (false decisions on this step: ${ladder.mistakes})`;
  return `${policy.name} stays at ${ladder.step} for ${hours} h more without a false decision${why}`;
}

function readyAt(policy: Policy, ladder: LadderState): number {
  return ladder.cleanSinceMs + (policy.ladder?.promoteAfterMs ?? 0);
}

/** Remembers what was proposed on this step; hands the judgement through. */
export function noteProposal(state: FoldState, proposal: Proposal, judgement: Judgement): Judgement {
  const { ladder } = state;
  const isNew = judgement.effect !== 'duplicate' && judgement.effect !== 'refused';
  if (ladder === null || !isNew || proposal.policy !== ladder.policy) return judgement;
  const { finding, rule, action, mode, tenant, agent, severity } = proposal;
  const note: LadderNote = { finding, rule, action, mode, tenant, agent, severity };
  const notes = [...ladder.notes, note].slice(-NOTES_MAX);
  state.ladder = { ...ladder, notes, forgotten: ladder.forgotten + ladder.notes.length + 1 - notes.length };
  return judgement;
}

/** A person says that a proposal of this step was wrong; hands the judgement through. */
export function noteWord(state: FoldState, { verdict }: Of<'verdict'>, judgement: Judgement): Judgement {
  const { ladder } = state;
  if (ladder === null || judgement.effect !== 'applied' || verdict.verdict === 'true-positive') return judgement;
  if (ladder.notes.some(({ finding }) => finding === verdict.finding)) beginAnew(state, ladder);
  return judgement;
}

/** A person says that a stop was wrong; hands the judgement through. */
export function noteRelease(state: FoldState, { mistake }: Of<'release'>, judgement: Judgement): Judgement {
  if (state.ladder !== null && judgement.effect === 'applied' && mistake === true) beginAnew(state, state.ladder);
  return judgement;
}

function beginAnew(state: FoldState, ladder: LadderState): void {
  state.ladder = { ...ladder, cleanSinceMs: state.clockMs, mistakes: ladder.mistakes + 1 };
}

/** Where the policy stands, and what the next step would have done since it stands there. */
export function ladderView(state: FoldState): LadderView | null {
  const { ladder, policy } = state;
  if (ladder === null || policy?.ladder === undefined) return null;
  const up = MODES[MODES.indexOf(ladder.step) + 1] ?? null;
  const next = up === null || milder(up, policy.mode) !== up ? null : up;
  return {
    policy: policy.name,
    step: ladder.step,
    top: policy.mode,
    next,
    sinceMs: ladder.sinceMs,
    cleanSinceMs: ladder.cleanSinceMs,
    mistakes: ladder.mistakes,
    promoteAfterMs: policy.ladder.promoteAfterMs,
    readyMs: next === null ? null : readyAt(policy, ladder),
    would: next === null ? [] : wouldDo(ladder.notes, next),
    wouldDeny: next === 'enforce' ? wouldDeny(state, ladder.sinceMs) : [],
    forgotten: ladder.forgotten,
  };
}

const worse = (a: Severity, b: Severity): number => SEVERITIES.indexOf(b) - SEVERITIES.indexOf(a);

function wouldDo(notes: readonly LadderNote[], next: Mode): Would[] {
  const rules = new Map<string, Map<string, WouldAgent>>();
  const heads = new Map<string, LadderNote>();
  for (const note of notes) {
    heads.set(note.rule, note);
    const agents = rules.get(note.rule) ?? new Map<string, WouldAgent>();
    rules.set(note.rule, agents);
    const { tenant, agent } = note;
    const key = JSON.stringify([tenant, agent]);
    const known = agents.get(key) ?? { tenant, agent, count: 0, severity: note.severity };
    const severity = worse(known.severity, note.severity) > 0 ? note.severity : known.severity;
    agents.set(key, { ...known, count: known.count + 1, severity });
  }
  const would = [...heads.values()].map(({ rule, action, mode }): Would => {
    const agents = [...(rules.get(rule)?.values() ?? [])].sort(
      (a, b) => worse(a.severity, b.severity) || b.count - a.count,
    );
    const count = agents.reduce((sum, one) => sum + one.count, 0);
    return { rule, action, mode: milder(mode, next), count, agents: agents.slice(0, AGENTS_SHOWN) };
  });
  return would
    .filter(({ mode }) => mode !== 'observe')
    .sort((a, b) => worse(a.agents[0].severity, b.agents[0].severity) || b.count - a.count);
}

function wouldDeny({ denials }: FoldState, sinceMs: number): WouldDeny[] {
  const found = new Map<string, WouldDeny>();
  for (const { timeMs, enforced, rule, denial, count, agent } of denials) {
    if (enforced || timeMs < sinceMs) continue;
    const key = JSON.stringify([rule, denial]);
    const known = found.get(key) ?? { rule, denial, count: 0, agents: [] };
    const isShown = known.agents.includes(agent) || known.agents.length >= AGENTS_SHOWN;
    const agents = isShown ? known.agents : [...known.agents, agent];
    found.set(key, { ...known, count: known.count + count, agents });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}
