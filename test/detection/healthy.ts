/** Agents that nothing is wrong with: how often they are flagged, and how far that may be from the truth by chance. */
import { isPage } from '../../src/decide/finding.js';
import { lnBinomialTail } from '../../src/math/tail.js';
import { DAY_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { play, timeOf } from './arena.js';
import { eventsOf, merged, RHYTHM_NAMES } from './rhythm.js';

export interface HealthyFigures {
  readonly agentDays: number;
  readonly events: number;
  /** Agent-days with a page, and with a notice; the upper ends of their shares, 97.5 %. */
  readonly paged: number;
  readonly pagedUpper: number;
  readonly noticed: number;
  readonly noticedUpper: number;
  readonly stops: number;
  /** Flagged agent-days by rhythm and kind. */
  readonly by: ReadonlyMap<string, number>;
}

/** Upper end of the exact interval for a share (Clopper and Pearson, Biometrika 26, 1934), 97.5 %. */
export function shareUpper(found: number, of: number): number {
  if (found >= of) return 1;
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    // P(at most `found`) is what the tail from the other side leaves.
    if (lnBinomialTail(of - found, of, 1 - middle) > Math.log(0.025)) low = middle;
    else high = middle;
  }
  return high;
}

/** As many agents of every rhythm, `days` of them, a call every `gapMs` on average. */
export function measureHealthy(agents: number, days: number, gapMs = 4 * MINUTE_MS): HealthyFigures {
  const toMs = START_MS + days * DAY_MS;
  const streams = Array.from({ length: agents }, (_, at) => {
    const rhythm = RHYTHM_NAMES[at % RHYTHM_NAMES.length];
    return eventsOf({ name: `${rhythm.replaceAll(' ', '-')}-${at}`, rhythm, seed: 'healthy', gapMs, toMs });
  });
  const { findings, decisions, events } = play(merged(streams));
  const flagged = new Map<string, boolean>();
  const by = new Map<string, number>();
  for (const finding of findings) {
    const page = isPage(finding.severity);
    const key = `${finding.root} ${Math.floor(timeOf(finding) / DAY_MS)}`;
    flagged.set(key, page || flagged.get(key) === true);
    const name = `${finding.root.replace(/-\d+$/, '')} ${finding.kind} ${page ? 'page' : 'notice'}`;
    by.set(name, (by.get(name) ?? 0) + 1);
  }
  const agentDays = agents * days;
  const paged = [...flagged.values()].filter(Boolean).length;
  return {
    agentDays,
    events,
    paged,
    pagedUpper: shareUpper(paged, agentDays),
    noticed: flagged.size - paged,
    noticedUpper: shareUpper(flagged.size - paged, agentDays),
    stops: decisions.filter(({ effect }) => effect === 'applied').length,
    by,
  };
}
