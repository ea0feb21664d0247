/** Entry of the thread that explains one finding of a running server's directory, beside it, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ExactExplanation, KnownName } from '../api/insight-contract.js';
import type { PriceTable } from '../event/prices.js';
import { openFileLog, partitionsOf } from '../log/file-log.js';
import { explainDirectory } from '../pipeline/explain-directory.js';
import type { Explanation, KnownVerdict } from '../pipeline/explanation.js';
import { FOLD } from './replay.js';

export interface ExplainTask {
  readonly directory: string;
  readonly id: string;
  readonly prices: PriceTable;
}

export type FromExplainer =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'exact'; readonly explanation: ExactExplanation }
  | { readonly kind: 'stored'; readonly why: string };

/** Runs the log again up to the finding's record. */
async function explain({ directory, id, prices }: ExplainTask): Promise<FromExplainer> {
  const onProgress = (done: number, total: number) => say({ kind: 'progress', done, total });
  const adapters = { openFileLog, partitionsOf };
  const answer = await explainDirectory({ directory, id, prices, registry: FOLD, adapters, onProgress });
  if (answer === null) return { kind: 'stored', why: 'the finding is no longer kept in the log' };
  return answer.exact
    ? { kind: 'exact', explanation: exactOf(answer.explanation) }
    : { kind: 'stored', why: answer.why };
}

function exactOf({ partition, offset, time, step, finding }: Explanation): ExactExplanation {
  return {
    record: { partition, offset, time },
    standing: step?.identity.state ?? null,
    closedDays: step?.identity.closedDays ?? 0,
    windows: (step?.windows ?? []).map(({ stream, windowMs, count, mean, deviation }) => {
      return { stream, windowMs, count, mean, deviation };
    }),
    endpoint: knownOf(step?.endpoint ?? null),
    target: knownOf(step?.target ?? null),
    session: step?.session == null ? null : { events: step.session.events, costUsd: step.session.costUsd },
    detectors: (step?.detectors ?? [])
      .filter(({ ran }) => ran)
      .sort((a, b) => b.share - a.share || b.corrected - a.corrected)
      .map(({ name, feature, score, observed, expected, corrected: surprise, share }) => {
        return { name, feature, score, observed, expected, surprise, share };
      }),
    p: step?.p ?? null,
    outcome: finding.outcome,
  };
}

function knownOf(known: KnownVerdict | null): KnownName | null {
  if (known === null) return null;
  const { name, adopted, sessions, peers, peersAdopted } = known;
  return { name, adopted, sessions, peers, peersAdopted };
}

function say(message: FromExplainer): void {
  parentPort?.postMessage(message);
}

if (parentPort !== null) {
  await explain(workerData as ExplainTask).then(say, (error: unknown) => {
    say({ kind: 'stored', why: error instanceof Error ? error.message : String(error) });
  });
}
