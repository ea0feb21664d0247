/** One wish on its way to one place, and what became of it so far. */
import type { Effect, EffectState } from '../registry/registry.js';
import type { Wish } from './contract.js';

export interface Delivery {
  /** Of the agent. */
  readonly name: string;
  readonly wish: Wish;
  /** Since when it is tried, in this life or an earlier one, ms. */
  readonly sinceMs: number;
  /** What is next: to be sent, to be read back after it was sent, or read again while it is in force. */
  step: 'send' | 'verify' | 'watch';
  tries: number;
  /** Readings since it was sent. */
  readings: number;
  sentMs: number;
  /** The last word in the registry about it. */
  told: EffectState | null;
  /** People were told that it is not in force. */
  isAlarmed: boolean;
  /** Why it is not done, in words; null: nothing went wrong. */
  trouble: string | null;
}

/** `effect` is the last word about this very wish, of an earlier life; null: there is none. */
export function createDelivery(name: string, wish: Wish, effect: Effect | null, nowMs: number): Delivery {
  const told = effect?.state ?? null;
  return {
    name,
    wish,
    sinceMs: effect?.timeMs ?? nowMs,
    step: told === 'confirmed' ? 'watch' : 'send',
    tries: 0,
    readings: 0,
    sentMs: 0,
    told,
    isAlarmed: told === 'contradicted',
    trouble: null,
  };
}
