/** A cohort model as plain JSON: what models/ ships, what a configuration pins, what an activation names. */
import { z } from 'zod';
import { DETECTOR_COUNT, WINDOW_COUNT } from '../agent/layout.js';
import { forestFromJson, forestToJson } from '../detect/forest.js';
import type { Cohort, CohortLaw, CohortModel } from '../detect/model.js';

const FORMAT = 2;

const finite = z.number();
const dayLaw = z.object({ share: finite.min(0).max(1), mean: finite, within: finite.min(0), between: finite.min(0) });
const tailLaw = z.object({ share: finite.positive().lt(1), from: finite.positive(), stretch: finite.positive() });
const windows = z.array(finite.min(0)).length(WINDOW_COUNT);
const cohortLaw = z.object({
  known: z.number().int().min(1),
  days: z.array(dayLaw).length(DETECTOR_COUNT),
  windowMean: windows,
  windowSquare: windows,
});
const modelSchema = z.object({
  format: z.literal(FORMAT),
  version: z.string().min(1).max(256),
  cohortOf: z.array(z.tuple([z.string(), z.number().int().min(0)])),
  cohorts: z.array(
    z.object({
      id: z.string(),
      members: z.number().int().min(0),
      adopters: z.array(z.tuple([z.string(), z.number().int().min(0)])),
      /** Checked by forestFromJson. */
      forest: z.unknown().nullable(),
      law: cohortLaw.nullable().default(null),
    }),
  ),
  /** Files made before there were any hold none. */
  targets: z.array(z.tuple([z.string(), z.array(z.string())])).default([]),
  users: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.number().int().min(1)]))])).default([]),
  days: z.array(dayLaw).length(DETECTOR_COUNT),
  tails: z.array(tailLaw).length(DETECTOR_COUNT),
  windowMean: windows,
  windowSquare: windows,
  bar: finite.min(1),
});

/** Form of the file. */
export type ModelJson = z.infer<typeof modelSchema>;

function windowsOf(law: CohortLaw): { windowMean: number[]; windowSquare: number[] } {
  return { windowMean: [...law.windowMean], windowSquare: [...law.windowSquare] };
}

/** The model as plain JSON. */
export function modelToJson(model: CohortModel): ModelJson {
  const { version, users, days, tails, windowMean, windowSquare, bar } = model;
  return {
    format: FORMAT,
    version,
    cohortOf: [...model.cohortOf],
    cohorts: model.cohorts.map(({ id, members, adopters, forest, law }) => ({
      id,
      members,
      adopters: [...adopters],
      forest: forest === null ? null : forestToJson(forest),
      law: law === null ? null : { ...law, days: [...law.days], ...windowsOf(law) },
    })),
    targets: Array.from(model.targets, ([tenant, hashes]): [string, string[]] => [tenant, [...hashes]]),
    users: [...users].map(([tenant, counts]) => [tenant, [...counts]]),
    days: [...days],
    tails: [...tails],
    windowMean: [...windowMean],
    windowSquare: [...windowSquare],
    bar,
  };
}

/** The model, or what is wrong with the file in words. */
export function modelFromJson(value: unknown): CohortModel | string {
  const parsed = modelSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `${issue.path.join('.') || 'the file'}: ${issue.message}`;
  }
  const { version, days, tails, windowMean, windowSquare, bar, cohortOf } = parsed.data;
  const users = new Map(parsed.data.users.map(([tenant, counts]) => [tenant, new Map(counts)]));
  const cohorts: Cohort[] = [];
  for (const { id, members, adopters, forest, law } of parsed.data.cohorts) {
    const grown = forest === null ? null : forestFromJson(forest);
    if (grown !== null && 'rejected' in grown) return `the forest of cohort ${id}: ${grown.reason}`;
    cohorts.push({ id, members, adopters: new Map(adopters), forest: grown, law });
  }
  for (const [agent, cohort] of cohortOf) {
    if (cohorts[cohort] === undefined) return `agent ${agent} is in cohort ${cohort}, there are ${cohorts.length}`;
  }
  const targets = new Map(parsed.data.targets.map(([tenant, hashes]) => [tenant, new Set(hashes)] as const));
  const known = { cohortOf: new Map(cohortOf), cohorts, targets, users };
  return { version, ...known, days, tails, windowMean, windowSquare, bar };
}
