/**
 * Merges many streams, each sorted by time, into one. A stream may open another one while it runs (a session opens
 * out of an agent's arrivals, a sub-agent's thread out of a session), so that only what is running is in memory.
 */
import type { Draft } from './wire.js';

/** Opens a stream; none of its items is earlier than timeMs. */
export interface Opening {
  readonly timeMs: number;
  readonly open: Iterator<Item>;
}

export type Item = Draft | Opening;

interface Entry {
  item: Item;
  readonly stream: Iterator<Item>;
  /** Order of opening: breaks ties of time, so that the merge is exact. */
  readonly order: number;
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.item.timeMs < b.item.timeMs || (a.item.timeMs === b.item.timeMs && a.order < b.order);

function siftUp(heap: Entry[], from: number): void {
  let at = from;
  const entry = heap[at];
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(entry, heap[above])) break;
    heap[at] = heap[above];
    at = above;
  }
  heap[at] = entry;
}

function siftDown(heap: Entry[]): void {
  let at = 0;
  const entry = heap[0];
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++;
    if (!isBefore(heap[below], entry)) break;
    heap[at] = heap[below];
    at = below;
  }
  heap[at] = entry;
}

/** All drafts of all streams, by time; equal times in the order in which their streams were opened. */
export function* mergeStreams(streams: Iterable<Iterator<Item>>): Generator<Draft, void, undefined> {
  const heap: Entry[] = [];
  let opened = 0;
  const open = (stream: Iterator<Item>): void => {
    const first = stream.next();
    if (first.done === true) return;
    heap.push({ item: first.value, stream, order: opened++ });
    siftUp(heap, heap.length - 1);
  };
  for (const stream of streams) open(stream);
  while (heap.length > 0) {
    const entry = heap[0];
    const item = entry.item;
    advance(heap);
    if ('open' in item) open(item.open);
    else yield item;
  }
}

/** Moves the earliest stream on to its next item, or drops it where it has none. */
function advance(heap: Entry[]): void {
  const entry = heap[0];
  const before = entry.item.timeMs;
  const next = entry.stream.next();
  if (next.done === true) {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
  } else {
    if (next.value.timeMs < before)
      throw new RangeError(`a stream went back from ${before} to ${next.value.timeMs} ms`);
    entry.item = next.value;
  }
  siftDown(heap);
}
