/** A replay with verdicts: what each of them would have changed, exactly, however often it was killed. */
import { describe, expect, it } from 'vitest';
import { type Finding, isPage } from '../../src/decide/finding.js';
import { MILDER_FACES } from '../../src/decide/verdict-kinds.js';
import { KilldeerError } from '../../src/errors.js';
import { replay } from '../../src/pipeline/replay.js';
import type { ReplayWord } from '../../src/pipeline/replay-verdicts.js';
import { suppressionOf } from '../engine/suppression-of.js';
import { loop, ordinary, wireLines } from '../engine/verdict-of.js';
import { START_MS } from '../engine/world.js';
import { freshDir, parsed, recordingOf, writingTo, writtenIn } from './replay-world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The trouble; it comes back a day later. */
const AT = START_MS + 14 * DAY_MS + 10 * HOUR_MS;

/** What a replay says without a verdict, and one of its findings that comes back in the same way. */
async function plainWorld() {
  const events = [...ordinary('clerk', 17), ...loop('clerk', AT, 60), ...loop('clerk', AT + DAY_MS, 60)];
  const recording = await recordingOf(wireLines(events));
  const run = async (words: readonly ReplayWord[]): Promise<Finding[]> => {
    const dir = await freshDir();
    await replay(writingTo(dir, recording, { words }));
    return parsed<Finding>((await writtenIn(dir)).findings);
  };
  const plain = await run([]);
  const loops = plain.filter(({ kind }) => kind === 'retry-loop');
  const finding = loops.filter(({ time }) => Date.parse(time) < AT + HOUR_MS).at(-1);
  if (finding === undefined || loops.at(-1)?.id === finding.id) throw new Error('the loop is not found twice');
  const on = (over: object = {}): ReplayWord => ({
    timeMs: Date.parse(finding.time) + 60_000,
    ...{ id: 'v-1', finding: finding.id, verdict: 'false-positive', forMs: 90 * DAY_MS, role: false, comment: null },
    ...over,
  });
  return { recording, run, plain, finding, on };
}

describe('a replay with verdicts', () => {
  it('says the same up to a verdict, and mutes the like of its finding after it', async () => {
    const { run, plain, finding, on } = await plainWorld();
    const word = on();
    const heard = await run([word]);
    const until = plain.findIndex(({ time }) => Date.parse(time) >= word.timeMs);
    expect(heard.slice(0, until)).toEqual(plain.slice(0, until));
    const muted = heard.filter(({ mutedBy }) => mutedBy !== undefined);
    expect(muted.length).toBeGreaterThan(0);
    const { kind, root } = finding;
    for (const one of muted) {
      expect(one).toMatchObject({ severity: 'low', mutedBy: 'v-1', root, proposal: null });
      expect([kind, ...(MILDER_FACES[kind] ?? [])]).toContain(one.kind);
    }
    const pagesAgain = (one: Finding) => Date.parse(one.time) >= AT + DAY_MS && isPage(one.severity);
    expect(plain.filter(pagesAgain).map((one) => one.kind)).toContain(kind);
    expect(heard.filter(pagesAgain)).toEqual([]);
  });

  it('says the same as ever once a verdict is taken back', async () => {
    const { run, plain, on } = await plainWorld();
    const word = on({ verdict: 'expected' });
    // What was open has closed by then, answered or not.
    const later = (one: Finding) => Date.parse(one.time) > word.timeMs + 13 * HOUR_MS;
    const heard = await run([word, { timeMs: word.timeMs, undo: 'v-1' }]);
    expect(heard.filter(later)).toEqual(plain.filter(later));
  });

  it('mutes what is suppressed for as long as it is, and nothing once that is taken back', async () => {
    const { run, plain, finding } = await plainWorld();
    // These loops are critical at once, and pages of that severity are never suppressed: the notices before them are.
    const timeMs = AT - HOUR_MS;
    const within = { tenant: finding.tenant, scope: { agent: finding.root }, fromMs: timeMs, untilMs: AT + DAY_MS / 2 };
    const word: ReplayWord = { timeMs, suppress: suppressionOf({ ...within, timeMs, below: 'critical' }) };
    const heard = await run([word]);
    const muted = heard.filter(({ mutedBy }) => mutedBy === 's-1');
    expect(muted.length).toBeGreaterThan(0);
    for (const { severity, proposal, root, time } of muted) {
      expect([severity, proposal, root]).toEqual(['low', null, finding.root]);
      expect(Date.parse(time)).toBeLessThan(AT + DAY_MS / 2);
    }
    const until = plain.findIndex(({ time }) => Date.parse(time) >= timeMs);
    expect(heard.slice(0, until)).toEqual(plain.slice(0, until));
    const pagesAgain = (one: Finding) => Date.parse(one.time) >= AT + DAY_MS && isPage(one.severity);
    expect(heard.filter(pagesAgain).length).toBeGreaterThan(0);
    expect(await run([word, { timeMs, undo: 's-1' }])).toEqual(plain);
  });

  it('goes on exactly after it was killed', async () => {
    const { run, recording, on } = await plainWorld();
    const words = [on({ verdict: 'expected' })];
    const [dir, stateDir] = [await freshDir(), await freshDir()];
    const options = writingTo(dir, recording, { words, stateDir, checkpointEvery: 300 });
    let left = 9;
    const failpoint = (name: string): void => {
      if (name === 'checkpoint-renamed' && --left <= 0) throw new Error('killed');
    };
    await expect(replay({ ...options, failpoint })).rejects.toThrow('killed');
    await expect(replay({ ...options, words: [] })).rejects.toMatchObject({ code: 'checkpoint.mismatch' });
    const { resumedAt } = await replay(options);
    expect(resumedAt).toBeGreaterThan(0);
    expect(parsed<Finding>((await writtenIn(dir)).findings)).toEqual(await run(words));
  });

  it('refuses a word about what was not raised by then, and one for a role that nobody named', async () => {
    const { run, finding, on } = await plainWorld();
    const early = run([on({ timeMs: Date.parse(finding.time) - DAY_MS })]);
    await expect(early).rejects.toThrow(KilldeerError);
    await expect(early).rejects.toThrow(`${finding.id}, which was not raised before`);
    await expect(run([on({ role: true })])).rejects.toMatchObject({ code: 'usage' });
  });
});
