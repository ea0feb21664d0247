/** Lets so many through at once, has so many wait in their order, and turns the others away. */

export interface Turnstile {
  /** Resolves with the way out, to be called once; null where too many wait already, or it took too long. */
  enter(timeoutMs: number): Promise<(() => void) | null>;
  /** Resolves when nobody is inside and nobody waits. */
  emptied(): Promise<void>;
}

export function createTurnstile(inside: number, waitingMax: number): Turnstile {
  const waiting: ((leave: (() => void) | null) => void)[] = [];
  const watchers: (() => void)[] = [];
  let free = inside;

  const leave = (): void => {
    const next = waiting.shift();
    if (next !== undefined) {
      next(once(leave));
      return;
    }
    free += 1;
    if (free === inside) for (const watcher of watchers.splice(0)) watcher();
  };
  return {
    enter: async (timeoutMs) => {
      if (free > 0) {
        free -= 1;
        return once(leave);
      }
      if (waiting.length >= waitingMax) return null;
      return await new Promise((resolve) => {
        const admit = (way: (() => void) | null): void => {
          clearTimeout(timer);
          resolve(way);
        };
        const timer = setTimeout(() => {
          const at = waiting.indexOf(admit);
          if (at >= 0) waiting.splice(at, 1);
          resolve(null);
        }, timeoutMs);
        waiting.push(admit);
      });
    },
    emptied: async () => {
      if (free < inside) await new Promise<void>((resolve) => watchers.push(resolve));
    },
  };
}

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run();
  };
}
