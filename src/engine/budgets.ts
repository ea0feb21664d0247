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

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LEVEL_STEP = 0.3;
const TREND_STEP = 0.1;
const DAMPING = 0.9;
/** A projection is reported when the chance of an overrun is at least this. */
const OVERRUN_MIN = 0.99;
/** A session's projection looks this far ahead, ms. */
const SESSION_AHEAD_MS = 300_000;
/** Minutes of spend before a forecast says anything. */
const MINUTES_MIN = 5;

interface Forecast {
  minute: number;
  spent: number;
  level: number;
  trend: number;
  /** Variance of the one-minute error. */
  variance: number;
  minutes: number;
}

/** A budget that is used up, or surely about to be. USD. */
export interface Breach {
  readonly feature: 'session budget' | 'day budget';
  readonly observed: number;
  readonly limit: number;
  /** Used up, not only projected. */
  readonly hard: boolean;
  /** ms until it is used up at the forecast rate; 0 when it is. */
  readonly exhaustedInMs: number;
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
    const dayLeft = DAY_MS - (o.timeMs % DAY_MS);
    return (
      breach('session budget', session, budgets.sessionUsd, forecast, SESSION_AHEAD_MS) ??
      breach('day budget', day, budgets.dayUsd, forecast, dayLeft)
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
  return { minute: Math.floor(timeMs / MINUTE_MS), spent: 0, level: 0, trend: 0, variance: 0, minutes: 0 };
}

/** Closes the minutes gone by (the damped Holt recursions), then adds the spend to the running one. */
function addSpend(f: Forecast, timeMs: number, usd: number): void {
  const minute = Math.floor(timeMs / MINUTE_MS);
  // A gap of hours says the same as a gap of one: the level has decayed to nothing.
  if (minute - f.minute > 120) Object.assign(f, newForecast(timeMs));
  while (f.minute < minute) {
    const before = f.level + DAMPING * f.trend;
    const error = f.spent - before;
    f.level = before + LEVEL_STEP * error;
    f.trend = DAMPING * f.trend + TREND_STEP * error;
    f.variance += (error * error - f.variance) * 0.1;
    f.spent = 0;
    f.minute++;
    f.minutes++;
  }
  f.spent += usd;
}

/** Mean and variance of the spend over the next `minutes`, from the damped trend's sum. */
function project(f: Forecast, minutes: number): { mean: number; variance: number } {
  const damp = Math.exp(minutes * Math.log(DAMPING));
  const trend = (DAMPING / (1 - DAMPING)) * (minutes - (DAMPING * (1 - damp)) / (1 - DAMPING));
  return { mean: Math.max(0, f.level * minutes + f.trend * trend), variance: f.variance * minutes };
}

function breach(
  feature: Breach['feature'],
  observed: number,
  limit: number | null,
  f: Forecast,
  aheadMs: number,
): Breach | null {
  if (limit === null) return null;
  if (observed >= limit) return { feature, observed, limit, hard: true, exhaustedInMs: 0 };
  if (f.minutes < MINUTES_MIN || f.level <= 0) return null;
  const { mean, variance } = project(f, aheadMs / MINUTE_MS);
  const z = (limit - observed - mean) / Math.sqrt(variance + 1e-12);
  if (Math.exp(lnNormalTail(z)) < OVERRUN_MIN) return null;
  return {
    feature,
    observed,
    limit,
    hard: false,
    exhaustedInMs: Math.round(((limit - observed) / f.level) * MINUTE_MS),
  };
}
