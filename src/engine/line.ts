/** A finding's line: its members in the one order that all of them have, its id, and what the policy makes of it. */
import { F, type Profile } from '../agent/layout.js';
import {
  type Action,
  type Evidence,
  type Finding,
  isPage,
  type Kind,
  SEVERITIES,
  type Severity,
} from '../decide/finding.js';
import type { PolicyRule } from '../decide/policy.js';
import { propose } from '../decide/propose.js';
import { hash64, hex64 } from '../math/hash.js';
import type { OpenFinding } from './findings.js';
import type { Outcome } from './outcome.js';
import { round } from './scoring.js';
import type { EngineState } from './state.js';

/** Bits of the profile's flags: paged at medium today, and above it. */
const PAGED = 1;
const ALARMED = 4;
const ID_SEED = 0x6b6c6472;
/** Natural logarithm of the p at which risk reaches 100: one day in a million. */
const RISK_FULL = Math.log(1e6);
/** However short a restriction is, its finding proposes it anew no more often than this, ms. */
const RENEW_MIN_MS = 10_000;
const id = new Uint32Array(2);
const NOBODY = { role: null, labels: [] } as const;

/** What a line says that neither the engine's state nor the book knows. */
export interface Said
  extends Pick<Finding, 'tenant' | 'agent' | 'root' | 'session' | 'kind' | 'title' | 'p' | 'attribution'> {
  readonly timeMs: number;
  readonly evidence: Evidence;
}

/** All findings have their members in this one order. */
export function lineOf(state: EngineState, open: OpenFinding, said: Said): Finding {
  return {
    id: open.id,
    time: new Date(said.timeMs).toISOString(),
    tenant: said.tenant,
    agent: said.agent,
    root: said.root,
    session: said.session,
    severity: open.shown,
    kind: said.kind,
    title: said.title,
    p: round(said.p),
    risk: Math.min(100, Math.round((100 * -Math.log(said.p)) / RISK_FULL)),
    attribution: said.attribution,
    evidence: [said.evidence],
    model: state.model.version,
    config: state.config,
    status: 'open',
    bound: open.bound,
    proposal: null,
  };
}

/** The same cause, record and time give the same id. */
export function makeId(parts: readonly (string | number)[]): string {
  hash64(parts.join('\u0000'), ID_SEED, id);
  return `f-${hex64(id[0], id[1])}`;
}

/** Whether any rule may still answer this kind of finding at the severity it has reached. */
export function isAnswered(rules: readonly PolicyRule[], kind: Kind, open: OpenFinding, timeMs: number): boolean {
  for (const { kinds, severity, action, forMs } of rules) {
    if (kinds.length > 0 && !kinds.includes(kind)) continue;
    if (SEVERITIES.indexOf(open.reached) >= SEVERITIES.indexOf(severity) && isDue(open, action, forMs, timeMs))
      return true;
  }
  return false;
}

/**
 * Whether an action may be proposed now: it never was, or the evidence goes on although half of the time has gone for
 * which it was proposed last. The registry then prolongs what is in force, or judges it anew.
 */
function isDue(open: OpenFinding, action: Action, forMs: number | null, timeMs: number): boolean {
  if (!open.proposed.includes(action)) return true;
  const last = open.renewed?.[action];
  return last !== undefined && forMs !== null && timeMs >= last.atMs + Math.max(RENEW_MIN_MS, forMs / 2);
}

/** The line with the proposal that the policy makes of it, where it makes one that is due. */
export function answer(
  state: EngineState,
  key: string,
  open: OpenFinding,
  finding: Finding,
  offset: number,
  outcome: Outcome,
): Finding {
  const position = { ...state.place, offset };
  // The policy sees the severity that the evidence reached, not the one shown.
  const reached = { ...finding, severity: open.reached };
  const proposal = propose(state.settings.policy, reached, state.facts.get(key) ?? NOBODY, position);
  const timeMs = Date.parse(finding.time);
  if (proposal === null || !isDue(open, proposal.action, proposal.forMs, timeMs)) return finding;
  const { action } = proposal;
  const n = (open.renewed?.[action]?.n ?? -1) + 1;
  const proposed = n === 0 ? proposal.key : `${proposal.key}:${n}`;
  if (n === 0) open.proposed.push(action);
  open.renewed = { ...open.renewed, [action]: { atMs: timeMs, n } };
  outcome.proposals.push(n === 0 ? proposal : { ...proposal, key: proposed });
  state.counts.proposals++;
  return { ...finding, proposal: proposed };
}

/** Remembers for the day's sample that the agent was paged about. */
export function notePage(p: Profile, shown: Severity): void {
  const flags = p.at4 + F.flags;
  if (shown === 'medium') p.u32[flags] |= PAGED;
  else if (isPage(shown)) p.u32[flags] |= ALARMED;
}
