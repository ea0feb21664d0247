/** One partition of a source's topic, as whoever reads it needs it; the wiring fulfils it with the broker at hand. */
import type { SourceRecord } from '../event/source-item.js';

export interface FeedRecord extends SourceRecord {
  readonly offset: number;
}

export interface FeedBatch {
  /** In order; possibly none although there are more, where the broker's own markers stand between. */
  readonly records: readonly FeedRecord[];
  /** Where to read on. */
  readonly next: number;
  /** Next offset to be written, as of this read. */
  readonly end: number;
}

/** Rejects with the log's errors; those that a retry may help are tried again for as long as it takes. */
export interface SourceFeed {
  /** Where to go on: what was committed last, else the first record that is kept. */
  position(): Promise<number>;
  /** First offset kept and next to be written. */
  range(): Promise<{ readonly begin: number; readonly end: number }>;
  /** At least one record where there is one, else waits up to `waitMs`. Rejects with 'log.offset-out-of-range'. */
  read(offset: number, limits: { readonly maxBytes: number; readonly waitMs: number }): Promise<FeedBatch>;
  /** Remembers where to go on. */
  commit(offset: number): Promise<void>;
}
