/**
 * The samples of one learning window, in bounded memory. Rows for the joint model are thinned where there are too
 * many: by a hash of who and what they are, so that the rows kept do not depend on the order in which they came.
 * Everything else is kept; there is little of it, and each one counts.
 */
import type { Sample } from '../engine/outcome.js';
import { hash64 } from '../math/hash.js';

/** Far more than a forest remembers, and some 50 MB. */
const ROWS_MAX = 200_000;
const SEED = 0x726f7773;

type Row = Extract<Sample, { kind: 'row' }>;

export class WindowSamples {
  private rows: { readonly row: Row; readonly hash: number }[] = [];
  private others: Sample[] = [];
  /** A row stays while the lowest `halvings` bits of its hash are zero. */
  private halvings = 0;
  private readonly words = new Uint32Array(2);

  constructor(private readonly rowsMax = ROWS_MAX) {}

  add(sample: Sample): void {
    if (sample.kind !== 'row') {
      this.others.push(sample);
      return;
    }
    hash64(`${sample.agent}\u0000${sample.id}`, SEED, this.words);
    const hash = this.words[1];
    if (!this.stays(hash)) return;
    this.rows.push({ row: sample, hash });
    while (this.rows.length > this.rowsMax && this.halvings < 31) {
      this.halvings += 1;
      this.rows = this.rows.filter((kept) => this.stays(kept.hash));
    }
  }

  /** All of them; the next window begins. */
  take(): Sample[] {
    const all = [...this.others, ...this.rows.map(({ row }) => row)];
    this.rows = [];
    this.others = [];
    this.halvings = 0;
    return all;
  }

  private stays(hash: number): boolean {
    const mask = (1 << this.halvings) - 1;
    return (hash & mask) === 0;
  }
}
