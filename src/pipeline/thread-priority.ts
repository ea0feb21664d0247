/**
 * Threads that score stand back: whoever asks `/v1/decide` waits in the main thread, and on a machine whose cores are all
 * busy the scheduler would let it wait for a slice of scoring. Scoring may be late, a decision may not.
 *
 * Linux alone gives a thread a priority of its own; elsewhere nothing is done.
 */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Steps behind the process: a third of the weight. */
const STEPS = 5;
const NICE_MOST = 19;

/** To be called by the thread itself, once. */
export function standBack(): void {
  try {
    // Read by the thread that calls, so it names that thread.
    const task = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'));
    if (task === null) return;
    const thread = Number(task[1]);
    setPriority(thread, Math.min(NICE_MOST, getPriority(thread) + STEPS));
  } catch {
    // Not this system, or not allowed: all threads are equal then.
  }
}
