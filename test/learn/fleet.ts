/**
 * A fleet of which only the days are drawn: how often an agent has anything, and how large it is then. What engine and
 * learner make of daily maxima is theirs; there are no events.
 */
import { isInteresting } from '../../src/agent/interest.js';
import { DETECTOR_COUNT, DETECTORS, F, type Profile } from '../../src/agent/layout.js';
import type { CohortModel } from '../../src/detect/model.js';
import { Laws } from '../../src/learn/laws.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { closeDay, daySurprises, refreshLaws, statedSurprise, surprise } from '../../src/score/calibrate.js';
import { fuse } from '../../src/score/fuse.js';
import { createProfile } from '../agent/profile.js';
import { dayOf } from './samples.js';

const FUSED = DETECTORS.indexOf('fused');

/** How a detector's days fall out for one agent. */
export interface Habit {
  readonly share: number;
  readonly size: (random: Random) => number;
}

export interface Fleet {
  readonly seed: string;
  readonly agents: number;
  readonly days: number;
  readonly pagesPerAgentDay: number;
  /** Habit of one agent's detector, by index. */
  readonly habitOf: (detector: number, random: Random) => Habit;
  /** Days on which an agent is attacked: all its detectors go this high. */
  readonly attack?: (random: Random) => number;
}

/** One judged agent-day. */
export interface JudgedDay {
  readonly day: number;
  readonly attacked: boolean;
  /** Surprise by detector, nats, after the fleet's tail law; 0: nothing said. */
  readonly surprise: Float64Array;
  /** Fused p after the law of fused days and the bar. */
  readonly p: number;
}

/** Lives through the days of a fleet: judged by yesterday's laws, learned at midnight. */
export function live(fleet: Fleet): JudgedDay[] {
  const random = createRandom(fleet.seed);
  const start = neutralModel();
  const laws = new Laws(fleet.agents, fleet.pagesPerAgentDay);
  const agents = Array.from({ length: fleet.agents }, (_, n) => ({
    name: `a-${n}`,
    profile: createProfile(),
    habits: DETECTORS.map((_, d) => fleet.habitOf(d, random)),
  }));
  const judged: JudgedDay[] = [];
  let model: CohortModel = start;
  for (let day = 0; day < fleet.days; day++) {
    for (const { name, profile, habits } of agents) {
      refreshLaws(profile, model, day + 1);
      const high = fleet.attack?.(random) ?? 0;
      habits.forEach(({ share, size }, d) => {
        const has = d !== FUSED && random.next() < share;
        profile.f32[profile.at4 + F.dayMax + d] = Math.max(high, has ? size(random) : 0);
      });
      const one = judge(profile, model, day, high > 0);
      judged.push(one);
      const paged = one.p <= fleet.pagesPerAgentDay;
      const marginal = paged && one.p > fleet.pagesPerAgentDay / 10;
      const days = profile.u32[profile.at4 + F.days];
      const max = Array.from(profile.f32.subarray(profile.at4 + F.dayMax, profile.at4 + F.dayMax + DETECTOR_COUNT));
      const sample = { ...dayOf({ agent: name, day, days, marginal, paged }), max, surprise: daySurprises(profile) };
      laws.learn(sample, start.days);
      closeDay(profile);
    }
    model = { ...start, ...laws.laws(start), bar: laws.bar() };
  }
  return judged;
}

/** The day as the engine would judge it when its largest scores stand together. */
function judge(p: Profile, model: CohortModel, day: number, attacked: boolean): JudgedDay {
  const said = new Float64Array(DETECTOR_COUNT);
  for (let d = 0; d < FUSED; d++) {
    const score = p.f32[p.at4 + F.dayMax + d];
    if (score > 0 && isInteresting(p, d, score)) said[d] = surprise(statedSurprise(p, d, score), d, model);
  }
  const stated = said.some((nats) => nats > 0) ? -Math.log(fuse(said)) : 0;
  p.f32[p.at4 + F.dayFused] = stated;
  const fused = surprise(stated, FUSED, model) - Math.log(model.bar);
  return { day, attacked, surprise: said, p: Math.exp(-Math.max(0, fused)) };
}

/** Share of the days from `fromDay` on whose p is at most `p`. */
export function realised(
  days: readonly JudgedDay[],
  fromDay: number,
  p: number,
  pOf: (day: JudgedDay) => number,
): number {
  const counted = days.filter(({ day, attacked }) => day >= fromDay && !attacked);
  return counted.filter((day) => pOf(day) <= p).length / counted.length;
}
