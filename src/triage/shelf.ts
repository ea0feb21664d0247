/** The findings kept: by id, in every order that lists have, the oldest forgotten where there are too many. */
import type { Finding } from '../decide/finding.js';
import { comparing } from './order.js';
import { Roots } from './roots.js';
import { createRow, type Row, takeLine } from './row.js';
import { FINDING_SORTS, type FindingSort } from './triage.js';

/** Part of the findings that is forgotten at a time: sorting for each one would cost more than all the rest. */
const FORGOTTEN_SHARE = 64;

export class Shelf {
  readonly roots = new Roots();
  private readonly rows = new Map<string, Row>();
  /** Sorted but for what came or changed since; a sort of what is almost in order is cheap. */
  private readonly orders = new Map<FindingSort, Row[]>(FINDING_SORTS.map((sort) => [sort, []]));
  private readonly unsorted = new Set<FindingSort>();

  constructor(private readonly findingsMax: number) {}

  get size(): number {
    return this.rows.size;
  }

  get(id: string): Row | undefined {
    return this.rows.get(id);
  }

  all(): IterableIterator<Row> {
    return this.rows.values();
  }

  /** Takes a line; its row. */
  take(finding: Finding): Row {
    for (const sort of FINDING_SORTS) this.unsorted.add(sort);
    const known = this.rows.get(finding.id);
    if (known !== undefined) {
      takeLine(known, finding);
      return known;
    }
    const row = createRow(finding, this.roots.treeOf(finding), this.roots.causeOf(finding));
    this.rows.set(row.id, row);
    this.roots.add(row);
    for (const order of this.orders.values()) order.push(row);
    return row;
  }

  /** Forgets the oldest where there are too many; they. */
  trim(): readonly Row[] {
    const over = this.rows.size - this.findingsMax;
    if (over <= 0) return [];
    const gone = this.inOrder('last').slice(-Math.max(over, Math.floor(this.findingsMax / FORGOTTEN_SHARE)));
    const dropped = new Set(gone);
    for (const { id } of gone) this.rows.delete(id);
    for (const [sort, order] of this.orders) {
      this.orders.set(
        sort,
        order.filter((row) => !dropped.has(row)),
      );
    }
    this.roots.drop(dropped);
    return gone;
  }

  /** All of them; not to be changed, and not to be kept. */
  inOrder(sort: FindingSort): readonly Row[] {
    const order = this.orders.get(sort) ?? [];
    if (this.unsorted.delete(sort)) order.sort(comparing(sort));
    return order;
  }
}
