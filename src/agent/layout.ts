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
  readonly meaning: string;
}

const fields: Field[] = [];
let bytes = 0;

/** Declares a field and returns its index in units of its own view. */
function field(view: View, name: string, count: number, meaning: string): number {
  const width = view === 'f64' ? 8 : 4;
  bytes = Math.ceil(bytes / width) * width;
  fields.push({ name, view, count, byte: bytes, meaning });
  bytes += count * width;
  return (bytes - count * width) / width;
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
/** Length of every per-detector array. */
export const DETECTOR_COUNT = DETECTORS.length;

/** Detectors of the pace of calls, sessions and spend, whose largest days are remembered. */
export const RECORDED: readonly DetectorName[] = ['rate', 'starts', 'spend'];

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

/** Features of a joint-model row. */
export const FEATURE_COUNT = 12;
/** Slots of the set of known endpoints, and of known (endpoint, target) pairs. */
export const ENDPOINT_SLOTS = 48;
/** Slots of the set of known (endpoint, target) pairs. */
export const PAIR_SLOTS = 55;

/** Sources that an agent is remembered to have been called from. */
export const SOURCE_SLOTS = 4;
/** Environments that it is remembered to have worked in. */
export const ENVIRONMENT_SLOTS = 2;
/** Credentials that it is remembered to have used. */
export const CREDENTIAL_SLOTS = 4;

/** Offsets of the fields, in units of their own view. */
export const F = {
  lastMs: field('f64', 'lastMs', 1, 'latest event time, ms: the watermark of this agent'),
  events: field('f64', 'events', 1, 'events scored'),
  windowMean: field('f64', 'windowMean', WINDOW_COUNT, 'mean count per window, decayed'),
  windowSquare: field('f64', 'windowSquare', WINDOW_COUNT, 'mean squared count per window, decayed'),
  sessionLnMean: field('f64', 'sessionLnMean', 1, 'mean of ln cost of finished sessions, ln USD'),
  sessionLnVar: field('f64', 'sessionLnVar', 1, 'its variance'),
  spendLnMean: field('f64', 'spendLnMean', 1, 'mean of ln spend per active hour, ln USD'),
  spendLnVar: field('f64', 'spendLnVar', 1, 'its variance'),
  anchorLnMean: field('f64', 'anchorLnMean', 1, 'slow anchor: mean of ln cost of finished sessions, ln USD'),
  anchorLnVar: field('f64', 'anchorLnVar', 1, 'its variance'),
  daySpend: field('f64', 'daySpend', 1, 'spend of the running UTC day, USD'),
  creepLevel: field('f64', 'creepLevel', 1, 'decayed sum of surprise at what is not adopted, nats'),
  creepMs: field('f64', 'creepMs', 1, 'time of creepLevel, ms'),
  ledgerLevel: field('f64', 'ledgerLevel', 1, 'decayed number of endpoints begun lately'),
  ledgerMs: field('f64', 'ledgerMs', 1, 'time of ledgerLevel, ms'),
  lastForestMs: field('f64', 'lastForestMs', 1, 'when the joint model last scored, ms'),

  windowCurrent: field('f32', 'windowCurrent', WINDOW_COUNT, 'count in the running bucket'),
  windowPrevious: field('f32', 'windowPrevious', WINDOW_COUNT, 'count in the bucket before'),
  windowQuiet: field('f32', 'windowQuiet', WINDOW_COUNT, 'largest count tested lately that was not worth a look'),
  windowWeight: field('f32', 'windowWeight', WINDOW_COUNT, 'buckets learned, capped at the memory'),
  sessionWeight: field('f32', 'sessionWeight', 1, 'finished sessions learned, capped'),
  spendCurrent: field('f32', 'spendCurrent', 1, 'spend in the running hour, USD'),
  spendPrevious: field('f32', 'spendPrevious', 1, 'spend in the hour before, USD'),
  spendWeight: field('f32', 'spendWeight', 1, 'active hours learned, capped'),
  anchorWeight: field('f32', 'anchorWeight', 1, 'sessions in the anchor, capped'),
  driftUp: field('f32', 'driftUp', 1, 'cost drift CUSUM, upwards, standard deviations'),
  gapMax: field('f32', 'gapMax', 1, 'longest silence between two calls so far, hours, halved every 90 days'),
  driftLevel: field('f32', 'driftLevel', 1, 'how far the last sessions stood above the anchor, standard deviations'),
  errorRate: field('f32', 'errorRate', 1, 'decayed share of events that failed'),
  errorAgain: field('f32', 'errorAgain', 1, 'decayed share of failures that followed a failure of the same endpoint'),
  novelShare: field('f32', 'novelShare', 1, 'decayed share of sessions that held an endpoint never seen before'),
  strayShare: field('f32', 'strayShare', 1, 'decayed share of sessions that held a stray target'),
  surpriseLevel: field('f32', 'surpriseLevel', 1, 'decayed mean surprise of a session, nats'),
  featureMean: field('f32', 'featureMean', FEATURE_COUNT, 'decayed mean of each joint-model feature'),
  featureVar: field('f32', 'featureVar', FEATURE_COUNT, 'its variance'),
  featureWeight: field('f32', 'featureWeight', 1, 'rows learned, capped'),
  dayMax: field('f32', 'dayMax', DETECTOR_COUNT, 'largest raw score of the running day, per detector'),
  dayFused: field('f32', 'dayFused', 1, 'largest fused surprise of the running day as stated, nats'),
  dayCount: field('f32', 'dayCount', DETECTOR_COUNT, 'closed days, capped'),
  dayShare: field('f32', 'dayShare', DETECTOR_COUNT, 'share of closed days on which the detector said anything'),
  dayHeld: field('f32', 'dayHeld', DETECTOR_COUNT, 'such days in mean and variance, capped'),
  dayMean: field('f32', 'dayMean', DETECTOR_COUNT, 'mean of the maxima of such days'),
  dayVar: field('f32', 'dayVar', DETECTOR_COUNT, 'its variance'),
  any: field('f32', 'any', DETECTOR_COUNT, 'probability in force that an ordinary day holds anything'),
  mu: field('f32', 'mu', DETECTOR_COUNT, 'Gumbel location in force, of days that hold anything'),
  beta: field('f32', 'beta', DETECTOR_COUNT, 'Gumbel scale in force'),
  interest: field('f32', 'interest', DETECTOR_COUNT, 'score in force that one ordinary day in five goes above'),
  dayRecord: field(
    'f32',
    'dayRecord',
    RECORDED.length,
    'largest score of a settled day, halved every 30 days; of pace',
  ),
  sourceSteady: field('f32', 'sourceSteady', 1, 'decayed share of sessions that came from a known source'),
  sourceSingle: field('f32', 'sourceSingle', 1, 'decayed share of events whose source did not take turns'),
  environmentSteady: field('f32', 'environmentSteady', 1, 'decayed share of sessions in a known environment'),
  taskSteady: field('f32', 'taskSteady', 1, 'decayed share of tasks that were not returned to once over'),
  egressLevel: field('f32', 'egressLevel', 1, 'decayed sum of unusually many bytes to new targets'),
  mixingLevel: field('f32', 'mixingLevel', 1, 'decayed sum of likeness to the profiles of others, nats'),
  modelShare: field('f32', 'modelShare', 1, 'decayed share of model calls whose model was never seen before'),
  bytesMean: field('f32', 'bytesMean', 1, 'mean bytes out of a call that sent any'),
  bytesWeight: field('f32', 'bytesWeight', 1, 'such calls learned, capped'),
  endpointCount: field('f32', 'endpointCount', ENDPOINT_SLOTS, 'decayed uses: sessions, and once adopted, minutes'),
  endpointNewTarget: field('f32', 'endpointNewTarget', ENDPOINT_SLOTS, 'decayed share of its calls with a new target'),
  pairCount: field('f32', 'pairCount', PAIR_SLOTS, 'as endpointCount'),

  paceUp: field('f32', 'paceUp', 1, 'CUSUM of the gaps between calls against twice the rate, nats'),
  paceRate: field('f32', 'paceRate', 1, 'rate that it compares with, calls per ms'),
  paceSpread: field('f32', 'paceSpread', 1, 'dispersion that it is divided by'),
  rampWeight: field('f32', 'rampWeight', 1, 'minutes in the anchor of the call rate, capped'),
  rampLevel: field('f32', 'rampLevel', 1, 'slow anchor: mean of 2 sqrt(calls + 3/8) a minute'),
  rampFlatVar: field('f32', 'rampFlatVar', 1, 'its variance around the flat level'),
  rampHourVar: field('f32', 'rampHourVar', 1, 'its variance around the level of the hour of the day'),
  rampHour: field('f32', 'rampHour', 24, 'level of each UTC hour of the day, above the flat one'),
  rampFast: field('f32', 'rampFast', 1, 'the same level over the last quarter of an hour'),
  rampUp: field('f32', 'rampUp', 1, 'CUSUM of minutes against the anchor, upwards, standard deviations'),
  rampCount: field('f32', 'rampCount', 1, 'calls in the running minute'),
  rampBlockSum: field('f32', 'rampBlockSum', 1, 'sum of deviations in the running step of the CUSUM'),
  rampBlockSize: field('f32', 'rampBlockSize', 1, 'minutes in that step'),
  rampHourSum: field('f32', 'rampHourSum', 1, 'sum of deviations in the running hour, standard deviations'),
  rampHourSize: field('f32', 'rampHourSize', 1, 'minutes in that sum'),
  rampLong: field('f32', 'rampLong', 1, 'variance of hourly sums over that of independent minutes'),
  rampLongWeight: field('f32', 'rampLongWeight', 1, 'hours learned, capped'),
  rampConfirmed: field('f32', 'rampConfirmed', 1, 'level of the anchor when it was last confirmed; 0: never'),

  rampMinute: field('u32', 'rampMinute', 1, 'running minute since the epoch'),
  windowIndex: field('u32', 'windowIndex', WINDOW_COUNT, 'index of the running bucket since the epoch'),
  spendIndex: field('u32', 'spendIndex', 1, 'index of the running hour since the epoch'),
  day: field('u32', 'day', 1, 'running UTC day since the epoch'),
  days: field('u32', 'days', 1, 'closed days'),
  sessions: field('u32', 'sessions', 1, 'sessions seen'),
  flags: field(
    'u32',
    'flags',
    1,
    'bit 0: paged today; bit 1: quiet was reported; bit 2: paged above medium today; bit 3: a deploy',
  ),
  modelStamp: field('u32', 'modelStamp', 1, 'activation number that mu and beta were computed under'),
  role: field('u32', 'role', 1, 'cohort index in the active model, plus one; 0: none'),
  modelMinute: field('u32', 'modelMinute', 1, 'minute of the last model call, since the epoch'),
  version: field('u32', 'version', 1, 'hash of the latest version; 0: none'),
  versionBefore: field('u32', 'versionBefore', 1, 'hash of the version before it; 0: none'),
  versionMinute: field('u32', 'versionMinute', 1, 'minute of the latest change of version; 0: none'),
  sampleCount: field('u32', 'sampleCount', 1, 'rows since the last sampled one'),
  egressMinute: field('u32', 'egressMinute', 1, 'minute of egressLevel since the epoch'),
  mixingMinute: field('u32', 'mixingMinute', 1, 'minute of mixingLevel since the epoch'),
  sourceHash: field('u32', 'sourceHash', SOURCE_SLOTS, 'hash of the source; 0: none'),
  sourceMinute: field('u32', 'sourceMinute', SOURCE_SLOTS, 'last minute used'),
  sourceLast: field('u32', 'sourceLast', 1, 'hash of the source of the latest event that had one'),
  environmentHash: field('u32', 'environmentHash', ENVIRONMENT_SLOTS, 'hash of the environment; 0: none'),
  environmentMinute: field('u32', 'environmentMinute', ENVIRONMENT_SLOTS, 'last minute used'),
  credentialHash: field('u32', 'credentialHash', CREDENTIAL_SLOTS, 'hash of the credential; 0: none'),
  credentialMinute: field('u32', 'credentialMinute', CREDENTIAL_SLOTS, 'last minute used'),
  credentialTask: field('u32', 'credentialTask', CREDENTIAL_SLOTS, 'hash of the task it last served; 0: none'),
  taskLast: field('u32', 'taskLast', 1, 'hash of the task that began last'),
  taskBegan: field('u32', 'taskBegan', 1, 'minute in which it began'),
  endpointHash: field('u32', 'endpointHash', ENDPOINT_SLOTS * 2, 'hash of the endpoint, low and high'),
  endpointMinute: field('u32', 'endpointMinute', ENDPOINT_SLOTS, 'first minute seen; once adopted, last minute seen'),
  endpointState: field('u32', 'endpointState', ENDPOINT_SLOTS, 'adopted bit, hour first seen, sessions so far'),
  pairHash: field('u32', 'pairHash', PAIR_SLOTS * 2, 'hash of endpoint and target, low and high'),
  pairMinute: field('u32', 'pairMinute', PAIR_SLOTS, 'as endpointMinute'),
  pairState: field('u32', 'pairState', PAIR_SLOTS, 'as endpointState'),
} as const;

/** Size of one profile, bytes, a multiple of 8. */
export const PROFILE_BYTES = Math.ceil(bytes / 8) * 8;

/** The layout as data, for `killdeer agent layout`. */
export const LAYOUT: readonly Field[] = fields;

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

  clear(): void {
    this.u32.fill(0, this.at4, this.at4 + PROFILE_BYTES / 4);
  }
}
