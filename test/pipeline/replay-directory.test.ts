/** A server's log replayed: it says what the server said, with the models that it had. Threads run compiled files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { openFileLog, partitionsOf } from '../../src/log/file-log.js';
import { nodeFiles } from '../../src/log/files.js';
import { lockDirectory } from '../../src/log/lock.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf } from '../../src/pipeline/layout.js';
import { type Live, startLive } from '../../src/pipeline/live.js';
import { loadModel, storeModel } from '../../src/pipeline/model-folder.js';
import { holdsServerData, replayDirectory } from '../../src/pipeline/replay-directory.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { freshDirectory, linesOf, PRICES, policyOf, simulatedLines, talkative } from './live-world.js';

const WORKER = new URL('../../dist/pipeline/worker.js', import.meta.url);
const LINES = simulatedLines(4, 4);
const ADAPTERS = { openFileLog, partitionsOf };

const running = new Set<Live<Registry>>();
afterEach(async () => {
  for (const live of running) await live.stop();
  running.clear();
});

/** A directory as a server leaves it that has played the lines. */
async function served(learning: Record<string, unknown>): Promise<string> {
  const directory = freshDirectory();
  const live = await startLive<Registry>({
    directory,
    config: talkative({ partitions: 2, learning }),
    policy: policyOf('observe'),
    startModel: neutralModel(),
    prices: PRICES,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings: { add: () => undefined },
    onFinding: () => undefined,
    report: () => undefined,
    workerUrl: WORKER,
    clock: 'recording',
  });
  running.add(live);
  await live.feed(LINES);
  await live.drained();
  running.delete(live);
  await live.stop();
  return directory;
}

async function written(directory: string): Promise<string[]> {
  const topics = { [findingsTopic(0)]: 1, [findingsTopic(1)]: 1 };
  const log = await openFileLog({ directory: layoutOf(directory).log, topics, readOnly: true });
  const lines = [];
  for (const partition of [0, 1])
    lines.push(...(await linesOf({ log, topic: findingsTopic(partition), partition: 0 })));
  await log.close();
  return lines;
}

const replayTo = (directory: string, findingsPath: string | null) =>
  replayDirectory({ directory, prices: PRICES, findingsPath, adapters: ADAPTERS });

describe('the log of a server, replayed', () => {
  it('gives the findings of the server byte for byte, under the models that were activated', async () => {
    const directory = await served({ every: '6h' });
    const path = join(freshDirectory(), 'findings.jsonl');
    const summary = await replayTo(directory, path);
    const lines = await written(directory);
    expect(readFileSync(path, 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''));
    expect(lines.length).toBeGreaterThan(5);
    expect(summary).toMatchObject({ partitions: 2, events: LINES.length, rejected: 0 });
    expect(summary.findings).toBe(new Set(lines.map((line) => JSON.parse(line).id)).size);
    expect(summary.activations).toBeGreaterThan(10);
    const models = new Set(lines.map((line) => JSON.parse(line).model as string));
    expect(models.size).toBeGreaterThan(1);

    // It obeys the model that is named, and learns nothing itself: another model of that name says something else.
    const [version] = [...models].filter((name) => name !== 'neutral');
    const { models: folder } = layoutOf(directory);
    await storeModel(nodeFiles, folder, { ...loadModel(folder, version), bar: 1e6 });
    const other = join(freshDirectory(), 'other.jsonl');
    await replayTo(directory, other);
    expect(readFileSync(other, 'utf8')).not.toBe(readFileSync(path, 'utf8'));
  });

  it('stays with the first model where nothing was learned', async () => {
    const directory = await served({ inline: false });
    const path = join(freshDirectory(), 'findings.jsonl');
    expect(await replayTo(directory, path)).toMatchObject({ activations: 0 });
    expect(readFileSync(path, 'utf8')).toBe((await written(directory)).map((line) => `${line}\n`).join(''));
  });

  it('is refused where a model is missing, or there is no server’s data', async () => {
    const directory = await served({ every: '6h' });
    const { models } = layoutOf(directory);
    const log = await openFileLog({
      directory: layoutOf(directory).log,
      topics: { [EVENTS_TOPIC]: 2 },
      readOnly: true,
    });
    const records = await linesOf({ log, topic: EVENTS_TOPIC, partition: 0 });
    await log.close();
    const line = records.find((record) => record.startsWith('{"type":"model"')) ?? '';
    const { version } = JSON.parse(line) as { version: string };
    await nodeFiles.unlink(join(models, `${version}.json`));
    await expect(replayTo(directory, null)).rejects.toThrow(version);
    const nowhere = freshDirectory();
    expect([await holdsServerData(directory), await holdsServerData(nowhere)]).toEqual([true, false]);
    await expect(replayTo(nowhere, null)).rejects.toMatchObject({ code: 'usage' });
  });
});
