/** `killdeer evaluate` on the recordings of replay/, and beside the public scorer where it lies next to the checkout. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/tune/evaluate.js';
import { RULES } from '../../src/tune/rules.js';
import type { RecordingReport, TotalReport } from '../../src/verbs/evaluate-report.js';
import { evaluateAll } from '../../src/verbs/evaluate-threads.js';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid, linesOf } from './said.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = ['budget-blowup', 'burst', 'demo', 'fan-out', 'hijack', 'quiet', 'retry-loop', 'slow-creep'];
const SCORER = join(ROOT, '../shared/tools/score.py');
const COMPOSER = join(ROOT, '../shared/tools/compose_fleet.py');
const RECORDED = join(ROOT, '../shared/recordings');
/** Threads run compiled files. */
const WORKER = new URL('../../dist/verbs/evaluate-worker.js', import.meta.url);

const hasPython = spawnSync('python3', ['--version']).status === 0;
const agrees = hasPython && existsSync(SCORER);
if (!agrees) process.stderr.write(`not compared with score.py: python3 or ${SCORER} is not here\n`);
const composes = agrees && existsSync(COMPOSER) && existsSync(RECORDED);

/** Composing and scoring one takes about 20 s on an idle machine. */
const FLEET_TIMEOUT_MS = 240_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-evaluate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pathOf = (name: string) => join(ROOT, 'replay', name);

async function run(words: readonly string[], rich = false) {
  const said = createSaid(rich);
  const code = await runProgram(words, said.terminal);
  return { code, out: said.out(), err: said.err() };
}

async function evaluated(recordings: readonly string[], ...words: string[]) {
  const { code, out, err } = await run(['evaluate', ...recordings, '--jobs', '1', '--json', ...words]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as { recordings: RecordingReport[]; totals: TotalReport[] };
}

describe('evaluate', () => {
  it('says in a pipe what was found in each recording and in all of them, with the trivial rules beside it', async () => {
    const { code, out } = await run(['evaluate', pathOf('retry-loop'), pathOf('quiet'), '--jobs', '1']);
    expect(code).toBe(0);
    const [retry, quiet, total] = linesOf(out) as unknown as [RecordingReport, RecordingReport, TotalReport];
    expect(retry).toMatchObject({
      type: 'recording',
      recording: pathOf('retry-loop'),
      budget: 0.03,
      windows: 2,
      found: 2,
    });
    expect(retry.kinds['retry-loop'].delayS?.max).toBeLessThan(60);
    expect(quiet).toMatchObject({ windows: 0 });
    expect(quiet.falsePages).toBeLessThanOrEqual(3);
    expect(quiet.timesBudget).toBeCloseTo(quiet.falsePages / quiet.agentDays / 0.03, 9);
    expect(quiet.hardNegatives['negative:provider-outage']).toEqual({ windows: 1, paged: 0 });
    expect(total).toMatchObject({ type: 'total', recordings: 2, windows: 2, found: 2 });
    expect(total.agentDays).toBeCloseTo(retry.agentDays + quiet.agentDays, 9);
    expect(total.rules['x10'].falsePages).toBe(retry.rules['x10'].falsePages + quiet.rules['x10'].falsePages);
  });

  it('replays once for each budget', async () => {
    const { recordings, totals } = await evaluated([pathOf('burst')], '--budget', '0.3', '--budget', '0.01');
    expect(recordings.map(({ budget }) => budget)).toEqual([0.3, 0.01]);
    expect(totals.map(({ budget }) => budget)).toEqual([0.3, 0.01]);
    expect(totals[0].pages).toBeGreaterThan(totals[1].pages);
  });

  it('says how true the stated probabilities were, where it is asked to', async () => {
    const { recordings, totals } = await evaluated([pathOf('quiet'), pathOf('burst')], '--calibration');
    const days = recordings.map(({ calibration }) => calibration?.['fused'].days ?? 0);
    expect(Math.min(...days)).toBeGreaterThan(0);
    expect(totals[0].calibration?.['fused'].days).toBe(days[0] + days[1]);
    const { at, held } = totals[0].calibration?.['starts'] ?? { at: [], held: 0 };
    expect(at.map(({ p }) => p)).toEqual([1e-2, 1e-3, 1e-4]);
    expect(at[0].reached).toBeLessThan(held);
    const without = await evaluated([pathOf('quiet')]);
    expect(without.recordings[0].calibration).toBeUndefined();
  });

  it('draws tables for a person', async () => {
    const { code, out } = await run(['evaluate', pathOf('retry-loop'), pathOf('fan-out'), '--jobs', '1'], true);
    expect(code).toBe(0);
    for (const word of ['budget 0.03', 'sub-agent-fan-out', 'rule new-target', 'per agent-day', 'notices']) {
      expect(out).toContain(word);
    }
  });

  it('ends with 2 on a budget that is none and with 1 where labels are missing or wrong', async () => {
    expect(await run(['evaluate', pathOf('burst'), '--budget', 'much'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--budget much'),
    });
    expect(await run(['evaluate', join(folder, 'gone')])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/recording\.unreadable: .*labels\.json/),
    });
    const wrong = join(folder, 'wrong');
    mkdirSync(wrong);
    writeFileSync(join(wrong, 'labels.json'), '[{"agent":7}]');
    expect(await run(['evaluate', wrong])).toMatchObject({ code: 1, err: expect.stringContaining('[0.agent]') });
  });
});

describe('threads', () => {
  const tasks = ['fan-out', 'hijack', 'burst'].map((name) => ({
    ...{ recording: pathOf(name), budget: null, setup: {}, withRegistry: true, unbound: false, calibration: false },
  }));

  it('come to the same as one after the other, in the same order, and are told of', async () => {
    let done = 0;
    const together = await evaluateAll(
      tasks,
      2,
      (parts) => {
        expect(parts).toBeGreaterThanOrEqual(done);
        done = parts;
      },
      WORKER,
    );
    expect(done).toBe(tasks.length);
    expect(together).toEqual(await evaluateAll(tasks, 1, () => {}));
  });

  it('end with the error of the first that fails', async () => {
    const gone = tasks.map((task) => ({ ...task, recording: join(folder, 'gone') }));
    await expect(evaluateAll(gone, 2, () => {}, WORKER)).rejects.toMatchObject({ code: 'recording.unreadable' });
  });
});

/** What score.py says of the same findings, or of a rule. */
interface Scored {
  readonly kinds: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
  readonly hard_negatives: Readonly<Record<string, number>>;
  readonly hard_negatives_paged: Readonly<Record<string, number>>;
  readonly [name: string]: unknown;
}

function score(recording: string, ...words: string[]): Scored {
  const { stdout, stderr } = spawnSync('python3', [SCORER, recording, ...words, '--json'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Scored;
}

/** Counts to the digit; figures that the scorer rounds, to its last one. */
function expectAgreement(ours: Report, theirs: Scored): void {
  expect({
    ...{ events: ours.events, agents: ours.agents, windows: ours.windows, detected: ours.found, noticed: ours.noticed },
    ...{ pages: ours.pages, notices: ours.notices, false_pages: ours.falsePages },
    ...{ agents_with_false_page: ours.agentsWithFalsePage },
  }).toEqual({
    ...{ events: theirs['events'], agents: theirs['agents'], windows: theirs['windows'] },
    ...{ detected: theirs['detected'], noticed: theirs['noticed'], pages: theirs['pages'], notices: theirs['notices'] },
    ...{ false_pages: theirs['false_pages'], agents_with_false_page: theirs['agents_with_false_page'] },
  });
  expect(Math.abs(ours.byChance - (theirs['by_chance'] as number))).toBeLessThan(0.00501);
  expect(ours.falsePagesPerAgentDay).toBeCloseTo(theirs['false_pages_per_agent_day'] as number, 4);
  const negatives = Object.entries(ours.hardNegatives);
  expect(Object.fromEntries(negatives.map(([kind, { windows }]) => [kind, windows]))).toEqual(theirs.hard_negatives);
  const paged = negatives.filter(([, one]) => one.paged > 0).map(([kind, one]) => [kind, one.paged]);
  expect(Object.fromEntries(paged)).toEqual(theirs.hard_negatives_paged);
  expect(Object.keys(ours.kinds)).toEqual(Object.keys(theirs.kinds));
  for (const [kind, their] of Object.entries(theirs.kinds)) {
    const { windows, found, noticed, delayS, eventsBefore, usdBefore } = ours.kinds[kind];
    expect({ windows, found, noticed, events: eventsBefore?.median ?? null }, kind).toEqual({
      ...{ windows: their['windows'], found: their['detected'], noticed: their['noticed'] },
      events: their['median_events_before'],
    });
    expect(delayS === null).toBe(their['median_delay_s'] === null);
    expect(delayS?.median ?? 0).toBeCloseTo(their['median_delay_s'] ?? 0, 5);
    expect(delayS?.max ?? 0).toBeCloseTo(their['max_delay_s'] ?? 0, 5);
    expect(usdBefore?.median ?? 0).toBeCloseTo(their['median_usd_before'] ?? 0, 8);
  }
}

async function expectSame(recording: string): Promise<void> {
  const findings = join(folder, 'findings.jsonl');
  expect((await run(['replay', recording, '--findings', findings])).code).toBe(0);
  const {
    recordings: [ours],
  } = await evaluated([recording]);
  expectAgreement(ours, score(recording, findings));
  for (const name of RULES) expectAgreement(ours.rules[name], score(recording, '--rule', name));
}

describe.skipIf(!agrees)('beside score.py', () => {
  it.each(NAMES)('%s comes to the same', async (name) => {
    await expectSame(pathOf(name));
  });

  it.skipIf(!composes)(
    'a composed fleet comes to the same',
    async () => {
      const fleet = join(folder, 'fleet');
      const words = [COMPOSER, '--data', RECORDED, '--seed', '11', '--days', '26', '--out', fleet];
      const { status, stderr } = spawnSync('python3', words, { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      await expectSame(fleet);
    },
    FLEET_TIMEOUT_MS,
  );
});
