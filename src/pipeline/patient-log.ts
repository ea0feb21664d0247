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
const TELL_EVERY_MS = 60_000;

export interface PatientLog extends Log {
  /** ms since this topic was last read or asked for its range; since the log was opened where it never was. */
  silentMs(topic: string): number;
  /** Waits no more: whoever stops must not hang on brokers that are away. What fails from now on is told. */
  hurry(): void;
}

/** Of a topic that has answered before, these pass too: brokers that have just started know it a moment later. */
const PASSING: readonly string[] = ['kafka.missing-topic', 'kafka.refused'];

/** @param clock monotonic or wall clock, ms */
export function createPatientLog(log: Log, clock: () => number, onPause?: (error: unknown) => void): PatientLog {
  const openedMs = clock();
  const answeredMs = new Map<string, number>();
  let isHurried = false;
  const patiently = async <T>(topic: string, ask: () => Promise<T>): Promise<T> => {
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        return await ask();
      } catch (error) {
        if (isHurried || !passes(error, answeredMs.has(topic))) throw error;
        onPause?.(error);
        await sleep(pauseMs);
        if (isHurried) throw error;
      }
    }
  };
  const heard = async <T>(topic: string, ask: () => Promise<T>): Promise<T> => {
    const answer = await patiently(topic, ask);
    answeredMs.set(topic, clock());
    return answer;
  };
  return {
    partitions: (topic) => log.partitions(topic),
    append: (topic, partition, values) => log.append(topic, partition, values),
    read: (topic, partition, offset, max) => heard(topic, () => log.read(topic, partition, offset, max)),
    begin: (topic, partition) => heard(topic, () => log.begin(topic, partition)),
    end: (topic, partition) => heard(topic, () => log.end(topic, partition)),
    // In vain it ends as well while nobody answers: that is no answer.
    wait: (topic, partition, offset, timeoutMs) =>
      patiently(topic, () => log.wait(topic, partition, offset, timeoutMs)),
    silentMs: (topic) => clock() - (answeredMs.get(topic) ?? openedMs),
    hurry: () => {
      isHurried = true;
    },
    close: () => {
      isHurried = true;
      return log.close();
    },
  };
}

/** For `onPause`: tells the first pause, and of those that follow one a minute. */
export function seldom(tell: (error: unknown) => void): (error: unknown) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < TELL_EVERY_MS) return;
    toldMs = nowMs;
    tell(error);
  };
}

function passes(error: unknown, hasAnswered: boolean): boolean {
  if (!(error instanceof KilldeerError) || error.code === 'log.closed') return false;
  return error.retry || (hasAnswered && PASSING.includes(error.code));
}
