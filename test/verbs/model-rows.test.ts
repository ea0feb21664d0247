import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelToJson } from '../../src/learn/model-file.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { nodeFiles } from '../../src/log/files.js';
import { loadModel, storeModel } from '../../src/pipeline/model-folder.js';
import { createFolderModels, createTopicModels } from '../../src/verbs/model-rows.js';
import { freshDirectory } from '../pipeline/live-world.js';

const modelOf = (version: string) => ({ ...neutralModel(), version });

describe('the models of a data directory', () => {
  async function folder(...versions: readonly string[]): Promise<string> {
    const directory = freshDirectory();
    for (const [i, version] of versions.entries()) {
      await storeModel(nodeFiles, directory, modelOf(version));
      const date = new Date(Date.UTC(2035, 0, 1 + i));
      utimesSync(join(directory, `${version}.json`), date, date);
    }
    return directory;
  }

  it('are whole for all who put the same one in force at once', async () => {
    const directory = await folder('m1');
    const models = createFolderModels(directory);
    expect(await Promise.all(Array.from({ length: 20 }, () => models.prepare('m1')))).toEqual(Array(20).fill(true));
    expect(loadModel(directory, 'm1').version).toBe('m1');
    expect(readdirSync(directory)).toEqual(['m1.json']);
  });

  it('are listed newest first, page by page, with the one that is shipped', async () => {
    const models = createFolderModels(await folder('m1', 'm2', 'm3'));
    const first = await models.list(2, null);
    expect(first.models.map(({ version }) => version)).toEqual(['m3', 'm2']);
    expect(first.models[0]).toMatchObject({ origin: 'learned', card: null, bar: 1, agents: 0 });
    const second = await models.list(2, first.next);
    expect(second.models[0]).toMatchObject({ version: 'm1' });
    expect(second.models[1]).toMatchObject({ origin: 'shipped', card: { model: second.models[1].version } });
    expect(second.next).toBeNull();
  });

  it('are there for the engines once they are prepared', async () => {
    const directory = await folder('m1');
    const models = createFolderModels(directory);
    const { models: rows } = await models.list(10, null);
    const shipped = rows.find(({ origin }) => origin === 'shipped')?.version ?? '';
    expect(await nodeFiles.readdir(directory)).toEqual(['m1.json']);
    expect([await models.prepare('m1'), await models.prepare(shipped), await models.prepare('m9')]).toEqual([
      ...[true, true, false],
    ]);
    expect([...((await nodeFiles.readdir(directory)) ?? [])].sort()).toEqual([`${shipped}.json`, 'm1.json'].sort());
  });
});

describe('the models of the brokers', () => {
  it('are those of the topic, newest first, and looked for again where one is missing', async () => {
    const records: [string, Uint8Array | null][] = [];
    const put = (version: string) =>
      records.push([`model/${version}`, Buffer.from(JSON.stringify(modelToJson(modelOf(version))))]);
    put('m1');
    put('m2');
    records.push(['learner', Buffer.from('{}')]);
    let looks = 0;
    const models = createTopicModels(
      async (take) => {
        looks += 1;
        for (const [key, value] of records) take(key, value);
      },
      () => 0,
    );
    expect(await models.list(1, null)).toMatchObject({ models: [{ version: 'm2', origin: 'learned' }], next: 'm2' });
    expect(await models.list(1, 'm2')).toMatchObject({ models: [{ version: 'm1' }], next: null });
    expect(looks).toBe(1);
    put('m3');
    expect([await models.prepare('m3'), await models.prepare('m4')]).toEqual([true, false]);
  });
});
