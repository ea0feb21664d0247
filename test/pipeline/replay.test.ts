import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config.js';
import type { Finding } from '../../src/decide/finding.js';
import { createRandom } from '../../src/math/random.js';
import { replay } from '../../src/pipeline/replay.js';
import type { ReplayDecision, ReplaySummary } from '../../src/pipeline/replay-summary.js';
import { FaultyFiles } from '../log/faulty-files.js';
import {
  freshDir,
  LINES,
  optionsFor,
  parsed,
  recordingOf,
  STOPPING,
  TALKATIVE,
  writingTo,
  writtenIn,
} from './replay-world.js';

/** What a summary says of the run itself, not of the recording. */
const lasting = ({ wallMs: _, eventsPerSecond: __, ...summary }: ReplaySummary) => summary;
const without = (detection: object) => parseConfig({ detection, learning: { inline: false } }, 'test');

/** Finding lines of a recording. */
async function findingsOf(lines: readonly string[], more = {}): Promise<string> {
  const dir = await freshDir();
  await replay(writingTo(dir, await recordingOf(lines), more));
  return (await writtenIn(dir)).findings;
}

/** The finding lines of the whole recording. */
let whole = '';
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'killdeer-whole-'));
  const onFinding = (finding: Finding) => {
    whole += `${JSON.stringify(finding)}\n`;
  };
  await replay({ ...optionsFor(await recordingOf(LINES, dir)), onFinding });
  await rm(dir, { recursive: true });
  expect(parsed(whole).length).toBeGreaterThan(3);
});

describe('a replay', () => {
  test('gives the same bytes twice, compressed or not, kept or not', async () => {
    const [a, b] = [await freshDir(), await freshDir()];
    const recording = await recordingOf(LINES);
    await writeFile(join(b, 'events.jsonl.gz'), gzipSync(await readFile(join(recording, 'events.jsonl'))));
    const first = await replay(writingTo(a, recording));
    const second = await replay(writingTo(b, b, { stateDir: join(b, 'state'), checkpointEvery: 1000 }));
    expect(lasting(second)).toEqual(lasting(first));
    expect(await writtenIn(b)).toEqual(await writtenIn(a));
    expect((await writtenIn(a)).findings).toBe(whole);
  });

  test('says what it found', async () => {
    const findings: Finding[] = [];
    const decisions: ReplayDecision[] = [];
    const dir = await freshDir();
    const summary = await replay({
      ...writingTo(dir, await recordingOf(LINES)),
      onFinding: (finding) => findings.push(finding),
      onDecision: (decision) => decisions.push(decision),
    });
    const { findings: lines, decisions: decided } = await writtenIn(dir);
    expect(parsed(lines)).toEqual(findings);
    expect(parsed(decided)).toEqual(decisions);
    const last = new Map(findings.map((finding) => [finding.id, finding.severity]));
    expect(summary.findings).toBe(last.size);
    expect(summary.pages).toBe([...last.values()].filter((s) => s !== 'info' && s !== 'low').length);
    expect(Object.values(summary.byKind).reduce((sum, n) => sum + n, 0)).toBe(last.size);
    expect(summary.pagesPerAgentDay).toBeCloseTo(summary.pages / summary.agentDays, 12);
    expect([summary.events, summary.lines, summary.agents]).toEqual([LINES.length, LINES.length, 3]);
    const times = LINES.map((line) => (JSON.parse(line) as { time: string }).time).sort();
    expect([summary.from, summary.to]).toEqual([times[0], times.at(-1)]);
    expect(summary.models).toMatchObject({ first: 'neutral', last: expect.stringMatching(/^m-/) });
    expect(summary.models.activated).toBeGreaterThan(24);
  });

  test('applies stops on the recording’s clock, lifts them in time, and counts what came after', async () => {
    const decisions: ReplayDecision[] = [];
    const summary = await replay({
      ...optionsFor(await recordingOf(LINES)),
      onDecision: (decision) => decisions.push(decision),
    });
    expect(summary.applied.count).toBeGreaterThan(0);
    expect(summary.applied.first).toEqual(decisions.filter(({ effect }) => effect === 'applied'));
    expect(summary.eventsAfterStop).toBeGreaterThan(0);
    for (const [at, { effect, agent, time, status }] of decisions.entries()) {
      if (effect !== 'applied' && effect !== 'prolonged') continue;
      expect(status).toBe('suspended');
      const next = decisions.slice(at + 1).find((d) => d.agent === agent && d.effect !== 'refused');
      if (next?.effect === 'expired') expect(Date.parse(next.time) - Date.parse(time)).toBe(3_600_000);
      else if (next !== undefined) expect(next.effect).toBe('prolonged');
    }
    expect(decisions.some(({ effect }) => effect === 'prolonged')).toBe(true);
    const observed = await replay(optionsFor(await recordingOf(LINES), { policy: { ...STOPPING, mode: 'observe' } }));
    expect(observed.observed.count).toBeGreaterThan(0);
    expect([observed.applied.count, observed.eventsAfterStop]).toEqual([0, 0]);
  });

  test('of senders that are not bound alerts and stops nobody', async () => {
    const summary = await replay(optionsFor(await recordingOf(LINES), { bound: false }));
    expect(summary.findings).toBeGreaterThan(0);
    expect([summary.applied.count, summary.skipped.count]).toEqual([0, 0]);
  });

  test('takes agents as people described them, budgets included', async () => {
    const { agent } = JSON.parse(LINES[0]) as { agent: string };
    const registryImport = [
      { agent, role: 'clerk', owner: 'ann', labels: ['money'], budgets: { sessionUsd: null, dayUsd: 1e-6 } },
    ];
    const found: Finding[] = [];
    const options = optionsFor(await recordingOf(LINES), {
      registryImport,
      onFinding: (finding) => found.push(finding),
    });
    const { applied } = await replay(options);
    expect(found.some((finding) => finding.kind === 'budget' && finding.root === agent)).toBe(true);
    expect(applied.first.some((decision) => decision.agent === agent)).toBe(true);
  });

  test('never writes over its recording, nor two outputs into one file', async () => {
    const dir = await recordingOf(LINES.slice(0, 10));
    const path = join(dir, 'events.jsonl');
    await expect(replay(optionsFor(dir, { findingsPath: path }))).rejects.toMatchObject({ code: 'usage' });
    const twice = { findingsPath: join(dir, 'o'), decisionsPath: join(dir, '.', 'o') };
    await expect(replay(optionsFor(dir, twice))).rejects.toMatchObject({ code: 'usage' });
    expect((await readFile(path, 'utf8')).split('\n').length).toBe(11);
  });

  test('that finds no space, or no folder, says so', async () => {
    const files = new FaultyFiles(1);
    files.diskBytesMax = 1000;
    const recording = await recordingOf(LINES);
    const full = replay(optionsFor(recording, { files, findingsPath: '/findings.jsonl' }));
    await expect(full).rejects.toMatchObject({ code: 'log.disk-full' });
    const nowhere = replay(optionsFor(recording, { findingsPath: join(recording, 'gone', 'f.jsonl') }));
    await expect(nowhere).rejects.toMatchObject({ code: 'log.write-failed' });
  });
});

describe('a recording cut anywhere gives a prefix of the findings', () => {
  test('between lines and inside them', async () => {
    const text = LINES.map((line) => `${line}\n`).join('');
    const random = createRandom('cuts');
    for (let i = 0; i < 20; i++) {
      const cut = text.slice(0, Math.floor(random.next() * text.length));
      const dir = await freshDir();
      await writeFile(join(dir, 'events.jsonl'), cut);
      await replay(writingTo(dir, dir));
      const { findings } = await writtenIn(dir);
      expect(whole.startsWith(findings)).toBe(true);
      if (cut.length > text.length * 0.95) expect(findings.length).toBeGreaterThan(0);
    }
  });

  test('inside a compressed stream, which is told', async () => {
    const packed = gzipSync(LINES.map((line) => `${line}\n`).join(''));
    for (const part of [0.3, 0.6, 0.97]) {
      const dir = await freshDir();
      await writeFile(join(dir, 'events.jsonl.gz'), packed.subarray(0, Math.floor(packed.length * part)));
      const summary = await replay(writingTo(dir, dir));
      expect(summary.rejections['recording.truncated']).toBe(1);
      expect(summary.events).toBeGreaterThan(LINES.length * (part - 0.15));
      const { findings, deadLetter } = await writtenIn(dir);
      expect(whole.startsWith(findings)).toBe(true);
      expect(parsed<{ code: string }>(deadLetter).at(-1)?.code).toBe('recording.truncated');
    }
  });

  test('with times that run away before the cut', async () => {
    const far = { ...(JSON.parse(LINES[500]) as object), time: '2031-01-01T00:00:00.000Z' };
    const lines = [...LINES.slice(0, 501), JSON.stringify({ ...far, id: 'far' }), ...LINES.slice(501)];
    const all = await findingsOf(lines);
    for (const cut of [501, 502, 503, 4000]) expect(all.startsWith(await findingsOf(lines.slice(0, cut)))).toBe(true);
  });
});

describe('bad input changes nothing but the counts', () => {
  test('junk, impossible years, times that run away and duplicates', async () => {
    const event = JSON.parse(LINES[2000]) as Record<string, unknown>;
    const like = (id: string, time: string) => JSON.stringify({ ...event, id, time });
    const lines = [
      ...['{"id":', 'null', '\u0000\u0001', like('a', '2099-12-31T23:59:59.999Z')],
      ...LINES.slice(0, 2001),
      ...[like('b', '2100-01-01T00:00:00.000Z'), like('c', '1970-01-01T00:00:00.000Z'), 'x'.repeat(300_000)],
      ...[like('d', '2098-01-01T00:00:00.000Z'), LINES[2000], LINES[1990]],
      ...LINES.slice(2001),
      like('e', '2027-01-01T00:00:00.000Z'),
    ];
    const dir = await freshDir();
    const summary = await replay(writingTo(dir, await recordingOf(lines)));
    expect(summary.rejections).toEqual({
      'event.bad-json': 2,
      'event.invalid': 3,
      'event.too-long': 1,
      'event.time-ahead': 3,
    });
    expect(summary.duplicates).toBe(2);
    expect(summary.events).toBe(LINES.length + 2);
    const { findings, deadLetter } = await writtenIn(dir);
    const placeless = (text: string) => parsed<Finding>(text).map(({ evidence: _, ...finding }) => finding);
    expect(placeless(findings)).toEqual(placeless(whole));
    const letters = parsed<{ position: number; code: string; reason: string; line: string | null }>(deadLetter);
    expect(letters.length).toBe(9);
    for (const { position, code, line } of letters) {
      if (code === 'event.too-long') expect(line).toBeNull();
      else expect(line).toBe(lines[position].slice(0, 500));
    }
  });

  test('events out of order are counted late and lose nobody else a finding', async () => {
    const lines = [...LINES];
    // Every 50th event comes forty lines late.
    for (let i = 1000; i + 40 < lines.length; i += 50) lines.splice(i + 40, 0, ...lines.splice(i, 1));
    const summary = await replay(optionsFor(await recordingOf(lines)));
    expect(summary.events).toBe(LINES.length);
    expect(summary.late).toBeGreaterThan(0);
    expect(summary.findings).toBeGreaterThan(0);
  });

  test('a gap of years is taken where the recording goes on behind it', async () => {
    const later = LINES.slice(0, 100).map((line) => line.replace('"2025-', '"2028-').replace('"id":"', '"id":"z'));
    const summary = await replay(optionsFor(await recordingOf([...LINES.slice(0, 1000), ...later])));
    expect(summary.rejections).toEqual({});
    expect(summary.events).toBe(1100);
  });

  test('a recording of nothing but junk, or of one event, ends well', async () => {
    const junk = await replay(optionsFor(await recordingOf(['a', 'b', ''])));
    expect([junk.events, junk.rejections, junk.from, junk.pagesPerAgentDay]).toEqual([
      0,
      { 'event.bad-json': 2 },
      null,
      0,
    ]);
    const one = await replay(optionsFor(await recordingOf(LINES.slice(0, 1))));
    expect([one.events, one.agents, one.agentDays]).toEqual([1, 1, 1]);
  });
});

test('with learning off, an agent’s findings do not depend on the order of the others', async () => {
  const config = without({ pages_per_agent_day: 0.3, notices_per_agent_day: 0.5 });
  const events = LINES.map((line) => JSON.parse(line) as { agent: string; parent?: string; time: string });
  const rootName = (event: { agent: string }) => event.agent.split('/')[0];
  const mine = parsed<Finding>(whole)[0].root;
  const minute = (i: number) => events[i].time.slice(0, 16);
  const lines = [...LINES];
  const random = createRandom('order');
  // Within a minute the lines of all others change places; those of the agent watched keep theirs.
  for (let start = 0; start < lines.length; ) {
    let end = start;
    while (end < lines.length && minute(end) === minute(start)) end++;
    const places: number[] = [];
    for (let i = start; i < end; i++) if (rootName(events[i]) !== mine) places.push(i);
    const order = places.map((place) => ({ line: LINES[place], key: random.next() })).sort((a, b) => a.key - b.key);
    places.forEach((place, i) => {
      lines[place] = order[i].line;
    });
    start = end;
  }
  expect(lines).not.toEqual(LINES);
  const ofMine = (text: string) => text.split('\n').filter((line) => line.includes(`"root":"${mine}"`));
  const before = ofMine(await findingsOf(LINES, { config }));
  expect(before.length).toBeGreaterThan(0);
  expect(ofMine(await findingsOf(lines, { config }))).toEqual(before);
});

test('another configuration is another digest on every line', async () => {
  const other = await findingsOf(LINES, {
    config: { ...TALKATIVE, detection: { ...TALKATIVE.detection, adopt_sessions: 4 } },
  });
  const digests = (text: string) => new Set(parsed<Finding>(text).map((finding) => finding.config));
  expect(digests(other).size).toBe(1);
  expect(digests(other)).not.toEqual(digests(whole));
});
