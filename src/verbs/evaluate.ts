/** `killdeer evaluate`: how well detection does on recordings whose labels say what happened. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import { type Evaluation, type EvaluationTask, readKnown } from './evaluate-recording.js';
import { reportOf, totalOf } from './evaluate-report.js';
import { showEvaluations } from './evaluate-text.js';
import { evaluateAll } from './evaluate-threads.js';
import { loadSetup } from './setup.js';
import { count } from './terminal.js';
import { several, type VerbContext, wholeNumber } from './verb.js';

interface Options {
  readonly budget?: readonly string[];
  readonly config?: string;
  readonly policy?: string;
  readonly model?: string;
  readonly withRegistry?: boolean;
  readonly unbound?: boolean;
  readonly jobs?: number;
  readonly calibration?: boolean;
  readonly json?: boolean;
}

const JOBS_MAX = 64;

export function addEvaluate(program: Command, context: VerbContext): void {
  program
    .command('evaluate')
    .description('replay labelled recordings and say what was found, how late, and what was false')
    .argument('<dir...>', 'folders with events.jsonl(.gz) and labels.json')
    .option('--budget <pages>', "false pages per agent-day, instead of the configuration's; may be repeated", several)
    .option('--config <file>', 'configuration')
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--model <file>', 'model to start from')
    .option('--with-registry', 'tell the agents of registry.json, where a folder has one')
    .option('--unbound', 'the recordings vouch for nobody')
    .option('--jobs <n>', 'recordings at a time; default: one a core', wholeNumber('--jobs', 1, JOBS_MAX))
    .option('--calibration', 'also say how often clean agent-days got as far as each detector states')
    .option('--json', 'one JSON document, on a terminal too')
    .action((recordings: string[], options: Options) => evaluateRecordings(context, recordings, options));
}

async function evaluateRecordings({ terminal }: VerbContext, recordings: string[], options: Options): Promise<void> {
  const tasks = tasksOf(recordings, options);
  const progress = terminal.progress(tasks.length);
  let evaluations: Evaluation[];
  try {
    evaluations = await evaluateAll(tasks, options.jobs ?? availableParallelism(), (done) => {
      progress.update(done, `${count(Math.floor(done))} of ${count(tasks.length)} replays`);
    });
  } finally {
    progress.stop();
  }
  const reports = evaluations.map(reportOf);
  const totals = [...new Set(evaluations.map(({ budget }) => budget))].map((budget) =>
    totalOf(evaluations.filter((one) => one.budget === budget)),
  );
  if (options.json === true) terminal.print(`${JSON.stringify({ recordings: reports, totals })}\n`);
  else if (terminal.rich) showEvaluations(terminal, reports, totals);
  else {
    for (const report of reports) terminal.emit({ type: 'recording', ...report });
    for (const total of totals) terminal.emit({ type: 'total', ...total });
  }
}

/** Every recording under every budget. What is wrong with the words or the labels is told before anything runs. */
function tasksOf(recordings: readonly string[], options: Options): EvaluationTask[] {
  const budgets = options.budget?.map(budgetOf) ?? [null];
  const { budget: _budget, jobs: _jobs, json: _json, ...told } = options;
  const { withRegistry = false, unbound = false, calibration = false, ...setup } = told;
  loadSetup(setup);
  for (const recording of recordings) readKnown(recording);
  return budgets.flatMap((budget) =>
    recordings.map((recording) => ({ recording, budget, setup, withRegistry, unbound, calibration })),
  );
}

/** The configuration's own limits of a budget. */
function budgetOf(text: string): number {
  const budget = /^\d*\.?\d+(e-?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (budget > 0 && budget <= 0.5) return budget;
  throw new KilldeerError('usage', `--budget ${text}: not a number of false pages per agent-day, above 0, at most 0.5`);
}
