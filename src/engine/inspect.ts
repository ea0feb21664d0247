/**
 * Reads what is known of one agent off its profile. Works on a copy, which it moves to the partition's clock as the
 * next event would: the state itself is not changed, and an agent on the shelf stays there.
 */
import { ENDPOINTS, isAdopted, isFree, type KnownSet, knownAgeMs, PAIRS } from '../agent/known.js';
import {
  CREDENTIAL_SLOTS,
  ENVIRONMENT_SLOTS,
  F,
  PROFILE_BYTES,
  Profile,
  SOURCE_SLOTS,
  STREAMS,
  WINDOW_COUNT,
  WINDOW_MS,
  WINDOW_STEP_4,
  WINDOW_STEP_8,
} from '../agent/layout.js';
import { S } from '../agent/sessions.js';
import { agentKey } from '../agent/table.js';
import { advanceWindow, slidingCount, windowVariance } from '../agent/window.js';
import { advanceSpend, COST_LEAST, costDeviation } from '../detect/cost.js';
import { anchorCalls, hourShares, paceOf } from '../detect/ramp.js';
import { windowLaws } from '../detect/window-law.js';
import { lnNormalTail } from '../math/tail.js';
import { usualCost, usualCount } from './bands.js';
import type {
  CostInspection,
  CostLaw,
  DriftInspection,
  Inspection,
  KnownInspection,
  SessionInspection,
  WindowInspection,
} from './inspection.js';
import { cohortOf, standingOf } from './standing.js';
import type { EngineState } from './state.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** What was first seen within this is shown as new, ms. */
const RECENT_MS = 7 * DAY_MS;
const RUNNING_MAX = 20;

/** The profile of events whose senders vouch for the agent, else the other one; null: there is neither. */
export function inspectAgent(state: EngineState, tenant: string, name: string): Inspection | null {
  for (const bound of [true, false]) {
    const found = copyOf(state, tenant, name, bound);
    if (found !== null) return read(state, found, { tenant, name, bound });
  }
  return null;
}

interface Found {
  readonly profile: Profile;
  /** Of a seat in the table; -1: on the shelf. */
  readonly slot: number;
}

function copyOf({ table, shelf, shelved }: EngineState, tenant: string, name: string, bound: boolean): Found | null {
  const slot = table.find(tenant, name, bound);
  const position = slot === -1 ? shelved.get(agentKey(tenant, name, bound)) : undefined;
  if (slot === -1 && position === undefined) return null;
  const bytes = position === undefined ? table.raw(slot) : shelf.read(position);
  const profile = new Profile();
  profile.aim(bytes.slice(0, PROFILE_BYTES).buffer as ArrayBuffer, 0);
  return { profile, slot };
}

function read(
  state: EngineState,
  { profile: p, slot }: Found,
  { tenant, name, bound }: { readonly tenant: string; readonly name: string; readonly bound: boolean },
): Inspection {
  const key = agentKey(tenant, name, bound);
  const index = cohortOf(state, key);
  const cohort = index === -1 ? null : state.model.cohorts[index];
  const lastMs = p.f64[p.at8 + F.lastMs];
  const atMs = Math.max(state.nowMs, lastMs);
  for (let w = 0; w < WINDOW_COUNT; w++) advanceWindow(p, w, atMs);
  advanceSpend(p, atMs);
  const closedDays = p.u32[p.at4 + F.days];
  return {
    ...{ tenant, agent: name, bound, shelved: slot === -1, atMs, closedDays, lastMs },
    standing: standingOf(closedDays, cohort?.law != null),
    events: p.f64[p.at8 + F.events],
    sessions: p.u32[p.at4 + F.sessions],
    longestSilenceMs: p.f32[p.at4 + F.gapMax] * HOUR_MS,
    role: state.facts.get(key)?.role ?? null,
    cohort: cohort === null ? null : { id: cohort.id, members: cohort.members },
    model: state.model.version,
    config: state.config,
    errorShare: p.f32[p.at4 + F.errorRate],
    windows: windowsOf(p, state, index, atMs),
    hours: hourShares(p),
    cost: costOf(p, state, slot, key, atMs),
    endpoints: knownOf(p, ENDPOINTS, atMs),
    targets: knownOf(p, PAIRS, atMs),
    sources: filled(p, F.sourceHash, SOURCE_SLOTS),
    environments: filled(p, F.environmentHash, ENVIRONMENT_SLOTS),
    credentials: filled(p, F.credentialHash, CREDENTIAL_SLOTS),
    drift: driftOf(p),
  };
}

function windowsOf(p: Profile, { prior }: EngineState, cohort: number, atMs: number): WindowInspection[] {
  const laws = windowLaws(p, prior, cohort);
  const streams = (Object.keys(STREAMS) as (keyof typeof STREAMS)[]).flatMap((name) => STREAMS[name].map(() => name));
  return streams.map((stream, w) => {
    const { mean, dispersion } = laws[w];
    return {
      ...{ stream, windowMs: WINDOW_MS[w], dispersion },
      count: slidingCount(p, w, atMs),
      mean: p.f64[p.at8 + F.windowMean + WINDOW_STEP_8 * w],
      variance: windowVariance(p, w),
      learned: p.f32[p.at4 + F.windowWeight + WINDOW_STEP_4 * w],
      band: usualCount(mean, dispersion),
    };
  });
}

function costOf(p: Profile, state: EngineState, slot: number, key: string, atMs: number): CostInspection {
  const budgets = state.budgets.of(key);
  const session = costLaw(p, F.sessionLnMean, F.sessionLnVar, F.sessionWeight);
  const part = (atMs - p.u32[p.at4 + F.spendIndex] * HOUR_MS) / HOUR_MS;
  const lastHourUsd = p.f32[p.at4 + F.spendCurrent] + p.f32[p.at4 + F.spendPrevious] * (1 - part);
  // The day closes at the agent's first event or look after midnight.
  const dayUsd = p.u32[p.at4 + F.day] === Math.floor(atMs / DAY_MS) ? p.f64[p.at8 + F.daySpend] : 0;
  const leftMs = DAY_MS - (atMs % DAY_MS);
  return {
    ...{ session, lastHourUsd, dayUsd },
    hour: costLaw(p, F.spendLnMean, F.spendLnVar, F.spendWeight),
    dayProjectedUsd: dayUsd + (lastHourUsd * leftMs) / HOUR_MS,
    sessionBudgetUsd: budgets?.sessionUsd ?? null,
    dayBudgetUsd: budgets?.dayUsd ?? null,
    running: runningOf(p, state, slot, session),
  };
}

function costLaw(p: Profile, mean: number, variance: number, weight: number): CostLaw {
  const learned = p.f32[p.at4 + weight];
  const deviation = costDeviation(p.f64[p.at8 + variance], Math.max(1, learned));
  const usual = learned < COST_LEAST ? null : usualCost(p.f64[p.at8 + mean], deviation);
  return { usual, deviation, learned };
}

function runningOf(p: Profile, { sessions }: EngineState, slot: number, law: CostLaw): SessionInspection[] {
  const rows = slot === -1 ? [] : sessions.rowsOf(slot);
  const mean = p.f64[p.at8 + F.sessionLnMean];
  return rows
    .map((row) => {
      const [lastMs, costUsd, , events] = sessions.f64.subarray(row * S.ROW, row * S.ROW + S.events + 1);
      const projectedUsd = law.usual === null ? null : projected(costUsd, mean, law.deviation);
      return { lastMs, events, costUsd, projectedUsd };
    })
    .sort((a, b) => b.lastMs - a.lastMs)
    .slice(0, RUNNING_MAX);
}

/**
 * E(X | X > c) of a lognormal X with ln X ~ N(m, s^2): exp(m + s^2/2) P(Z > z - s) / P(Z > z) at z = (ln c - m) / s;
 * never less than what is spent already.
 */
function projected(usd: number, mean: number, deviation: number): number {
  const whole = Math.exp(mean + (deviation * deviation) / 2);
  if (usd <= 0) return whole;
  const z = (Math.log(usd) - mean) / deviation;
  return Math.max(usd, whole * Math.exp(lnNormalTail(z - deviation) - lnNormalTail(z)));
}

function knownOf(p: Profile, set: KnownSet, atMs: number): KnownInspection {
  let remembered = 0;
  let adopted = 0;
  let recent = 0;
  for (let slot = 0; slot < set.slots; slot++) {
    if (isFree(p, set, slot)) continue;
    remembered++;
    if (isAdopted(p, set, slot)) adopted++;
    if (knownAgeMs(p, set, slot, atMs) < RECENT_MS) recent++;
  }
  return { remembered, adopted, recent, slots: set.slots };
}

/** Slots that hold a hash. */
function filled(p: Profile, field: number, slots: number): number {
  let count = 0;
  for (let i = 0; i < slots; i++) if (p.u32[p.at4 + field + i] !== 0) count++;
  return count;
}

function driftOf(p: Profile): DriftInspection {
  const isLearned = p.f32[p.at4 + F.sessionWeight] > 0;
  const isAnchored = p.f32[p.at4 + F.anchorWeight] > 0;
  const { late, confirmed } = paceOf(p);
  return {
    sessionUsd: isLearned ? Math.exp(p.f64[p.at8 + F.sessionLnMean]) : null,
    anchorUsd: isAnchored ? Math.exp(p.f64[p.at8 + F.anchorLnMean]) : null,
    costLevel: p.f32[p.at4 + F.driftLevel],
    costSum: p.f32[p.at4 + F.driftUp],
    lateCalls: late,
    anchorCalls: anchorCalls(p),
    confirmedCalls: confirmed,
    rateSum: p.f32[p.at4 + F.rampUp],
  };
}
