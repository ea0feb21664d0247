/**
 * The open streams of server-sent events. Nothing is kept for a reader but its position: what it has not taken yet
 * waits in the feed, and where that forgot it, the reader is told to begin anew (`reset`). So a slow reader costs what
 * one write costs; one that takes nothing for long is cut off, and resumes from the last id that it saw.
 */
import type { ServerResponse } from 'node:http';
import type { FeedEvent, FeedStep, RegistryFeed } from './registry-feed.js';

export interface StreamLimits {
  readonly streamsMax: number;
  readonly heartbeatMs: number;
  /** A reader that takes nothing for this long is cut off. */
  readonly slowMs: number;
}

const LIMITS: StreamLimits = { streamsMax: 256, heartbeatMs: 15_000, slowMs: 30_000 };
/** Steps of one write. */
const STEPS_MAX = 200;
/** What a reader waits before it comes again, ms. */
const RETRY_MS = 1_000;

export interface StreamReader {
  /** Position that it goes on from. */
  readonly from: number;
  readonly forMs: number;
  readonly isWelcome: () => boolean;
  readonly visible: (event: FeedEvent) => boolean;
}

export interface Streams {
  hasRoom(): boolean;
  /** Writes until the reader goes, or is sent away. The head was written. */
  open(raw: ServerResponse, reader: StreamReader): void;
  close(): void;
}

interface Stream {
  readonly pump: () => void;
  readonly beat: () => void;
  readonly end: () => void;
}

export function createStreams(feed: RegistryFeed, staleMs: () => number, limits: Partial<StreamLimits> = {}): Streams {
  const { streamsMax, heartbeatMs, slowMs } = { ...LIMITS, ...limits };
  const streams = new Set<Stream>();
  let timer: NodeJS.Timeout | null = null;
  let unsubscribe = (): void => undefined;

  const begin = (): void => {
    unsubscribe = feed.subscribe(() => {
      for (const stream of streams) stream.pump();
    });
    timer = setInterval(() => {
      for (const stream of streams) stream.beat();
    }, heartbeatMs);
    timer.unref();
  };
  const rest = (): void => {
    unsubscribe();
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const forget = (stream: Stream): void => {
    if (streams.delete(stream) && streams.size === 0) rest();
  };

  return {
    hasRoom: () => streams.size < streamsMax,
    open: (raw, reader) => {
      if (streams.size === 0) begin();
      const stream: Stream = createStream(feed, raw, reader, { staleMs, slowMs, gone: () => forget(stream) });
      streams.add(stream);
      stream.beat();
    },
    close: () => {
      for (const stream of [...streams]) stream.end();
    },
  };
}

interface Around {
  readonly staleMs: () => number;
  readonly slowMs: number;
  readonly gone: () => void;
}

function createStream(feed: RegistryFeed, raw: ServerResponse, reader: StreamReader, around: Around): Stream {
  let position = reader.from;
  /** When a write was not taken at once; null: the reader keeps up. */
  let fullMs: number | null = null;
  const ending = setTimeout(() => end(), reader.forMs);
  ending.unref();

  const write = (text: string): void => {
    if (raw.write(text) || fullMs !== null) return;
    fullMs = performance.now();
    raw.once('drain', () => {
      fullMs = null;
      pump();
    });
  };
  const pump = (): void => {
    while (fullMs === null && !raw.writableEnded) {
      const batch = feed.since(position, STEPS_MAX);
      if (batch === null) {
        position = feed.position();
        write(messageOf('reset', { offset: position }, position));
        continue;
      }
      if (batch.next === position) return;
      position = batch.next;
      const text = batch.steps.map((step) => textOf(step, reader.visible)).join('');
      if (text !== '') write(text);
    }
  };
  const beat = (): void => {
    if (fullMs !== null && performance.now() - fullMs > around.slowMs) raw.destroy();
    else if (!reader.isWelcome()) end();
    if (fullMs !== null || raw.writableEnded || raw.destroyed) return;
    pump();
    if (fullMs === null) write(messageOf('heartbeat', { offset: position, stale_ms: around.staleMs() }, position));
  };
  const end = (): void => {
    if (!raw.writableEnded) raw.end();
  };
  raw.on('close', () => {
    clearTimeout(ending);
    around.gone();
  });
  raw.on('error', () => raw.destroy());
  write(`retry: ${RETRY_MS}\n\n`);
  return { pump, beat, end };
}

/** The id comes with the last event of a record alone: whoever was cut off within it gets all of it again. */
function textOf({ events, next }: FeedStep, visible: (event: FeedEvent) => boolean): string {
  const told = events.filter(visible);
  return told.map((event, i) => messageOf(event.type, dataOf(event), i === told.length - 1 ? next : null)).join('');
}

function dataOf(event: FeedEvent): object {
  if (event.type === 'policy') return event.policy;
  return event.type === 'halt' ? event.halt : event.agent;
}

function messageOf(type: string, data: object, id: number | null): string {
  const place = id === null ? '' : `id: ${id}\n`;
  return `${place}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
