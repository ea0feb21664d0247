/** Crash anywhere and run again equals never crashed: the same bytes in every output. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/math/random.js';
import type { FailpointName } from '../../src/pipeline/failpoint.js';
import { type ReplayOptions, replay } from '../../src/pipeline/replay.js';
import type { ReplaySummary } from '../../src/pipeline/replay-summary.js';
import { FaultyFiles } from '../log/faulty-files.js';
import { freshDir, LINES, parsed, recordingOf, TALKATIVE, type Written, writingTo, writtenIn } from './replay-world.js';

const EVERY = 400;
/** Spoilt lines between the others, and a time that waits for confirmation, so that every counter has work. */
const MIXED: readonly string[] = LINES.flatMap((line, i) => {
  if (i % 700 !== 300) return [line];
  return [
    line,
    'junk',
    JSON.stringify({ ...(JSON.parse(line) as object), id: `far-${i}`, time: '2040-01-01T00:00:00.000Z' }),
  ];
});

const lasting = ({ wallMs: _, eventsPerSecond: __, resumedAt: ___, ...summary }: ReplaySummary) => summary;

interface Undisturbed {
  readonly recording: string;
  readonly summary: ReplaySummary;
  readonly written: Written;
}

async function undisturbed(): Promise<Undisturbed> {
  const dir = await freshDir();
  const recording = await recordingOf(MIXED);
  const summary = await replay(writingTo(dir, recording));
  const written = await writtenIn(dir);
  expect(parsed(written.findings).length).toBeGreaterThan(3);
  expect(parsed(written.decisions).length).toBeGreaterThan(1);
  expect(summary.rejections).toEqual({ 'event.bad-json': 7, 'event.time-ahead': 7 });
  return { recording, summary, written };
}

/** Runs until the n-th passage of a point; true where it got there. */
async function crashes(options: ReplayOptions, name: FailpointName, count: number): Promise<boolean> {
  let left = count;
  let crashed = false;
  const failpoint = (passed: FailpointName) => {
    // Once down, always down: what is left of the run may do nothing more.
    if (crashed || (passed === name && --left === 0)) {
      crashed = true;
      throw new Error('crashed');
    }
  };
  await replay({ ...options, failpoint }).catch((error) => {
    if (!crashed) throw error;
  });
  return crashed;
}

describe('a replay that crashed and ran again', () => {
  test('writes the same bytes, at 20 points of all kinds', async () => {
    const { recording, summary, written } = await undisturbed();
    const checkpoints = Math.floor(LINES.length / EVERY);
    const kinds: [FailpointName, number][] = [
      ['event', LINES.length],
      ['checkpoint-begin', checkpoints],
      ['checkpoint-written', checkpoints],
      ['checkpoint-renamed', checkpoints],
      ['findings-write', checkpoints],
      ['findings-written', checkpoints],
      ['registry-write', 2],
      ['registry-written', 2],
    ];
    const random = createRandom('crashes');
    for (let i = 0; i < 20; i++) {
      const [name, passages] = kinds[i % kinds.length];
      const dir = await freshDir();
      const options = writingTo(dir, recording, { stateDir: join(dir, 'state'), checkpointEvery: EVERY });
      expect(await crashes(options, name, 1 + Math.floor(random.next() * passages))).toBe(true);
      const resumed = await replay(options);
      expect([name, await writtenIn(dir)]).toEqual([name, written]);
      expect(lasting(resumed)).toEqual(lasting(summary));
    }
  });

  test('writes the same bytes where its shelf is rewritten, crash or not', async () => {
    const { recording, summary, written } = await undisturbed();
    for (const name of ['shelf-moved', 'checkpoint-renamed', 'shelf-removed'] as const) {
      const dir = await freshDir();
      const stateDir = join(dir, 'state');
      const options = writingTo(dir, recording, { stateDir, checkpointEvery: EVERY, rewriteFromBytes: 1 });
      expect(await crashes(options, name, 2)).toBe(true);
      const resumed = await replay(options);
      expect([name, await writtenIn(dir)]).toEqual([name, written]);
      expect(lasting(resumed)).toEqual(lasting(summary));
    }
  });

  test('and crashed again and again, still does', async () => {
    const { recording, summary, written } = await undisturbed();
    const dir = await freshDir();
    const options = writingTo(dir, recording, { stateDir: join(dir, 'state'), checkpointEvery: 150 });
    const random = createRandom('again');
    let runs = 0;
    while (await crashes(options, 'event', 200 + Math.floor(random.next() * 600))) runs++;
    expect(runs).toBeGreaterThan(5);
    expect(await writtenIn(dir)).toEqual(written);
    // The last run finished: the next one begins at the beginning and ends alike.
    const anew = await replay(options);
    expect(anew.resumedAt).toBe(0);
    expect(lasting(anew)).toEqual(lasting(summary));
    expect(await writtenIn(dir)).toEqual(written);
  });

  test('goes on from where it was', async () => {
    const dir = await freshDir();
    const options = writingTo(dir, await recordingOf(MIXED), { stateDir: join(dir, 'state'), checkpointEvery: EVERY });
    expect(await crashes(options, 'event', 3000)).toBe(true);
    const { resumedAt } = await replay(options);
    expect(resumedAt).toBeGreaterThan(2500);
    expect(resumedAt).toBeLessThan(3020);
  });

  test('loses nothing to a disk that loses what was not synced', async () => {
    const { recording, written } = await undisturbed();
    const random = createRandom('power');
    for (let i = 0; i < 10; i++) {
      const dir = await freshDir();
      const files = new FaultyFiles(i);
      for (const folder of [dirname(dirname(dir)), dirname(dir), dir]) await files.mkdir(folder);
      for (const folder of ['/', dirname(dirname(dir)), dirname(dir)]) await files.fsyncDirectory(folder);
      // The shelf needs a real folder; profiles on it are checked by their own sums.
      const stateDir = dir;
      const options = writingTo(dir, recording, { files, stateDir, checkpointEvery: EVERY });
      files.callsUntilCrash = 20 + Math.floor(random.next() * 150);
      const crashed = await replay(options).then(
        () => false,
        () => true,
      );
      expect(crashed).toBe(true);
      files.restart();
      await replay(options);
      for (const [name, key] of [
        ['findings', 'findings'],
        ['decisions', 'decisions'],
        ['dead-letter', 'deadLetter'],
      ] as const) {
        expect(Buffer.from(files.bytesOf(join(dir, `${name}.jsonl`))).toString()).toBe(written[key]);
      }
    }
  });
});

describe('a state folder', () => {
  test('of another configuration or recording is refused, whatever it holds is kept', async () => {
    const dir = await freshDir();
    const options = writingTo(dir, await recordingOf(LINES), { stateDir: join(dir, 'state'), checkpointEvery: EVERY });
    expect(await crashes(options, 'event', 2000)).toBe(true);
    const before = await writtenIn(dir);
    const detection = { ...TALKATIVE.detection, adopt_sessions: 4 };
    const others: Partial<ReplayOptions>[] = [
      { config: { ...TALKATIVE, detection } },
      { recording: await recordingOf(LINES) },
      { bound: false },
      { findingsPath: join(dir, 'other.jsonl') },
    ];
    for (const other of others) {
      await expect(replay({ ...options, ...other })).rejects.toMatchObject({ code: 'checkpoint.mismatch' });
    }
    expect(await writtenIn(dir)).toEqual(before);
    expect((await replay(options)).resumedAt).toBeGreaterThan(0);
  });

  test('whose checkpoint is spoilt says which file, and one whose findings are gone is refused', async () => {
    const dir = await freshDir();
    const options = writingTo(dir, await recordingOf(LINES), { stateDir: join(dir, 'state'), checkpointEvery: EVERY });
    expect(await crashes(options, 'event', 4000)).toBe(true);
    const findings = join(dir, 'dead-letter.jsonl');
    const path = join(dir, 'state', 'replay.checkpoint');
    const whole = await readFile(path);
    for (const at of [0, 9, 200, whole.length >> 1, whole.length - 1]) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 8;
      await writeFile(path, bytes);
      const error = await replay(options).then(
        () => null,
        (e) => e,
      );
      expect(error).toMatchObject({ code: 'checkpoint.corrupt' });
      expect(error.message).toContain(path);
    }
    await writeFile(path, whole);
    expect((await stat(findings)).size).toBe(0);
    await writeFile(join(dir, 'findings.jsonl'), '');
    await expect(replay(options)).rejects.toMatchObject({ code: 'checkpoint.mismatch' });
  });
});

describe('a process that is killed', () => {
  const dist = fileURLToPath(new URL('../../dist', import.meta.url));
  const script = `
    const [dist, options] = process.argv.slice(1);
    const load = (file) => import(dist + '/' + file);
    const { replay } = await load('pipeline/replay.js');
    const { createFold, restoreFold } = await load('registry/fold.js');
    const { createPriceTable } = await load('event/prices.js');
    const { neutralModel } = await load('learn/neutral-model.js');
    const registry = { create: () => createFold(), restore: (snapshot) => restoreFold(snapshot) };
    await replay({ ...JSON.parse(options), registry, prices: createPriceTable([]), startModel: neutralModel() });
  `;

  test.each(['event:3100', 'checkpoint-written:4'])('at %s goes on to the same bytes', async (point) => {
    // Written by `npm run build`, which `npm test` runs first.
    expect(existsSync(join(dist, 'pipeline', 'replay.js'))).toBe(true);
    const { recording, written } = await undisturbed();
    const dir = await freshDir();
    const options = writingTo(dir, recording, { stateDir: join(dir, 'state'), checkpointEvery: EVERY });
    const run = (failpoint: string) =>
      spawnSync(
        process.execPath,
        ['--input-type=module', '-e', script, pathToFileURL(dist).href, JSON.stringify(options)],
        { env: { ...process.env, KILLDEER_FAILPOINT: failpoint }, encoding: 'utf8' },
      );
    expect(run(point).signal).toBe('SIGKILL');
    expect((await writtenIn(dir)).findings.length).toBeLessThan(written.findings.length);
    const second = run('');
    expect([second.status, second.stderr]).toEqual([0, '']);
    expect(await writtenIn(dir)).toEqual(written);
  });
});
