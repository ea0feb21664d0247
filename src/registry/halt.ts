/**
 * The halt: every call of everybody, or of one tenant, is refused until a person lets go, for a share of the agents
 * first if that is wanted. Nobody is exempt, the protected included. halted.ts says what is refused.
 */
import { type FoldState, rememberKey } from './fold-state.js';
import { haltInForce, percent, whoIs } from './halted.js';
import { duplicate, type Judgement, refuse } from './judgement.js';
import type { RegistryRecord } from './registry.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

/** Tenants that are halted one by one; beyond it everybody is to be halted. */
const HALTS_MAX = 1_000;
const APPLIED: Judgement = { effect: 'applied', reason: null, code: null, entry: null };

/** Puts a halt in force; one that people had begun to lift is whole again. */
export function judgeHalt(state: FoldState, { key, tenant, reason, actor }: Of<'halt'>): Judgement {
  if (!isPerson(actor)) return refuse('registry.refused', `${actor} may not halt agents`, undefined);
  if (!rememberKey(state, `halt:${key}`)) return duplicate(undefined);
  const { halts, clockMs } = state;
  if (!halts.has(tenant) && halts.size >= HALTS_MAX) {
    return refuse('registry.refused', `${HALTS_MAX} tenants are halted, which is the most: halt everybody`, undefined);
  }
  const sinceMs = halts.get(tenant)?.sinceMs ?? clockMs;
  halts.set(tenant, haltInForce({ tenant, sinceMs, share: 0, reason, actor }));
  return APPLIED;
}

/** Lets a share of the agents go; all of them end the halt. */
export function judgeRecover(state: FoldState, { key, tenant, share, actor }: Of<'recover'>): Judgement {
  if (!isPerson(actor)) return refuse('registry.refused', `${actor} may not lift a halt`, undefined);
  if (state.keys.has(`recover:${key}`)) return duplicate(undefined);
  const halt = state.halts.get(tenant);
  if (halt === undefined) return refuse('registry.refused', `${whoIs(tenant)} not halted`, undefined);
  if (!(share > 0 && share <= 1)) return refuse('registry.refused', `a share of ${share} is none of (0, 1]`, undefined);
  if (share < halt.share) {
    const words = `${percent(halt.share)} are let go already, and a share never shrinks: halt again instead`;
    return refuse('registry.refused', words, undefined);
  }
  rememberKey(state, `recover:${key}`);
  if (share === 1) state.halts.delete(tenant);
  else state.halts.set(tenant, haltInForce({ ...halt, share }));
  return APPLIED;
}

function isPerson(actor: string): boolean {
  return actor.startsWith('person:');
}
