/** Reads the rooms' verdicts off an engine that has just taken a record. Changes nothing. */

import { isInteresting } from '../agent/interest.js';
import { ENDPOINTS, knownSessions, PAIRS } from '../agent/known.js';
import { DETECTORS, F, Profile, STREAMS, WINDOW_MS, WINDOW_STEP_8 } from '../agent/layout.js';
import { Observation, Readings } from '../agent/observation.js';
import { S } from '../agent/sessions.js';
import { slidingCount, windowVariance } from '../agent/window.js';
import type { Finding, Severity } from '../decide/finding.js';
import { scoreSilence } from '../detect/silence.js';
import { severityOf } from '../engine/cause.js';
import { surprises } from '../engine/scoring.js';
import { cohortLaw, standingOf } from '../engine/standing.js';
import type { EngineState } from '../engine/state.js';
import type { AgentEvent } from '../event/event.js';
import { statedSurprise, surprise } from '../score/calibrate.js';
import { shares } from '../score/fuse.js';
import type { DetectorVerdict, IdentityVerdict, KnownVerdict, StepVerdict, WindowVerdict } from './explanation.js';

const JOINT = DETECTORS.indexOf('joint');
const SILENCE = DETECTORS.indexOf('silence');

/** Verdicts on the event that the engine has just scored. */
export function readEventVerdict(state: EngineState, event: AgentEvent): StepVerdict {
  const { observation: o, settings, table } = state;
  const profile = aim(state, o.slot);
  const { tenant, name, bound } = table.entry(o.slot);
  return {
    identity: identityOf(state, profile, tenant, name, bound),
    windows: windowsOf(profile, o.timeMs),
    endpoint: {
      name: event.endpoint,
      adopted: !o.endpointNovel,
      sessions: knownSessions(profile, ENDPOINTS, o.endpointSlot),
      peers: o.peers,
      peersAdopted: o.endpointPeers,
    },
    target: event.target === null ? null : targetOf(o, profile, event.target),
    session: {
      events: o.sessionNumber(S.events),
      costUsd: o.sessionNumber(S.costUsd),
      opened: o.opensSession,
    },
    detectors: detectorsOf(state, profile, state.readings, surprises, (d) => {
      if (d === JOINT) return profile.f64[profile.at8 + F.lastForestMs] === o.timeMs;
      return state.catalogue.some((detector) => detector.name === DETECTORS[d]);
    }),
    p: state.fused,
    severity: severityOf(state.fused, settings.pagesPerAgentDay, settings.noticesPerAgentDay),
  };
}

/** Verdicts on the silence that a tick's finding is about; null where its agent is not there any more. Scored again beside the engine, which has looked at others since. */
export function readTickVerdict(state: EngineState, finding: Finding, timeMs: number): StepVerdict | null {
  const { tenant, root, bound } = finding;
  const slot = state.table.find(tenant, root, bound);
  if (slot === -1) return null;
  const profile = aim(state, slot);
  const observation = new Observation();
  Object.assign(observation.profile, profile);
  observation.timeMs = timeMs;
  const readings = new Readings();
  scoreSilence(observation, readings);
  const found = new Float64Array(DETECTORS.length);
  const score = readings.score[SILENCE];
  if (score > 0 && isInteresting(profile, SILENCE, score)) {
    found[SILENCE] = Math.max(0, surprise(statedSurprise(profile, SILENCE, score), SILENCE, state.model));
  }
  const p = Math.exp(-found[SILENCE]);
  const severity: Severity | null = p <= state.settings.noticesPerAgentDay / DETECTORS.length ? 'low' : null;
  return {
    identity: identityOf(state, profile, tenant, root, bound),
    windows: [],
    endpoint: null,
    target: null,
    session: null,
    detectors: detectorsOf(state, profile, readings, found, (d) => d === SILENCE),
    p,
    severity,
  };
}

/** A cursor of our own: the engine's stays where it is. */
function aim(state: EngineState, slot: number): Profile {
  const profile = new Profile();
  state.table.aim(profile, slot);
  return profile;
}

function identityOf(state: EngineState, p: Profile, tenant: string, root: string, bound: boolean): IdentityVerdict {
  const { model, config } = state;
  const role = p.u32[p.at4 + F.role];
  const cohort = role === 0 ? null : { id: model.cohorts[role - 1].id, members: model.cohorts[role - 1].members };
  const closedDays = p.u32[p.at4 + F.days];
  return {
    tenant,
    root,
    bound,
    cohort,
    state: standingOf(closedDays, cohortLaw(p, model) !== null),
    closedDays,
    events: p.f64[p.at8 + F.events],
    sessions: p.u32[p.at4 + F.sessions],
    model: model.version,
    config,
  };
}

function windowsOf(p: Profile, timeMs: number): WindowVerdict[] {
  const verdicts: WindowVerdict[] = [];
  let w = 0;
  for (const stream of ['events', 'starts', 'spawns', 'errors'] as const) {
    for (let i = 0; i < STREAMS[stream].length; i++, w++) {
      verdicts.push({
        stream,
        windowMs: WINDOW_MS[w],
        count: slidingCount(p, w, timeMs),
        mean: p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w],
        deviation: Math.sqrt(windowVariance(p, w)),
      });
    }
  }
  return verdicts;
}

function targetOf(o: Observation, p: Profile, name: string): KnownVerdict {
  const sessions = knownSessions(p, PAIRS, o.pairSlot);
  return { name, adopted: !o.pairNovel, sessions, peers: o.peers, peersAdopted: o.pairPeers };
}

function detectorsOf(
  state: EngineState,
  p: Profile,
  readings: Readings,
  corrected: Float64Array,
  ran: (detector: number) => boolean,
): DetectorVerdict[] {
  const parts = shares(corrected);
  const verdicts: DetectorVerdict[] = [];
  DETECTORS.forEach((name, d) => {
    const features = state.features.get(name);
    // Calibrated over the fleet alone: it measures nothing itself.
    if (features === undefined) return;
    const any = p.f32[p.at4 + F.any + d];
    const mu = p.f32[p.at4 + F.mu + d];
    const beta = p.f32[p.at4 + F.beta + d];
    if (!ran(d)) {
      const zero = { score: 0, observed: 0, expected: 0, stated: 0, corrected: 0, share: 0 };
      verdicts.push({ name, ran: false, feature: '', any, mu, beta, ...zero });
      return;
    }
    const score = readings.score[d];
    verdicts.push({
      name,
      ran: true,
      feature: features[readings.feature[d]] ?? '',
      score,
      observed: readings.observed[d],
      expected: readings.expected[d],
      any,
      mu,
      beta,
      stated: score > 0 && isInteresting(p, d, score) ? statedSurprise(p, d, score) : 0,
      corrected: corrected[d],
      share: parts[d],
    });
  });
  return verdicts;
}
