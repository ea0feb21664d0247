/**
 * The open streams of server-sent events. Nothing is kept for a reader but its position: what it has not taken yet
 * waits in the feed, and where that forgot it, the reader is told to begin anew (`reset`). So a slow reader costs what
 * one write costs; one that takes nothing for long is cut off, and resumes from the last id that it saw.
 */
import type { ServerResponse } from 'node:http';

/** What is told from one position to the next, whole or not at all. */
export interface StreamStep<E> {
  /** Position behind it. */
  readonly next: number;
  readonly events: readonly E[];
}

/** Where the events come from; a position is a number that grows. */
export interface StreamSource<E> {
  /** Position of whoever has been told everything. */
  position(): number;
  /** Up to `max` steps behind the position, with the position that they lead to; null: some of them are forgotten. */
  since(position: number, max: number): { readonly steps: readonly StreamStep<E>[]; readonly next: number } | null;
  /** Calls after each step until the function returned is called. */
  subscribe(listener: () => void): () => void;
}

/** How events, and what is said beside them, stand on the wire. */
export interface StreamWords<E> {
  event(event: E): { readonly type: string; readonly data: object };
  reset(position: number): object;
  heartbeat(position: number): object;
  /** A position as the id of a message. */
  id(position: number): string;
}

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

export interface StreamReader<E> {
  /** Position that it goes on from. */
  readonly from: number;
  readonly forMs: number;
  readonly isWelcome: () => boolean;
  readonly visible: (event: E) => boolean;
}

export interface Streams<E> {
  hasRoom(): boolean;
  /** Writes until the reader goes, or is sent away. The head was written. */
  open(raw: ServerResponse, reader: StreamReader<E>): void;
  close(): void;
}

interface Stream {
  readonly pump: () => void;
  readonly beat: () => void;
  readonly end: () => void;
}

export function createStreams<E>(
  source: StreamSource<E>,
  words: StreamWords<E>,
  limits: Partial<StreamLimits> = {},
): Streams<E> {
  const { streamsMax, heartbeatMs, slowMs } = { ...LIMITS, ...limits };
  const streams = new Set<Stream>();
  let timer: NodeJS.Timeout | null = null;
  let unsubscribe = (): void => undefined;

  const begin = (): void => {
    unsubscribe = source.subscribe(() => {
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
      const stream: Stream = createStream(source, raw, reader, { words, slowMs, gone: () => forget(stream) });
      streams.add(stream);
      stream.beat();
    },
    close: () => {
      for (const stream of [...streams]) stream.end();
    },
  };
}

interface Around<E> {
  readonly words: StreamWords<E>;
  readonly slowMs: number;
  readonly gone: () => void;
}

function createStream<E>(
  source: StreamSource<E>,
  raw: ServerResponse,
  reader: StreamReader<E>,
  around: Around<E>,
): Stream {
  const { words } = around;
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
      const batch = source.since(position, STEPS_MAX);
      if (batch === null) {
        position = source.position();
        write(messageOf('reset', words.reset(position), words.id(position)));
        continue;
      }
      if (batch.next === position) return;
      position = batch.next;
      const text = batch.steps.map((step) => textOf(step, reader.visible, words)).join('');
      if (text !== '') write(text);
    }
  };
  const beat = (): void => {
    if (fullMs !== null && performance.now() - fullMs > around.slowMs) raw.destroy();
    else if (!reader.isWelcome()) end();
    if (fullMs !== null || raw.writableEnded || raw.destroyed) return;
    pump();
    if (fullMs === null) write(messageOf('heartbeat', words.heartbeat(position), words.id(position)));
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

/** The id comes with the last event of a step alone: whoever was cut off within it gets all of it again. */
function textOf<E>({ events, next }: StreamStep<E>, visible: (event: E) => boolean, words: StreamWords<E>): string {
  const told = events.filter(visible);
  return told
    .map((event, i) => {
      const { type, data } = words.event(event);
      return messageOf(type, data, i === told.length - 1 ? words.id(next) : null);
    })
    .join('');
}

function messageOf(type: string, data: object, id: string | null): string {
  const place = id === null ? '' : `id: ${id}\n`;
  return `${place}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
