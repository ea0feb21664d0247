/** Which injections a simulation carries, on whom and when. */
import { createRandom, type Random } from '../math/random.js';
import { curveAt } from './day-curve.js';
import { INJECTIONS } from './inject/catalogue.js';
import type { InjectionKind, Plan } from './inject/plan.js';
import type { Member } from './member.js';
import { DAY_MS } from './wire.js';

/** Names of the scenarios. */
export const SCENARIOS = [
  'demo',
  'mixed',
  'quiet',
  'retry-loop',
  'burst',
  'budget-blowup',
  'hijack',
  'fan-out',
  'slow-creep',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** An injection that is asked for; what is left out is drawn. */
export interface Wish {
  readonly kind: InjectionKind;
  /** Name of an agent of the fleet. */
  readonly agent?: string;
  /** Roles to draw the agent from, where none is named. */
  readonly roles?: readonly string[];
  /** When it begins, in days after the start; may have a fraction. */
  readonly day?: number;
  /** Pace of a retry loop: two calls a second for minutes, or 500 an hour. */
  readonly pace?: 'storm' | 'steady';
}

interface Shape {
  readonly agents: number;
  readonly days: number;
}

/** Size of each scenario where none is asked for. */
export const SCENARIO_SHAPES: Readonly<Record<Scenario, Shape>> = {
  demo: { agents: 12, days: 10 },
  mixed: { agents: 36, days: 28 },
  quiet: { agents: 8, days: 10 },
  'retry-loop': { agents: 8, days: 9 },
  burst: { agents: 8, days: 9 },
  'budget-blowup': { agents: 8, days: 9 },
  hijack: { agents: 8, days: 9 },
  'fan-out': { agents: 8, days: 9 },
  'slow-creep': { agents: 8, days: 10 },
};

/** Days at the beginning without injections; at least one, and at least one is left after them. */
export function trainDaysOf(scenario: Scenario, days: number): number {
  const judged: Readonly<Partial<Record<Scenario, number>>> = { demo: 1, quiet: 3, 'slow-creep': 4 };
  const train = scenario === 'mixed' ? days >> 1 : days - (judged[scenario] ?? 2);
  return Math.max(1, Math.min(days - 1, train));
}

const CUSTOMER_ROLES = ['chat-service'];
const TALKATIVE_ROLES = ['research-assistant', 'coding-agent', 'data-analyst', 'ops-agent'];
const SENDING_ROLES = ['finance-clerk', 'research-assistant', 'data-analyst'];

const NEGATIVES: readonly Wish[] = [
  { kind: 'negative:weekly-batch', roles: ['data-analyst', 'finance-clerk'] },
  { kind: 'negative:new-tool-rollout', roles: ['research-assistant', 'sales-assistant', 'people-assistant'] },
];
const OUTAGE: Wish = { kind: 'negative:provider-outage' };

/** One round of everything; larger fleets play several. The order is the order in which agents are taken. */
const EVERYTHING: readonly Wish[] = [
  { kind: 'rate-burst-x10', roles: CUSTOMER_ROLES },
  { kind: 'retry-loop' },
  { kind: 'sub-agent-fan-out' },
  { kind: 'budget-blowup', roles: TALKATIVE_ROLES },
  { kind: 'hijack', roles: SENDING_ROLES },
  ...NEGATIVES,
  { kind: 'cost-creep-2pct-per-hour', roles: ['chat-service', 'support-agent', 'ops-agent'] },
  { kind: 'new-endpoint-set' },
  { kind: 'privilege-creep' },
  { kind: 'dormant-wakes' },
  { kind: 'shared-credential' },
  { kind: 'slow-exfiltration' },
  { kind: 'rate-burst-x10' },
  { kind: 'hijack' },
  { kind: 'hijack' },
];
/** Agents that one round of everything is meant for. */
const ROUND_AGENTS = 24;

/** Hours and minutes as a part of a day. */
const clock = (hour: number, minute: number): number => (hour * 60 + minute) / 1440;

/** The demo's last day: four stories, hours apart. */
function demoWishes(days: number): Wish[] {
  const last = days - 1;
  return [
    { kind: 'retry-loop', roles: ['support-agent'], day: last + clock(9, 41), pace: 'storm' },
    { kind: 'new-endpoint-set', roles: ['finance-clerk'], day: last + clock(11, 16) },
    { kind: 'budget-blowup', roles: ['research-assistant'], day: last + clock(13, 5) },
    { kind: 'sub-agent-fan-out', roles: ['coding-agent'], day: last + clock(16, 32) },
  ];
}

function wishesOf(scenario: Scenario, agents: number, days: number): readonly Wish[] {
  switch (scenario) {
    case 'demo':
      return demoWishes(days);
    case 'mixed': {
      const rounds = Math.max(1, Math.floor(agents / ROUND_AGENTS));
      return [OUTAGE, ...Array.from({ length: rounds }, () => EVERYTHING).flat()];
    }
    case 'quiet':
      return [OUTAGE, ...NEGATIVES];
    case 'retry-loop':
      return [
        { kind: 'retry-loop', roles: ['support-agent'], pace: 'storm' },
        { kind: 'retry-loop', roles: ['ops-agent', 'finance-clerk'], pace: 'steady' },
      ];
    case 'burst':
      return [
        { kind: 'rate-burst-x10', roles: CUSTOMER_ROLES },
        { kind: 'rate-burst-x10', roles: ['finance-clerk'] },
      ];
    case 'budget-blowup':
      return [{ kind: 'budget-blowup', roles: TALKATIVE_ROLES }];
    case 'hijack':
      return [
        { kind: 'hijack', roles: ['finance-clerk'] },
        { kind: 'hijack', roles: ['research-assistant'] },
      ];
    case 'fan-out':
      return [{ kind: 'sub-agent-fan-out', roles: ['coding-agent'] }];
    case 'slow-creep':
      return [{ kind: 'cost-creep-2pct-per-hour', roles: CUSTOMER_ROLES }];
  }
}

/** Days that an injection needs before the recording ends. */
const NEEDS_DAYS: Readonly<Partial<Record<InjectionKind, number>>> = {
  'cost-creep-2pct-per-hour': 3,
  'shared-credential': 2,
  'slow-exfiltration': 5,
  'privilege-creep': 12,
  'negative:new-tool-rollout': 1,
};

function drawDay(kind: InjectionKind, trainDays: number, days: number, random: Random): number {
  const span = days - trainDays;
  // The batch must have been seen in a week before; the sleeper must have slept.
  if (kind === 'negative:weekly-batch') return Math.min(days - 1, Math.max(trainDays, 7));
  if (kind === 'dormant-wakes') return trainDays + Math.min(span - 1, Math.floor(span * random.between(0.3, 0.8)));
  const least = trainDays + 0.05 * Math.min(span, 4);
  const most = days - (NEEDS_DAYS[kind] ?? 0.4);
  return most <= least ? least : random.between(least, most);
}

/** What begins in the midst of ordinary work, and so at a time at which the agent works. */
const WORKING: readonly InjectionKind[] = [
  'hijack',
  'retry-loop',
  'budget-blowup',
  'sub-agent-fan-out',
  'new-endpoint-set',
];
const DRAWS_MAX = 60;

/** When the injection begins, ms after the start of the recording. */
function drawBegin(stage: Stage, wish: Wish, member: Member, seed: string): number {
  if (wish.day !== undefined) return Math.round(wish.day * DAY_MS);
  const random = createRandom(`${seed}/day`);
  const trainDays = trainDaysOf(stage.scenario, stage.days);
  let beginMs = 0;
  for (let left = DRAWS_MAX; left > 0; left--) {
    beginMs = Math.round(drawDay(wish.kind, trainDays, stage.days, random) * DAY_MS);
    const rate = curveAt(member.role.curve, stage.startMs + beginMs, member.zoneHours);
    if (!WORKING.includes(wish.kind) || rate > 0.8) break;
  }
  return beginMs;
}

/** Agents that carry an injection, at most, as a share of the fleet. */
const CAST_SHARE_MAX = 0.75;

/** What injections are staged on. */
export interface Stage {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly startMs: number;
  readonly days: number;
  readonly fleet: readonly Member[];
  /** Asked for beside the scenario's own. */
  readonly wishes: readonly Wish[];
}

/** A plan with the kind of its label. */
export interface StagedPlan extends Plan {
  readonly kind: InjectionKind;
}

/**
 * Plans of all wishes that find an agent, each on an agent of its own where none is named; a small fleet plays fewer
 * of the scenario's. A wish for a named agent is played by it or fails: then the result is its sentence instead.
 */
export function stagePlans(stage: Stage): StagedPlan[] | string {
  const { seed, scenario, fleet, days } = stage;
  const castMax = Math.max(1, Math.floor(fleet.length * CAST_SHARE_MAX));
  const cast = new Set(stage.wishes.flatMap((wish) => wish.agent ?? []));
  const queue = createRandom(`${seed}/cast`).shuffle([...fleet]);
  const plans: StagedPlan[] = [];
  for (const [at, wish] of [...wishesOf(scenario, fleet.length, days), ...stage.wishes].entries()) {
    const isFleetWide = wish.kind === 'negative:provider-outage';
    if (!isFleetWide && wish.agent === undefined && cast.size >= castMax) continue;
    const found = playWish(stage, wish, at, isFleetWide ? fleet : candidates(wish, queue, cast));
    if (found !== null) {
      if (!isFleetWide) for (const plan of found.plans) cast.add(plan.agent ?? found.member.name);
      plans.push(...found.plans.map((plan) => ({ ...plan, kind: wish.kind })));
    } else if (wish.agent !== undefined) return `agent ${wish.agent} cannot play ${wish.kind}`;
  }
  return plans;
}

function candidates(wish: Wish, queue: readonly Member[], cast: ReadonlySet<string>): readonly Member[] {
  if (wish.agent !== undefined) return queue.filter((member) => member.name === wish.agent);
  const free = queue.filter((member) => !cast.has(member.name));
  const fitting = free.filter((member) => wish.roles?.includes(member.role.name) === true);
  return fitting.length > 0 ? fitting : free;
}

function playWish(
  stage: Stage,
  wish: Wish,
  at: number,
  members: readonly Member[],
): { readonly member: Member; readonly plans: Plan[] } | null {
  const { startMs, days } = stage;
  const seed = `${stage.seed}/${stage.scenario}/${at}/${wish.kind}`;
  const trainDays = trainDaysOf(stage.scenario, days);
  const scene = {
    fleet: stage.fleet,
    seed,
    startMs,
    trainUntilMs: startMs + trainDays * DAY_MS,
    endMs: startMs + days * DAY_MS,
    pace: wish.pace ?? null,
  };
  for (const member of members) {
    const fromMs = startMs + drawBegin(stage, wish, member, seed);
    const plans = INJECTIONS[wish.kind]({ ...scene, member, fromMs });
    if (plans !== null) return { member, plans };
  }
  return null;
}
