/**
 * From one record of a source to what becomes of it: events to be written, dead letters to be kept, items to be passed
 * over. Every item meets exactly one of the three. Bad input is a value here, whatever it is.
 */
import { type Bindings, covers, vouches } from '../decide/binding.js';
import type { AgentEvent } from '../event/event.js';
import { isSkip, isSourceEvent, type SourceEvent, type SourceItem } from '../event/source-item.js';
import type { Refusal } from './rejection-meter.js';
import type { FeedRecord } from './source-feed.js';

/** Of a rejected item, characters kept in `log:rejected`. */
const LINE_MAX = 4_096;
/** Dead letters of one record; what is beyond them is counted in one more. */
const LETTERS_MAX = 1_000;

const UNBOUND: Bindings = { tenants: null, agents: null };

/** What a source may say, and what its records are. */
export interface SourceRules {
  /** Of the configuration; null: unbound, its events can alert but never stop. */
  readonly binding: Bindings | null;
  /** An event further ahead of the clock than this is rejected, ms. */
  readonly skewMaxMs: number;
  /** Everything in a record, in order; it should not throw. */
  readonly decode: (record: FeedRecord) => Iterable<SourceItem>;
}

/** One line of `log:rejected`. */
export interface DeadLetter extends Refusal {
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** Place within the record, from 0; null: stands for all those that got no letter of their own. */
  readonly item: number | null;
  /** The item's own JSON where it could be read; else, once for each record, the record. Its beginning only. */
  readonly line: string;
}

/** Takes what becomes of the items. */
export interface ItemTaker {
  event(item: SourceEvent): void;
  rejected(refusal: Refusal, item: number, line: string | null): void;
  skipped(): void;
}

/** Whether the source vouches for the event's agent. */
export function boundBy({ binding }: Pick<SourceRules, 'binding'>, event: AgentEvent): boolean {
  return vouches(binding ?? UNBOUND, event.tenant, event.agent, event.parent);
}

/** Goes through a record item by item, so that a caller can let others have their turn in between. */
export function* takeItems(rules: SourceRules, record: FeedRecord, nowMs: number, taker: ItemTaker): Generator<void> {
  try {
    for (const item of rules.decode(record)) {
      if (isSkip(item)) taker.skipped();
      else if (isSourceEvent(item)) takeEvent(rules, item, nowMs, taker);
      else taker.rejected(item, item.position, null);
      yield;
    }
  } catch (error) {
    // A fault of the decoder is still only this record's trouble.
    const reason = `the record cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
    taker.rejected({ code: 'source.undecodable', reason: reason.slice(0, 300) }, 0, null);
  }
}

function takeEvent({ binding, skewMaxMs }: SourceRules, item: SourceEvent, nowMs: number, taker: ItemTaker): void {
  const { event, position, line } = item;
  if (event.timeMs > nowMs + skewMaxMs) {
    const time = new Date(event.timeMs).toISOString();
    taker.rejected({ code: 'event.time-ahead', reason: `time ${time} is ahead of the server's clock` }, position, line);
  } else if (!covers(binding ?? UNBOUND, event.tenant, event.agent)) {
    const who = event.tenant === '' ? event.agent : `${event.tenant}/${event.agent}`;
    const reason = `the source is not bound to ${who}`.slice(0, 300);
    taker.rejected({ code: 'event.not-bound', reason }, position, line);
  } else {
    taker.event(item);
  }
}

/** The dead letters of one record, bounded however many items it has. */
export class RecordLetters {
  readonly lines: string[] = [];
  private count = 0;
  private showsRecord = false;

  constructor(
    private readonly source: string,
    private readonly partition: number,
    private readonly record: FeedRecord,
  ) {}

  add({ code, reason }: Refusal, item: number | null, line: string | null): void {
    this.count += 1;
    if (this.count > LETTERS_MAX) return;
    this.write({ code, reason }, item, line ?? this.recordOnce());
  }

  /** After the last item. */
  end(): void {
    const more = this.count - LETTERS_MAX;
    if (more <= 0) return;
    this.write({ code: 'source.undecodable', reason: `${more} further items of this record were rejected` }, null, '');
  }

  private write({ code, reason }: Refusal, item: number | null, line: string): void {
    const { source, partition, record } = this;
    const { offset } = record;
    const cut = line.slice(0, LINE_MAX);
    this.lines.push(JSON.stringify({ source, partition, offset, item, code, reason, line: cut } satisfies DeadLetter));
  }

  private recordOnce(): string {
    if (this.showsRecord) return '';
    this.showsRecord = true;
    return beginningOf(this.record.value);
  }
}

/** As text; bytes that are none, in base64. */
function beginningOf(value: Uint8Array | null): string {
  if (value === null) return '';
  // Four bytes at most make a character; the last may be cut in two, which `stream` leaves out.
  const bytes = value.subarray(0, 4 * LINE_MAX);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return `base64:${Buffer.from(bytes.subarray(0, LINE_MAX / 2)).toString('base64')}`;
  }
}
