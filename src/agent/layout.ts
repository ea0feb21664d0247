/**
 * Room agent/: what is known of one agent, in a fixed number of bytes. Pure.
 *
 * This file is the one table of a profile's fields. A profile is a stretch of `PROFILE_BYTES` bytes in a pooled
 * buffer, seen through three views (f64, f32, u32). Detectors own the fields named after them; nobody allocates.
 * `killdeer agent layout` prints this table.
 */

export type View = 'f64' | 'f32' | 'u32';

/** One field of a profile, as the layout prints it. */
export interface Field {
  readonly name: string;
  readonly view: View;
  readonly count: number;
  /** Byte offset inside the profile. */
  readonly byte: number;
  /** Bytes from one value to the next: the width of the view, or more where fields stand in rows. */
  readonly step: number;
  readonly meaning: string;
}

const fields: Field[] = [];
let bytes = 0;

/** Declares a field and returns its index in units of its own view. */
function field(view: View, name: string, count: number, meaning: string): number {
  const width = view === 'f64' ? 8 : 4;
  bytes = Math.ceil(bytes / width) * width;
  fields.push({ name, view, count, byte: bytes, step: width, meaning });
  bytes += count * width;
  return (bytes - count * width) / width;
}

/**
 * Declares fields of one width whose values stand in `count` rows, one of each field a row: what is used together lies
 * together. Returns their indexes in units of their own view; from one row to the next it is as many as there are fields.
 */
function rows<N extends string>(
  count: number,
  columns: readonly (readonly [view: View, name: N, meaning: string])[],
): Record<N, number> {
  const width = columns[0][0] === 'f64' ? 8 : 4;
  bytes = Math.ceil(bytes / width) * width;
  const step = columns.length * width;
  const indexes: Partial<Record<N, number>> = {};
  columns.forEach(([view, name, meaning], i) => {
    const byte = bytes + i * width;
    fields.push({ name, view, count, byte, step, meaning });
    indexes[name] = byte / width;
  });
  bytes += count * step;
  return indexes as Record<N, number>;
}

/** Detectors whose scores are calibrated, in the order of every per-detector array; last, all of them together. */
export const DETECTORS = [
  'rate',
  'starts',
  'delegation',
  'errors',
  'novelty',
  'creep',
  'session',
  'spend',
  'drift',
  'wake',
  'recurrence',
  'egress',
  'mixing',
  'origin',
  'ledger',
  'ramp',
  'stray',
  'joint',
  'silence',
  'fused',
] as const;
export type DetectorName = (typeof DETECTORS)[number];
/** Detectors of the pace of calls, sessions and spend, whose largest days are remembered. */
export const RECORDED: readonly DetectorName[] = ['rate', 'starts', 'spend'];
/** Length of every per-detector array. */
export const DETECTOR_COUNT = DETECTORS.length;

/** Counting windows, ms, by stream; see window.ts. */
export const STREAMS = {
  events: [10_000, 60_000, 600_000, 3_600_000],
  starts: [600_000, 1_800_000, 3_600_000],
  spawns: [60_000, 600_000],
  errors: [60_000, 600_000],
} as const;
/** Length of each window, ms: all streams one after the other. */
export const WINDOW_MS: readonly number[] = [
  ...STREAMS.events,
  ...STREAMS.starts,
  ...STREAMS.spawns,
  ...STREAMS.errors,
];
/** Length of every per-window array. */
export const WINDOW_COUNT = WINDOW_MS.length;

/** From one window to the next in windowMean and windowSquare, in units of f64. */
export const WINDOW_STEP_8 = 2;
/** The same in the other fields of windows, in units of u32. */
export const WINDOW_STEP_4 = 5;

/** Features of a joint-model row. */
export const FEATURE_COUNT = 12;
/** Slots of the set of known endpoints, and of known (endpoint, target) pairs. */
export const ENDPOINT_SLOTS = 48;
/** Slots of the set of known (endpoint, target) pairs. */
export const PAIR_SLOTS = 54;
/** From one slot to the next in the fields of endpoints that stand in rows, in units of u32. */
export const ENDPOINT_STEP = 4;
/** The same of pairs. */
export const PAIR_STEP = 3;

/** Sources that an agent is remembered to have been called from. */
export const SOURCE_SLOTS = 4;
/** Environments that it is remembered to have worked in. */
export const ENVIRONMENT_SLOTS = 2;
/** Credentials that it is remembered to have used. */
export const CREDENTIAL_SLOTS = 4;

/** Offsets of the fields, in units of their own view. */
export const F = {
  // What every event reads or writes: as few cache lines as it fits, at the start.
  lastMs: field('f64', 'lastMs', 1, 'latest event time, ms: the watermark of this agent'),
  events: field('f64', 'events', 1, 'events scored'),
  lastForestMs: field('f64', 'lastForestMs', 1, 'when the joint model last scored, ms'),
  creepLevel: field('f64', 'creepLevel', 1, 'decayed sum of surprise at what is not adopted, nats'),
  creepMs: field('f64', 'creepMs', 1, 'time of creepLevel, ms'),
  sessionLnMean: field('f64', 'sessionLnMean', 1, 'mean of ln cost of finished sessions, ln USD'),
  day: field('u32', 'day', 1, 'running UTC day since the epoch'),
  flags: field(
    'u32',
    'flags',
    1,
    'bit 0: paged today; bit 1: quiet was reported; bit 2: paged above medium today; bit 3: a deploy',
  ),
  modelStamp: field('u32', 'modelStamp', 1, 'activation number that mu and beta were computed under'),
  role: field('u32', 'role', 1, 'cohort index in the active model, plus one; 0: none'),
  version: field('u32', 'version', 1, 'hash of the latest version; 0: none'),
  versionMinute: field('u32', 'versionMinute', 1, 'minute of the latest change of version; 0: none'),
  spendIndex: field('u32', 'spendIndex', 1, 'index of the running hour since the epoch'),
  rampMinute: field('u32', 'rampMinute', 1, 'running minute since the epoch'),
  sourceLast: field('u32', 'sourceLast', 1, 'hash of the source of the latest event that had one'),
  sourceHash: field('u32', 'sourceHash', SOURCE_SLOTS, 'hash of the source; 0: none'),
  sourceMinute: field('u32', 'sourceMinute', SOURCE_SLOTS, 'last minute used'),
  sourceSingle: field('f32', 'sourceSingle', 1, 'decayed share of events whose source did not take turns'),
  rampCount: field('f32', 'rampCount', 1, 'calls in the running minute'),
  paceUp: field('f32', 'paceUp', 1, 'CUSUM of the gaps between calls against twice the rate, nats'),
  paceRate: field('f32', 'paceRate', 1, 'rate that it compares with, calls per ms'),
  paceSpread: field('f32', 'paceSpread', 1, 'dispersion that it is divided by'),
  gapMax: field('f32', 'gapMax', 1, 'longest silence between two calls so far, hours, halved every 90 days'),
  driftUp: field('f32', 'driftUp', 1, 'cost drift CUSUM, upwards, standard deviations'),
  driftLevel: field('f32', 'driftLevel', 1, 'how far the last sessions stood above the anchor, standard deviations'),
  errorRate: field('f32', 'errorRate', 1, 'decayed share of events that failed'),
  surpriseLevel: field('f32', 'surpriseLevel', 1, 'decayed mean surprise of a session, nats'),
  novelShare: field('f32', 'novelShare', 1, 'decayed share of sessions that held an endpoint never seen before'),
  bytesMean: field('f32', 'bytesMean', 1, 'mean bytes out of a call that sent any'),
  bytesWeight: field('f32', 'bytesWeight', 1, 'such calls learned, capped'),
  bytesLargest: field('f32', 'bytesLargest', 1, 'bytes out of the largest call, growing and fading slowly'),
  modelMinute: field('u32', 'modelMinute', 1, 'minute of the last model call, since the epoch'),
  modelShare: field('f32', 'modelShare', 1, 'decayed share of model calls whose model was never seen before'),
  dayMax: field('f32', 'dayMax', DETECTOR_COUNT, 'largest raw score of the running day, per detector'),
  interest: field('f32', 'interest', DETECTOR_COUNT, 'score in force that one ordinary day in five goes above'),
  ...rows(WINDOW_COUNT, [
    ['f32', 'windowCurrent', 'count in the running bucket'],
    ['f32', 'windowPrevious', 'count in the bucket before'],
    ['f32', 'windowQuiet', 'largest count tested lately that was not worth a look'],
    ['f32', 'windowWeight', 'buckets learned, capped at the memory'],
    ['u32', 'windowIndex', 'index of the running bucket since the epoch'],
  ]),
  sampleCount: field('u32', 'sampleCount', 1, 'rows of the joint model since the last sampled one'),
  ...rows(WINDOW_COUNT, [
    ['f64', 'windowMean', 'mean count per window, decayed'],
    ['f64', 'windowSquare', 'mean squared count per window, decayed'],
  ]),
  dayMean: field('f32', 'dayMean', DETECTOR_COUNT, 'mean of the maxima of days that held anything'),

  // What it is known to use: hashes to look through, then a row for the one that was found.
  endpointLow: field('u32', 'endpointLow', ENDPOINT_SLOTS, 'hash of the endpoint, low half'),
  endpointCount: field('f32', 'endpointCount', ENDPOINT_SLOTS, 'decayed uses: sessions, and once adopted, minutes'),
  ...rows(ENDPOINT_SLOTS, [
    ['u32', 'endpointHigh', 'hash of the endpoint, high half'],
    ['u32', 'endpointMinute', 'first minute seen; once adopted, last minute seen'],
    ['u32', 'endpointState', 'adopted bit, hour first seen, sessions so far'],
    ['f32', 'endpointNewTarget', 'decayed share of its calls with a new target'],
  ]),
  pairLow: field('u32', 'pairLow', PAIR_SLOTS, 'hash of endpoint and target, low half'),
  pairCount: field('f32', 'pairCount', PAIR_SLOTS, 'as endpointCount'),
  ...rows(PAIR_SLOTS, [
    ['u32', 'pairHigh', 'hash of endpoint and target, high half'],
    ['u32', 'pairMinute', 'as endpointMinute'],
    ['u32', 'pairState', 'as endpointState'],
  ]),
  featureWeight: field('f32', 'featureWeight', 1, 'rows of the joint model learned, capped'),

  // What an event reads now and then: a call that costs, a row of the joint model, a minute or a session that ends.
  sessionLnVar: field('f64', 'sessionLnVar', 1, 'variance of ln cost of finished sessions'),
  spendLnMean: field('f64', 'spendLnMean', 1, 'mean of ln spend per active hour, ln USD'),
  spendLnVar: field('f64', 'spendLnVar', 1, 'its variance'),
  anchorLnMean: field('f64', 'anchorLnMean', 1, 'slow anchor: mean of ln cost of finished sessions, ln USD'),
  anchorLnVar: field('f64', 'anchorLnVar', 1, 'its variance'),
  daySpend: field('f64', 'daySpend', 1, 'spend of the running UTC day, USD'),
  ledgerLevel: field('f64', 'ledgerLevel', 1, 'decayed number of endpoints begun lately'),
  ledgerMs: field('f64', 'ledgerMs', 1, 'time of ledgerLevel, ms'),
  featureMean: field('f32', 'featureMean', FEATURE_COUNT, 'decayed mean of each joint-model feature'),
  featureVar: field('f32', 'featureVar', FEATURE_COUNT, 'its variance'),
  sessionWeight: field('f32', 'sessionWeight', 1, 'finished sessions learned, capped'),
  spendCurrent: field('f32', 'spendCurrent', 1, 'spend in the running hour, USD'),
  spendPrevious: field('f32', 'spendPrevious', 1, 'spend in the hour before, USD'),
  spendWeight: field('f32', 'spendWeight', 1, 'active hours learned, capped'),
  days: field('u32', 'days', 1, 'closed days'),
  sessions: field('u32', 'sessions', 1, 'sessions seen'),
  sourceSteady: field('f32', 'sourceSteady', 1, 'decayed share of sessions that came from a known source'),
  rampWeight: field('f32', 'rampWeight', 1, 'minutes in the anchor of the call rate, capped'),
  rampLevel: field('f32', 'rampLevel', 1, 'slow anchor: mean of 2 sqrt(calls + 3/8) a minute'),
  rampFlatVar: field('f32', 'rampFlatVar', 1, 'its variance around the flat level'),
  rampHourVar: field('f32', 'rampHourVar', 1, 'its variance around the level of the hour of the day'),
  rampFast: field('f32', 'rampFast', 1, 'the same level over the last quarter of an hour'),
  rampUp: field('f32', 'rampUp', 1, 'CUSUM of minutes against the anchor, upwards, standard deviations'),
  rampBlockSum: field('f32', 'rampBlockSum', 1, 'sum of deviations in the running step of the CUSUM'),
  rampBlockSize: field('f32', 'rampBlockSize', 1, 'minutes in that step'),
  rampHourSum: field('f32', 'rampHourSum', 1, 'sum of deviations in the running hour, standard deviations'),
  rampHourSize: field('f32', 'rampHourSize', 1, 'minutes in that sum'),
  rampLong: field('f32', 'rampLong', 1, 'variance of hourly sums over that of independent minutes'),
  rampLongWeight: field('f32', 'rampLongWeight', 1, 'hours learned, capped'),
  rampConfirmed: field('f32', 'rampConfirmed', 1, 'level of the anchor when it was last confirmed; 0: never'),
  dayFused: field('f32', 'dayFused', 1, 'largest fused surprise of the running day as stated, nats'),
  any: field('f32', 'any', DETECTOR_COUNT, 'probability in force that an ordinary day holds anything'),
  mu: field('f32', 'mu', DETECTOR_COUNT, 'Gumbel location in force, of days that hold anything'),
  beta: field('f32', 'beta', DETECTOR_COUNT, 'Gumbel scale in force'),

  // What is read when days close, and seldom else.
  anchorWeight: field('f32', 'anchorWeight', 1, 'sessions in the anchor, capped'),
  errorAgain: field('f32', 'errorAgain', 1, 'decayed share of failures that followed a failure of the same endpoint'),
  strayShare: field('f32', 'strayShare', 1, 'decayed share of sessions that held a stray target'),
  dayCount: field('f32', 'dayCount', DETECTOR_COUNT, 'closed days, capped'),
  dayShare: field('f32', 'dayShare', DETECTOR_COUNT, 'share of closed days on which the detector said anything'),
  dayHeld: field('f32', 'dayHeld', DETECTOR_COUNT, 'such days in mean and variance, capped'),
  dayVar: field('f32', 'dayVar', DETECTOR_COUNT, 'its variance'),
  dayRecord: field(
    'f32',
    'dayRecord',
    RECORDED.length,
    'largest score of a settled day, halved every 30 days; of pace',
  ),
  environmentSteady: field('f32', 'environmentSteady', 1, 'decayed share of sessions in a known environment'),
  taskSteady: field('f32', 'taskSteady', 1, 'decayed share of tasks that were not returned to once over'),
  egressLevel: field('f32', 'egressLevel', 1, 'decayed sum of unusually many bytes to new targets'),
  mixingLevel: field('f32', 'mixingLevel', 1, 'decayed sum of likeness to the profiles of others, nats'),
  rampHour: field('f32', 'rampHour', 24, 'level of each UTC hour of the day, above the flat one'),
  versionBefore: field('u32', 'versionBefore', 1, 'hash of the version before the latest; 0: none'),
  egressMinute: field('u32', 'egressMinute', 1, 'minute of egressLevel since the epoch'),
  mixingMinute: field('u32', 'mixingMinute', 1, 'minute of mixingLevel since the epoch'),
  environmentHash: field('u32', 'environmentHash', ENVIRONMENT_SLOTS, 'hash of the environment; 0: none'),
  environmentMinute: field('u32', 'environmentMinute', ENVIRONMENT_SLOTS, 'last minute used'),
  credentialHash: field('u32', 'credentialHash', CREDENTIAL_SLOTS, 'hash of the credential; 0: none'),
  credentialMinute: field('u32', 'credentialMinute', CREDENTIAL_SLOTS, 'last minute used'),
  credentialTask: field('u32', 'credentialTask', CREDENTIAL_SLOTS, 'hash of the task it last served; 0: none'),
  taskLast: field('u32', 'taskLast', 1, 'hash of the task that began last'),
  taskBegan: field('u32', 'taskBegan', 1, 'minute in which it began'),
} as const;

/** Size of one profile, bytes, a multiple of 8. */
export const PROFILE_BYTES = Math.ceil(bytes / 8) * 8;

/** The layout as data, for `killdeer agent layout`. */
export const LAYOUT: readonly Field[] = fields;

/** Words of a cache line. */
const LINE = 16;
/** Words up to which nearly every event reads: the first lines, and the endpoints' hashes behind them. */
const WARM_TO = F.endpointLow + LINE;
/** Where the pairs' hashes begin, and where they end; where the joint model and the ramp begin, and where they end. */
const WARM_PAIRS = F.pairLow;
const WARM_PAIRS_TO = F.pairLow + PAIR_SLOTS;
const WARM_NUMBERS = 2 * F.sessionLnVar;
const WARM_NUMBERS_TO = WARM_NUMBERS + 4 * LINE;

/** A cursor on one profile in its page; the engine moves it, detectors read and write through it. */
export class Profile {
  f64: Float64Array = new Float64Array(0);
  f32: Float32Array = new Float32Array(0);
  u32: Uint32Array = new Uint32Array(0);
  /** Start of the profile in units of f64, and of f32 and u32. */
  at8 = 0;
  at4 = 0;

  /** Aims at a profile in a buffer of its own, `byte` bytes from its start. */
  aim(buffer: ArrayBuffer, byte: number): void {
    this.f64 = new Float64Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.at8 = byte / 8;
    this.at4 = byte / 4;
  }

  /**
   * Reads one word of each cache line that an event is likely to need. Of 100,000 profiles hardly one is in a cache: asked
   * for together, its lines come at the same time, and not one after the other as the detectors get to them. Returns
   a bit that means nothing: whoever keeps it keeps the reads from being left out.
   */
  warm(): number {
    const { u32, at4 } = this;
    let bits = 0;
    for (let word = 0; word < WARM_TO; word += LINE) bits ^= u32[at4 + word];
    for (let word = WARM_PAIRS; word < WARM_PAIRS_TO; word += LINE) bits ^= u32[at4 + word];
    for (let word = WARM_NUMBERS; word < WARM_NUMBERS_TO; word += LINE) bits ^= u32[at4 + word];
    return bits & 1;
  }

  clear(): void {
    this.u32.fill(0, this.at4, this.at4 + PROFILE_BYTES / 4);
  }
}
