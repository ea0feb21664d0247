/** What is known of one partition: shared by the side that writes or follows it and the side that reads it. */
import { KilldeerError } from '../errors.js';
import type { Files } from './files.js';
import type { Segment } from './segment.js';
import { Waiters } from './waiters.js';

export interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly files: Files;
  /** Ascending; the last one is being written. Empty until the first append. */
  segments: Segment[];
  /** Next offset to be written; everything below it is durable. */
  end: number;
  readonly waiters: Waiters;
}

/** A partition of which nothing is known yet. */
export function createPartitionState(
  files: Files,
  directory: string,
  topic: string,
  partition: number,
): PartitionState {
  return { topic, partition, directory, files, segments: [], end: 0, waiters: new Waiters() };
}

/** First offset still kept. */
export function beginOf(state: PartitionState): number {
  return state.segments.length === 0 ? 0 : state.segments[0].first;
}

/** For messages: topic/partition. */
export function nameOf(state: PartitionState): string {
  return `${state.topic}/${state.partition}`;
}

/** The error of a read outside of what is kept. */
export function outOfRange(name: string, offset: number, begin: number, end: number): KilldeerError {
  return new KilldeerError('log.offset-out-of-range', `offset ${offset} of ${name} is outside of ${begin} to ${end}`);
}
