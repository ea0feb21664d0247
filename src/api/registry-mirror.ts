/**
 * `registry-current`: what is in force as a topic that keeps the last record of each key, for gateways that read Kafka and
 * nothing else. One process writes it, the owner of partition 0; it puts right what an earlier owner left, then follows.
 *
 * Promises: what a key says last is what the registry's log led to, also after a writer died anywhere, because the next
 * one compares every key before it goes on. It may lag, so each record says where in the log it stands. It decides
 * nothing, and whoever must know of a permission asks /v1/decide.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { RegistryEntry } from '../registry/registry.js';
import { copyView, type FeedEvent, isTold, type RegistryFeed } from './registry-feed.js';

/** A key with what it says from now on; null: it says nothing any more. */
export interface MirrorRecord {
  readonly key: string;
  readonly value: string | null;
}

/** The topic, held by one writer: opening it has shut out the one before. */
export interface MirrorTopic {
  /** Every committed record, oldest first. */
  read(take: (key: string, value: Uint8Array | null) => void): Promise<void>;
  /** Whole or not at all, in order. Rejects with 'kafka.fenced' where another process writes it now. */
  commit(records: readonly MirrorRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface MirrorOptions {
  readonly feed: RegistryFeed;
  entries(): Iterable<RegistryEntry>;
  /** Becomes the writer. */
  open(): Promise<MirrorTopic>;
  readonly report: (message: string, error: unknown) => void;
  /** Between two tries, ms. Default 1000. */
  readonly retryMs?: number;
}

const RETRY_MS = 1_000;
const STEPS_MAX = 1_000;
const COMMIT_MAX = 2_000;

export class RegistryMirror {
  private life: Life | null = null;
  private changing: Promise<void> = Promise.resolve();

  constructor(private readonly options: MirrorOptions) {}

  /** Whether this process is the one that writes; asked again and again. Resolves once it is so. */
  setActive(isActive: boolean): Promise<void> {
    this.changing = this.changing.then(async () => {
      if (isActive === (this.life !== null)) return;
      const { life } = this;
      this.life = isActive ? new Life(this.options) : null;
      await life?.stop();
    });
    return this.changing;
  }
}

/** The time during which this process writes. */
class Life {
  private readonly ending = new AbortController();
  private readonly running: Promise<void>;
  private wake: () => void = () => undefined;

  constructor(private readonly options: MirrorOptions) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.ending.abort();
    this.wake();
    await this.running;
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  private async run(): Promise<void> {
    const { retryMs = RETRY_MS, report } = this.options;
    let hasFailed = false;
    while (!this.isOver) {
      try {
        await this.write(() => {
          hasFailed = false;
        });
      } catch (error) {
        // Told once: brokers that are away are away for a while.
        if (!hasFailed && !this.isOver) report('registry-current cannot be written, it is tried again', error);
        hasFailed = true;
        // One that was fenced while it should write was overtaken by a process that has gone, or will be told so soon.
        await sleep(retryMs, undefined, { signal: this.ending.signal }).catch(() => undefined);
      }
    }
  }

  /** Opens, puts right, follows; until stopped or something fails. */
  private async write(onRight: () => void): Promise<void> {
    const topic = await this.options.open();
    try {
      let position = await this.putRight(topic);
      onRight();
      while (!this.isOver) {
        const more = this.options.feed.since(position, STEPS_MAX);
        if (more === null) position = await this.putRight(topic);
        else if (more.steps.length === 0) await this.change();
        else {
          await commitAll(
            topic,
            more.steps.flatMap(({ next, events }) => events.map((event) => recordOf(event, next))),
          );
          position = more.next;
        }
      }
    } finally {
      await topic.close();
    }
  }

  /** Resolves at the next change, or when stopped. */
  private async change(): Promise<void> {
    let unsubscribe = (): void => undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      unsubscribe = this.options.feed.subscribe(resolve);
      if (this.isOver) resolve();
    });
    unsubscribe();
  }

  /** Makes every key say what is so; resolves with the position that it stands at. */
  private async putRight(topic: MirrorTopic): Promise<number> {
    const written = new Map<string, string>();
    await topic.read((key, value) => {
      if (value === null) written.delete(key);
      else written.set(key, Buffer.from(value).toString('utf8'));
    });
    // In one turn with the position: everything behind it comes as a step.
    const position = this.options.feed.position();
    const records: MirrorRecord[] = [];
    for (const record of this.current(position)) {
      const last = written.get(record.key);
      written.delete(record.key);
      if (last === undefined || !saysTheSame(last, record.value)) records.push(record);
    }
    for (const key of written.keys()) records.push({ key, value: null });
    await commitAll(topic, records);
    return position;
  }

  private *current(position: number): Iterable<MirrorRecord> {
    const { feed, entries } = this.options;
    const policy = feed.policy();
    if (policy !== null) yield recordOf({ type: 'policy', policy }, position);
    for (const halt of feed.halts()) yield recordOf({ type: 'halt', halt }, position);
    for (const entry of entries()) {
      if (isTold(entry)) yield recordOf({ type: 'limits', agent: copyView(entry) }, position);
    }
  }
}

async function commitAll(topic: MirrorTopic, records: readonly MirrorRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += COMMIT_MAX) await topic.commit(records.slice(at, at + COMMIT_MAX));
}

/** The key is a JSON list, so that no name can be mistaken for another. */
function recordOf(event: FeedEvent, offset: number): MirrorRecord {
  switch (event.type) {
    case 'policy':
      return { key: JSON.stringify(['policy']), value: JSON.stringify({ offset, policy: event.policy }) };
    case 'halt': {
      const key = JSON.stringify(['halt', event.halt.tenant]);
      return { key, value: event.halt.share >= 1 ? null : JSON.stringify({ offset, halt: event.halt }) };
    }
    default: {
      const { tenant, agent } = event.agent;
      return { key: JSON.stringify(['agent', tenant, agent]), value: JSON.stringify({ offset, agent: event.agent }) };
    }
  }
}

/** Where in the log it was said does not matter. */
function saysTheSame(written: string, wanted: string | null): boolean {
  if (wanted === null) return false;
  return withoutOffset(written) === withoutOffset(wanted);
}

function withoutOffset(text: string): string {
  try {
    const { offset: _, ...rest } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return JSON.stringify(rest);
  } catch (error) {
    throw new KilldeerError('log.corrupt', 'registry-current holds a record that is no JSON', error);
  }
}
