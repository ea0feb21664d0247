/** Long work in small steps: a generator that yields between them, run at once, or with room for others in between. */
import { setImmediate as pause } from 'node:timers/promises';

/** Rows, agents or the like in one step: a millisecond or a few. */
export const STEP = 200;

/** Where nobody else waits. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** On the thread that answers inline decisions: after each step the calls that came meanwhile are answered. */
export async function withBreaths<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await pause();
  }
}
