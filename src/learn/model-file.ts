/** A cohort model as plain JSON: what models/ ships, what a configuration pins, what an activation names. */
import { DETECTOR_COUNT, WINDOW_COUNT } from '../agent/layout.js';
import { type ForestJson, forestFromJson, forestToJson } from '../detect/forest.js';
import type { Cohort, CohortModel, DayLaw, TailLaw } from '../detect/model.js';

const FORMAT = 1;

/** Form of the file. */
export interface ModelJson {
  readonly format: number;
  readonly version: string;
  readonly cohortOf: readonly [string, number][];
  readonly cohorts: readonly { id: string; members: number; adopters: [string, number][]; forest: ForestJson | null }[];
  readonly days: readonly DayLaw[];
  readonly tails: readonly TailLaw[];
  readonly windowMean: readonly number[];
  readonly windowSquare: readonly number[];
  readonly bar: number;
}

/** The model as plain JSON. */
export function modelToJson(model: CohortModel): ModelJson {
  const { version, days, tails, windowMean, windowSquare, bar } = model;
  return {
    format: FORMAT,
    version,
    cohortOf: [...model.cohortOf],
    cohorts: model.cohorts.map(({ id, members, adopters, forest }) => ({
      id,
      members,
      adopters: [...adopters],
      forest: forest === null ? null : forestToJson(forest),
    })),
    days,
    tails,
    windowMean,
    windowSquare,
    bar,
  };
}

/** The model, or what is wrong with the file in words. */
export function modelFromJson(value: unknown): CohortModel | string {
  if (typeof value !== 'object' || value === null) return 'it is not an object';
  const json = value as ModelJson;
  if (json.format !== FORMAT) return `its format is ${String(json.format)}, this version reads ${FORMAT}`;
  if (typeof json.version !== 'string' || !Array.isArray(json.cohortOf) || !Array.isArray(json.cohorts)) {
    return 'version, cohortOf or cohorts is missing';
  }
  if (json.days?.length !== DETECTOR_COUNT || json.tails?.length !== DETECTOR_COUNT) {
    return `it has laws for ${json.days?.length ?? 0} detectors, this version has ${DETECTOR_COUNT}`;
  }
  if (json.windowMean?.length !== WINDOW_COUNT || json.windowSquare?.length !== WINDOW_COUNT) {
    return `it has ${json.windowMean?.length ?? 0} windows, this version has ${WINDOW_COUNT}`;
  }
  const cohorts: Cohort[] = [];
  for (const { id, members, adopters, forest } of json.cohorts) {
    const grown = forest === null ? null : forestFromJson(forest);
    if (grown !== null && 'rejected' in grown) return `the forest of cohort ${id}: ${grown.reason}`;
    cohorts.push({ id, members, adopters: new Map(adopters), forest: grown });
  }
  for (const [agent, cohort] of json.cohortOf) {
    if (cohorts[cohort] === undefined) return `agent ${agent} is in cohort ${cohort}, there are ${cohorts.length}`;
  }
  const { version, days, tails, windowMean, windowSquare, bar } = json;
  return { version, cohortOf: new Map(json.cohortOf), cohorts, days, tails, windowMean, windowSquare, bar };
}
