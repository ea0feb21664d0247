/**
 * A log across a network, for those who follow it: what may pass (brokers out of reach) is waited for, not told. An
 * append is not repeated here, since its writer alone knows whether it may be; and it says how long ago a topic was
 * last in reach, so that whoever answers from memory can say how stale that is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import type { Log } from '../log/log.js';

const PAUSE_MS = 250;
const PAUSE_MAX_MS = 2_000;

export interface PatientLog extends Log {
  /** ms since this topic last answered; since the log was opened where it never did. */
  silentMs(topic: string): number;
}

/** @param clock monotonic or wall clock, ms */
export function createPatientLog(log: Log, clock: () => number, onPause?: (error: unknown) => void): PatientLog {
  const openedMs = clock();
  const answeredMs = new Map<string, number>();
  let isClosed = false;
  const patiently = async <T>(topic: string, ask: () => Promise<T>): Promise<T> => {
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        const answer = await ask();
        answeredMs.set(topic, clock());
        return answer;
      } catch (error) {
        if (isClosed || !passes(error)) throw error;
        onPause?.(error);
        await sleep(pauseMs);
      }
    }
  };
  return {
    partitions: (topic) => log.partitions(topic),
    append: (topic, partition, values) => log.append(topic, partition, values),
    read: (topic, partition, offset, max) => patiently(topic, () => log.read(topic, partition, offset, max)),
    begin: (topic, partition) => patiently(topic, () => log.begin(topic, partition)),
    end: (topic, partition) => patiently(topic, () => log.end(topic, partition)),
    wait: (topic, partition, offset, timeoutMs) =>
      patiently(topic, () => log.wait(topic, partition, offset, timeoutMs)),
    silentMs: (topic) => clock() - (answeredMs.get(topic) ?? openedMs),
    close: () => {
      isClosed = true;
      return log.close();
    },
  };
}

function passes(error: unknown): boolean {
  return error instanceof KilldeerError && error.retry && error.code !== 'log.closed';
}
