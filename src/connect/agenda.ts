/** What is due when: a binary heap of names by their time, of which each has one place at a time. */

interface Item {
  readonly name: string;
  readonly dueMs: number;
  /** Breaks ties: what was put in first comes out first. */
  readonly order: number;
}

export class Agenda {
  private readonly heap: Item[] = [];
  /** The item that counts of each name; others of it are passed over when they come up. */
  private readonly current = new Map<string, Item>();
  private orders = 0;

  /** Replaces an earlier time of the same name. */
  set(name: string, dueMs: number): void {
    const item = { name, dueMs, order: this.orders++ };
    this.current.set(name, item);
    this.push(item);
    // Names that are set again and again must not make it grow without end.
    if (this.heap.length > 64 && this.heap.length > 2 * this.current.size) this.tidy();
  }

  remove(name: string): void {
    this.current.delete(name);
  }

  /** When the next is due, ms; null: nothing is. */
  nextMs(): number | null {
    return this.top()?.dueMs ?? null;
  }

  /** Takes the next out, where it is due; null otherwise. */
  take(nowMs: number): string | null {
    const top = this.top();
    if (top === undefined || top.dueMs > nowMs) return null;
    this.pop();
    this.current.delete(top.name);
    return top.name;
  }

  private top(): Item | undefined {
    while (this.heap.length > 0 && this.current.get(this.heap[0].name) !== this.heap[0]) this.pop();
    return this.heap[0];
  }

  private tidy(): void {
    this.heap.length = 0;
    for (const item of this.current.values()) this.push(item);
  }

  private push(item: Item): void {
    const { heap } = this;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!isBefore(item, heap[up])) break;
      heap[at] = heap[up];
      at = up;
    }
    heap[at] = item;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1], heap[down])) down += 1;
      if (!isBefore(heap[down], last)) break;
      heap[at] = heap[down];
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
