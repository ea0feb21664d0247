/**
 * Spend against budgets that people set, per session and per UTC day. A budget is a hard limit, not a statistic: what
 * has been used up, and what a damped Holt forecast (Gardner and McKenzie, 1985) says will almost surely be overrun,
 * is reported whatever the alert budget says. Kept only for agents that have a budget.
 */
import { F } from '../agent/layout.js';
import type { Observation } from '../agent/observation.js';
import { S } from '../agent/sessions.js';
import { lnNormalTail } from '../math/tail.js';
import type { Budgets } from './record.js';

/** Spend is forecast in buckets of this length: a runaway spends a budget in half a minute. */
const BUCKET_MS = 10_000;
const LEVEL_STEP = 0.3;
const TREND_STEP = 0.1;
const VARIANCE_STEP = 0.1;
const DAMPING = 0.9;
/** A projection is reported when the chance of an overrun is at least this. */
const OVERRUN_MIN = 0.99;
/** Buckets that a projection looks ahead: beyond a minute, or ten for a day's budget, it would be guessing. */
const SESSION_AHEAD = 6;
const DAY_AHEAD = 60;
/** Closed buckets before a forecast says anything. */
const BUCKETS_MIN = 2;
/** After this many buckets without spend the forecast starts anew. */
const GAP_MAX = 360;

interface Forecast {
  /** Index of the running bucket since the epoch. */
  bucket: number;
  spent: number;
  level: number;
  trend: number;
  /** Variance of the error one bucket ahead. */
  variance: number;
  /** Closed buckets. */
  closed: number;
}

/** A budget that is used up, or surely about to be. USD. */
export interface Breach {
  readonly feature: 'session budget' | 'day budget';
  readonly observed: number;
  readonly limit: number;
  /** Used up, not only projected. */
  readonly hard: boolean;
}

/** Budgets and forecasts by agent key. */
export class BudgetBook {
  private readonly budgets = new Map<string, Budgets>();
  private readonly forecasts = new Map<string, Forecast>();

  set(key: string, budgets: Budgets): void {
    if (budgets.sessionUsd === null && budgets.dayUsd === null) {
      this.budgets.delete(key);
      this.forecasts.delete(key);
    } else {
      this.budgets.set(key, budgets);
    }
  }

  /** null: the agent has none. */
  of(key: string): Budgets | null {
    return this.budgets.get(key) ?? null;
  }

  get size(): number {
    return this.budgets.size;
  }

  /** Judges an event whose cost has been counted; null where no budget is near. */
  judge(key: string, o: Observation): Breach | null {
    const budgets = this.budgets.get(key);
    const usd = o.event?.costUsd ?? 0;
    if (budgets === undefined || usd <= 0) return null;
    const forecast = this.forecasts.get(key) ?? newForecast(o.timeMs);
    this.forecasts.set(key, forecast);
    addSpend(forecast, o.timeMs, usd);
    const session = o.sessionNumber(S.costUsd);
    const day = o.profile.f64[o.profile.at8 + F.daySpend];
    return (
      breach('session budget', session, budgets.sessionUsd, forecast, SESSION_AHEAD) ??
      breach('day budget', day, budgets.dayUsd, forecast, DAY_AHEAD)
    );
  }

  snapshot(): { budgets: [string, Budgets][]; forecasts: [string, Forecast][] } {
    const ordered = <T>(map: Map<string, T>): [string, T][] => [...map].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return { budgets: ordered(this.budgets), forecasts: ordered(this.forecasts).map(([k, f]) => [k, { ...f }]) };
  }

  restore(saved: { budgets: [string, Budgets][]; forecasts: [string, Forecast][] }): void {
    for (const [key, budgets] of saved.budgets) this.budgets.set(key, budgets);
    for (const [key, forecast] of saved.forecasts) this.forecasts.set(key, forecast);
  }
}

function newForecast(timeMs: number): Forecast {
  return { bucket: Math.floor(timeMs / BUCKET_MS), spent: 0, level: 0, trend: 0, variance: 0, closed: 0 };
}

/** Closes the buckets gone by (the damped Holt recursions), then adds the spend to the running one. */
function addSpend(f: Forecast, timeMs: number, usd: number): void {
  const bucket = Math.floor(timeMs / BUCKET_MS);
  if (bucket - f.bucket > GAP_MAX) Object.assign(f, newForecast(timeMs));
  while (f.bucket < bucket) {
    if (f.closed === 0) {
      // The first bucket is the level: starting at nothing would look like a trend.
      f.level = f.spent;
    } else {
      const error = f.spent - f.level - DAMPING * f.trend;
      f.level += DAMPING * f.trend + LEVEL_STEP * error;
      f.trend = DAMPING * f.trend + TREND_STEP * error;
      f.variance += (error * error - f.variance) * VARIANCE_STEP;
    }
    f.spent = 0;
    f.bucket++;
    f.closed++;
  }
  f.spent += usd;
}

/** Mean and variance of the spend over the next `steps` buckets; the level's own error grows with each of them. */
function project(f: Forecast, steps: number): { mean: number; variance: number } {
  let trend = 0;
  let damp = 1;
  let mean = 0;
  let variance = 0;
  for (let step = 1; step <= steps; step++) {
    damp *= DAMPING;
    trend += damp;
    mean += f.level + trend * f.trend;
    const carried = 1 + (steps - step) * LEVEL_STEP;
    variance += f.variance * carried * carried;
  }
  return { mean: Math.max(0, mean), variance };
}

function breach(
  feature: Breach['feature'],
  observed: number,
  limit: number | null,
  f: Forecast,
  ahead: number,
): Breach | null {
  if (limit === null) return null;
  if (observed >= limit) return { feature, observed, limit, hard: true };
  if (f.closed < BUCKETS_MIN || f.level <= 0) return null;
  const { mean, variance } = project(f, ahead);
  const z = (limit - observed - mean) / Math.sqrt(variance + limit * limit * 1e-6);
  return Math.exp(lnNormalTail(z)) < OVERRUN_MIN ? null : { feature, observed, limit, hard: false };
}
