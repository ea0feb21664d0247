/** Every detector that scores an event, in the order in which they run. Silence and the joint view run on their own. */
import { STREAMS } from '../agent/layout.js';
import { drift, session, spend } from './cost.js';
import { createCounts, isDelegation, type WindowPrior } from './counts.js';
import { creep } from './creep.js';
import type { Detector } from './detector.js';
import { egress } from './egress.js';
import { createErrors } from './errors.js';
import { JOINT_FEATURES } from './joint.js';
import { ledger } from './ledger.js';
import { mixing } from './mixing.js';
import { novelty } from './novelty.js';
import { origin } from './origin.js';
import { createRate } from './pace.js';
import { ramp } from './ramp.js';
import { recurrence } from './recurrence.js';
import { stray } from './stray.js';
import { wake } from './wake.js';

const STARTS = STREAMS.events.length;
const SPAWNS = STARTS + STREAMS.starts.length;
/** Agents that seldom delegate do it by the handful: thirty at once are ten times as strange as three. */
const DELEGATION_DISPERSION = 0.5;

/** The detectors, sharing one cold-start law that the engine fills from the model in force. */
export function createCatalogue(prior: WindowPrior): readonly Detector[] {
  return [
    createRate(prior),
    createCounts('starts', 'sessions started', STARTS, STREAMS.starts.length, 1, 0, prior, (o) => o.opensSession),
    createCounts(
      ...(['delegation', 'sub-agents started', SPAWNS, STREAMS.spawns.length, 3, 0, prior] as const),
      (o) => isDelegation(o.event),
      DELEGATION_DISPERSION,
    ),
    createErrors(prior),
    novelty,
    creep,
    session,
    spend,
    drift,
    wake,
    recurrence,
    egress,
    mixing,
    origin,
    ledger,
    ramp,
    stray,
  ];
}

/** Names of what each detector measures, for attributions and the feature dictionary. */
export function featureNames(catalogue: readonly Detector[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map(catalogue.map((d) => [d.name as string, d.features]));
  names.set('joint', ['strangeness of many features together (0.5 is ordinary)', ...JOINT_FEATURES]);
  names.set('silence', ['hours without a call']);
  return names;
}
