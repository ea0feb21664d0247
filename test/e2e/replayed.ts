/** Replays of a recording by the program, whole, killed and resumed, and cut short; with every output's bytes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { type Ended, freshDirectory, type ProgramOptions, ROOT, run, valuesOf } from './program.js';

export interface Outputs {
  readonly findings: string;
  readonly decisions: string;
}

export interface Replayed extends Outputs {
  readonly summary: Record<string, unknown>;
}

export const recordingOf = (name: string): string => join(ROOT, 'replay', name);
/** The policy that acts, and what people said of the agents, so that every output has something to say. */
const wordsFor = (name: string): string[] => [
  '--policy',
  'enforce',
  '--registry',
  join(recordingOf(name), 'registry.json'),
];

function replay(directory: string, name: string, recording: string, more: string[], options?: ProgramOptions) {
  const outputs = ['--findings', join(directory, 'findings.jsonl'), '--decisions', join(directory, 'decisions.jsonl')];
  return run(['replay', recording, ...wordsFor(name), ...outputs, ...more], options);
}

function writtenIn(directory: string): Outputs {
  const read = (name: string) => readFileSync(join(directory, `${name}.jsonl`), 'utf8');
  return { findings: read('findings'), decisions: read('decisions') };
}

function judged(directory: string, { code, err, out }: Ended): Replayed {
  expect([code, err]).toEqual([0, '']);
  return { ...writtenIn(directory), summary: valuesOf(out)[0] };
}

/** One run from begin to end; `recording` where it is not the one of that name itself. */
export async function replayed(
  name: string,
  { recording = recordingOf(name), ...options }: ProgramOptions & { readonly recording?: string } = {},
): Promise<Replayed> {
  const directory = freshDirectory();
  return judged(directory, await replay(directory, name, recording, [], options));
}

/** Runs that die at these points, one after the other on one state folder, and one that does not (on `last`). */
export async function resumed(
  name: string,
  points: readonly string[],
  options: ProgramOptions = {},
  last: ProgramOptions = options,
): Promise<Replayed> {
  const directory = freshDirectory();
  const state = ['--state', join(directory, 'state')];
  for (const point of points) {
    const env = { ...options.env, KILLDEER_FAILPOINT: point };
    const dead = await replay(directory, name, recordingOf(name), state, { ...options, env });
    expect([point, dead.signal, dead.err]).toEqual([point, 'SIGKILL', '']);
  }
  return judged(directory, await replay(directory, name, recordingOf(name), state, last));
}

export function linesOfRecording(name: string): string[] {
  return gunzipSync(readFileSync(join(recordingOf(name), 'events.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n');
}

/** The recording's first lines alone. */
export async function replayedCut(name: string, lines: readonly string[]): Promise<Replayed> {
  const directory = join(freshDirectory(), name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'events.jsonl'), `${lines.join('\n')}\n`);
  return replayed(name, { recording: directory });
}
