/** A token jump of one agent, with and without a neighbour that runs hotter still. */
import type { Finding } from '../../src/decide/finding.js';
import { isPage } from '../../src/decide/finding.js';
import type { Random } from '../../src/math/random.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS } from '../engine/world.js';
import { firstWithin, play, timeOf } from './arena.js';
import { medianOf } from './burst.js';
import { type Agent, eventsOf, merged } from './rhythm.js';

const DAYS = 5;
const GAP_MS = 4 * MINUTE_MS;
const TOKENS = 1200;
const JUMP = 50;
const USD_PER_TOKEN = 3e-6;

export interface NeighbourFigures {
  readonly seeds: number;
  /** Seeds in which the jump was paged beside the neighbour, and alone. */
  readonly beside: number;
  readonly alone: number;
  readonly medianBesideS: number;
  readonly medianAloneS: number;
  readonly kinds: readonly string[];
}

function chat(tokens: number, random: Random) {
  const inputTokens = Math.round(random.logNormal(tokens, 0.3));
  const [operation, endpoint] = ['chat', 'model-1'] as const;
  return { operation, endpoint, inputTokens, outputTokens: 200, costUsd: inputTokens * USD_PER_TOKEN };
}

/** A tool call and a model call in turn would say no more: every call is one of the model. */
function talker(name: string, seed: number, tokensAt: (timeMs: number) => number, toMs: number): Agent {
  const say: Agent['say'] = (random, timeMs) => chat(tokensAt(timeMs), random);
  return { name, rhythm: 'poisson', seed: `neighbour-${seed}`, gapMs: GAP_MS, toMs, say };
}

export function measureNeighbour(seeds: number): NeighbourFigures {
  const runs = Array.from({ length: seeds }, (_, seed) => {
    const fromMs = START_MS + DAYS * DAY_MS + seed * HOUR_MS;
    const toMs = fromMs + HOUR_MS;
    const jumping = talker('clerk', seed, (timeMs) => (timeMs >= fromMs ? JUMP * TOKENS : TOKENS), toMs);
    const hot = talker('neighbour', seed, () => 2 * JUMP * TOKENS, toMs);
    const said = (agents: readonly Agent[]): Finding | null => {
      const { findings } = play(merged(agents.map(eventsOf)));
      return firstWithin(findings, fromMs, toMs, ({ root, severity }) => root === 'clerk' && isPage(severity));
    };
    const delayOf = (page: Finding | null): number =>
      page === null ? Number.POSITIVE_INFINITY : (timeOf(page) - fromMs) / SECOND_MS;
    const [beside, alone] = [said([jumping, hot]), said([jumping])];
    return { besideS: delayOf(beside), aloneS: delayOf(alone), kind: beside === null ? [] : [beside.kind] };
  });
  const [beside, alone] = [runs.map(({ besideS }) => besideS), runs.map(({ aloneS }) => aloneS)];
  return {
    seeds,
    beside: beside.filter(Number.isFinite).length,
    alone: alone.filter(Number.isFinite).length,
    medianBesideS: medianOf(beside),
    medianAloneS: medianOf(alone),
    kinds: [...new Set(runs.flatMap(({ kind }) => kind))],
  };
}
