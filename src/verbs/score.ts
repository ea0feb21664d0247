/** `killdeer score`: the engine's series detector and its forest on plain data, a file or a folder of them. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import { type Method, scoreTable, type TableSummary } from './score-data.js';
import { rowsMethod, SERIES } from './score-methods.js';
import { count } from './terminal.js';
import { several, type VerbContext, wholeNumber } from './verb.js';

/** What '-' stands for; the process's own but in tests. */
export interface Pipes {
  readonly input: Readable;
  readonly output: Writable;
}

interface Options {
  readonly out: string;
  readonly seed?: number;
  readonly ignore?: readonly string[];
}

/** A file to be scored and where its scores go; '-' for a pipe. */
interface Job {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

export function addScore(program: Command, context: VerbContext, pipes?: Pipes): void {
  const score = program
    .command('score')
    .description('score plain data: one series of numbers, or rows of them (docs/detection.md)');
  const run = (from: string, to: string, method: Method) =>
    scoreAll(context, pipes ?? { input: process.stdin, output: process.stdout }, { from, to, method });
  score
    .command('series')
    .description('timestamp,value to timestamp,value,anomaly_score; one pass, nothing to set')
    .argument('<file>', "CSV; a folder for every .csv in it; '-' for standard input")
    .requiredOption('--out <file>', "where the scores go; a folder for a folder; '-' for standard output")
    .action((file: string, { out }: Options) => run(file, out, SERIES));
  score
    .command('rows')
    .description('rows of numbers, each scored by those before it, then learned')
    .argument('<file>', "CSV; a folder for every .csv in it; '-' for standard input")
    .requiredOption('--out <file>', "where the scores go; a folder for a folder; '-' for standard output")
    .option(
      '--seed <n>',
      'everything that is drawn; 1 by default',
      wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--ignore <column>', 'a column that is no number of the row, by name or place; several', several)
    .action((file: string, { out, seed, ignore }: Options) => run(file, out, rowsMethod(ignore ?? [], seed ?? 1)));
}

interface Task {
  readonly from: string;
  readonly to: string;
  readonly method: Method;
}

async function scoreAll(context: VerbContext, pipes: Pipes, { from, to, method }: Task): Promise<void> {
  const { terminal } = context;
  const jobs = await jobsOf(from, to);
  const total = jobs.reduce((sum, { bytes }) => sum + bytes, 0);
  // Where scores go to standard output, nothing else may.
  const piped = to === '-';
  const progress = piped ? null : terminal.progress(Math.max(1, total));
  let done = 0;
  try {
    for (const [i, job] of jobs.entries()) {
      const told = (bytes: number) => {
        done += bytes;
        progress?.update(done, `${i + 1} of ${jobs.length}`);
      };
      const { notes, ...summary } = await scoreFile(job, method, pipes, told);
      for (const note of notes) terminal.complain(`${job.from}: ${note}\n`);
      if (summary.malformed > 0) context.failed();
      if (!piped) terminal.emit({ file: job.from, out: job.to, ...summary });
      const sentence = sentenceOf(job, summary);
      if (piped) terminal.complain(`${sentence}\n`);
      else terminal.say(sentence);
    }
  } finally {
    progress?.stop();
  }
}

function sentenceOf({ from, to }: Job, { scored, missing, malformed }: Omit<TableSummary, 'notes'>): string {
  const parts = [`${count(scored)} scored`];
  if (missing > 0) parts.push(`${count(missing)} without a number`);
  if (malformed > 0) parts.push(`${count(malformed)} malformed`);
  return `${from}: ${parts.join(', ')}, in ${to === '-' ? 'standard output' : to}`;
}

async function jobsOf(from: string, to: string): Promise<Job[]> {
  if (from === '-') return [{ from, to, bytes: 0 }];
  const { folder, bytes } = await readable(from, async () => {
    const found = await stat(from);
    return { folder: found.isDirectory(), bytes: found.size };
  });
  if (!folder) return [{ from, to, bytes }];
  if (to === '-') throw new KilldeerError('usage', `--out -: ${from} is a folder, so --out must be one`);
  const paths = await readable(from, async () => await readdir(from, { recursive: true }));
  const wanted = paths.filter((path) => path.toLowerCase().endsWith('.csv') && !isWithin(join(from, path), to)).sort();
  const jobs = await Promise.all(
    wanted.map(async (path): Promise<Job | null> => {
      const found = await readable(join(from, path), () => stat(join(from, path)));
      return found.isFile() ? { from: join(from, path), to: join(to, path), bytes: found.size } : null;
    }),
  );
  const files = jobs.filter((job) => job !== null);
  if (files.length === 0) throw new KilldeerError('csv.unreadable', `${from}: no .csv file in it`);
  return files;
}

/** Scores of an earlier run may lie inside the folder; they are no data. */
function isWithin(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== '..' && !way.startsWith(`..${sep}`);
}

async function scoreFile(job: Job, method: Method, pipes: Pipes, told: (bytes: number) => void) {
  const source = job.from === '-' ? pipes.input : createReadStream(job.from);
  const chunks = counted(job.from, source, told);
  if (job.to === '-') return await scoreTable(job.from, chunks, method, (text) => put(pipes.output, text));
  return await scoreToFile(job, chunks, method);
}

/** The scores stand in their place once they are all there: a run that fails leaves what was there before. */
async function scoreToFile({ from, to }: Job, chunks: AsyncIterable<unknown>, method: Method): Promise<TableSummary> {
  const special = await stat(to).then(
    (found) => !found.isFile(),
    () => false,
  );
  // A device or a pipe has no place beside it.
  const path = special ? to : `${to}.partial`;
  const sink = await writable(to, async () => {
    await mkdir(dirname(to), { recursive: true });
    const stream = createWriteStream(path);
    await once(stream, 'open');
    // Without a listener a full disk would end the process; put() tells of it.
    stream.on('error', () => {});
    return stream;
  });
  try {
    const summary = await scoreTable(from, chunks, method, (text) => writable(to, () => put(sink, text)));
    await writable(to, async () => {
      sink.end();
      await finished(sink);
      if (path !== to) await rename(path, to);
    });
    return summary;
  } catch (error) {
    sink.destroy();
    if (path !== to) await rm(path, { force: true });
    throw error;
  }
}

async function* counted(name: string, source: Readable, told: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      yield chunk as Uint8Array;
      told((chunk as Uint8Array).byteLength);
    }
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function put(sink: Writable, text: string): Promise<void> {
  if (sink.errored !== null) throw sink.errored;
  if (!sink.write(Buffer.from(text, 'latin1'))) await once(sink, 'drain');
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): KilldeerError {
  return new KilldeerError('csv.unreadable', `${path}: ${reasonOf(error)}`, error);
}

async function writable<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new KilldeerError('csv.unwritable', `${path}: ${reasonOf(error)}`, error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
