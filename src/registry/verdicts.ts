/**
 * What people said of findings, as the registry keeps it for everybody to see: the words that are in force, whoever
 * asks. The engines are told of each and act on it; the limit here keeps theirs from ever being reached.
 */
import type { VerdictRecord } from '../engine/record.js';
import { type FoldState, rememberKey } from './fold-state.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { RegistryRecord } from './registry.js';

/** Verdicts in force at one time, over all agents. */
export const VERDICTS_MAX = 1_000;

const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

/** Takes a verdict in. Refused beyond the limit, and where it is over before it began. */
export function judgeVerdict(state: FoldState, { verdict }: Extract<RegistryRecord, { type: 'verdict' }>): Judgement {
  const { verdicts, clockMs } = state;
  if (verdicts.has(verdict.id)) return duplicate(undefined);
  for (const { id, untilMs } of verdicts.values()) if (untilMs <= clockMs) verdicts.delete(id);
  if (verdict.untilMs <= clockMs) return refuse('registry.refused', 'the verdict is over already', undefined);
  if (verdicts.size >= VERDICTS_MAX) {
    const reason = `${VERDICTS_MAX} verdicts are in force, which is the most: take one back, or wait until one runs out`;
    return refuse('registry.refused', reason, undefined);
  }
  if (!rememberKey(state, `verdict ${verdict.id}`)) return duplicate(undefined);
  verdicts.set(verdict.id, verdict);
  return APPLIED;
}

/** Takes a verdict back. */
export function judgeUndo(state: FoldState, { id }: Extract<RegistryRecord, { type: 'verdict-undo' }>): Judgement {
  if (state.verdicts.delete(id)) return APPLIED;
  return refuse('registry.refused', `no verdict ${id} is in force`, undefined);
}

/** Those in force, oldest first. */
export function verdictsInForce({ verdicts, clockMs }: FoldState): readonly VerdictRecord[] {
  return [...verdicts.values()].filter(({ untilMs }) => untilMs > clockMs);
}
