/**
 * The long ledger: how many endpoints the agent had never used before it has begun to use of late, each counted once,
 * halved every ten days. A task brings one or two and is done; privileges that are gathered one every other day add up,
 * though each of them alone is no more than a notice. Endpoints that others of the cohort use count little, sensitive
 * ones more, further ones of the same session half. Models are no privileges. It speaks when it rises and is silent until
 * it does again: what is used every day after would tell one climb many times over. Two numbers of memory.
 */
import { DETECTORS, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import { U } from '../agent/sessions.js';
import type { Detector } from './detector.js';
import { isSensitive } from './sensitive.js';

const INDEX = DETECTORS.indexOf('ledger');
const HALF_LIFE_MS = 10 * 86_400_000;
/** Closed days before which everything is new to an agent that is new itself. */
const DAYS_MIN = 4;
const SENSITIVE = 2;
/** The ledger's level up to which there was one new tool. */
const LONE_LEVEL = 1.25;
const KNOWN_TO_COHORT = 0.2;
/** What a step is worth, in what is a nat elsewhere. */
const SCALE = 2;

/** The ledger as a detector. */
export const ledger: Detector = {
  name: 'ledger',
  features: ['new endpoints lately'],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const rises = o.endpointFirst && o.event?.operation !== 'chat' && p.u32[p.at4 + F.days] >= DAYS_MIN;
    if (!rises) {
      readings.set(INDEX, 0, 0, 0, 0);
      return;
    }
    const level = p.at8 + F.ledgerLevel;
    const gapMs = Math.max(0, o.timeMs - p.f64[p.at8 + F.ledgerMs]);
    p.f64[level] = p.f64[level] * Math.exp((-Math.LN2 * gapMs) / HALF_LIFE_MS) + weight(o);
    p.f64[p.at8 + F.ledgerMs] = o.timeMs;
    readings.set(INDEX, SCALE * p.f64[level], 0, p.f64[level], 0);
  },
  learn(): void {},
};

/**
 * Whether all that is new is one tool without a sensitive name, in this session and lately: a roll-out looks like this,
 * and so does an attack of one call. The second new thing tells them apart.
 */
export function isLoneNewTool(o: Observation): boolean {
  const { profile: p, event } = o;
  if (event === null || !o.endpointNovel || isSensitive(event.endpoint)) return false;
  return p.f64[p.at8 + F.ledgerLevel] <= LONE_LEVEL && o.sessionCount(U.surprises) <= 1;
}

function weight(o: Observation): number {
  const further = o.sessionCount(U.firsts);
  const sensitive = o.event !== null && isSensitive(o.event.endpoint) ? SENSITIVE : 1;
  const known = o.endpointPeers > 0 ? KNOWN_TO_COHORT : 1;
  return further > 10 ? 0 : (sensitive * known) / (1 << further);
}
