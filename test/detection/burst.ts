/** Bursts of an agent that calls every 2 s, after little history: what is said of them, and how soon. */
import { isPage } from '../../src/decide/finding.js';
import { MINUTE_MS, SECOND_MS, START_MS } from '../engine/world.js';
import { firstWithin, pagesOf, play, timeOf } from './arena.js';
import { ENDLESS, eventsOf, plainCall, type RhythmName } from './rhythm.js';

const GAP_MS = 2 * SECOND_MS;

export interface Burst {
  readonly rhythm: RhythmName;
  readonly factor: number;
  readonly minutes: number;
  /** Events before it. */
  readonly history: number;
}

export interface BurstFigures {
  readonly seeds: number;
  /** Seeds in which the fused p came down to the page budget, with any line, and with a page. */
  readonly seen: number;
  readonly found: number;
  readonly paged: number;
  /** Seconds from its beginning to each; infinite where most were not found. */
  readonly medianSeenS: number;
  readonly medianS: number;
  readonly medianPageS: number;
  /** Pages before it. */
  readonly falsePages: number;
  readonly kinds: readonly string[];
}

/** Middle value; infinity counts as a value. */
export function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export function measureBurst({ rhythm, factor, minutes, history }: Burst, seeds: number): BurstFigures {
  const delays: number[] = [];
  const seenDelays: number[] = [];
  const pageDelays: number[] = [];
  const kinds = new Set<string>();
  let falsePages = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const fromMs = START_MS + history * GAP_MS;
    const toMs = fromMs + minutes * MINUTE_MS;
    const paceAt = (timeMs: number) => (timeMs >= fromMs && timeMs < toMs ? factor : 1);
    const what = { name: 'clerk', say: plainCall, taskCalls: ENDLESS };
    const agent = { ...what, rhythm, seed: `burst-${seed}`, gapMs: GAP_MS, fromMs: START_MS, toMs, paceAt };
    let seenS = Number.POSITIVE_INFINITY;
    const { findings } = play(eventsOf(agent), {
      look: ({ inside }, { timeMs }) => {
        if (timeMs < fromMs || Number.isFinite(seenS) || inside.fused > inside.settings.pagesPerAgentDay) return;
        seenS = (timeMs - fromMs) / SECOND_MS;
      },
    });
    seenDelays.push(seenS);
    const first = firstWithin(findings, fromMs, toMs);
    const page = firstWithin(findings, fromMs, toMs, ({ severity }) => isPage(severity));
    delays.push(first === null ? Number.POSITIVE_INFINITY : (timeOf(first) - fromMs) / SECOND_MS);
    pageDelays.push(page === null ? Number.POSITIVE_INFINITY : (timeOf(page) - fromMs) / SECOND_MS);
    if (first !== null) kinds.add(`${first.kind}/${first.severity}`);
    falsePages += pagesOf(findings).filter((finding) => timeOf(finding) < fromMs).length;
  }
  return {
    seeds,
    seen: seenDelays.filter(Number.isFinite).length,
    medianSeenS: medianOf(seenDelays),
    found: delays.filter(Number.isFinite).length,
    paged: pageDelays.filter(Number.isFinite).length,
    medianS: medianOf(delays),
    medianPageS: medianOf(pageDelays),
    falsePages,
    kinds: [...kinds],
  };
}
