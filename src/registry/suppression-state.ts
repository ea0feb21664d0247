/** A suppression as the registry remembers it, also when it is over. */
import type { SuppressionRecord } from '../engine/record.js';

/** Times are of the registry's clock. */
export interface SuppressionState {
  readonly suppression: SuppressionRecord;
  /** When it was taken back, registry clock, ms; null: it was not. */
  readonly undoneMs: number | null;
  /** Who took it back; null: nobody. */
  readonly undoneBy: string | null;
}
