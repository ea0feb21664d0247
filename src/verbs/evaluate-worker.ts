/** Entry of the threads of `evaluate`: one recording after the other, as they are handed to it. */
import { parentPort } from 'node:worker_threads';
import { KilldeerError } from '../errors.js';
import { type EvaluationTask, evaluateRecording } from './evaluate-recording.js';
import type { FromEvaluator } from './evaluate-threads.js';

/** How far a recording is, is told in steps of this size. */
const STEP = 0.01;

parentPort?.on('message', (task: EvaluationTask) => {
  let last = 0;
  const told = (part: number) => {
    if (part - last < STEP) return;
    last = part;
    say({ kind: 'progress', part });
  };
  evaluateRecording(task, told).then(
    (evaluation) => say({ kind: 'done', evaluation }),
    (error: unknown) => say({ kind: 'failed', error: faultOf(error) }),
  );
});

function say(message: FromEvaluator): void {
  parentPort?.postMessage(message);
}

/** An error's code does not survive the way between threads by itself. */
function faultOf(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof KilldeerError ? error.code : null, message };
}
