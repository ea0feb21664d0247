/**
 * Ingest: the lines or the record of one call become records of `log:events`, or rejections with a reason. Knows no HTTP.
 *
 * Item by item: decode, clock skew, binding; then all that is good goes through the intake at once. A call is answered as
 * accepted only after every append is durable. An event that was written lately counts as accepted: it is durable.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import { decodeLine } from '../event/decode.js';
import { type AgentEvent, isRejection, type Rejection } from '../event/event.js';
import { createLineSplitter, type Line } from '../event/lines.js';
import type { PriceTable } from '../event/prices.js';
import { type SourceFormat, sourceItems } from '../event/source-format.js';
import { isSkip, isSourceEvent, type SourceRecord } from '../event/source-item.js';
import { createSpanMemory, type SpanMemory } from '../event/span-memory.js';
import { covers, vouches } from './binding.js';
import type {
  Bindings,
  Clock,
  EventLine,
  Identity,
  Ingest,
  IngestAnswer,
  IntakePort,
  LineRejection,
  RecordAnswer,
} from './contract.js';

/** Most events of one call. */
export const CALL_LINES_MAX = 10_000;
/** Most bytes of one call, after decompression. */
export const CALL_BYTES_MAX = 8 * 1024 * 1024;
/** Most rejections listed in an answer; all are counted. */
export const REJECTIONS_MAX = 100;

/** Lines decoded before other requests get their turn: about 2 ms of work. */
const TURN_LINES = 512;
const SLICE_BYTES = 65_536;
/** Spans kept per token to find who delegated, and tokens for which any are kept: 64 MB at the very most. */
const SPANS_PER_TOKEN = CALL_LINES_MAX;
const TOKENS_REMEMBERED = 8;

export interface IngestParts {
  readonly intake: IntakePort;
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
  /** Of those accepted. */
  duplicates: number;
  rejected: number;
  /** What is no step of an agent. */
  skipped: number;
  /** Of the bodies, unpacked. */
  bytes: number;
  /** `rejected`, by code. */
  readonly rejected_by: Record<string, number>;
}

export function createIngest(parts: IngestParts): Ingest & { readonly counts: Readonly<IngestCounts> } {
  const skewMaxMs = parts.skewMaxMs ?? 5 * 60_000;
  const behindMax = parts.behindMax ?? 500_000;
  const counts: IngestCounts = { accepted: 0, duplicates: 0, rejected: 0, skipped: 0, bytes: 0, rejected_by: {} };
  const spansOf = createSpanMemories();

  function openCall({ bindings }: Identity, bytes: number): Call {
    requireSize(bytes);
    requirePace(parts.behind(), behindMax);
    counts.bytes += bytes;
    return { bindings, items: [], rejections: [], codes: new Map(), seen: 0, skipped: 0 };
  }

  /** `line` counts from 1. */
  function judge(call: Call, event: AgentEvent, text: string, line: number): void {
    const refused = refuse(event, line, call.bindings, parts.clock() + skewMaxMs);
    if (refused === null) call.items.push({ line: text, event });
    else reject(call, refused);
  }

  /** Resolves once everything that was taken is durable. */
  async function close(call: Call): Promise<IngestAnswer> {
    const { items, bindings, rejections, codes, seen, skipped } = call;
    const bound = (event: AgentEvent) => vouches(bindings, event.tenant, event.agent, event.parent);
    const { written, duplicates } = await parts.intake.accept(items, { bound });
    const accepted = written + duplicates;
    const rejected = seen - accepted - skipped;
    counts.accepted += accepted;
    counts.duplicates += duplicates;
    counts.rejected += rejected;
    counts.skipped += skipped;
    for (const [code, count] of codes) counts.rejected_by[code] = (counts.rejected_by[code] ?? 0) + count;
    return { accepted, duplicates, rejected, rejections };
  }

  return {
    counts,
    async accept(body: Uint8Array, identity: Identity): Promise<IngestAnswer> {
      const call = openCall(identity, body.byteLength);
      for (const [line, text] of linesOf(body)) {
        if (countItem(call)) await nextTurn();
        const decoded = typeof text === 'string' ? decodeLine(text, line - 1, parts.prices) : text;
        if (isRejection(decoded)) reject(call, refusalOf(decoded));
        else judge(call, decoded, text as string, line);
      }
      if (call.seen === 0) throw new KilldeerError('api.invalid', 'the body holds no event');
      return await close(call);
    },
    async acceptRecord(format: SourceFormat, record: SourceRecord, identity: Identity): Promise<RecordAnswer> {
      const call = openCall(identity, record.value?.byteLength ?? 0);
      const context = { tenant: '', prices: parts.prices, spans: spansOf(identity.id) };
      for (const item of sourceItems(format, record, context)) {
        if (countItem(call)) await nextTurn();
        if (isSkip(item)) call.skipped += 1;
        else if (isSourceEvent(item)) judge(call, item.event, item.line, item.position + 1);
        else reject(call, refusalOf(item));
      }
      return { ...(await close(call)), skipped: call.skipped };
    },
  };
}

/** What has become of a call so far. */
interface Call {
  readonly bindings: Bindings;
  readonly items: EventLine[];
  readonly rejections: LineRejection[];
  readonly codes: Map<string, number>;
  seen: number;
  skipped: number;
}

/** Whether it is time to let others have their turn. */
function countItem(call: Call): boolean {
  call.seen += 1;
  requireCount(call.seen);
  return call.seen % TURN_LINES === 0;
}

function reject({ rejections, codes }: Call, refused: LineRejection): void {
  codes.set(refused.code, (codes.get(refused.code) ?? 0) + 1);
  if (rejections.length < REJECTIONS_MAX) rejections.push(refused);
}

function refusalOf({ position, code, reason }: Rejection): LineRejection {
  return { line: position + 1, code, reason };
}

/** The spans that each token has sent; the tokens that came first are forgotten first. */
function createSpanMemories(): (token: string) => SpanMemory {
  const memories = new Map<string, SpanMemory>();
  return (token) => {
    const known = memories.get(token);
    if (known !== undefined) return known;
    const memory = createSpanMemory(SPANS_PER_TOKEN);
    memories.set(token, memory);
    for (const oldest of memories.keys()) {
      if (memories.size <= TOKENS_REMEMBERED) break;
      memories.delete(oldest);
    }
    return memory;
  };
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

/** The lines of a body that hold anything, with their numbers from 1. Slices bound what a body of blank lines costs. */
function* linesOf(body: Uint8Array): Generator<[number, Line]> {
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

function requireSize(bytes: number): void {
  if (bytes <= CALL_BYTES_MAX) return;
  throw new KilldeerError('api.too-large', `the body is longer than ${CALL_BYTES_MAX} bytes`);
}

function requirePace(behind: number, behindMax: number): void {
  if (behind <= behindMax) return;
  throw new KilldeerError('api.behind', `the scorer is ${behind} events behind, more than ${behindMax}`);
}

function requireCount(seen: number): void {
  if (seen <= CALL_LINES_MAX) return;
  throw new KilldeerError('api.too-large', `the call has more than ${CALL_LINES_MAX} lines`);
}
