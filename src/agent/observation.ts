/** One event beside the profile and the session it belongs to: all that a detector may look at. Reused, never kept. */
import type { AgentEvent } from '../event/event.js';
import { DETECTOR_COUNT, FEATURE_COUNT, Profile } from './layout.js';
import { S, U } from './sessions.js';

/** The event under test, its profile and its session, aimed at by the engine. */
export class Observation {
  readonly profile = new Profile();
  event: AgentEvent | null = null;
  timeMs = 0;
  /** Slot of the agent in the table. */
  slot = -1;
  /** First event of its session. */
  opensSession = false;
  failed = false;
  /** Session row: views and offsets. */
  s64: Float64Array = new Float64Array(0);
  s32: Uint32Array = new Uint32Array(0);
  s8at = 0;
  s4at = 0;

  /** Hashes and slots of the endpoint and the (endpoint, target) pair; slot -1: not in the profile. */
  endpointLow = 0;
  endpointHigh = 0;
  endpointSlot = -1;
  pairLow = 0;
  pairHigh = 0;
  pairSlot = -1;
  /** Not adopted before this event. */
  endpointNovel = false;
  pairNovel = false;
  /** Never seen before this event (or forgotten since). */
  endpointFirst = false;
  pairFirst = false;
  /** Not adopted, and met for the first time in this session. */
  endpointNewHere = false;
  pairNewHere = false;
  /** Older than the agent's open windows: scored without them. */
  isLate = false;
  /** The version has just changed as it does with a deploy: what is new is no surprise. */
  isDeploy = false;
  /** Version of the event where it changed within a day; null: it did not, or the event does not say. */
  newVersion: string | null = null;
  /** Other members of the cohort, and how many of them have adopted the endpoint and the pair. */
  peers = 0;
  endpointPeers = 0;
  pairPeers = 0;
  /** Some agent of the tenant, this one included, has adopted the target under any endpoint; told of new pairs only. */
  targetKnown = false;
  /** Hashes of source, environment, credential and task; 0: the event carries none. */
  sourceHash = 0;
  environmentHash = 0;
  credentialHash = 0;
  taskHash = 0;
  /** Agents of the tenant, whatever their cohort, that have adopted the endpoint or model; known where it is new. */
  endpointUsers = 0;
  /** Surprise that this event adds to its session, nats; set by the novelty detector. */
  addedSurprise = 0;

  /** Joint-model row of this event, standardised. */
  readonly row = new Float64Array(FEATURE_COUNT);

  sessionNumber(field: number): number {
    return this.s64[this.s8at + field];
  }

  sessionCount(field: number): number {
    return this.s32[this.s4at + field];
  }

  aimSession(f64: Float64Array, u32: Uint32Array, row: number): void {
    this.s64 = f64;
    this.s32 = u32;
    this.s8at = row * S.ROW;
    this.s4at = row * U.ROW;
  }
}

/** What the detectors said of one observation; by detector, in the order of DETECTORS. Higher is stranger. */
export class Readings {
  readonly score = new Float64Array(DETECTOR_COUNT);
  readonly observed = new Float64Array(DETECTOR_COUNT);
  readonly expected = new Float64Array(DETECTOR_COUNT);
  /** Index into the detector's own list of feature names. */
  readonly feature = new Uint8Array(DETECTOR_COUNT);

  set(detector: number, score: number, feature: number, observed: number, expected: number): void {
    this.score[detector] = score;
    this.feature[detector] = feature;
    this.observed[detector] = observed;
    this.expected[detector] = expected;
  }
}
