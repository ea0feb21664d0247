/** How much risk a tree carries at a time. */
import { isCleared, type Row } from './row.js';

/** Place in SEVERITIES from which a finding waits for a person. */
const PAGE = 2;

/**
 * The worst of what is open, or what is left of what is over.
 * @returns 0 to 100, to a tenth.
 */
export function riskAt(rows: readonly Row[], atMs: number, decayMs: number): number {
  let worst = 0;
  for (const row of rows) {
    const risk = riskOf(row, atMs, decayMs);
    if (risk > worst) worst = risk;
  }
  return Math.round(worst * 10) / 10;
}

function riskOf(row: Row, atMs: number, decayMs: number): number {
  const { standing, quiet, suppressed, raisedMs } = row;
  if (raisedMs > atMs || quiet || suppressed) return 0;
  const closedMs = standing.closedMs !== null && standing.closedMs <= atMs ? standing.closedMs : null;
  if (closedMs !== null && isCleared(standing.resolution)) return 0;
  const { rank, risk, sinceMs } = stepAt(row, atMs);
  if (closedMs !== null) return halved(risk, atMs - closedMs, decayMs);
  // Nobody is asked to close a notice: it fades by itself.
  return rank >= PAGE ? risk : halved(risk, atMs - sinceMs, decayMs);
}

/** Severity and risk as the lines had them then, and since when. */
function stepAt({ steps, rank, risk, raisedMs, lastMs }: Row, atMs: number) {
  let at = { rank, risk, sinceMs: lastMs <= atMs ? lastMs : raisedMs };
  if (steps === null || lastMs <= atMs) return at;
  for (const step of steps) if (step.timeMs <= atMs) at = { rank: step.rank, risk: step.risk, sinceMs: step.timeMs };
  return at;
}

function halved(risk: number, afterMs: number, halfMs: number): number {
  return risk * Math.exp((-Math.LN2 * afterMs) / halfMs);
}
