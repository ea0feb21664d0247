/** The findings kept: by id, in every order that lists have, the oldest forgotten where there are too many. */
import type { Finding } from '../decide/finding.js';
import { comparing } from './order.js';
import { Roots } from './roots.js';
import type { Row } from './row.js';
import { createRow, takeLine } from './row-line.js';
import { FINDING_SORTS, type FindingSort } from './triage.js';

/** Part of the findings that is forgotten at a time: sorting for each one would cost more than all the rest. */
const FORGOTTEN_SHARE = 64;
/** Changes put in their places one by one, between two times that somebody asks; more are sorted at once. */
const PLACED_MAX = 256;

/** All rows in one order. */
interface Order {
  readonly compare: (a: Row, b: Row) => number;
  rows: Row[];
  isSorted: boolean;
  placed: number;
}

/** Rows, with their indexes. */
export class Shelf {
  readonly roots = new Roots();
  private readonly rows = new Map<string, Row>();
  private readonly orders = new Map<FindingSort, Order>(
    FINDING_SORTS.map((sort) => [sort, { compare: comparing(sort), rows: [], isSorted: true, placed: 0 }]),
  );

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
    const known = this.rows.get(finding.id);
    if (known === undefined) return this.add(finding);
    const { covered } = known;
    for (const order of this.orders.values()) takeOut(order, known);
    takeLine(known, finding);
    for (const order of this.orders.values()) if (order.isSorted) putIn(order, known);
    this.roots.touch(known, covered);
    return known;
  }

  private add(finding: Finding): Row {
    const row = createRow(finding, this.roots.treeOf(finding), this.roots.causeOf(finding));
    this.rows.set(row.id, row);
    this.roots.add(row);
    for (const order of this.orders.values()) putIn(order, row);
    return row;
  }

  /** Forgets the oldest where there are too many; they. */
  trim(): readonly Row[] {
    const over = this.rows.size - this.findingsMax;
    if (over <= 0) return [];
    const gone = this.inOrder('last').slice(-Math.max(over, Math.floor(this.findingsMax / FORGOTTEN_SHARE)));
    const dropped = new Set(gone);
    for (const { id } of gone) this.rows.delete(id);
    for (const order of this.orders.values()) order.rows = order.rows.filter((row) => !dropped.has(row));
    this.roots.drop(dropped);
    return gone;
  }

  /** All of them; not to be changed, and not to be kept. */
  inOrder(sort: FindingSort): readonly Row[] {
    const order = this.orders.get(sort) as Order;
    if (!order.isSorted) order.rows.sort(order.compare);
    order.isSorted = true;
    order.placed = 0;
    return order.rows;
  }
}

function putIn(order: Order, row: Row): void {
  if (order.isSorted && order.placed < PLACED_MAX) {
    order.placed += 1;
    order.rows.splice(placeIn(order, row), 0, row);
  } else {
    order.isSorted = false;
    order.rows.push(row);
  }
}

/** Before it changes. In an order that is to be sorted anyway it stays where it is. */
function takeOut(order: Order, row: Row): void {
  if (order.isSorted && order.placed < PLACED_MAX) order.rows.splice(placeIn(order, row), 1);
  else order.isSorted = false;
}

/** Index of the first row that does not come before. */
function placeIn({ rows, compare }: Order, row: Row): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(rows[middle], row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
