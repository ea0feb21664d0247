/** A finding and a case as a person reads them: what, how bad against usual, what was done, and what happened. */
import type {
  CaseAnswer,
  DoneAnswer,
  FindingDetailAnswer,
  FindingStateAnswer,
  TimelineAnswer,
} from '../api/triage-schema.js';
import { inert } from '../render/inert.js';
import { type Cell, SEVERITY_WIDTH, severityText, type Terminal } from './terminal.js';
import { momentText } from './voice.js';

/** About where the sentence of a row begins. */
const SENTENCE_AT = 72;

export const FINDING_HEAD = ['id', 'raised', 'severity', 'status', 'who', 'agent', 'what'];

export function findingRow(terminal: Terminal, finding: FindingStateAnswer): Cell[] {
  const { raised_ms: raisedMs, severity, assignee, id } = finding;
  return [
    ...[id, momentText(raisedMs), severityText(terminal.paint, severity), statusText(finding), assignee],
    ...[whoseText(finding.tenant, finding.agent), sentenceText(terminal, finding.title)],
  ];
}

export const CASE_HEAD = ['id', 'last', 'severity', 'status', 'who', 'findings', 'agents', 'what'];

export function caseRow(terminal: Terminal, one: CaseAnswer): Cell[] {
  return [
    ...[one.id, momentText(one.last_ms), severityText(terminal.paint, one.severity), one.status],
    ...[one.assignees.join(', '), `${one.open} of ${one.findings}`, agentsText(one), sentenceText(terminal, one.title)],
  ];
}

function sentenceText(terminal: Terminal, title: string): readonly string[] {
  return terminal.wrap(inert(title), SENTENCE_AT);
}

export function showFinding(terminal: Terminal, finding: FindingDetailAnswer, timeline: TimelineAnswer): void {
  const { paint } = terminal;
  const lead = severityText(paint, finding.severity, SEVERITY_WIDTH);
  terminal.say(`${lead} ${paint.bold(terminal.wrap(inert(finding.title), SEVERITY_WIDTH + 1).join('\n'))}`);
  const who = finding.assignee === null ? "nobody's" : `${finding.assignee}'s`;
  terminal.say(`${finding.id}, ${statusText(finding)}, ${who}, in case ${finding.case}`);
  const times = `raised ${momentText(finding.raised_ms)}, last ${momentText(finding.last_ms)}`;
  terminal.say(`${times}; risk ${Math.round(finding.risk)}, ${oddsText(finding.p)}`);
  if (finding.muted_by !== null) terminal.say(`muted by ${finding.muted_by}`);
  terminal.say(doneText(finding.done));
  terminal.say('');
  terminal.table(
    ['detector', 'measured', 'observed', 'usual', 'share'],
    finding.attribution.map(({ detector, feature, observed, expected, share }) => [
      ...[detector, inert(feature), numberText(observed), numberText(expected)],
      `${Math.round(share * 100)} %`,
    ]),
    [2, 3, 4],
  );
  terminal.say('');
  showTimeline(terminal, timeline);
}

export function showCase(terminal: Terminal, one: CaseAnswer): void {
  const { paint } = terminal;
  terminal.say(`${severityText(paint, one.severity, SEVERITY_WIDTH)} ${paint.bold(inert(one.title))}`);
  terminal.say(`${one.id}, ${one.status}, ${one.open} of ${one.findings} findings open; ${REASONS[one.reason]}`);
  terminal.say(`agents: ${agentsText(one)}`);
  terminal.say(`from ${momentText(one.first_ms)} to ${momentText(one.last_ms)}; risk ${Math.round(one.risk)}`);
  terminal.say('');
}

export function showTimeline(terminal: Terminal, { entries }: TimelineAnswer): void {
  terminal.table(
    ['time', 'who', 'what', ''],
    entries.map(({ time_ms: timeMs, actor, what, words }) => [
      ...[momentText(timeMs), actor.replace(/^person:/, ''), what, inert(words)],
    ]),
  );
}

const REASONS: Readonly<Record<CaseAnswer['reason'], string>> = {
  tree: 'one tree of agents',
  cause: 'one cause on several agents',
  fleet: 'the whole fleet',
};

function statusText({ status, resolution }: FindingStateAnswer): string {
  return resolution === null ? status : `${status}: ${resolution}`;
}

/** An ordinary day reaches this in one of so many. */
function oddsText(p: number): string {
  if (p >= 0.5) return 'as on any ordinary day';
  // Beyond a lifetime a number says nothing more; a broken limit has no odds at all.
  if (p < 1e-4) return 'hardly any ordinary day reaches it';
  return `an ordinary day reaches it once in ${Number((1 / p).toPrecision(2)).toLocaleString('en-US')} days`;
}

function doneText(done: DoneAnswer): string {
  const proof = done.proof === 'none' ? '' : `, ${PROOFS[done.proof]}`;
  const until = done.until_ms === null ? '' : ` until ${momentText(done.until_ms)}`;
  const now = done.status === 'active' || done.status === 'unknown' ? '' : `; it is ${done.status}${until}${proof}`;
  return `done: ${OUTCOMES[done.outcome]}${now}`;
}

const OUTCOMES: Readonly<Record<DoneAnswer['outcome'], string>> = {
  'none': 'nothing',
  'waiting': 'nothing yet, a stop waits for a person',
  'held-back': 'nothing, the brakes held a stop back',
  'in-force': 'the agent was stopped',
  'over': 'the agent was stopped, and that is over',
};
const PROOFS: Readonly<Record<DoneAnswer['proof'], string>> = {
  none: '',
  pending: 'not yet confirmed everywhere',
  verified: 'confirmed everywhere',
  unverified: 'NOT confirmed everywhere',
};

function agentsText({ tenant, agents }: CaseAnswer): string {
  const named = agents.slice(0, 3).map((agent) => whoseText(tenant, agent));
  return agents.length > 3 ? `${named.join(', ')} and ${agents.length - 3} more` : named.join(', ');
}

function whoseText(tenant: string, agent: string): string {
  return inert(tenant === '' ? agent : `${tenant} ${agent}`);
}

/** What is no number in JSON stands there as null. */
function numberText(x: number | null): string {
  return x === null ? '' : String(Number(x.toPrecision(4)));
}
