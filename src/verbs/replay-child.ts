/**
 * Entry of the child process of a replay: takes one task, runs it at the lowest priority, says what came of it, and
 * ends. It ends with its parent too, whatever it was doing.
 */
import { constants, setPriority } from 'node:os';
import { KilldeerError } from '../errors.js';
import { runReplay } from './replay-run.js';
import type { FromReplay, ReplayTask } from './replay-task.js';

/** Between two words of how far it is, ms. */
const TELL_EVERY_MS = 250;

process.on('disconnect', () => process.exit(1));
process.once('message', (task) => void run(task as ReplayTask));

async function run(task: ReplayTask): Promise<void> {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Some systems forbid it; then it runs like any other.
  }
  let toldMs = 0;
  try {
    const result = await runReplay(task, (done, total) => {
      if (performance.now() - toldMs < TELL_EVERY_MS) return;
      toldMs = performance.now();
      say({ type: 'progress', done, total });
    });
    end({ type: 'done', result });
  } catch (error) {
    const code = error instanceof KilldeerError ? `${error.code}: ` : '';
    end({ type: 'failed', reason: code + (error instanceof Error ? error.message : String(error)) });
  }
}

function say(message: FromReplay): void {
  process.send?.(message);
}

function end(message: FromReplay): void {
  process.send?.(message, () => process.exit(0));
}
