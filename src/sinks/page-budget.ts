/**
 * What people who are woken can bear, over all agents together: within the day's pages everything goes out at once;
 * beyond them what is medium waits for one digest an hour, what is high still goes out up to twice the budget, and what
 * is critical always does. Pure: the clock is handed in.
 */
import { SEVERITIES, type Severity } from '../decide/finding.js';

/** A finding that waits for the digest. */
export interface Held {
  /** Of its line. */
  readonly key: string;
  readonly id: string;
  readonly severity: Severity;
  readonly kind: string;
  readonly agent: string;
  readonly risk: number;
}

/** Pages sent in one hour. */
export interface PagedHour {
  /** When it began, ms. */
  readonly hourMs: number;
  readonly count: number;
}

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** Findings that are remembered by name; what is more is counted. */
export const HELD_MAX = 200;

/**
 * Whether a finding goes out at once.
 * @param sent pages of the 24 h before
 * @param perDay null: nobody said what people can bear
 */
export function isSentAtOnce(severity: Severity, sent: number, perDay: number | null): boolean {
  if (perDay === null || severity === 'critical' || sent < perDay) return true;
  return severity === 'high' && sent < 2 * perDay;
}

/** Pages of the 24 h before `nowMs`. */
export function pagesOf(hours: readonly PagedHour[], nowMs: number): number {
  return recent(hours, nowMs).reduce((sum, { count }) => sum + count, 0);
}

/** With `count` more pages now; what is older than a day is forgotten. */
export function withPages(hours: readonly PagedHour[], nowMs: number, count: number): readonly PagedHour[] {
  const kept = recent(hours, nowMs);
  if (count === 0) return kept;
  const hourMs = nowMs - (nowMs % HOUR_MS);
  const same = kept.find((hour) => hour.hourMs === hourMs)?.count ?? 0;
  return [...kept.filter((hour) => hour.hourMs !== hourMs), { hourMs, count: same + count }];
}

function recent(hours: readonly PagedHour[], nowMs: number): readonly PagedHour[] {
  return hours.filter(({ hourMs }) => hourMs > nowMs - HOURS * HOUR_MS);
}

/** When the next digest is due, ms; null: nothing waits. The first comes an hour after the first was held. */
export function digestDueMs(held: number, sinceMs: number): number | null {
  return held === 0 ? null : sinceMs + HOUR_MS;
}

/** Worst first; of those as bad as each other, the one that waits longest. */
export function worstFirst(held: readonly Held[]): readonly Held[] {
  return [...held].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.risk - a.risk);
}
