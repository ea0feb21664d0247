/**
 * Verdicts and suppressions over a server with its log in files and the API before it, on a recording's clock: weeks
 * pass in seconds. What is heard is muted, what is worse pages, both end on time and are undone in one call, and a
 * replay of what the server kept says the same to the byte.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createClient } from '../../src/api/client.js';
import type { Role } from '../../src/api/contract.js';
import type { FindingAnswer } from '../../src/api/schema.js';
import { type Finding, isPage } from '../../src/decide/finding.js';
import { openFileLog, partitionsOf } from '../../src/log/file-log.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf } from '../../src/pipeline/layout.js';
import { runProgram } from '../../src/verbs/program.js';
import type { Served } from '../../src/verbs/serve.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { loop, ordinary, wireLines } from '../engine/verdict-of.js';
import { DAY_MS, HOUR_MS, START_MS } from '../engine/world.js';
import { linesOf as recordsOf } from '../pipeline/live-world.js';
import { createSaid } from '../verbs/said.js';
import { until } from './program.js';

/** Ten in the morning of a day. */
const at = (day: number): number => START_MS + day * DAY_MS + 10 * HOUR_MS;

/** Who does the same work; each has the trouble once, from the day on that is theirs. */
const CLERKS = ['clerk-1', 'clerk-2', 'clerk-3', 'clerk-4', 'clerk-5', 'clerk-6'];
const TRAFFIC = wireLines([
  ...[...CLERKS, 'job'].flatMap((agent) => ordinary(agent, 13)),
  ...[60, 60, 60, 150, 60, 60].flatMap((calls, i) => loop(CLERKS[i], at(7 + i), calls)),
  ...[7, 8, 9].flatMap((day) => loop('job', at(day), 60)),
  ...loop('job', at(9) + 5 * HOUR_MS, 150),
  ...loop('job', at(10), 150),
]);

let server: Served;
let folder: string;
let dir: string;
let admin: Client;
let fed = 0;
/** What was said, and every finding line that the server wrote. */
const said = { foreseen: [] as string[] | undefined, suppression: '', verdict: '', undone: '', muted: [] as unknown[] };
let lines: string[] = [];
let findings: Finding[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-verdicts-'));
  dir = join(folder, 'data');
  mkdirSync(dir, { mode: 0o700 });
  const policy = join(folder, 'policy.yaml');
  const rule = '{ name: all, when: { severity: medium }, do: { action: suspend, for: 1h } }';
  writeFileSync(policy, `name: p\nmode: observe\nrules:\n  - ${rule}\n`);
  // The built one: its threads run compiled files.
  const built = new URL('../../dist/verbs/serve.js', import.meta.url).href;
  const { serve } = (await import(built)) as typeof import('../../src/verbs/serve.js');
  server = await serve({
    setup: loadSetup({ policy, data: dir }),
    ...{ dir, clock: 'recording', port: 0, history: false },
    ...{ onFinding: () => undefined, onChange: () => undefined, report: () => undefined },
  });
  const tokens = JSON.parse(readFileSync(join(dir, 'tokens.json'), 'utf8')) as Record<string, string>;
  admin = createClient({ address: server.address, token: tokens['admin'] });
  await live();
  lines = await written((partition) => [findingsTopic(partition), 0]);
  findings = lines.map((line) => JSON.parse(line) as Finding);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function pageOf(agent: string, day: number): Promise<FindingAnswer> {
  const { findings: all } = await admin.findings({ agent, kinds: 'retry-loop', severity: 'medium' });
  const page = all.find(({ time }) => Math.abs(Date.parse(time) - at(day)) < 10 * HOUR_MS);
  if (page === undefined) throw new Error(`${agent} was not paged about on day ${day}`);
  return page;
}

/** Feeds what happens up to then. */
const evening = (day: number) => feedUntil(at(day) + 10 * HOUR_MS);

async function feedUntil(timeMs: number): Promise<void> {
  const next = TRAFFIC.findIndex((line, i) => i >= fed && Date.parse(JSON.parse(line).time) >= timeMs);
  const to = next === -1 ? TRAFFIC.length : next;
  await server.live.feed(TRAFFIC.slice(fed, to));
  await server.live.drained();
  fed = to;
}

/** The lines of a topic, partition by partition. */
async function written(topicOf: (partition: number) => readonly [topic: string, partition: number]): Promise<string[]> {
  const { log: directory } = layoutOf(dir);
  const count = (await partitionsOf(directory, EVENTS_TOPIC)) ?? 0;
  const places = Array.from({ length: count }, (_, partition) => topicOf(partition));
  const topics = Object.fromEntries(places.map(([topic, partition]) => [topic, partition + 1]));
  const log = await openFileLog({ directory, topics, readOnly: true });
  const lines: string[] = [];
  for (const [topic, partition] of places) lines.push(...(await recordsOf({ log, topic, partition })));
  await log.close();
  return lines;
}

/** Waits until the engines have been told what was said, and have taken it. */
async function told(type: string, id: string): Promise<void> {
  const isIt = (line: string) => line.startsWith(`{"type":"${type}"`) && line.includes(`"id":"${id}"`);
  await until(`${type} ${id} is told`, async () => {
    return (await written((partition) => [EVENTS_TOPIC, partition])).some(isIt);
  });
  await server.live.drained();
}

async function personOf(role: Role): Promise<Client> {
  const { token } = await admin.createToken({ name: role, roles: [role] });
  return createClient({ address: server.address, token });
}

/** What is said on which evening, and what came of it, in the order in which it happened. */
async function live(): Promise<void> {
  await feedUntil(START_MS + DAY_MS);
  for (const agent of CLERKS) await admin.register(agent, { role: 'desk' });
  const analyst = await personOf('analyst');

  await evening(7);
  const wish = { finding: (await pageOf('job', 7)).id, below: 'critical', reason: 'a load test' } as const;
  const lasting = { ...wish, until_ms: at(10) - 2 * HOUR_MS };
  said.foreseen = (await analyst.suppress(lasting, true)).would_mute?.newest.map(({ id }) => id);
  said.suppression = (await analyst.suppress(lasting)).suppression.id ?? '';
  await told('suppress', said.suppression);

  await evening(8);
  const verdict = { verdict: 'false-positive', role: true } as const;
  const first = { ...verdict, finding: (await pageOf('clerk-2', 8)).id, for_ms: 2 * DAY_MS };
  said.verdict = (await admin.giveVerdict(first)).id;
  await told('verdict', said.verdict);

  await evening(10);
  const again = (await analyst.suppress({ ...wish, whole_tenant: true, for_ms: DAY_MS })).suppression.id ?? '';
  await told('suppress', again);
  said.undone = (await analyst.undoSuppression(again)).state;
  await told('suppress-undo', again);
  said.muted = (await analyst.suppressions({ all: 'true' })).suppressions.map(({ id, muted }) => [id === again, muted]);

  await evening(11);
  const second = await admin.giveVerdict({ ...verdict, finding: (await pageOf('clerk-5', 11)).id });
  await told('verdict', second.id);
  await admin.undoVerdict(second.id);
  await told('verdict-undo', second.id);
  await feedUntil(Number.POSITIVE_INFINITY);
}

/** Of that day, of whatever kind. */
const ofDay = (agent: string, day: number): Finding[] =>
  findings.filter(({ root, time }) => root === agent && Math.abs(Date.parse(time) - at(day)) < 10 * HOUR_MS);
const linesAt = (agent: string, day: number): Finding[] =>
  ofDay(agent, day).filter(({ kind }) => kind === 'retry-loop');
const pagesAt = (agent: string, day: number): Finding[] => ofDay(agent, day).filter(({ severity }) => isPage(severity));

/** Notices that say what muted them, and ask for nothing. */
function expectMuted(agent: string, day: number, by: string): void {
  const lines = linesAt(agent, day);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toMatchObject({ severity: 'low', proposal: null, mutedBy: by });
  expect(pagesAt(agent, day)).toEqual([]);
}

function expectPages(agent: string, day: number): void {
  const pages = pagesAt(agent, day);
  expect(pages.length).toBeGreaterThan(0);
  for (const page of pages) expect(page.mutedBy).toBe(undefined);
  expect(ofDay(agent, day).some(({ proposal }) => proposal !== null)).toBe(true);
}

describe('a false-positive verdict on a role', () => {
  it('removes the identical recurrence: a notice, no page, no proposal', () => {
    expectPages('clerk-2', 8);
    expectMuted('clerk-3', 9, said.verdict);
  });

  it('keeps one that is more than twice as bad', () => {
    expect(linesAt('clerk-4', 10)[0]).toMatchObject({ severity: 'low', mutedBy: said.verdict });
    expectPages('clerk-4', 10);
  });

  it('expires on time', () => expectPages('clerk-5', 11));

  it('is undone in one call', () => expectPages('clerk-6', 12));
});

describe('a suppression', () => {
  it("says what it would have muted, and is an analyst's to make, not a viewer's", async () => {
    // The loop of that day was critical in the end: such findings it leaves alone.
    expect(said.foreseen).not.toContain(pagesAt('job', 7).at(-1)?.id);
    const viewer = await personOf('viewer');
    const wish = { agent: 'job', for_ms: DAY_MS, reason: 'none' };
    await expect(viewer.suppress(wish)).rejects.toMatchObject({ code: 'api.forbidden' });
    await expect(viewer.undoSuppression(said.suppression)).rejects.toMatchObject({ code: 'api.forbidden' });
    expect((await viewer.suppressions({ all: 'true' })).suppressions.length).toBe(2);
  });

  it('removes the recurrence, and leaves everybody else alone', () => {
    expectPages('job', 7);
    expectMuted('job', 8, said.suppression);
    expectPages('clerk-2', 8);
  });

  it('keeps what is graver than it may mute', () => {
    const [first, ...rest] = linesAt('job', 9);
    expect(first).toMatchObject({ severity: 'low', proposal: null, mutedBy: said.suppression });
    expect(rest.map(({ severity, mutedBy }) => [severity, mutedBy])).toEqual([['critical', undefined]]);
  });

  it('expires on time', () => {
    expectPages('job', 10);
    expect(pagesAt('job', 10)[0].severity).not.toBe('critical');
  });

  it('is undone in one call', () => {
    expect(said.undone).toBe('undone');
    expectPages('clerk-5', 11);
    expect(pagesAt('clerk-5', 11)[0].severity).not.toBe('critical');
  });

  it('tells how much it muted', () => {
    // That of the ninth day paged in the end.
    expect(said.muted).toEqual([
      [true, 0],
      [false, 1],
    ]);
  });
});

describe("a replay of the server's data", () => {
  it('says the same, to the byte', async () => {
    await server.stop();
    const path = join(folder, 'again.jsonl');
    const { terminal, err } = createSaid();
    expect([await runProgram(['replay', dir, '--findings', path], terminal), err()]).toEqual([0, '']);
    const again = readFileSync(path, 'utf8');
    expect(again).toBe(lines.map((line) => `${line}\n`).join(''));
    expect(again.split(said.verdict).length).toBeGreaterThan(2);
    expect(again.split(said.suppression).length).toBeGreaterThan(2);
  });
});
