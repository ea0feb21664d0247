/** Many recordings at once: each core takes the next one that nobody has. The answer does not depend on how many. */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, KilldeerError } from '../errors.js';
import { type Evaluation, type EvaluationTask, evaluateRecording } from './evaluate-recording.js';

/** What a thread says of the task at hand. */
export type FromEvaluator =
  | { readonly kind: 'progress'; readonly part: number }
  | { readonly kind: 'done'; readonly evaluation: Evaluation }
  | { readonly kind: 'failed'; readonly error: { readonly code: ErrorCode | null; readonly message: string } };

/**
 * Evaluates all tasks, `jobs` at a time, and answers in their order; one at a time needs no thread. `told` hears how many
 * are done, fractions included. The first that fails ends the others, and its error is thrown.
 */
export async function evaluateAll(
  tasks: readonly EvaluationTask[],
  jobs: number,
  told: (done: number) => void,
  url = new URL('./evaluate-worker.js', import.meta.url),
): Promise<Evaluation[]> {
  const parts = tasks.map(() => 0);
  const at = (index: number) => (part: number) => {
    parts[index] = part;
    told(parts.reduce((sum, one) => sum + one, 0));
  };
  const workers = Math.min(jobs, tasks.length);
  if (workers <= 1) {
    const evaluations: Evaluation[] = [];
    for (const [index, task] of tasks.entries()) {
      evaluations.push(await evaluateRecording(task, at(index)));
      at(index)(1);
    }
    return evaluations;
  }
  return await inThreads(tasks, workers, at, url);
}

async function inThreads(
  tasks: readonly EvaluationTask[],
  count: number,
  at: (index: number) => (part: number) => void,
  url: URL,
): Promise<Evaluation[]> {
  const threads = Array.from({ length: count }, (_, i) => startThread(url, `evaluate-${i}`));
  const evaluations = new Array<Evaluation>(tasks.length);
  let next = 0;
  const work = async (thread: Thread) => {
    while (next < tasks.length) {
      const index = next++;
      evaluations[index] = await thread.evaluate(tasks[index], at(index));
      at(index)(1);
    }
  };
  try {
    await Promise.all(threads.map(work));
    return evaluations;
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
}

interface Thread {
  /** One at a time. */
  evaluate(task: EvaluationTask, told: (part: number) => void): Promise<Evaluation>;
  stop(): Promise<unknown>;
}

/** Whoever waits for the task at hand. */
interface Waiter {
  readonly told: (part: number) => void;
  readonly done: (evaluation: Evaluation) => void;
  readonly fail: (error: unknown) => void;
}

/** The listeners stay for the thread's life: taking one away can stop its messages for good. */
function startThread(url: URL, name: string): Thread {
  const thread = new Worker(url, { name });
  let waiter: Waiter | null = null;
  let fault: unknown = null;
  const broken = (error: unknown) => {
    fault ??= error;
    waiter?.fail(fault);
  };
  thread.on('message', (message: FromEvaluator) => {
    if (message.kind === 'progress') waiter?.told(message.part);
    else if (message.kind === 'done') waiter?.done(message.evaluation);
    else waiter?.fail(errorOf(message.error));
  });
  thread.on('error', broken);
  thread.on('exit', (code) => broken(new Error(`${name} ended with ${code}`)));
  return {
    evaluate: (task, told) =>
      new Promise((done, fail) => {
        waiter = { told, done, fail };
        if (fault === null) thread.postMessage(task);
        else fail(fault);
      }),
    stop: () => thread.terminate(),
  };
}

function errorOf({ code, message }: { code: ErrorCode | null; message: string }): Error {
  return code === null ? new Error(message) : new KilldeerError(code, message);
}
