/** How many pages the fleet raised, against what people said they can bear. */
import { byWorst } from './order.js';
import type { Row } from './row.js';
import type { PageBudgetState } from './triage.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Place in SEVERITIES of what is held back: whatever is worse is told in any case. */
const HELD_RANK = 2;

/** At a time; a page counts from when it became one. */
export function pagesAt(rows: Iterable<Row>, atMs: number, perDay: number | null): PageBudgetState {
  const hours = new Array<number>(24).fill(0);
  const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  const today: Row[] = [];
  for (const row of rows) {
    const { pageMs } = row;
    if (pageMs === -1 || pageMs > atMs) continue;
    const ago = Math.floor((atMs - pageMs) / HOUR_MS);
    if (ago < 24) hours[23 - ago] += 1;
    if (pageMs >= dayMs) today.push(row);
  }
  return { perDay, hours, today: today.length, held: heldOf(today, perDay) };
}

/** Of the day's pages those that come when there is room for no more. */
function heldOf(today: Row[], perDay: number | null): string[] {
  if (perDay === null) return [];
  today.sort((a, b) => a.pageMs - b.pageMs || (a.id < b.id ? -1 : 1));
  const over = today.slice(perDay).filter(({ rank }) => rank === HELD_RANK);
  return over.sort(byWorst).map(({ id }) => id);
}
