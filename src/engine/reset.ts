/** A person resets an agent: it knows nothing any more, or again what it knew at some time. */
import { copyWords } from '../agent/profile-change.js';
import { agentKey } from '../agent/table.js';
import { onProfile, type Whom } from './any-profile.js';
import { isFit, recall, wordsOf } from './dated-profile.js';
import type { ResetRecord } from './record.js';
import { resetSeated, resetShelved } from './residence.js';
import type { EngineState } from './state.js';
import { dropVerdicts } from './verdicts.js';

/** Resets both profiles of an agent, and drops its open findings and what people said of them. */
export function resetAgent(state: EngineState, { tenant, agent: name, dated }: ResetRecord): void {
  // Another layout: a reset to something else than what was asked for would be worse than none.
  if (dated !== undefined && !isFit(dated)) return;
  dropVerdicts(state, tenant, name);
  for (const bound of [true, false]) {
    const whom = { tenant, name, bound };
    const text = dated === undefined ? null : bound ? dated.bound : dated.unbound;
    const then = text === null ? null : wordsOf(text);
    let now: Uint32Array = new Uint32Array(0);
    if (then !== null) {
      onProfile(state, whom, (p) => {
        now = copyWords(p);
      });
    }
    forgetAll(state, whom);
    if (then !== null) onProfile(state, whom, (p) => recall(p, then, now));
  }
}

function forgetAll(state: EngineState, { tenant, name, bound }: Whom): void {
  const key = agentKey(tenant, name, bound);
  const slot = state.table.find(tenant, name, bound);
  const position = state.shelved.get(key);
  if (slot !== -1) resetSeated(state, slot);
  else if (position !== undefined) resetShelved(state, key, position);
  state.findings.forget(key);
  state.fleet.forget(key);
}
