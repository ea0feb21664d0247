import { describe, expect, it } from 'vitest';
import type { CohortModel } from '../../src/detect/model.js';
import { Learner } from '../../src/learn/learner.js';
import { modelFromJson, modelToJson } from '../../src/learn/model-file.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { traffic } from '../engine/traffic.js';
import { DAY_MS, engineOf, linesOf, START_MS, withTicks } from '../engine/world.js';
import { workSamples } from './samples.js';

/** A model with cohorts, adopters and a forest. */
function learnedModel(): CohortModel {
  const samples = workSamples(71, 24 * 6);
  const learner = new Learner({ start: neutralModel(), pagesPerAgentDay: 0.03 });
  learner.close(START_MS + 3 * DAY_MS, samples.slice(0, samples.length >> 1));
  return learner.close(START_MS + 6 * DAY_MS, samples.slice(samples.length >> 1)) as CohortModel;
}

const model = learnedModel();
const read = (value: unknown): CohortModel => {
  const made = modelFromJson(value);
  if (typeof made === 'string') throw new Error(made);
  return made;
};
const json = (): Record<string, unknown> => JSON.parse(JSON.stringify(modelToJson(model)));

describe('model file', () => {
  it('comes back bit for bit', () => {
    expect(model.cohorts.some(({ forest }) => forest !== null)).toBe(true);
    expect(read(json())).toEqual(model);
    expect(JSON.stringify(modelToJson(read(json())))).toBe(JSON.stringify(modelToJson(model)));
    expect(read(JSON.parse(JSON.stringify(modelToJson(neutralModel()))))).toEqual(neutralModel());
  });

  it('scores as the model that it was written from', () => {
    const records = withTicks(traffic({ seed: 72, agents: 8, hours: 60, sessionsPerHour: 3 }));
    expect(linesOf(engineOf({ model: read(json()) }), records)).toEqual(linesOf(engineOf({ model }), records));
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /the file: .*object/],
    ['a text', 'model', /the file: .*object/],
    ['another format', { ...json(), format: 99 }, /^format: /],
    ['no version', { ...json(), version: 1 }, /^version: /],
    ['no cohorts', { ...json(), cohorts: {} }, /^cohorts: /],
    ['laws of other detectors', { ...json(), days: [] }, /^days: /],
    ['tails of other detectors', { ...json(), tails: [1] }, /^tails/],
    ['a cohort that is nothing', { ...json(), cohorts: [null] }, /^cohorts\.0: /],
    ['a cohort without members', { ...json(), cohorts: [{}] }, /^cohorts\.0\.id: /],
    [
      'adopters that are no list',
      { ...json(), cohorts: [{ id: 'x', members: 1, adopters: 5, forest: null }] },
      /^cohorts\.0\.adopters: /,
    ],
    ['half an agent', { ...json(), cohortOf: [1] }, /^cohortOf\.0: /],
    ['laws of nothing', { ...json(), days: model.days.map(() => null) }, /^days\.0: /],
    [
      'a negative variance',
      { ...json(), days: model.days.map((law) => ({ ...law, within: -1 })) },
      /^days\.0\.within: /,
    ],
    ['empty tails', { ...json(), tails: model.tails.map(() => ({})) }, /^tails\.0\.share: /],
    [
      'a tail that begins nowhere',
      { ...json(), tails: model.tails.map((law) => ({ ...law, from: 0 })) },
      /^tails\.0\.from: /,
    ],
    [
      'a tail that is everything',
      { ...json(), tails: model.tails.map((law) => ({ ...law, share: 1 })) },
      /^tails\.0\.share: /,
    ],
    ['a tail of nothing', { ...json(), tails: model.tails.map((law) => ({ ...law, share: 0 })) }, /^tails\.0\.share: /],
    [
      'more days with anything than days',
      { ...json(), days: model.days.map((law) => ({ ...law, share: 1.01 })) },
      /^days\.0\.share: /,
    ],
    [
      'a tail without width',
      { ...json(), tails: model.tails.map((law) => ({ ...law, stretch: 0 })) },
      /^tails\.0\.stretch: /,
    ],
    ['no bar', { ...json(), bar: undefined }, /^bar: /],
    ['a bar in words', { ...json(), bar: 'high' }, /^bar: /],
    ['a bar below one', { ...json(), bar: 0.5 }, /^bar: /],
    ['windows of nothing', { ...json(), windowMean: model.windowMean.map(() => null) }, /^windowMean\.0: /],
    ['other windows', { ...json(), windowMean: [1, 2] }, /^windowMean: /],
    ['an agent in no cohort', { ...json(), cohortOf: [['a', 999]] }, /agent a is in cohort 999/],
    [
      'a broken forest',
      { ...json(), cohorts: [{ id: 'x', members: 1, adopters: [], forest: { dims: -1 } }] },
      /forest of cohort x/,
    ],
  ])('%s is refused in words', (_name, value, reason) => {
    expect(modelFromJson(value)).toMatch(reason);
  });
});
