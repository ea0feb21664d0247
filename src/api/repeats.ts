/**
 * What was answered to a write with an idempotency key, by who asked: the same call again gets the same answer and takes
 * effect once. Only good answers are kept, since a call that failed may be meant again. This process's memory: what must
 * hold over a restart has its key in the registry.
 */
import type { Clock } from './identity.js';

export interface Answered {
  readonly status: number;
  readonly type: string | null;
  /** null: it held a secret, which is shown once. */
  readonly body: string | null;
}

export type Recall = 'new' | 'in-flight' | 'other' | Answered;

export interface Repeats {
  /** Begins a call, unless one with this key was begun before; `hash` is of what it asks. */
  begin(key: string, hash: string): Recall;
  /** Ends what was begun; null: it may be begun again. */
  end(key: string, answer: Answered | null): void;
}

const REPEATS_MAX = 10_000;
const REMEMBERED_MS = 86_400_000;
/** Of all bodies kept, and of one: a longer answer is no more than a sign that the call was made. */
const CHARS_MAX = 33_554_432;

interface Row {
  readonly hash: string;
  readonly beganMs: number;
  answer: Answered | null;
}

/** On a wall clock. */
export function createRepeats(clock: Clock): Repeats {
  /** The oldest first. */
  const rows = new Map<string, Row>();
  let chars = 0;

  function forget(key: string): void {
    chars -= rows.get(key)?.answer?.body?.length ?? 0;
    rows.delete(key);
  }

  function makeRoom(nowMs: number): void {
    for (const [key, row] of rows) {
      const isOld = nowMs >= row.beganMs + REMEMBERED_MS;
      if (!isOld && rows.size < REPEATS_MAX && chars <= CHARS_MAX) return;
      forget(key);
    }
  }

  return {
    begin(key, hash) {
      const nowMs = clock();
      const row = rows.get(key);
      if (row !== undefined && nowMs < row.beganMs + REMEMBERED_MS) {
        if (row.hash !== hash) return 'other';
        return row.answer ?? 'in-flight';
      }
      forget(key);
      makeRoom(nowMs);
      rows.set(key, { hash, beganMs: nowMs, answer: null });
      return 'new';
    },
    end(key, answer) {
      const row = rows.get(key);
      if (row === undefined) return;
      if (answer === null) return forget(key);
      row.answer = answer;
      chars += answer.body?.length ?? 0;
    },
  };
}
