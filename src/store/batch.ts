/** Reads a place of the log into batches: bounded by records, bytes and age, so that memory and delay are. */
import type { Log } from '../log/log.js';
import { type Item, isMalformed, type Read } from './item.js';

/** One partition of one topic, as the tables call it. */
export interface ProjectedPlace {
  readonly log: Pick<Log, 'read' | 'begin' | 'end' | 'wait'>;
  readonly topic: string;
  readonly partition: number;
  readonly as: { readonly topic: ProjectedTopic; readonly partition: number };
}

export const PROJECTED_TOPICS = ['events', 'findings', 'registry', 'dead-letter'] as const;
export type ProjectedTopic = (typeof PROJECTED_TOPICS)[number];

export interface BatchLimits {
  readonly records: number;
  /** Characters of the log's lines. */
  readonly bytes: number;
  /** From a batch's first record to its insert, ms. */
  readonly ageMs: number;
}

/** Records that follow each other and gave no row although they should have. */
export interface Skipped {
  readonly first: number;
  readonly next: number;
  readonly records: number;
  /** Of the first of them. */
  readonly reason: string;
}

export interface Batch {
  readonly items: Item[];
  readonly skipped: Skipped[];
  /** Where to read on. */
  readonly next: number;
  readonly records: number;
}

export interface Gathering {
  readonly place: ProjectedPlace;
  readonly read: Read<object>;
  readonly limits: BatchLimits;
  readonly clock: () => number;
  readonly isStopping: () => boolean;
  /** Waits for records at an offset, at most so many ms, or until it is stopped; false: there are none. */
  readonly wait: (offset: number, timeoutMs: number) => Promise<boolean>;
}

/** Of the log at a time: what it gives for them is bounded by bytes there. */
const READ_MAX = 1_000;

/** A batch from `offset`, or null where there is nothing. */
export async function gather(gathering: Gathering, offset: number): Promise<Batch | null> {
  const { place, limits, clock } = gathering;
  const { log, topic, partition } = place;
  const items: Item[] = [];
  const skipped: Skipped[] = [];
  const endMs = clock() + limits.ageMs;
  let next = offset;
  let records = 0;
  let bytes = 0;
  while (records < limits.records && bytes < limits.bytes) {
    const batch = await log.read(topic, partition, next, Math.min(READ_MAX, limits.records - records));
    for (const record of batch.records) {
      records += 1;
      bytes += record.value.length;
      const value = gathering.read(record);
      if (value === null) continue;
      if (isMalformed(value)) skip(skipped, record.offset, value.malformed);
      else items.push({ offset: record.offset, value });
    }
    const moved = batch.next > next;
    next = batch.next;
    const leftMs = endMs - clock();
    if (leftMs <= 0 || gathering.isStopping()) break;
    if (!moved && (next === offset || !(await gathering.wait(next, leftMs)))) break;
  }
  return next === offset ? null : { items, skipped, next, records };
}

function skip(skipped: Skipped[], offset: number, reason: string): void {
  const last = skipped.at(-1);
  if (last?.next === offset) skipped[skipped.length - 1] = { ...last, next: offset + 1, records: last.records + 1 };
  else skipped.push({ first: offset, next: offset + 1, records: 1, reason: reason.slice(0, 300) });
}
