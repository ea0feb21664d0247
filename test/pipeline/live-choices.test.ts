/** What people set while a server runs: every partition obeys it, a restart keeps it, a replay of the log repeats it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { openFileLog, partitionsOf } from '../../src/log/file-log.js';
import { lockDirectory } from '../../src/log/lock.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf } from '../../src/pipeline/layout.js';
import { type Live, startLive } from '../../src/pipeline/live.js';
import { replayDirectory } from '../../src/pipeline/replay-directory.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { freshDirectory, linesOf, PRICES, policyOf, simulatedLines, talkative } from './live-world.js';

const WORKER = new URL('../../dist/pipeline/worker.js', import.meta.url);
const LINES = simulatedLines(4, 6);
const HALF = Math.floor(LINES.length / 2);
const BY = { actor: 'person:ada', authority: 't1', parent: 'req-1' } as const;
const BUDGET = { pagesPerAgentDay: 0.001, noticesPerAgentDay: 0.4 };

const running = new Set<Live<Registry>>();
afterEach(async () => {
  for (const live of running) await live.stop();
  running.clear();
});

async function start(directory: string, detection: Record<string, unknown> = {}): Promise<Live<Registry>> {
  const base = talkative({ partitions: 2, learning: { every: '6h' } });
  const live = await startLive<Registry>({
    directory,
    config: { ...base, detection: { ...base.detection, ...detection } },
    policy: policyOf('observe'),
    startModel: neutralModel(),
    prices: PRICES,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings: { add: () => undefined },
    workerUrl: WORKER,
    clock: 'recording',
  });
  running.add(live);
  return live;
}

async function stop(live: Live<Registry>): Promise<void> {
  running.delete(live);
  await live.stop();
}

async function records(directory: string, topic: string, partition: number, partitions: number): Promise<string[]> {
  const log = await openFileLog({
    directory: layoutOf(directory).log,
    topics: { [topic]: partitions },
    readOnly: true,
  });
  const lines = await linesOf({ log, topic, partition });
  await log.close();
  return lines;
}

const eventsOf = (directory: string, partition: number) => records(directory, EVENTS_TOPIC, partition, 2);

async function found(directory: string): Promise<string[]> {
  return (await Promise.all([0, 1].map((p) => records(directory, findingsTopic(p), 0, 1)))).flat();
}

const set = (live: Live<Registry>, key: string, settings = BUDGET) =>
  live.registry.write({ type: 'settings', key, settings, ifVersion: null, comment: null, ...BY });
const choose = (live: Live<Registry>, key: string, version: string | null, pin: boolean) =>
  live.registry.write({ type: 'model-choice', key, version, pin, ...BY });

/** Resolves once the record stands in every partition and was executed. */
async function settled(live: Live<Registry>, isMet: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_200 && !isMet(); tries++) await new Promise((resolve) => setTimeout(resolve, 25));
  await live.drained();
}

const configOf = (live: Live<Registry>) => live.status.stats()['config'] as string;
const modelsOf = (live: Live<Registry>) =>
  (live.status.stats()['partitions'] as { model: string | null }[]).map(({ model }) => model);

describe('settings that a person changes', () => {
  it('are obeyed by every partition from then on, kept by a restart, and repeated by a replay byte for byte', async () => {
    const directory = freshDirectory();
    let live = await start(directory);
    const before = configOf(live);
    await live.feed(LINES.slice(0, HALF));
    expect(await set(live, 'k1')).toMatchObject({ effect: 'applied' });
    await settled(live, () => configOf(live) !== before);
    const after = configOf(live);
    expect(after).not.toBe(before);
    await live.feed(LINES.slice(HALF));
    await live.drained();
    for (const partition of [0, 1]) {
      const told = (await eventsOf(directory, partition)).filter((line) => line.startsWith('{"type":"config"'));
      expect(told.map((line) => JSON.parse(line).settings)).toMatchObject([BUDGET]);
    }
    await stop(live);

    // The file still says what it said: nothing is announced anew.
    live = await start(directory);
    expect(configOf(live)).toBe(after);
    await stop(live);
    expect((await eventsOf(directory, 0)).filter((line) => line.startsWith('{"type":"config"'))).toHaveLength(1);

    const lines = await found(directory);
    const configs = new Set(lines.map((line) => JSON.parse(line).config as string));
    expect(configs).toEqual(new Set([before, after]));
    const path = join(freshDirectory(), 'findings.jsonl');
    const adapters = { openFileLog, partitionsOf };
    await replayDirectory({ directory, prices: PRICES, findingsPath: path, adapters });
    expect(readFileSync(path, 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''));

    // What if it had been another budget all along, and nothing is said of the first days?
    const asked = join(freshDirectory(), 'what-if.jsonl');
    const fromMs = Date.parse(JSON.parse(LINES[HALF]).time);
    const summary = await replayDirectory({
      ...{ directory, prices: PRICES, findingsPath: asked, adapters },
      changed: {
        ...{ fromMs, toMs: null, withoutVerdicts: true },
        settings: (settings) => ({ ...settings, pagesPerAgentDay: 0.3, noticesPerAgentDay: 0.5 }),
      },
    });
    const told = readFileSync(asked, 'utf8').trim().split('\n');
    expect(new Set(told.map((line) => JSON.parse(line).config))).toEqual(new Set([before]));
    expect(told.every((line) => Date.parse(JSON.parse(line).time) >= fromMs)).toBe(true);
    expect(summary.events).toBe(LINES.length);
  });

  it('win over a file that changed meanwhile, which keeps its say in all else', async () => {
    const directory = freshDirectory();
    let live = await start(directory);
    const first = configOf(live);
    await set(live, 'k1');
    await settled(live, () => configOf(live) !== first);
    await stop(live);
    live = await start(directory, { pages_per_agent_day: 0.2, session_idle: 60_000 });
    await live.drained();
    await stop(live);
    const told = (await eventsOf(directory, 1)).filter((line) => line.startsWith('{"type":"config"'));
    expect(told.map((line) => JSON.parse(line).settings).at(-1)).toMatchObject({ ...BUDGET, sessionIdleMs: 60_000 });
  });
});

describe('a model that a person chose', () => {
  it('stays in force while it is pinned, whatever is learned, and gives way once it is not', async () => {
    const directory = freshDirectory();
    const live = await start(directory);
    await live.feed(LINES.slice(0, HALF));
    await live.drained();
    expect(modelsOf(live)).not.toContain('neutral');
    await choose(live, 'k1', 'neutral', true);
    await settled(live, () => modelsOf(live).every((model) => model === 'neutral'));
    expect(modelsOf(live)).toEqual(['neutral', 'neutral']);

    const quarter = Math.floor((LINES.length + HALF) / 2);
    await live.feed(LINES.slice(HALF, quarter));
    await live.drained();
    expect(modelsOf(live)).toEqual(['neutral', 'neutral']);

    await choose(live, 'k2', null, false);
    await live.feed(LINES.slice(quarter));
    await live.drained();
    expect(modelsOf(live)).not.toContain('neutral');
    await stop(live);

    const lines = await found(directory);
    const path = join(freshDirectory(), 'findings.jsonl');
    await replayDirectory({ directory, prices: PRICES, findingsPath: path, adapters: { openFileLog, partitionsOf } });
    expect(readFileSync(path, 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''));
  });
});
