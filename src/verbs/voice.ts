/** What a live system says aloud: findings and stops as they happen, a sentence each, or a line of JSON. */
import { type Finding, isPage, type Proposal } from '../decide/finding.js';
import type { RegistryChange } from '../registry/journal.js';
import { isProlonged, type RegistryEntry, type Verdict } from '../registry/registry.js';
import { SEVERITY_WIDTH, severityText, spanText, type Terminal } from './terminal.js';

export interface Voice {
  finding(finding: Finding): void;
  change(change: RegistryChange): void;
  /** Says at once what still waits. */
  flush(): void;
}

/** The registry is faster than the log of findings: its changes wait, so that a stop stands below what it answers. */
const CHANGE_WAIT_MS = 200;
/** Where the sentence of a finding begins. */
const INDENT = 28;

export function createVoice(terminal: Terminal): Voice {
  let waiting: SpokenLine[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    for (const { value, text } of waiting.splice(0)) {
      terminal.emit(value);
      if (terminal.rich) terminal.say(text);
    }
  };
  return {
    finding: (finding) => {
      terminal.emit({ type: 'finding', ...finding });
      if (terminal.rich) terminal.say(findingText(terminal, finding));
    },
    change: (change) => {
      waiting = [...waiting, ...linesOf(terminal, change)];
      if (waiting.length > 0) timer ??= setTimeout(flush, CHANGE_WAIT_MS);
    },
    flush,
  };
}

/** Day and minute, UTC. */
export function momentText(time: string | number): string {
  const iso = typeof time === 'string' ? time : new Date(time).toISOString();
  return `${iso.slice(5, 10)} ${iso.slice(11, 19)}`;
}

function findingText(terminal: Terminal, finding: Finding): string {
  const { paint } = terminal;
  const { agent, title, severity, mutedBy } = finding;
  const said = title.startsWith(agent) ? title.slice(agent.length) : ` ${title}`;
  const sentence = mutedBy === undefined ? said : `${said} (muted by ${mutedBy})`;
  const [head, ...rest] = terminal.wrap(`${agent}${sentence}`, INDENT);
  const named = head.startsWith(agent) ? `${paint.bold(agent)}${head.slice(agent.length)}` : head;
  const lead = `  ${paint.dim(momentText(finding.time))}  ${severityText(paint, severity, SEVERITY_WIDTH)}  `;
  const text = [`${lead}${named}`, ...rest.map((line) => `${' '.repeat(INDENT)}${line}`)].join('\n');
  return isPage(severity) ? text : paint.dim(text);
}

interface SpokenLine {
  readonly text: string;
  readonly value: unknown;
}

function linesOf(terminal: Terminal, { record, verdict }: RegistryChange): SpokenLine[] {
  const { paint } = terminal;
  const time = new Date(record.timeMs).toISOString();
  const lines: SpokenLine[] = verdict.expired.map(({ agent, tenant }) => ({
    text: `  ${paint.dim(momentText(record.timeMs))}  ${paint.green('free')}      ${agent}: its time is over`,
    value: { type: 'expired', time, tenant, agent },
  }));
  for (const { tenant, agent, status, owner, reason } of verdict.changed ?? []) {
    const words =
      status === 'active' ? `${agent} is ${owner ?? 'nobody'}'s now` : `${agent} is ${status}: ${reason ?? ''}`;
    const value = { type: 'changed', time, by: record.type, tenant, agent, status, owner, reason };
    lines.push({ text: paint.dim(`${' '.repeat(INDENT)}${words}`), value });
  }
  const said = record.type === 'proposal' ? proposalLine(terminal, record.proposal, verdict, record.timeMs) : null;
  if (said !== null) lines.push(said);
  if ((record.type === 'stop' || record.type === 'release') && verdict.effect === 'applied' && verdict.entry !== null) {
    const words = record.type === 'stop' ? stopWords(verdict.entry, record.timeMs) : `RELEASED ${record.agent}`;
    const { type, tenant, agent, reason, actor } = record;
    const text = boxed(terminal, record.type === 'stop' ? paint.red : paint.green, words, `${actor}: ${reason}`);
    lines.push({ text, value: { type, time, tenant, agent, actor, reason } });
  }
  const second = record.type === 'approval-answer' && verdict.effect === 'applied' ? verdict.entry : null;
  if (second?.status === 'revoked') lines.push(revokedLine(terminal, second, time, record.actor));
  return lines;
}

/** A revocation takes effect with the second person's word. */
function revokedLine({ paint }: Terminal, entry: RegistryEntry, time: string, actor: string): SpokenLine {
  const { tenant, agent, reason } = entry;
  const text = `  ${paint.red('REVOKED')}   ${agent}: ${reason}`;
  return { text, value: { type: 'stop', time, tenant, agent, actor, reason } };
}

function proposalLine(
  terminal: Terminal,
  proposal: Proposal,
  { effect, entry, reason }: Verdict,
  timeMs: number,
): SpokenLine | null {
  const { paint } = terminal;
  const { tenant, agent, action, finding, key } = proposal;
  const value = {
    type: 'decision',
    time: new Date(timeMs).toISOString(),
    tenant,
    agent,
    action,
    effect,
    reason,
    finding,
    key,
  };
  if (isProlonged({ effect, reason })) return { text: paint.dim(`${' '.repeat(INDENT)}${reason}`), value };
  if (effect === 'applied' && entry !== null) {
    return { text: boxed(terminal, paint.red, stopWords(entry, timeMs), proposal.reason), value };
  }
  if (effect !== 'refused' && effect !== 'recommended') return null;
  const words = effect === 'refused' ? 'not stopped' : `${action} waits for a person`;
  return { text: paint.dim(`${' '.repeat(INDENT)}${words}: ${reason ?? proposal.reason}`), value };
}

/** A line of its own that nobody overlooks, and the reason below it. */
function boxed(terminal: Terminal, colour: (text: string) => string, words: string, reason: string): string {
  const { paint } = terminal;
  return `\n  ${paint.inverse(paint.bold(colour(` ${words} `)))}\n  ${terminal.wrap(reason, 2).join('\n  ')}\n`;
}

const STATUS_WORDS: Readonly<Record<string, string>> = {
  suspended: 'STOPPED',
  revoked: 'REVOKED',
  throttled: 'THROTTLED',
  restricted: 'RESTRICTED',
};

/** What is in force and for how long: STOPPED clerk for 1 h. */
export function stopWords(entry: RegistryEntry, nowMs: number): string {
  const { agent, status, untilMs, callsPerMinute } = entry;
  const span = untilMs === null ? 'until released' : `for ${spanText(untilMs - nowMs)}`;
  const rate = callsPerMinute === null ? '' : ` to ${callsPerMinute} calls a minute`;
  return `${STATUS_WORDS[status] ?? status} ${agent}${rate} ${span}`;
}
