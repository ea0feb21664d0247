/** What `evaluate` says of each recording, and of all of them, as plain values. */
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
}

/** All recordings under one budget. */
export interface TotalReport extends Report {
  readonly recordings: number;
  readonly budget: number;
  readonly rules: Readonly<Record<RuleName, Report>>;
}

export function reportOf({ recording, budget, judged, rules }: Evaluation): RecordingReport {
  return { recording, budget, ...evaluate(judged, budget), rules: rulesOf((name) => evaluate(rules[name], budget)) };
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
  };
}

function rulesOf(of: (name: RuleName) => Report): Readonly<Record<RuleName, Report>> {
  return Object.fromEntries(RULES.map((name) => [name, of(name)])) as Record<RuleName, Report>;
}
