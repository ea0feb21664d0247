/** What changes on the server while a page is open. The browser comes back by itself and misses nothing (Last-Event-ID). */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from './client.js';
import type { FindingSummary } from './queue-list.js';

export type Update =
  | { readonly type: 'finding'; readonly finding: FindingSummary }
  | { readonly type: 'agent'; readonly tenant: string; readonly agent: string }
  /** Too much happened meanwhile: read anew. */
  | { readonly type: 'reset' };

/** A refused stream is asked for again after this long; the browser itself gives up on it. */
const AGAIN_MS = 5_000;

/** `from`: where to begin; null: wait for it; 'now': no list stands behind it. True while the stream is open. */
export function useUpdates(from: string | null, take: (update: Update) => void): boolean {
  const [isOpen, setOpen] = useState(false);
  const taker = useRef(take);
  taker.current = take;
  const isReady = from !== null;
  const first = useRef(from);
  first.current ??= from;
  useEffect(() => {
    if (!isReady) return;
    return follow(first.current as string, (update) => taker.current(update), setOpen);
  }, [isReady]);
  return isOpen;
}

/** Until the function returned is called. */
function follow(from: string, take: (update: Update) => void, setOpen: (isOpen: boolean) => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const dataOf = (event: Event) => JSON.parse((event as MessageEvent<string>).data);
  const open = (place: string): void => {
    const stream = new EventSource(place === 'now' ? '/v1/updates' : `/v1/updates?from=${encodeURIComponent(place)}`);
    source = stream;
    stream.addEventListener('open', () => setOpen(true));
    stream.addEventListener('finding', (event) => take({ type: 'finding', finding: dataOf(event) }));
    stream.addEventListener('agent', (event) => take({ type: 'agent', ...dataOf(event) }));
    stream.addEventListener('reset', () => take({ type: 'reset' }));
    stream.addEventListener('error', () => {
      setOpen(false);
      if (stream.readyState !== EventSource.CLOSED) return;
      // Whether the session has ended is for the client to find; anything else may pass.
      get('/v1/session').catch(() => undefined);
      timer = setTimeout(() => {
        take({ type: 'reset' });
        open('now');
      }, AGAIN_MS);
    });
  };
  open(from);
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
