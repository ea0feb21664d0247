/** As test/e2e/replay.test.ts, at twenty points of death and twenty cuts. */
import { expect, it } from 'vitest';
import { createRandom } from '../../src/math/random.js';
import { linesOfRecording, type Replayed, replayed, replayedCut, resumed } from '../e2e/replayed.js';

let kept: Promise<Replayed> | undefined;
function undisturbed(): Promise<Replayed> {
  kept ??= replayed('demo');
  return kept;
}

/** Twenty: every named point that a run of one checkpoint passes, and events before and behind the checkpoint. */
function pointsOfDeath(): string[] {
  const random = createRandom('points of death');
  const named = ['checkpoint-begin', 'checkpoint-written', 'checkpoint-renamed', 'findings-write', 'findings-written'];
  const passages = named.flatMap((name) => [`${name}:1`, `${name}:2`]);
  const events = Array.from({ length: 10 }, (_, i) => `event:${1 + Math.floor((i + random.next()) * 3_000)}`);
  return [...passages, ...events];
}

it('counts twenty points of death', () => expect(new Set(pointsOfDeath()).size).toBe(20));

it.each(pointsOfDeath())('killed at %s and run again gives the same bytes', async (point) => {
  const whole = await undisturbed();
  const { findings, decisions } = await resumed('demo', [point]);
  expect({ findings, decisions }).toEqual({ findings: whole.findings, decisions: whole.decisions });
});

it('killed again and again gives the same bytes', async () => {
  const whole = await undisturbed();
  // Counted from where each of them takes up: the second checkpoint is the one that says that the run is over.
  const points = ['event:7000', 'checkpoint-written:1', 'checkpoint-renamed:1', 'event:9000', 'checkpoint-begin:1'];
  const { findings, decisions, summary } = await resumed('demo', points);
  expect({ findings, decisions }).toEqual({ findings: whole.findings, decisions: whole.decisions });
  expect(summary['resumedAt']).toBe(20_000);
});

it('cut at twenty points gives the beginning of the same bytes', async () => {
  const whole = await undisturbed();
  const random = createRandom('twenty cuts');
  const lines = linesOfRecording('demo');
  for (let i = 0; i < 20; i++) {
    const cut = Math.floor(((i + random.next()) * lines.length) / 20);
    const { findings, decisions } = await replayedCut('demo', lines.slice(0, cut));
    expect([cut, whole.findings.startsWith(findings)]).toEqual([cut, true]);
    expect([cut, whole.decisions.startsWith(decisions)]).toEqual([cut, true]);
  }
});
