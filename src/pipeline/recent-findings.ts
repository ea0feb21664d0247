/**
 * The newest findings of several logs together, for whoever starts and wants no more of the past than fits. Read from
 * the ends backwards, a piece at a time, always of the log whose pieces reach back least: a log that says much does not
 * crowd out what another said later. Whoever calls may rely on the number, give or take a piece; each log is taken to be
 * in the order of time, but for little.
 */
import type { Finding } from '../decide/finding.js';
import type { LogPlace } from './output.js';

const PIECE_MAX = 1_000;

interface Tail {
  readonly place: LogPlace;
  readonly begin: number;
  /** First offset that was read. */
  from: number;
  /** Time of the oldest finding that was read; null: none was. */
  oldest: string | null;
  /** The newest first. */
  readonly pieces: Finding[][];
}

/** At most `max` findings and one piece more, by their time; `ends` are where to read on. */
export interface RecentFindings {
  readonly findings: Finding[];
  readonly ends: readonly number[];
}

export async function readRecent(places: readonly LogPlace[], max: number): Promise<RecentFindings> {
  const tails = await Promise.all(places.map(openTail));
  const ends = tails.map(({ from }) => from);
  const piece = Math.min(PIECE_MAX, Math.ceil(max / Math.max(1, places.length)));
  for (let count = 0; count < max; ) {
    const tail = latest(tails);
    if (tail === null) break;
    count += await readBack(tail, piece);
  }
  // In the order of each log first: what has the same time, as a finding that rises at once, must not change places.
  const findings = tails.flatMap(({ pieces }) => pieces.reverse().flat());
  findings.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return { findings, ends };
}

async function openTail(place: LogPlace): Promise<Tail> {
  const { log, topic, partition } = place;
  const from = await log.end(topic, partition);
  return { place, begin: await log.begin(topic, partition), from, oldest: null, pieces: [] };
}

/** Whose unread findings may be the newest of all; null: all is read. One that nothing was read of comes first. */
function latest(tails: readonly Tail[]): Tail | null {
  let found: Tail | null = null;
  for (const tail of tails) {
    if (tail.from <= tail.begin) continue;
    if (tail.oldest === null) return tail;
    if (found === null || tail.oldest > (found.oldest as string)) found = tail;
  }
  return found;
}

/** Adds the piece before what was read; its findings, none where the log has gaps. */
async function readBack(tail: Tail, piece: number): Promise<number> {
  const { log, topic, partition } = tail.place;
  const end = tail.from;
  const from = Math.max(tail.begin, end - piece);
  const findings: Finding[] = [];
  for (let at = from; at < end; ) {
    const { records, next } = await log.read(topic, partition, at, end - at);
    // What came after is known already, or will be followed.
    for (const { offset, value } of records) if (offset < end) findings.push(JSON.parse(value) as Finding);
    at = next;
  }
  tail.from = from;
  for (const { time } of findings) if (tail.oldest === null || time < tail.oldest) tail.oldest = time;
  tail.pieces.push(findings);
  return findings.length;
}
