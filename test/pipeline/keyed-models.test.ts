import { expect, it } from 'vitest';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { KeyedModels, learnerRecord, modelRecord } from '../../src/pipeline/keyed-models.js';

const VERSIONS = Array.from({ length: 100 }, (_, i) => `v${i}`);

/** A topic with a model of each version, and how often it was read. */
function topicOf(versions: readonly string[]) {
  const topic = { reads: 0, models: null as unknown as KeyedModels };
  const records = versions.map((version) => modelRecord({ ...neutralModel(), version }));
  topic.models = new KeyedModels(async (take) => {
    topic.reads += 1;
    for (const { key, value } of [...records, learnerRecord(Buffer.from('what it knows'))])
      take(key as string, Buffer.from(value as string));
  });
  return topic;
}

it('finds any model of the topic that is asked for', async () => {
  const { models } = topicOf(VERSIONS);
  for (const version of ['v3', 'v97', 'v50']) await models.fetch(version);
  for (const version of ['v3', 'v97', 'v50']) expect(models.source(version).version).toBe(version);
  expect(models.learnerState?.toString()).toBe('what it knows');
});

it('keeps in memory what was asked for and the newest, however many there ever were', async () => {
  const { models } = topicOf(VERSIONS);
  await models.fetch('v3');
  expect(VERSIONS.filter((version) => models.has(version))).toEqual(['v3', 'v98', 'v99']);
});

it('keeps a batch of models that were asked for one by one, and forgets the oldest in the end', async () => {
  const { models } = topicOf(VERSIONS);
  for (const version of VERSIONS.slice(0, 40)) await models.fetch(version);
  const kept = VERSIONS.filter((version) => models.has(version));
  expect(kept.slice(-2)).toEqual(['v98', 'v99']);
  expect(kept.slice(0, -2)).toEqual(VERSIONS.slice(8, 40));
});

it('reads the topic again only for what it has not', async () => {
  const topic = topicOf(VERSIONS);
  for (const version of ['v99', 'v98', 'v99', 'v3', 'v3']) await topic.models.fetch(version);
  expect(topic.reads).toBe(2);
});

it('refuses to go on without a model that a record names', async () => {
  const { models } = topicOf(['v1']);
  await models.fetch('v2');
  expect(() => models.source('v2')).toThrow('model v2 is not in models');
});
