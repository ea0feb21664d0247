/** Something that comes from the server: it is awaited, there, or refused. */
import { type Inputs, useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Failure, failureOf } from './client.js';

export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly failure: Failure };

/**
 * Loads when `inputs` change, and when told to. What was there stays until the new is, so nothing flickers; an answer
 * that was overtaken by a later question is dropped.
 */
export function useLoaded<T>(load: () => Promise<T>, inputs: Inputs): readonly [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: 'loading' });
  const latest = useRef(0);
  const run = useCallback(() => {
    latest.current += 1;
    const mine = latest.current;
    const settle = (next: Loaded<T>) => {
      if (mine === latest.current) setLoaded(next);
    };
    load().then(
      (value) => settle({ state: 'ready', value }),
      (error: unknown) => settle({ state: 'failed', failure: failureOf(error) }),
    );
  }, inputs);
  useEffect(() => {
    setLoaded({ state: 'loading' });
    run();
    return () => {
      latest.current += 1;
    };
  }, [run]);
  return [loaded, run];
}

/** Does it once, some time after the first of many wishes. */
export function useSoon(act: () => void, afterMs: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const latest = useRef(act);
  latest.current = act;
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
    },
    [],
  );
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      latest.current();
    }, afterMs);
  }, [afterMs]);
}
