/** Rates that grow slowly: how far they get before something is said, and how far the anchor is led meanwhile. */
import { Profile } from '../../src/agent/layout.js';
import { isPage } from '../../src/decide/finding.js';
import { anchorCalls } from '../../src/detect/ramp.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { pagesOf, play, timeOf } from './arena.js';
import { medianOf } from './burst.js';
import { eventsOf, type RhythmName } from './rhythm.js';

export interface Slope {
  readonly rhythm: RhythmName;
  readonly gapMs: number;
  /** Ordinary hours before the ramp. */
  readonly hours: number;
  /** Growth a minute, and how far it goes. */
  readonly perMinute: number;
  readonly most: number;
}

export interface SlopeFigures {
  readonly seeds: number;
  readonly found: number;
  readonly paged: number;
  /** Times the ordinary pace at the first finding, and at the first page: median and largest. */
  readonly medianAt: number;
  readonly worstAt: number;
  readonly medianPageAt: number;
  /** Of the ramp that was paged earliest. */
  readonly firstPageAt: number;
  /** Days from the beginning of the ramp to the first finding. */
  readonly medianDays: number;
  /** Growth of the anchor from the beginning of the ramp to the first finding, largest. */
  readonly anchorMoved: number;
  readonly falsePages: number;
  readonly kinds: readonly string[];
}

const profile = new Profile();

/** Calls a minute of the one agent's anchor. */
function anchorOf(engine: PartitionEngine, name: string): number {
  const { table } = engine.inside;
  table.aim(profile, table.find('', name, true));
  return anchorCalls(profile);
}

export function measureSlope(slope: Slope, seeds: number): SlopeFigures {
  const runs = Array.from({ length: seeds }, (_, seed) => climb(slope, seed));
  const at = runs.map((run) => run.foundAt);
  const kinds = new Set(runs.flatMap(({ kind }) => kind ?? []));
  return {
    seeds,
    found: at.filter(Number.isFinite).length,
    paged: runs.filter(({ pagedAt }) => Number.isFinite(pagedAt)).length,
    medianAt: medianOf(at),
    worstAt: Math.max(...at),
    medianPageAt: medianOf(runs.map(({ pagedAt }) => pagedAt)),
    firstPageAt: Math.min(...runs.map(({ pagedAt }) => pagedAt)),
    medianDays: medianOf(runs.map(({ days }) => days)),
    anchorMoved: Math.max(...runs.map(({ moved }) => moved)),
    falsePages: runs.reduce((sum, { falsePages }) => sum + falsePages, 0),
    kinds: [...kinds],
  };
}

interface Climb {
  readonly foundAt: number;
  readonly pagedAt: number;
  readonly days: number;
  readonly moved: number;
  readonly falsePages: number;
  readonly kind: string | null;
}

function climb({ rhythm, gapMs, hours, perMinute, most }: Slope, seed: number): Climb {
  const fromMs = START_MS + hours * HOUR_MS;
  const growth = Math.log1p(perMinute) / MINUTE_MS;
  const toMs = fromMs + Math.log(most) / growth;
  const paceAt = (timeMs: number) => (timeMs <= fromMs ? 1 : Math.exp((timeMs - fromMs) * growth));
  const anchors: [number, number][] = [];
  const agent = { name: 'clerk', rhythm, seed: `slope-${seed}`, gapMs, fromMs: START_MS, toMs, paceAt };
  const { findings } = play(eventsOf(agent), {
    look: (engine, { timeMs }) => {
      if (timeMs >= fromMs && timeMs >= (anchors.at(-1)?.[0] ?? 0) + MINUTE_MS) {
        anchors.push([timeMs, anchorOf(engine, 'clerk')]);
      }
    },
  });
  const after = findings.filter((finding) => timeOf(finding) >= fromMs);
  const [first, page] = [after[0], after.find(({ severity }) => isPage(severity))];
  const foundMs = first === undefined ? Number.POSITIVE_INFINITY : timeOf(first);
  const seen = anchors.filter(([timeMs]) => timeMs <= foundMs);
  return {
    foundAt: first === undefined ? Number.POSITIVE_INFINITY : paceAt(foundMs),
    pagedAt: page === undefined ? Number.POSITIVE_INFINITY : paceAt(timeOf(page)),
    days: (foundMs - fromMs) / DAY_MS,
    moved: Math.max(...seen.map(([, calls]) => calls)) / seen[0][1],
    falsePages: pagesOf(findings).filter((finding) => timeOf(finding) < fromMs).length,
    kind: first === undefined ? null : `${first.kind}/${first.severity}`,
  };
}
