/**
 * How daily maxima fall out over the fleet: the law that a new agent starts from, and the correction that keeps the
 * stated alert budget true. Both learn from closed agent-days alone; labels and verdicts play no part.
 */
import { DETECTOR_COUNT, DETECTORS } from '../agent/layout.js';
import type { DayLaw, TailLaw } from '../detect/model.js';
import type { Sample } from '../engine/outcome.js';
import { statedFor } from '../score/tail.js';

const FUSED = DETECTORS.indexOf('fused');

export type DaySample = Extract<Sample, { kind: 'day' }>;

/** Days of an agent that are left out: nothing is usual yet. */
const WARM_DAYS = 4;
/** A day counts for at most this many deviations from the fleet's mean. */
const CLAMP = 6;
/** Prior weight of the cold-start law, agent-days. */
const PRIOR_DAYS = 30;
/** Prior weight of the fleet's law in that of a cohort: a few agents tell little of how much agents differ. */
const COHORT_PRIOR_DAYS = 400;
/** Memory of the tail law, agent-days; and its prior weight. */
const TAIL_MEMORY = 4096;
const TAIL_PRIOR = 60;
/** Days beyond the tail's beginning that a law needs. */
const TOP_MIN = 4;
/** The tail law looks at the largest tenth: beyond ln 10 nats, if what was stated is true. */
const TAIL_SHARE = 0.1;
/** Where the slope of the fused law begins. */
const SLOPE_SHARE = 0.3;
/** A tail is not believed to begin lower, nor to be thinner, than this. */
const FROM_MIN = 0.5;
const STRETCH_MIN = 0.7;
/** All together are never thinner than they are stated: what is rare in one detector has the tails of them all. */
const FUSED_STRETCH_MIN = 0.8;
/** Marginal pages within this many days of the partition's time are weighed against the budget. */
const BAR_DAYS = 7;

interface AgentDays {
  n: number;
  /** Days on which the detector said anything, mean of their maxima and sum of squared distances from it. */
  readonly held: number[];
  readonly mean: number[];
  readonly square: number[];
}

/** Laws that a fleet starts from, and in the end its own. */
export interface StartLaws {
  readonly days: readonly DayLaw[];
  readonly tails: readonly TailLaw[];
}

/** A fleet's own law, as far as it has days for one. */
function blend(own: number, ours: TailLaw, prior: TailLaw): TailLaw {
  const { share } = ours;
  const from = own * Math.max(ours.from, FROM_MIN) + (1 - own) * statedFor(-Math.log(share), prior);
  const stretch = own * ours.stretch + (1 - own) * prior.stretch;
  return { share, from, stretch: Math.max(STRETCH_MIN, stretch) };
}

function zeros(): number[] {
  return new Array(DETECTOR_COUNT).fill(0);
}

/** One day on which a detector said something (Welford's running moments). */
function learnHeld(agent: AgentDays, d: number, max: number, { mean, within, between }: DayLaw): void {
  const value = Math.min(max, mean + CLAMP * Math.sqrt(within + between));
  agent.held[d]++;
  const delta = value - agent.mean[d];
  agent.mean[d] += delta / agent.held[d];
  agent.square[d] += delta * (value - agent.mean[d]);
}

/** The laws as plain JSON. */
export interface LawsJson {
  readonly agents: readonly [string, AgentDays][];
  readonly recent: readonly (readonly number[])[];
  readonly pages: readonly [day: number, days: number, paged: number][];
}

/** The fleet's laws in the making. */
export class Laws {
  private readonly agents = new Map<string, AgentDays>();
  /** Stated surprises of closed agent-days, newest last, by detector. */
  private readonly recent: number[][] = Array.from({ length: DETECTOR_COUNT }, () => []);
  private readonly agentsMax: number;
  private pagesPerAgentDay: number;
  private pages: [number, number, number][] = [];

  /** Beyond `agentsMax` agents, the one that was met first is forgotten. */
  constructor(agentsMax: number, pagesPerAgentDay: number) {
    this.agentsMax = agentsMax;
    this.pagesPerAgentDay = pagesPerAgentDay;
  }

  /** False pages per agent-day that are accepted from here on. */
  setBudget(pagesPerAgentDay: number): void {
    this.pagesPerAgentDay = pagesPerAgentDay;
  }

  learn(sample: DaySample, laws: readonly DayLaw[]): void {
    const day = Math.round(sample.timeMs / 86_400_000);
    if (sample.days < WARM_DAYS) return;
    this.fresh = null;
    let agent = this.agents.get(sample.agent);
    if (agent === undefined) {
      if (this.agents.size >= this.agentsMax) {
        for (const oldest of this.agents.keys()) {
          this.agents.delete(oldest);
          break;
        }
      }
      agent = { n: 0, held: zeros(), mean: zeros(), square: zeros() };
      this.agents.set(sample.agent, agent);
    }
    agent.n++;
    for (let d = 0; d < DETECTOR_COUNT; d++) {
      if (sample.max[d] > 0) learnHeld(agent, d, sample.max[d], laws[d]);
      // The law is of ordinary days, and of those that paged nobody knows how many were: tails() puts back a budget's worth.
      if (d === FUSED && sample.paged) continue;
      this.recent[d].push(sample.surprise[d]);
      if (this.recent[d].length > TAIL_MEMORY) this.recent[d].shift();
    }
    this.countPage(day, sample.marginal);
  }

  /** What has to be computed anew after a day was learned. */
  private fresh: StartLaws | null = null;

  /** The laws as they stand: daily maxima of the fleet, and the tails of what was stated. */
  laws(prior: StartLaws): StartLaws {
    this.fresh ??= { days: this.days(prior.days), tails: this.tails(prior.tails) };
    return this.fresh;
  }

  /** Within- and between-agent moments, the cold-start law counting for PRIOR_DAYS. */
  private days(prior: readonly DayLaw[]): DayLaw[] {
    return prior.map((law, d) => this.dayLaw(law, d));
  }

  /** The same for the members of a cohort, shrunk towards the fleet's. */
  daysOf(members: readonly string[], fleet: readonly DayLaw[]): DayLaw[] {
    const agents = members.flatMap((member) => this.agents.get(member) ?? []);
    return fleet.map((law, d) => this.dayLaw(law, d, agents, COHORT_PRIOR_DAYS));
  }

  private dayLaw(
    prior: DayLaw,
    d: number,
    among: readonly AgentDays[] = [...this.agents.values()],
    weight = PRIOR_DAYS,
  ): DayLaw {
    let all = 0;
    let agents = 0;
    let days = 0;
    let sum = 0;
    let square = 0;
    for (const agent of among) {
      all += agent.n;
      if (agent.held[d] === 0) continue;
      agents++;
      days += agent.held[d];
      sum += agent.mean[d];
      square += agent.square[d];
    }
    const ofAll = all / (all + weight);
    const share = all === 0 ? prior.share : ofAll * (days / all) + (1 - ofAll) * prior.share;
    if (agents < 2) return { ...prior, share };
    const mean = sum / agents;
    let spread = 0;
    for (const agent of among) {
      if (agent.held[d] > 0) spread += (agent.mean[d] - mean) * (agent.mean[d] - mean);
    }
    const own = days / (days + weight);
    const within = own * (square / Math.max(1, days - agents)) + (1 - own) * prior.within;
    const between = Math.max(0, spread / (agents - 1) - (within * agents) / days);
    return {
      share,
      mean: own * mean + (1 - own) * prior.mean,
      within,
      between: own * between + (1 - own) * prior.between,
    };
  }

  /**
   * Tail law by detector: where the largest tenth of stated surprises begins (or the larger half of the days that held
   * anything, where they are rarer), and how far beyond it they reach on the whole: the median excess over ln 2, which
   * attacks among the days hardly move.
   */
  private tails(prior: readonly TailLaw[]): TailLaw[] {
    return this.recent.map((list, d) => {
      const sorted = Float64Array.from(list).sort().reverse();
      if (d === FUSED) return this.fusedTail(sorted, prior[d]);
      const held = sorted.findLastIndex((stated) => stated > 0) + 1;
      const top = Math.floor(Math.min(sorted.length * TAIL_SHARE, held / 2));
      if (top < TOP_MIN) return prior[d];
      const from = sorted[top];
      const stretch = (sorted[Math.floor(top / 2)] - from) / Math.LN2;
      return blend(held / (held + TAIL_PRIOR), { share: top / sorted.length, from, stretch }, prior[d]);
    });
  }

  /**
   * The same for all detectors together, from the days that did not page: a budget's worth of ordinary days is missing
   * above them. Its slope is read between the largest 30 % and 10 % of days, below the days that attacks spoil.
   */
  private fusedTail(sorted: Float64Array, prior: TailLaw): TailLaw {
    const paged = Math.min(this.pagesPerAgentDay, TAIL_SHARE / 2);
    const at = (share: number) => Math.floor((sorted.length * (share - paged)) / (1 - paged));
    if (at(TAIL_SHARE) < TOP_MIN) return prior;
    const from = sorted[at(TAIL_SHARE)];
    const slope = (from - sorted[at(SLOPE_SHARE)]) / Math.log(SLOPE_SHARE / TAIL_SHARE);
    const own = sorted.length / (sorted.length + TAIL_PRIOR);
    return blend(own, { share: TAIL_SHARE, from, stretch: Math.max(FUSED_STRETCH_MIN, slope) }, prior);
  }

  /**
   * How far the last week's marginal pages surely went above the budget (its upper nine tenths are medium), at least
   * 1: every detector's bar is raised by it.
   */
  bar(): number {
    let days = 0;
    let paged = 0;
    for (const [, d, p] of this.pages) {
      days += d;
      paged += p;
    }
    if (days === 0) return 1;
    return Math.max(1, (paged - 2 * Math.sqrt(paged)) / Math.max(1, days * this.pagesPerAgentDay));
  }

  snapshot(): LawsJson {
    return {
      agents: [...this.agents].map(([key, a]) => [
        key,
        { n: a.n, held: [...a.held], mean: [...a.mean], square: [...a.square] },
      ]),
      recent: this.recent.map((list) => [...list]),
      pages: this.pages.map(([a, b, c]) => [a, b, c]),
    };
  }

  restore(json: LawsJson): void {
    for (const [key, agent] of json.agents) this.agents.set(key, agent);
    for (const [d, list] of json.recent.entries()) this.recent[d].push(...list);
    this.pages = json.pages.map(([a, b, c]) => [a, b, c]);
  }

  private countPage(day: number, paged: boolean): void {
    let row = this.pages.find((r) => r[0] === day);
    if (row === undefined) {
      row = [day, 0, 0];
      this.pages.push(row);
      this.pages = this.pages.filter((r) => r[0] > day - BAR_DAYS);
    }
    row[1]++;
    if (paged) row[2]++;
  }
}
