/**
 * What one asker sees of the board. Not there and not theirs are one answer: an id tells nothing about others. Of a
 * case that is theirs in part they see that part, as if it were all.
 */
import type { FastifyRequest } from 'fastify';
import { type Finding, SEVERITIES } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import type { CaseState, FindingState, TimelineEntry, TriageBoard, TriageFilter } from '../triage/triage.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import type { Bindings, Identity } from './contract.js';
import { ME, NOBODY, type TriageQuery } from './triage-schema.js';

const PERSON = 'person:';
const ENTRIES_MAX = 1_000;

export function visibleTo(bindings: Bindings): (finding: Finding) => boolean {
  return (finding) => covers(bindings, finding.tenant, finding.agent);
}

/** The query as the board takes it. */
export function filterOf(
  request: Pick<FastifyRequest, 'identity'>,
  query: Omit<TriageQuery, 'sort' | 'limit' | 'cursor'>,
): TriageFilter {
  const identity = identityOf(request);
  const { from_ms: fromMs, to_ms: toMs, assignee, ...same } = query;
  const whose = assignee === undefined ? undefined : assignee === NOBODY ? null : personOf(identity, assignee);
  return { ...same, fromMs, toMs, assignee: whose, visible: visibleTo(identity.bindings) };
}

/** A person's name as findings know it. Throws 'api.invalid' where a machine says 'me'. */
export function personOf({ actor }: Identity, name: string): string {
  if (name !== ME) return name;
  if (actor.startsWith(PERSON)) return actor.slice(PERSON.length);
  throw new KilldeerError('api.invalid', 'me: the token is not of a person');
}

/** Throws 'api.not-found'. */
export function requireFinding(board: TriageBoard, identity: Identity, id: string): FindingState {
  const state = board.get(id);
  if (state !== null && visibleTo(identity.bindings)(state.finding)) return state;
  throw new KilldeerError('api.not-found', `no finding has the id ${id}`);
}

/** As much of it as the asker sees. Throws 'api.not-found' where that is nothing. */
export function requireCase(board: TriageBoard, identity: Identity, id: string): CaseState {
  const whole = board.case(id);
  const part = whole === null ? null : partOf(board, identity.bindings, whole);
  if (part !== null) return part;
  throw new KilldeerError('api.not-found', `no case has the id ${id}`);
}

/** null: nothing of it. */
export function partOf(board: TriageBoard, bindings: Bindings, whole: CaseState): CaseState | null {
  if (bindings.tenants !== null && !bindings.tenants.includes(whole.tenant)) return null;
  if (bindings.agents === null) return whole;
  const states = whole.findings.map((id) => board.get(id)).filter((state) => state !== null);
  const seen = states.filter(({ finding }) => covers(bindings, finding.tenant, finding.agent));
  if (seen.length === whole.findings.length) return whole;
  return seen.length === 0 ? null : caseOf(whole, seen);
}

/** `seen` is not empty, oldest first. */
function caseOf(whole: CaseState, seen: readonly FindingState[]): CaseState {
  const byWorst = [...seen].sort((a, b) => rank(b) - rank(a) || b.finding.risk - a.finding.risk);
  const worst = byWorst[0] as FindingState;
  const open = seen.filter(({ status }) => status !== 'closed');
  const isUntouched = seen.every(({ status }) => status === 'new');
  return {
    ...whole,
    agents: unique(byWorst.map(({ finding }) => finding.root)),
    title: worst.finding.title,
    severity: worst.finding.severity,
    risk: Math.max(...seen.map(({ finding }) => finding.risk)),
    firstMs: Math.min(...seen.map(({ raisedMs }) => raisedMs)),
    lastMs: Math.max(...seen.map(({ lastMs }) => lastMs)),
    findings: seen.map(({ finding }) => finding.id),
    open: open.length,
    status: open.length === 0 ? 'closed' : isUntouched ? 'new' : 'in-progress',
    assignees: unique(open.map(({ assignee }) => assignee).filter((name) => name !== null)),
    quiet: seen.every(({ quiet }) => quiet),
  };
}

/** What happened to the part of a case that the asker sees. */
export function timelineOf(board: TriageBoard, part: CaseState): readonly TimelineEntry[] {
  const whole = board.case(part.id);
  if (whole === null || whole.findings.length === part.findings.length) return board.caseTimeline(part.id);
  const entries = new Map<string, TimelineEntry>();
  for (const id of part.findings) {
    for (const entry of board.timeline(id)) entries.set(JSON.stringify(entry), entry);
  }
  return [...entries.values()].sort((a, b) => a.timeMs - b.timeMs).slice(0, ENTRIES_MAX);
}

function rank({ finding }: FindingState): number {
  return SEVERITIES.indexOf(finding.severity);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
