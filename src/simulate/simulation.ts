/** The room's face: a seeded fleet as a stream of events, with its labels and its key. */
import { KilldeerError } from '../errors.js';
import { mergeStreams } from './agenda.js';
import { openSessions } from './arrivals.js';
import { joinConditions } from './conditions.js';
import { INJECTION_KINDS } from './inject/plan.js';
import { drawFleet, type Member } from './member.js';
import {
  SCENARIO_SHAPES,
  SCENARIOS,
  type Scenario,
  type StagedPlan,
  stagePlans,
  trainDaysOf,
  type Wish,
} from './scenario.js';
import type { World } from './session.js';
import { DAY_MS, isoTime, type SimulatedEvent, toWire } from './wire.js';

/** Grows whenever the same options give other bytes. */
export const SIMULATION_VERSION = 1;

/** Everything that decides the bytes. */
export interface SimulationOptions {
  /** A safe integer. */
  readonly seed: number;
  /** 1 to 10,000; sub-agents not counted. */
  readonly agents: number;
  /** 2 to 366. */
  readonly days: number;
  /** A UTC midnight, ms. */
  readonly startMs: number;
  readonly scenario: Scenario;
  /** Played beside the scenario's own. */
  readonly injections?: readonly Wish[];
}

/** What was injected where. `session` where one session carries it, `sessions` where several do. */
export interface Label {
  /** null: every agent. */
  readonly agent: string | null;
  readonly session: string | null;
  /** ISO 8601 UTC, ms; inside the recording. */
  readonly from: string;
  readonly to: string;
  /** One starting with 'negative:' must not be paged about. */
  readonly kind: string;
  /** In words. */
  readonly source: string;
  readonly sessions?: readonly string[];
}

/** One agent of the key. */
export interface KeyAgent {
  readonly agent: string;
  readonly role: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly model: string | null;
  /** Mean over a week. */
  readonly sessions_per_day: number;
  /** 'clean', or the kinds of its labels. */
  readonly plays: string;
}

/** For scoring and for people, never for a detector. */
export interface Key {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly start: string;
  /** Nothing is injected before; findings count from here on. */
  readonly train_until: string;
  readonly days: number;
  readonly agents: readonly KeyAgent[];
}

/** A recording that has not been written down. */
export interface Simulation {
  readonly options: SimulationOptions;
  /** Every event, by time. May be called again and says the same. */
  events(): Generator<SimulatedEvent, void, undefined>;
  /** By time of their beginning. */
  readonly labels: readonly Label[];
  readonly key: Key;
}

/** A Monday, so that weeks and working days are easy to read. */
const START_MS = Date.UTC(2025, 5, 2);

/** The options of a scenario's usual recording, with what the caller wants otherwise. */
export function simulationOptions(scenario: Scenario, wanted: Partial<SimulationOptions> = {}): SimulationOptions {
  return { seed: 1, startMs: START_MS, ...SCENARIO_SHAPES[scenario], ...wanted, scenario };
}

/** What is wrong with the options, as a sentence; null: nothing. */
export function simulationProblem(options: SimulationOptions): string | null {
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isSafeInteger(value) && value >= least && value <= most;
  if (!SCENARIOS.includes(options.scenario))
    return `no scenario ${options.scenario}; there are ${SCENARIOS.join(', ')}`;
  if (!Number.isSafeInteger(options.seed)) return `seed ${options.seed} is no whole number`;
  if (!whole(options.agents, 1, 10_000)) return `agents ${options.agents} is no whole number from 1 to 10000`;
  if (!whole(options.days, 2, 366)) return `days ${options.days} is no whole number from 2 to 366`;
  if (!whole(options.startMs, 0, Date.UTC(2100, 0, 1)) || options.startMs % DAY_MS !== 0) {
    return `start ${options.startMs} is no UTC midnight between 1970 and 2100`;
  }
  for (const { kind, day } of options.injections ?? []) {
    if (!INJECTION_KINDS.includes(kind)) return `no injection ${kind}; there are ${INJECTION_KINDS.join(', ')}`;
    if (day !== undefined && !(day >= 0 && day < options.days)) return `day ${day} of ${kind} is outside the recording`;
  }
  return null;
}

/** Throws a KilldeerError 'usage' with the sentence of simulationProblem. */
export function createSimulation(options: SimulationOptions): Simulation {
  const problem = simulationProblem(options);
  if (problem !== null) throw new KilldeerError('usage', problem);
  const { seed, days, startMs, scenario } = options;
  const fleet = drawFleet(options);
  const plans = stagePlans({ seed, scenario, startMs, days, fleet, wishes: options.injections ?? [] });
  if (typeof plans === 'string') throw new KilldeerError('usage', plans);
  const endMs = startMs + days * DAY_MS;
  const world: World = { seed, startMs, endMs, conditions: joinConditions(plans.map((plan) => plan.conditions ?? {})) };
  const labels = plans.flatMap((plan) => labelOf(plan, world) ?? []);
  labels.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  return {
    options,
    labels,
    key: keyOf(options, fleet, labels),
    events: () => streamEvents(`${scenario}-${seed}`, world, fleet, plans),
  };
}

function* streamEvents(
  idPrefix: string,
  world: World,
  fleet: readonly Member[],
  plans: readonly StagedPlan[],
): Generator<SimulatedEvent, void, undefined> {
  const ordinary = fleet.map((member) => openSessions(world, member));
  const injected = plans.flatMap((plan) => plan.stream?.(world) ?? []);
  let count = 0;
  for (const draft of mergeStreams([...ordinary, ...injected])) {
    // Sessions that are still open at the end are cut there.
    if (draft.timeMs >= world.endMs) return;
    yield toWire(draft, `${idPrefix}-${String(count++).padStart(7, '0')}`);
  }
}

/** Runs the plan's stream alone to see when, and in which sessions, it acts; null: not before the recording ends. */
function labelOf(plan: StagedPlan, world: World): Label | null {
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  const sessions = new Set<string>();
  for (const draft of plan.stream === undefined ? [] : mergeStreams([plan.stream(world)])) {
    if (draft.timeMs >= world.endMs) break;
    if (!draft.injected) continue;
    firstMs = Math.min(firstMs, draft.timeMs);
    lastMs = draft.timeMs;
    sessions.add(draft.session);
  }
  const fromMs = plan.window?.fromMs ?? firstMs;
  const toMs = plan.window?.toMs ?? lastMs;
  if (!(fromMs < world.endMs)) return null;
  const label = { agent: plan.agent, session: null, from: isoTime(fromMs), to: isoTime(Math.min(toMs, world.endMs)) };
  const what = { kind: plan.kind, source: plan.source };
  // A burst and a batch are more of the same: no session carries them, their number does.
  if (sessions.size === 0 || plan.kind === 'rate-burst-x10' || plan.kind.startsWith('negative:'))
    return { ...label, ...what };
  if (sessions.size === 1) return { ...label, session: [...sessions][0], ...what };
  return { ...label, ...what, sessions: [...sessions] };
}

function keyOf(options: SimulationOptions, fleet: readonly Member[], labels: readonly Label[]): Key {
  const { seed, scenario, startMs, days } = options;
  const playsOf = (agent: string): string => {
    const kinds = new Set(labels.filter((label) => label.agent === agent).map((label) => label.kind));
    return kinds.size === 0 ? 'clean' : [...kinds].join(', ');
  };
  return {
    seed,
    scenario,
    start: isoTime(startMs),
    train_until: isoTime(startMs + trainDaysOf(scenario, days) * DAY_MS),
    days,
    agents: fleet.map(({ name, role, model, sessionsPerDay }) => ({
      agent: name,
      role: role.name,
      owner: role.owner,
      labels: role.labels,
      model,
      sessions_per_day: Math.round(sessionsPerDay * 10) / 10,
      plays: playsOf(name),
    })),
  };
}

/** What a registry would know of the fleet: the same agents without what they play. */
export interface RegistryRow {
  readonly agent: string;
  readonly role: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly budgets?: { readonly session_usd: number };
}

/** Budgets that the owners of dear roles have set, US dollars a session: several times what a large task costs. */
const SESSION_BUDGETS_USD: Readonly<Record<string, number>> = { 'research-assistant': 25, 'coding-agent': 25 };

/** The registry rows of a fleet, in the order of the key. */
export function registryRows(key: Key): RegistryRow[] {
  return key.agents.map(({ agent, role, owner, labels }) => {
    const sessionUsd = SESSION_BUDGETS_USD[role];
    const row = { agent, role, owner, labels };
    return sessionUsd === undefined ? row : { ...row, budgets: { session_usd: sessionUsd } };
  });
}
