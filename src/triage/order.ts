/** The orders of lists, worst or newest first, and the cursors that go on in them. */
import { KilldeerError } from '../errors.js';
import { FINDING_SORTS, type FindingSort, type TriagePage } from './triage.js';

/** What a list is sorted by: two numbers, the larger first, then the id, so that no two places are the same. */
export interface Place {
  readonly first: number;
  readonly second: number;
  readonly id: string;
}

/** What orders are made of. */
export interface Sortable {
  readonly id: string;
  readonly raisedMs: number;
  readonly lastMs: number;
  readonly risk: number;
  /** Place in SEVERITIES. */
  readonly rank: number;
}

const FIRST: Readonly<Record<FindingSort, (of: Sortable) => number>> = {
  last: ({ lastMs }) => lastMs,
  raised: ({ raisedMs }) => raisedMs,
  risk: ({ risk }) => risk,
  severity: ({ rank }) => rank,
};

/** Order of a list: below 0 where `a` comes first. */
export function comparing(sort: FindingSort): (a: Sortable, b: Sortable) => number {
  switch (sort) {
    case 'last':
      return (a, b) => b.lastMs - a.lastMs || byId(a.id, b.id);
    case 'raised':
      return (a, b) => b.raisedMs - a.raisedMs || byId(a.id, b.id);
    case 'risk':
      return (a, b) => b.risk - a.risk || b.lastMs - a.lastMs || byId(a.id, b.id);
    case 'severity':
      return (a, b) => b.rank - a.rank || b.lastMs - a.lastMs || byId(a.id, b.id);
  }
}

function byId(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Worst first, by severity, risk, and who was first. */
export function byWorst(a: Sortable, b: Sortable): number {
  return b.rank - a.rank || b.risk - a.risk || a.raisedMs - b.raisedMs || byId(b.id, a.id);
}

/** Lists by a time have no second number: what came later must not move what has the same time. */
function secondOf(sort: FindingSort, { lastMs }: Sortable): number {
  return sort === 'raised' || sort === 'last' ? 0 : lastMs;
}

/** Where something stands in its list. */
export function placeOf(sort: FindingSort, of: Sortable): Place {
  return { first: FIRST[sort](of), second: secondOf(sort, of), id: of.id };
}

/** Whether something comes behind a place. */
export function isBehind(sort: FindingSort, of: Sortable, { first, second, id }: Place): boolean {
  return (first - FIRST[sort](of) || second - secondOf(sort, of) || byId(of.id, id)) > 0;
}

/** The cursor of a place: its sort, numbers and id. */
export function cursorOf(sort: FindingSort, { first, second, id }: Place): string {
  return `${sort}~${first}~${second}~${encodeURIComponent(id)}`;
}

/** Reads a cursor. Throws 'api.invalid' where it is none of a list of this sort. */
export function readCursor(sort: FindingSort, cursor: string | null): Place | null {
  if (cursor === null) return null;
  const [of, first, second, id] = cursor.split('~');
  const place = { first: Number(first), second: Number(second), id: decoded(id ?? '') };
  const isWhole = (FINDING_SORTS as readonly string[]).includes(of) && of === sort && place.id !== '';
  if (isWhole && Number.isFinite(place.first) && Number.isFinite(place.second)) return place;
  throw new KilldeerError('api.invalid', `cursor: is none of a list sorted by ${sort}`);
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return '';
  }
}

/** A page of what stands in order. */
export function pageOf<T extends Sortable, R>(
  sorted: readonly T[],
  sort: FindingSort,
  limit: number,
  cursor: string | null,
  view: (of: T) => R,
): TriagePage<R> {
  const place = readCursor(sort, cursor);
  const from = place === null ? 0 : firstBehind(sorted, sort, place);
  const shown = sorted.slice(from, from + limit);
  const last = shown.at(-1);
  const isMore = last !== undefined && from + limit < sorted.length;
  return { rows: shown.map(view), cursor: isMore ? cursorOf(sort, placeOf(sort, last)) : null, total: sorted.length };
}

function firstBehind(sorted: readonly Sortable[], sort: FindingSort, place: Place): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBehind(sort, sorted[middle], place)) high = middle;
    else low = middle + 1;
  }
  return low;
}
