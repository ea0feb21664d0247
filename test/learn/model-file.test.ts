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
    ['nothing', null, /not an object/],
    ['a text', 'model', /not an object/],
    ['another format', { ...json(), format: 99 }, /format is 99/],
    ['no version', { ...json(), version: 1 }, /version/],
    ['no cohorts', { ...json(), cohorts: {} }, /cohorts/],
    ['laws of other detectors', { ...json(), days: [] }, /laws for 0 detectors/],
    ['tails of other detectors', { ...json(), tails: [1] }, /laws/],
    ['other windows', { ...json(), windowMean: [1, 2] }, /2 windows/],
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
