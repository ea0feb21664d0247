/** Stretches of time as people ask for them, and the steps that a chart of one has. */
import * as z from 'zod';
import { KilldeerError } from '../errors.js';
import type { ActivityStep, Span } from './insight-contract.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const ms = z.coerce.number().int().min(0).max(4_102_444_800_000);

/** Members of a query that name a stretch; left out: the last day, until now. */
export const spanMembers = {
  from_ms: ms.optional().describe('from then on, ms since the epoch; a day before to_ms'),
  to_ms: ms.optional().describe('before then; now'),
};

interface SpanAsked {
  readonly from_ms?: number | undefined;
  readonly to_ms?: number | undefined;
}

/** Throws 'api.invalid' where it is empty, or longer than `daysMax`. */
export function spanOf({ from_ms: from, to_ms: to }: SpanAsked, nowMs: number, daysMax: number): Span {
  const toMs = to ?? Math.max(nowMs + 1, (from ?? 0) + 1);
  const fromMs = from ?? Math.max(0, toMs - DAY_MS);
  if (fromMs >= toMs) throw new KilldeerError('api.invalid', 'from_ms: must lie before to_ms');
  if (toMs - fromMs > daysMax * DAY_MS) {
    throw new KilldeerError('api.invalid', `from_ms: at most ${daysMax} days before to_ms`);
  }
  return { fromMs, toMs };
}

/** Lengths of steps, ms: each divides a day, or is made of whole ones, so that steps begin on the hour or at midnight. */
const STEPS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 4, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 7, 28, 364].map((days) => days * DAY_MS),
];

/** The shortest step with which a stretch has at most so many. */
export function stepFor({ fromMs, toMs }: Span, pointsMax: number): number {
  const fits = (stepMs: number) => Math.floor((toMs - 1) / stepMs) - Math.floor(fromMs / stepMs) + 1 <= pointsMax;
  return STEPS_MS.find(fits) ?? (STEPS_MS.at(-1) as number);
}

/** Beginnings of the steps that a stretch touches, ms. */
export function stepsOf({ fromMs, toMs }: Span, stepMs: number): number[] {
  const first = Math.floor(fromMs / stepMs);
  return Array.from({ length: Math.floor((toMs - 1) / stepMs) - first + 1 }, (_, i) => (first + i) * stepMs);
}

/** One for each step, those in which nothing happened included. */
export function filledSteps(steps: readonly number[], found: readonly ActivityStep[]): ActivityStep[] {
  const byTime = new Map(found.map((step) => [step.timeMs, step]));
  return steps.map((timeMs) => byTime.get(timeMs) ?? { ...NOTHING, timeMs });
}

const NOTHING: Omit<ActivityStep, 'timeMs'> = {
  ...{ events: 0, errors: 0, denied: 0, inputTokens: 0, outputTokens: 0, costUsd: 0, bytesOut: 0 },
  ...{ endpoints: 0, targets: 0 },
};
