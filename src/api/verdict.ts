/** What the registry made of a write, as an answer or as an error. */
import { KilldeerError } from '../errors.js';
import type { Verdict } from '../registry/registry.js';
import type { VerdictAnswer } from './schema.js';
import { agentView } from './view.js';

/** Throws the verdict's error where the record was refused. `key` is the idempotency key as the caller knows it. */
export function verdictAnswerOf(verdict: Verdict, key: string | null): VerdictAnswer {
  const { effect, reason, code, entry } = verdict;
  if (effect === 'refused') throw new KilldeerError(code ?? 'registry.refused', reason ?? 'the registry refused it');
  return { effect, reason, key, agent: entry === null ? null : agentView(entry) };
}
