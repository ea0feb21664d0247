/**
 * Contract of the engine: one partition's records in, findings, proposals, sightings and samples out. Pure and
 * synchronous: same snapshot, same records, same settings, same bytes out. createEngine in engine.ts makes one.
 */

import type { Inspection } from './inspection.js';
import type { Outcome } from './outcome.js';
import type { EngineRecord } from './record.js';

export type { BandRow, Inspection, UsualRange } from './inspection.js';

/** How many records met which fate since the engine was made; in the snapshot, so that resuming keeps counting. */
export interface EngineCounts {
  events: number;
  /** Scored, each once. */
  scored: number;
  duplicates: number;
  /** Older than their agent's open windows: scored without windows. */
  late: number;
  /** Events of agents that found no place in the table. */
  notAdmitted: number;
  ticks: number;
  controls: number;
  findings: number;
  proposals: number;
  agents: number;
  evictions: number;
  reloads: number;
  /** Agents at work by how far their profiles can be trusted (standing.ts), as of the last full hour. */
  learning: number;
  provisional: number;
  calibrated: number;
}

/**
 * Where evicted profiles wait. Append-only; the engine keeps the index in its own snapshot, so a crash that loses
 * the tail of the shelf or leaves garbage on it changes nothing.
 */
export interface Shelf {
  /** Returns the position of the bytes, to be read back exactly. */
  append(bytes: Uint8Array): number;
  read(position: number): Uint8Array;
  /** Bytes written so far. */
  size(): number;
}

/** What a pipeline drives. */
export interface Engine {
  /** Feeds one record. `offset` is the record's own position in its partition (or line in the recording). */
  step(record: EngineRecord, offset: number, outcome: Outcome): void;
  /** Everything that a restored engine needs; a copy, safe to write while the engine goes on. */
  snapshot(): Uint8Array;
  readonly counts: Readonly<EngineCounts>;
  /** What is known of an agent; null: the partition never met it. Changes nothing. */
  inspect(tenant: string, agent: string): Inspection | null;
  /** Profiles on the shelf that are still needed. */
  readonly shelved: number;
  /** The shelf is being rewritten: `move` gives a profile's new position for its old one. Where it throws, nothing has moved. */
  moveShelved(move: (position: number) => number): void;
}
