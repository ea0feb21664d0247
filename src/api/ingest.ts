/**
 * Ingest: the lines of one call become records of `log:events`, or rejections with a reason. Knows no HTTP.
 *
 * Line by line: decode, clock skew, binding; then one append per partition touched. A call is answered as accepted only
 * after every append is durable. It keeps no memory of ids: a repeated event is accepted again and scored once.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { partitionOf } from '../engine/partition.js';
import { KilldeerError } from '../errors.js';
import { decodeLine } from '../event/decode.js';
import { type AgentEvent, isRejection } from '../event/event.js';
import { createLineSplitter, type Line } from '../event/lines.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import { covers, vouches } from './binding.js';
import type { Bindings, Clock, Identity, Ingest, IngestAnswer, LineRejection } from './contract.js';

/** Most events of one call. */
export const CALL_LINES_MAX = 10_000;
/** Most bytes of one call, after decompression. */
export const CALL_BYTES_MAX = 8 * 1024 * 1024;
/** Most rejections listed in an answer; all are counted. */
export const REJECTIONS_MAX = 100;

const TOPIC = 'events';
/** Lines decoded before other requests get their turn: about 2 ms of work. */
const TURN_LINES = 512;
const SLICE_BYTES = 65_536;

export interface IngestParts {
  readonly log: Pick<Log, 'partitions' | 'append'>;
  readonly prices: PriceTable;
  readonly clock: Clock;
  /** An event further ahead of the clock than this, ms, is rejected. */
  readonly skewMaxMs?: number;
  /** Events that are durable but not scored yet. */
  readonly behind: () => number;
  /** Calls are refused while the scorer is behind by more events than this. */
  readonly behindMax?: number;
}

/** Running totals since the start, for telemetry. */
export interface IngestCounts {
  accepted: number;
  rejected: number;
}

export function createIngest(parts: IngestParts): Ingest & { readonly counts: Readonly<IngestCounts> } {
  const skewMaxMs = parts.skewMaxMs ?? 5 * 60_000;
  const behindMax = parts.behindMax ?? 500_000;
  const counts: IngestCounts = { accepted: 0, rejected: 0 };

  /** The event's record for the log and its partition, or why not; `line` counts from 1. */
  function judge(text: Line, line: number, bindings: Bindings, partitions: number): Admitted | LineRejection {
    const decoded = typeof text === 'string' ? decodeLine(text, line - 1, parts.prices) : text;
    if (isRejection(decoded)) return { line, code: decoded.code, reason: decoded.reason };
    const refused = refuse(decoded, line, bindings, parts.clock() + skewMaxMs);
    return refused ?? admit(decoded, text as string, bindings, partitions);
  }

  return {
    counts,
    async accept(body: Uint8Array, identity: Identity): Promise<IngestAnswer> {
      requirePace(parts.behind(), behindMax);
      const partitions = parts.log.partitions(TOPIC);
      const batches = new Map<number, string[]>();
      const rejections: LineRejection[] = [];
      let seen = 0;
      let accepted = 0;
      for (const [line, text] of linesOf(body)) {
        seen += 1;
        requireCount(seen);
        if (seen % TURN_LINES === 0) await nextTurn();
        const judged = judge(text, line, identity.bindings, partitions);
        if ('reason' in judged) {
          if (rejections.length < REJECTIONS_MAX) rejections.push(judged);
          continue;
        }
        accepted += 1;
        const batch = batches.get(judged.partition);
        if (batch === undefined) batches.set(judged.partition, [judged.record]);
        else batch.push(judged.record);
      }
      if (seen === 0) throw new KilldeerError('api.invalid', 'the body holds no event');
      await appendAll(parts.log, batches);
      const rejected = seen - accepted;
      counts.accepted += accepted;
      counts.rejected += rejected;
      return { accepted, rejected, rejections };
    },
  };
}

interface Admitted {
  readonly partition: number;
  readonly record: string;
}

function refuse(event: AgentEvent, line: number, bindings: Bindings, latestMs: number): LineRejection | null {
  if (event.timeMs > latestMs) {
    const time = new Date(event.timeMs).toISOString();
    return { line, code: 'event.time-ahead', reason: `time ${time} is ahead of the server's clock` };
  }
  if (!covers(bindings, event.tenant, event.agent)) {
    const who = event.tenant === '' ? event.agent : `${event.tenant}/${event.agent}`;
    return { line, code: 'event.not-bound', reason: `the token is not bound to ${who}`.slice(0, 300) };
  }
  return null;
}

/** Wraps the sender's own JSON unchanged, but for bare carriage returns between tokens: a record is one line. */
function admit(event: AgentEvent, text: string, bindings: Bindings, partitions: number): Admitted {
  const bound = vouches(bindings, event.tenant, event.agent, event.parent);
  const json = text.includes('\r') ? text.replaceAll('\r', ' ') : text;
  return {
    partition: partitionOf(event.tenant, event.agent, partitions),
    record: `{"type":"event","bound":${bound},"event":${json}}`,
  };
}

/** The lines of a body that hold anything, with their numbers from 1. Slices bound what a body of blank lines costs. */
function* linesOf(body: Uint8Array): Generator<[number, Line]> {
  if (body.byteLength > CALL_BYTES_MAX) {
    throw new KilldeerError('api.too-large', `the body is longer than ${CALL_BYTES_MAX} bytes`);
  }
  const splitter = createLineSplitter();
  let number = 0;
  for (let start = 0; start < body.byteLength; start += SLICE_BYTES) {
    const slice = body.subarray(start, start + SLICE_BYTES);
    const isLast = start + SLICE_BYTES >= body.byteLength;
    const lines = isLast ? [...splitter.push(slice), ...splitter.end()] : splitter.push(slice);
    for (const line of lines) {
      number += 1;
      if (typeof line !== 'string' || line.trim() !== '') yield [number, line];
    }
  }
}

function requirePace(behind: number, behindMax: number): void {
  if (behind <= behindMax) return;
  throw new KilldeerError('api.behind', `the scorer is ${behind} events behind, more than ${behindMax}`);
}

function requireCount(seen: number): void {
  if (seen <= CALL_LINES_MAX) return;
  throw new KilldeerError('api.too-large', `the call has more than ${CALL_LINES_MAX} lines`);
}

/** Waits for all appends, also after one failed: nothing may still be under way when the sender tries again. */
async function appendAll(log: IngestParts['log'], batches: ReadonlyMap<number, readonly string[]>): Promise<void> {
  const appends = [...batches].map(([partition, records]) => log.append(TOPIC, partition, records));
  for (const settled of await Promise.allSettled(appends)) {
    if (settled.status === 'rejected') throw settled.reason;
  }
}
