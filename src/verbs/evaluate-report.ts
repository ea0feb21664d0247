/** What `evaluate` says of each recording, and of all of them, as plain values. */
import { addCalibrations, type CalibrationReport, calibrationOf } from '../tune/calibration.js';
import { evaluate, type Report } from '../tune/evaluate.js';
import { addUp, type Judged } from '../tune/judge.js';
import { RULES, type RuleName } from '../tune/rules.js';
import type { Evaluation } from './evaluate-recording.js';

/** One recording under one budget, with the trivial rules beside it. */
export interface RecordingReport extends Report {
  readonly recording: string;
  /** False pages per agent-day that were asked for. */
  readonly budget: number;
  readonly rules: Readonly<Record<RuleName, Report>>;
  /** Where it was asked for. */
  readonly calibration?: CalibrationReport;
}

/** All recordings under one budget. */
export interface TotalReport extends Report {
  readonly recordings: number;
  readonly budget: number;
  readonly rules: Readonly<Record<RuleName, Report>>;
  readonly calibration?: CalibrationReport;
}

export function reportOf({ recording, budget, judged, rules, calibration }: Evaluation): RecordingReport {
  return {
    recording,
    budget,
    ...evaluate(judged, budget),
    rules: rulesOf((name) => evaluate(rules[name], budget)),
    ...(calibration === null ? {} : { calibration: calibrationOf(calibration) }),
  };
}

/** Of one budget, at least one. */
export function totalOf(evaluations: readonly Evaluation[]): TotalReport {
  const [{ budget }] = evaluations;
  const together = (of: (one: Evaluation) => Judged) => evaluate(addUp(evaluations.map(of)), budget);
  return {
    recordings: evaluations.length,
    budget,
    ...together(({ judged }) => judged),
    rules: rulesOf((name) => together(({ rules }) => rules[name])),
    ...calibrationTogether(evaluations),
  };
}

function calibrationTogether(evaluations: readonly Evaluation[]): { readonly calibration?: CalibrationReport } {
  const all = evaluations.flatMap(({ calibration }) => (calibration === null ? [] : [calibration]));
  return all.length === 0 ? {} : { calibration: calibrationOf(addCalibrations(all)) };
}

function rulesOf(of: (name: RuleName) => Report): Readonly<Record<RuleName, Report>> {
  return Object.fromEntries(RULES.map((name) => [name, of(name)])) as Record<RuleName, Report>;
}
