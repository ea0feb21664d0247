/** What a live system says aloud: findings and stops as they happen, a sentence each, or a line of JSON. */
import type { Finding } from '../decide/finding.js';
import { isPage } from '../decide/finding.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { RegistryChange } from '../registry/journal.js';
import { severityText, spanText, type Terminal } from './terminal.js';

export interface Voice {
  finding(finding: Finding): void;
  change(change: RegistryChange): void;
}

/** Ids of findings said last: a stop is said after its finding, whichever is known first. */
const SAID_MAX = 1_000;
/** Where the sentence of a finding begins. */
const INDENT = 28;

export function createVoice(terminal: Terminal): Voice {
  const said = new Set<string>();
  const waiting = new Map<string, (() => void)[]>();
  const after = (finding: string, say: () => void): void => {
    if (said.has(finding)) say();
    else waiting.set(finding, [...(waiting.get(finding) ?? []), say]);
  };
  return {
    finding: (finding) => {
      terminal.emit({ type: 'finding', ...finding });
      if (terminal.rich) terminal.say(findingText(terminal, finding));
      said.add(finding.id);
      if (said.size > SAID_MAX) said.delete(said.values().next().value as string);
      for (const say of waiting.get(finding.id) ?? []) say();
      waiting.delete(finding.id);
    },
    change: (change) => {
      for (const line of linesOf(terminal, change)) {
        const say = (): void => {
          terminal.emit(line.value);
          if (terminal.rich) terminal.say(line.text);
        };
        if (line.finding === null) say();
        else after(line.finding, say);
      }
    },
  };
}

/** Day and minute, UTC. */
export function momentText(time: string | number): string {
  const iso = typeof time === 'string' ? time : new Date(time).toISOString();
  return `${iso.slice(5, 10)} ${iso.slice(11, 19)}`;
}

function findingText(terminal: Terminal, finding: Finding): string {
  const { paint } = terminal;
  const { agent, title, severity } = finding;
  const sentence = title.startsWith(agent) ? title.slice(agent.length) : ` ${title}`;
  const [head, ...rest] = terminal.wrap(`${agent}${sentence}`, INDENT);
  const named = head.startsWith(agent) ? `${paint.bold(agent)}${head.slice(agent.length)}` : head;
  const lead = `  ${paint.dim(momentText(finding.time))}  ${severityText(paint, severity)}  `;
  const text = [`${lead}${named}`, ...rest.map((line) => `${' '.repeat(INDENT)}${line}`)].join('\n');
  return isPage(severity) ? text : paint.dim(text);
}

interface SpokenLine {
  readonly text: string;
  readonly value: unknown;
  /** Said after this finding; null: at once. */
  readonly finding: string | null;
}

function linesOf(terminal: Terminal, { record, verdict }: RegistryChange): SpokenLine[] {
  const { paint } = terminal;
  const lines: SpokenLine[] = verdict.expired.map((entry) => ({
    text: `  ${paint.dim(momentText(record.timeMs))}  ${paint.green('FREE')}      ${entry.agent}: its time is over`,
    value: { type: 'expired', time: new Date(record.timeMs).toISOString(), agent: entry.agent, tenant: entry.tenant },
    finding: null,
  }));
  const { entry, effect, reason } = verdict;
  if (record.type !== 'proposal' && record.type !== 'stop' && record.type !== 'release') return lines;
  const finding = record.type === 'proposal' ? record.proposal.finding : null;
  const agent = record.type === 'proposal' ? record.proposal.agent : record.agent;
  const value = { type: record.type, time: new Date(record.timeMs).toISOString(), agent, finding, effect, reason };
  const why = record.type === 'proposal' ? record.proposal.reason : record.reason;
  if (effect === 'applied' && entry !== null) {
    const by = record.type === 'proposal' ? '' : `, by ${record.actor}`;
    const words = record.type === 'release' ? `RELEASED ${agent}` : stopWords(entry, record.timeMs);
    const painted = record.type === 'release' ? paint.green(words) : paint.inverse(paint.bold(paint.red(` ${words} `)));
    lines.push({ text: `\n  ${painted}${by}\n  ${reasonText(terminal, why)}\n`, value: { ...value, status: entry.status }, finding });
  } else if (effect === 'refused' || effect === 'recommended') {
    const words = effect === 'refused' ? 'not stopped' : 'waits for a person';
    lines.push({ text: paint.dim(`${' '.repeat(INDENT)}${words}: ${reason ?? why}`), value, finding });
  }
  return lines;
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

function reasonText(terminal: Terminal, why: string): string {
  return terminal.wrap(why, 2).join('\n  ');
}
