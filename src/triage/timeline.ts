/** What happened to findings, in one row: their lines, what people said of them, what was done to their agents. */
import { SEVERITIES } from '../decide/finding.js';
import type { AgentLog } from './agent-log.js';
import { actorOf } from './change-words.js';
import { findingOf, type Row } from './row.js';
import type { Word } from './standing.js';
import type { TimelineEntry } from './triage.js';
import type { WordBook } from './word-book.js';

/** Entries of one timeline, the newest. */
const ENTRIES_MAX = 1_000;

/** Of several findings of one tenant, oldest first. */
export function timelineOf(rows: readonly Row[], words: WordBook, log: AgentLog): TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  const deeds = new Set<TimelineEntry>();
  for (const row of rows) {
    entries.push(...linesOf(row));
    for (const word of words.of(row.id)) entries.push(wordEntry(row.id, word));
    for (const timeMs of row.standing.reopenedMs) entries.push(reopened(row.id, timeMs));
    for (const deed of log.of(row.tenant, new Set([row.agent, row.root]))) if (isAbout(deed, row)) deeds.add(deed);
  }
  // Sorting keeps the order of what has one time: lines before words, and both before what was done.
  return [...entries, ...deeds].sort((a, b) => a.timeMs - b.timeMs).slice(-ENTRIES_MAX);
}

/** What the finding itself led to, and what befell its agent from it on until it was closed. */
function isAbout({ finding, what, timeMs }: TimelineEntry, { id, raisedMs, standing }: Row): boolean {
  if (finding !== null && finding !== id && what !== 'stopped') return false;
  if (finding === id) return true;
  return timeMs >= raisedMs && (standing.closedMs === null || timeMs <= standing.closedMs);
}

function linesOf(row: Row): TimelineEntry[] {
  const { id, steps, raisedMs } = row;
  if (steps === null) return [lineEntry(id, 'raised', raisedMs, findingOf(row).title)];
  return steps.map(({ timeMs, rank, title }, i) =>
    i === 0
      ? lineEntry(id, 'raised', timeMs, title)
      : lineEntry(id, 'risen', timeMs, `now of ${SEVERITIES[rank]} severity: ${title}`),
  );
}

function lineEntry(finding: string, what: 'raised' | 'risen', timeMs: number, words: string): TimelineEntry {
  return { timeMs, what, actor: 'engine', words, finding };
}

function reopened(finding: string, timeMs: number): TimelineEntry {
  return { timeMs, what: 'status', actor: 'engine', words: 'open again: it got worse after it was closed', finding };
}

function wordEntry(finding: string, { timeMs, actor, said }: Word): TimelineEntry {
  const head = { timeMs, actor: actorOf(actor), finding };
  switch (said.what) {
    case 'assign':
      return { ...head, what: 'assigned', words: said.to === null ? 'given to nobody' : `given to ${said.to}` };
    case 'status': {
      const why = said.resolution === null ? '' : `, ${said.resolution}`;
      return { ...head, what: 'status', words: `${said.status}${why}` };
    }
    case 'comment':
      return { ...head, what: 'comment', words: said.text };
    case 'verdict':
      return { ...head, what: 'verdict', words: `${said.verdict}${said.comment === null ? '' : `: ${said.comment}`}` };
    case 'verdict-undone':
      return { ...head, what: 'verdict-undone', words: `${said.verdict} was taken back` };
  }
}
