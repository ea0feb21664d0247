import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { lnGumbelTail } from '../../src/math/tail.js';
import { explainRecording, renderExplanation } from '../../src/pipeline/explain.js';
import { replay } from '../../src/pipeline/replay.js';
import type { ReplayDecision } from '../../src/pipeline/replay-summary.js';
import { freshDir, LINES, optionsFor, parsed, recordingOf, writingTo, writtenIn } from './replay-world.js';

/** A line of an agent's first day that no detector finds worth a look. */
const QUIET = 400;

const round = (x: number) => Number(x.toPrecision(4));

async function world() {
  const dir = await freshDir();
  const options = writingTo(dir, await recordingOf(LINES));
  await replay(options);
  const { findings, decisions } = await writtenIn(dir);
  const first = new Map<string, Finding>();
  for (const finding of parsed<Finding>(findings)) if (!first.has(finding.id)) first.set(finding.id, finding);
  return { options, findings: [...first.values()], decisions: parsed<ReplayDecision>(decisions) };
}

describe('explaining a finding', () => {
  test('says again what its line says, found in the file or without it', async () => {
    const { options, findings, decisions } = await world();
    for (const finding of findings) {
      const { findingsPath } = options;
      const looked = await explainRecording({ ...options, findingsPath, id: finding.id });
      const searched = await explainRecording({ ...options, findingsPath: null, id: finding.id });
      expect(looked).toEqual({ ...searched, stored: finding });
      if (finding.kind === 'breaker-open') {
        expect(looked).toMatchObject({ fate: 'responder', step: null, finding: { lines: [finding] } });
        continue;
      }
      if (looked === null || looked.step === null) throw new Error('not explained');
      const { step } = looked;
      expect(looked.finding).toMatchObject({ outcome: 'raised', open: { id: finding.id, kind: finding.kind } });
      expect(looked.finding.lines).toContainEqual(finding);
      expect(looked.offset).toBe(finding.evidence[0].offset);
      expect(looked.event?.id ?? null).toBe(finding.evidence[0].event);
      expect(looked.fate).toBe(looked.event === null ? 'tick' : 'scored');
      expect(round(step.p)).toBe(finding.p);
      expect(step.identity).toMatchObject({
        root: finding.root,
        bound: true,
        model: finding.model,
        config: finding.config,
      });
      for (const { detector, observed, expected, share } of finding.attribution) {
        const verdict = step.detectors.find((one) => one.name === detector);
        if (verdict === undefined) throw new Error(`no ${detector}`);
        expect(verdict.ran).toBe(true);
        const { score, any, mu, beta, stated } = verdict;
        if (stated > 0) expect(-Math.log(any) - lnGumbelTail(score, mu, beta)).toBeCloseTo(stated, 9);
        expect(round(verdict.share)).toBe(share);
        if (detector === 'joint') continue;
        expect([round(verdict.observed), round(verdict.expected)]).toEqual([observed, expected]);
      }
      const keys = looked.proposals.map((proposal) => proposal.key);
      expect(keys.includes(finding.proposal ?? '')).toBe(finding.proposal !== null);
      expect(looked.decisions).toEqual(
        decisions.filter(({ proposal }) => proposal !== null && keys.includes(proposal)),
      );
    }
  });

  test('reads like a page for a person', async () => {
    const { options, findings } = await world();
    const stopped = findings.find((finding) => finding.proposal !== null && finding.evidence[0].event !== null);
    if (stopped === undefined) throw new Error('nothing was stopped');
    const explanation = await explainRecording({ ...options, id: stopped.id });
    if (explanation === null) throw new Error('not found');
    const text = renderExplanation(explanation);
    const labels = text.split('\n').map((line) => line.slice(0, 11).trim());
    for (const label of [
      'decode',
      'identity',
      'profile',
      'model',
      'windows',
      'endpoint',
      'fused',
      'finding',
      'policy',
      'registry',
    ]) {
      expect(labels).toContain(label);
    }
    expect(text).toContain(stopped.id);
    expect(text).toContain(stopped.title.slice(0, 60));
    expect(text.split('\n').length).toBeLessThan(32);
    expect(text).toMatch(/detector +score +any +law +stated/);
    for (const stray of ['undefined', 'NaN', 'null', '\u001b']) expect(text).not.toContain(stray);
    expect(renderExplanation(explanation)).toBe(text);
  });
});

describe('explaining an event', () => {
  test('tells a quiet one apart from one that raised, and evidence that was absorbed', async () => {
    const { options, findings } = await world();
    const quiet = JSON.parse(LINES[QUIET]) as { id: string; agent: string };
    const plain = await explainRecording({ ...options, id: quiet.id });
    expect(plain).toMatchObject({ offset: QUIET, fate: 'scored', event: { agent: quiet.agent }, stored: null });
    expect(plain?.finding.outcome).toBe('none');
    expect(plain?.step?.windows.length).toBeGreaterThan(8);
    expect(plain?.step?.detectors.filter(({ ran }) => ran).length).toBeGreaterThan(7);
    expect(plain?.step?.identity.state).toBe('learning');
    const loud = findings.find((finding) => finding.evidence[0].event !== null);
    const raised = await explainRecording({ ...options, id: loud?.evidence[0].event ?? '' });
    expect(raised?.finding.outcome).toBe('raised');
    expect(raised?.finding.lines[0]).toEqual(loud);
    const storm = LINES.map((line) => JSON.parse(line) as { id: string; agent: string });
    const later = storm.slice((loud?.evidence[0].offset ?? 0) + 1).filter(({ agent }) => agent === loud?.agent)[20];
    const absorbed = await explainRecording({ ...options, id: later.id });
    expect(['absorbed', 'rose', 'none']).toContain(absorbed?.finding.outcome);
    if (absorbed?.finding.outcome === 'absorbed') expect(absorbed.finding.open?.id).toBe(loud?.id);
  });

  test('says why one was not scored', async () => {
    const line = JSON.parse(LINES[100]) as Record<string, unknown>;
    const far = { ...line, id: 'far', time: '2050-01-01T00:00:00.000Z' };
    const lines = [...LINES.slice(0, 200), JSON.stringify(far), ...LINES.slice(200, 300)];
    const options = optionsFor(await recordingOf(lines));
    const refused = await explainRecording({ ...options, id: 'far' });
    expect(refused).toMatchObject({
      offset: 200,
      fate: 'rejected',
      step: null,
      rejection: { code: 'event.time-ahead' },
    });
    if (refused !== null) expect(renderExplanation(refused)).toContain('event.time-ahead');
    expect(await explainRecording({ ...options, id: 'nobody' })).toBeNull();
    expect(await explainRecording({ ...options, id: String(line.id), agent: 'nobody' })).toBeNull();
  });

  test('names the findings file that cannot be read', async () => {
    const options = optionsFor(await recordingOf(LINES.slice(0, 5)));
    const findingsPath = join(await freshDir(), 'gone.jsonl');
    const asked = explainRecording({ ...options, findingsPath, id: 'f-1' });
    await expect(asked).rejects.toMatchObject({ code: 'recording.unreadable' });
    await expect(asked).rejects.toThrow(findingsPath);
  });

  test('changes nothing in the findings file', async () => {
    const { options, findings } = await world();
    const before = await readFile(String(options.findingsPath));
    await explainRecording({ ...options, id: findings[0].id });
    expect((await readFile(String(options.findingsPath))).equals(before)).toBe(true);
  });
});
