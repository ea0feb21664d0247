/**
 * Trying again for as long as it takes: for what nobody may lose because a broker was away. Gives up only where a retry
 * cannot help, or when told to stop.
 */
import { setTimeout as timeout } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';

const FIRST_MS = 100;
const MOST_MS = 10_000;

export interface PatienceOptions {
  /** Told once when something begins to fail, and once when it works again. */
  readonly report: (message: string, error?: unknown) => void;
  /** Resolves after that time, or rejects as soon as the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class Patience {
  private readonly ending = new AbortController();

  constructor(private readonly options: PatienceOptions) {}

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Ends every pause, and with it what waits there. */
  stop(): void {
    this.ending.abort();
  }

  /** Resolves early, without a word, when stopped. */
  async pause(ms: number): Promise<void> {
    if (this.signal.aborted) return;
    try {
      await (this.options.pause ?? pauseFor)(ms, this.signal);
    } catch (error) {
      if (!this.signal.aborted) throw error;
    }
  }

  /** Rejects with the call's error where a retry cannot help, or after stop(). `what` names it for a person. */
  async keepTrying<T>(what: string, call: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        const answer = await call();
        if (failures > 0) this.options.report(`${what}: works again`);
        return answer;
      } catch (error) {
        if (!(error instanceof KilldeerError && error.retry) || this.signal.aborted) throw error;
        if (failures === 0) this.options.report(`${what}: failed, is tried again until it works`, error);
        await this.pause(Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 10)));
        if (this.signal.aborted) throw error;
      }
    }
  }
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal });
}
