/**
 * Room learn/: samples in, versioned cohort models out. Pure: what is learned depends on the samples of a window and
 * on what was learned before, in (time, agent, id) order, never on the order in which partitions delivered them.
 */
import { FEATURE_COUNT } from '../agent/layout.js';
import type { Forest } from '../detect/forest.js';
import type { Cohort, CohortModel, DayLaw } from '../detect/model.js';
import type { Sample } from '../engine/outcome.js';
import { hash64, hex64 } from '../math/hash.js';
import { createRandom } from '../math/random.js';
import { Paces, type PacesJson } from './cohort-laws.js';
import { Cohorts, type CohortsJson, type Group } from './cohorts.js';
import {
  createRotation,
  type Rotation,
  type RotationJson,
  rotate,
  rotationFromJson,
  rotationToJson,
} from './grow-forest.js';
import { Laws, type LawsJson } from './laws.js';

/** What a learner is made with. */
export interface LearnerOptions {
  /** The model that learning starts from. */
  readonly start: CohortModel;
  readonly pagesPerAgentDay: number;
}

interface LearnerJson {
  readonly version: string;
  readonly laws: LawsJson;
  readonly cohorts: CohortsJson;
  readonly paces: PacesJson;
  readonly rotations: readonly [string, RotationJson][];
}

/** Rows that a cohort's forest is grown from; so many rows rebuild every tree. */
const RING_ROWS = 2048;
/** Agents that a learner remembers. */
const AGENTS_MAX = 100_000;
const VERSION_SEED = 0x6d6f646c;
const words = new Uint32Array(2);

/** Learns windows of samples and gives out models. */
export class Learner {
  private readonly options: LearnerOptions;
  private readonly laws: Laws;
  private readonly cohorts = new Cohorts(AGENTS_MAX);
  private readonly paces = new Paces(AGENTS_MAX);
  /** One rotating forest a cohort, by cohort id. */
  private readonly rotations = new Map<string, Rotation>();
  /** A copy of each forest for the models already given out: a model never changes. */
  private readonly published = new Map<string, Forest>();
  private version: string;

  constructor(options: LearnerOptions, snapshot?: unknown) {
    this.options = options;
    this.laws = new Laws(AGENTS_MAX, options.pagesPerAgentDay);
    this.version = options.start.version;
    if (snapshot !== undefined) this.restore(snapshot as LearnerJson);
  }

  /** False pages per agent-day that people accept from here on, (0, 1). */
  setBudget(pagesPerAgentDay: number): void {
    this.laws.setBudget(pagesPerAgentDay);
  }

  /** Learns a window's samples and makes the next model; null where there was nothing to learn. */
  close(windowEndMs: number, samples: readonly Sample[]): CohortModel | null {
    if (samples.length === 0) return null;
    const ordered = [...samples].sort(order);
    const { start } = this.options;
    const rows = new Map<string, number[]>();
    const cohortOf = new Map<string, string>();
    for (const group of this.cohorts.group()) for (const member of group.members) cohortOf.set(member, group.id);
    for (const sample of ordered) {
      if (sample.kind === 'day') {
        this.laws.learn(sample, start.days);
        this.paces.learn(sample);
        this.cohorts.meet(sample.agent);
      } else if (sample.kind === 'adopted') this.cohorts.adopt(sample.agent, sample.what, sample.hash);
      else if (sample.kind === 'role') this.cohorts.assign(sample.agent, sample.role);
      else {
        const cohort = cohortOf.get(sample.agent);
        if (cohort === undefined) continue;
        const list = rows.get(cohort);
        if (list === undefined) rows.set(cohort, [...sample.values]);
        else list.push(...sample.values);
      }
    }
    for (const [cohort, values] of rows) this.grow(cohort, values, windowEndMs);
    this.version = nextVersion(this.version, windowEndMs, ordered);
    return this.model(this.laws.bar());
  }

  snapshot(): unknown {
    const json: LearnerJson = {
      version: this.version,
      laws: this.laws.snapshot(),
      cohorts: this.cohorts.snapshot(),
      paces: this.paces.snapshot(),
      rotations: [...this.rotations].map(([id, rotation]) => [id, rotationToJson(rotation)]),
    };
    return json;
  }

  private restore(json: LearnerJson): void {
    this.version = json.version;
    this.laws.restore(json.laws);
    this.cohorts.restore(json.cohorts);
    this.paces.restore(json.paces);
    for (const [id, saved] of json.rotations) {
      const rotation = rotationFromJson(saved);
      if ('rejected' in rotation) throw new Error(`learner snapshot, cohort ${id}: ${rotation.reason}`);
      this.rotations.set(id, rotation);
    }
  }

  /** The model as it stands; also what a restored learner hands to a restored engine. */
  model(bar = this.laws.bar()): CohortModel {
    const { start } = this.options;
    const groups = this.cohorts.group();
    this.forgetOld(groups);
    const cohortOf = new Map<string, number>();
    groups.forEach((group, i) => {
      for (const member of group.members) cohortOf.set(member, i);
    });
    const laws = this.laws.laws(start);
    return {
      version: this.version,
      cohortOf,
      cohorts: groups.map((group) => this.cohort(group, laws.days)),
      targets: this.cohorts.targets(),
      users: this.cohorts.users(),
      ...laws,
      windowMean: start.windowMean,
      windowSquare: start.windowSquare,
      bar,
    };
  }

  /** Forests of cohorts that are no more. */
  private forgetOld(groups: readonly Group[]): void {
    const ids = new Set(groups.map((group) => group.id));
    for (const id of [...this.rotations.keys()]) {
      if (ids.has(id)) continue;
      this.rotations.delete(id);
      this.published.delete(id);
    }
  }

  private cohort(group: Group, days: readonly DayLaw[]): Cohort {
    let forest = this.published.get(group.id) ?? null;
    const rotation = this.rotations.get(group.id);
    if (forest === null && rotation !== undefined && rotation.forest.grown) {
      forest = copyForest(rotation.forest);
      this.published.set(group.id, forest);
    }
    const { id, members, adopters } = group;
    // Agents that have adopted nothing are not alike for that.
    const isAlike = adopters.size > 0;
    const law = isAlike ? this.paces.law(members, this.options.start, () => this.laws.daysOf(members, days)) : null;
    return { id, members: members.length, adopters, forest, law };
  }

  private grow(cohort: string, values: readonly number[], windowEndMs: number): void {
    let rotation = this.rotations.get(cohort);
    if (rotation === undefined) {
      rotation = createRotation({ dims: FEATURE_COUNT, capacity: RING_ROWS });
      this.rotations.set(cohort, rotation);
    }
    const { oldest } = rotation;
    const { grown } = rotation.forest;
    rotate(rotation, Float64Array.from(values), createRandom(`${cohort}:${windowEndMs}`));
    // A window too small to rebuild a tree leaves the forest as it was given out.
    if (rotation.oldest !== oldest || rotation.forest.grown !== grown || values.length >= RING_ROWS * FEATURE_COUNT) {
      this.published.delete(cohort);
    }
  }
}

/** The order that learning is defined in. */
function order(a: Sample, b: Sample): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.agent !== b.agent) return a.agent < b.agent ? -1 : 1;
  // Of two records of one moment the texts decide, whatever order they came in.
  const x = `${a.id}\u0000${JSON.stringify(a)}`;
  const y = `${b.id}\u0000${JSON.stringify(b)}`;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A version is a chain: it names the version before it and the samples that made the difference. */
function nextVersion(before: string, windowEndMs: number, samples: readonly Sample[]): string {
  hash64(before, VERSION_SEED, words);
  for (const sample of samples) hash64(JSON.stringify(sample), (words[0] ^ words[1]) >>> 0, words);
  return `m-${windowEndMs}-${hex64(words[0], words[1]).slice(0, 8)}`;
}

function copyForest(forest: Forest): Forest {
  return { ...forest, feature: forest.feature.slice(), cuts: forest.cuts.slice(), right: forest.right.slice() };
}
