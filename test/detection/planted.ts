/**
 * One feature of an ordinary agent made strange, one agent a case: what the first finding about it says first. All cases
 * are played as one fleet; each agent has days of its own before, and its planting on the last.
 */
import type { Finding } from '../../src/decide/finding.js';
import type { AgentEvent } from '../../src/event/event.js';
import type { Random } from '../../src/math/random.js';
import { DAY_MS, eventOf, HOUR_MS, MINUTE_MS, SECOND_MS, START_MS } from '../engine/world.js';
import { play, timeOf } from './arena.js';
import { merged, seeded } from './rhythm.js';

const DAYS = 7;
const BEGIN_MS = START_MS + DAYS * DAY_MS + 10 * HOUR_MS;
const TASK_EVERY_MS = 40 * MINUTE_MS;

/** What is planted, and which measurements name it. */
export interface Planting {
  readonly name: string;
  readonly features: RegExp;
  readonly detectors: readonly string[];
  readonly events: (place: Place) => Partial<AgentEvent>[];
  /** Tasks go on beside it; false: they end with its beginning. */
  readonly goesOn?: boolean;
  /** How long a finding about it is waited for, ms. */
  readonly withinMs: number;
}

interface Place {
  readonly random: Random;
  readonly fromMs: number;
}

const tool = (random: Random): Partial<AgentEvent> => ({
  endpoint: `tool-${random.below(3)}`,
  target: `account/${random.below(3)}`,
  status: random.next() < 0.01 ? 'error' : 'ok',
  bytesOut: Math.round(random.logNormal(500, 0.4)),
});

const chat = (random: Random, dearer = 1): Partial<AgentEvent> => ({
  operation: 'chat',
  endpoint: 'model-1',
  inputTokens: Math.round(random.logNormal(1500, 0.3)),
  outputTokens: Math.round(random.logNormal(300, 0.3)),
  costUsd: dearer * random.logNormal(0.01, 0.3),
});

/** `count` calls of one session, evenly from `fromMs` on. */
function calls(
  { fromMs }: Place,
  session: string,
  count: number,
  gapMs: number,
  what: (at: number) => Partial<AgentEvent>,
): Partial<AgentEvent>[] {
  return Array.from({ length: count }, (_, at) => ({ session, timeMs: Math.floor(fromMs + at * gapMs), ...what(at) }));
}

const steady = { endpoint: 'tool-0', target: 'account/0' } as const;

export const PLANTINGS: readonly Planting[] = [
  {
    name: 'calls',
    features: /^calls /,
    detectors: ['rate', 'ramp'],
    withinMs: HOUR_MS,
    events: (place) => calls(place, 'p', 200, SECOND_MS, () => steady),
  },
  {
    name: 'session starts',
    features: /^sessions started/,
    detectors: ['starts'],
    withinMs: 3 * HOUR_MS,
    events: (place) => calls(place, 'p', 40, MINUTE_MS, (at) => ({ ...steady, session: `p-${at}` })),
  },
  {
    name: 'sub-agents',
    features: /^sub-agents started/,
    detectors: ['delegation'],
    withinMs: HOUR_MS,
    events: (place) =>
      calls(place, 'p', 15, 30 * SECOND_MS, () => ({ operation: 'invoke_agent', endpoint: 'tool-1', target: null })),
  },
  {
    name: 'failures',
    features: /^(failed calls|failures)/,
    detectors: ['errors'],
    withinMs: HOUR_MS,
    events: (place) => calls(place, 'p', 25, 20 * SECOND_MS, () => ({ ...steady, status: 'error' })),
  },
  {
    name: 'new endpoints',
    features: /new endpoints/,
    detectors: ['novelty'],
    withinMs: HOUR_MS,
    events: (place) =>
      calls(place, 'p', 6, MINUTE_MS, (at) => ({ endpoint: `vault.secret-${at}`, target: `account/${at % 3}` })),
  },
  {
    name: 'new targets',
    features: /new targets/,
    detectors: ['novelty'],
    withinMs: HOUR_MS,
    events: (place) => calls(place, 'p', 6, MINUTE_MS, (at) => ({ endpoint: 'tool-0', target: `stranger/${at}` })),
  },
  {
    // The same thing is measured by the session and over days.
    name: 'new targets over days',
    features: /new targets|not adopted, over days/,
    detectors: ['novelty', 'creep'],
    withinMs: 14 * HOUR_MS,
    events: (place) =>
      calls(place, 'p', 12, HOUR_MS, (at) => ({ endpoint: 'tool-0', target: `drip/${at}`, session: `p-${at}` })),
  },
  {
    name: 'cost of a session',
    features: /^(cost of the session|spend of the last hour)/,
    detectors: ['session', 'spend'],
    withinMs: HOUR_MS,
    events: (place) => calls(place, 'p', 8, 30 * SECOND_MS, () => chat(place.random, 60)),
  },
  {
    name: 'cost drift',
    features: /dearer than the anchor/,
    detectors: ['drift'],
    withinMs: 30 * HOUR_MS,
    events: (place) =>
      calls(place, 'p', 180, TASK_EVERY_MS / 4, (at) => ({ ...chat(place.random, 1.4), session: `p-${at >> 2}` })),
    goesOn: false,
  },
  {
    name: 'bytes out',
    features: /^bytes out/,
    detectors: ['egress', 'joint'],
    withinMs: HOUR_MS,
    events: (place) => calls(place, 'p', 8, MINUTE_MS, () => ({ ...steady, bytesOut: 400_000 })),
  },
  {
    name: 'silence',
    features: /hours without a call/,
    detectors: ['silence'],
    withinMs: 40 * HOUR_MS,
    events: () => [],
    goesOn: false,
  },
];

/** Ordinary tasks of six calls, half of them of a model, until `toMs`. */
function* tasks(name: string, random: Random, toMs: number): Generator<AgentEvent> {
  let id = 0;
  let startMs = START_MS + random.next() * TASK_EVERY_MS;
  for (let task = 0; startMs < toMs; task++) {
    let timeMs = startMs;
    const count = 5 + random.below(4);
    for (let call = 0; call < count && timeMs < toMs; call++) {
      const what = call % 2 === 0 ? chat(random) : tool(random);
      yield eventOf({ id: `${name}-${id++}`, agent: name, session: `t-${task}`, ...what, timeMs: Math.floor(timeMs) });
      timeMs += 15 * SECOND_MS * random.exponential();
    }
    startMs = Math.max(timeMs, startMs + TASK_EVERY_MS * random.between(0.5, 1.5));
  }
}

function placeOf(planting: Planting, seed: number): Place {
  const random = seeded(`planted-${planting.name}-${seed}`);
  return { fromMs: BEGIN_MS + random.below(TASK_EVERY_MS), random };
}

function* planted(name: string, planting: Planting, seed: number): Generator<AgentEvent> {
  const place = placeOf(planting, seed);
  const { fromMs } = place;
  const extra = planting.events(place);
  const events = extra.map((what, at) => eventOf({ id: `${name}-p${at}`, agent: name, timeMs: fromMs, ...what }));
  const toMs = planting.goesOn === false ? fromMs : fromMs + planting.withinMs;
  yield* merged([tasks(name, seeded(`tasks-${name}-${seed}`), toMs), events]);
}

export interface PlantedFigures {
  readonly name: string;
  readonly cases: number;
  readonly found: number;
  /** Cases whose first finding since the planting names it first. */
  readonly named: number;
  /** What the others named. */
  readonly others: readonly string[];
}

function isNamed({ features, detectors }: Planting, { attribution }: Finding): boolean {
  return detectors.includes(attribution[0].detector) && features.test(attribution[0].feature);
}

/** As many cases of every planting. */
export function measurePlanted(casesEach: number): PlantedFigures[] {
  const nameOf = (planting: Planting, seed: number): string => `${planting.name.replaceAll(' ', '-')}-${seed}`;
  const seeds = Array.from({ length: casesEach }, (_, seed) => seed);
  const streams = PLANTINGS.flatMap((planting) => seeds.map((seed) => planted(nameOf(planting, seed), planting, seed)));
  // Somebody who calls on, so that the clock does.
  streams.push(tasks('clock', seeded('clock'), BEGIN_MS + 2 * DAY_MS));
  const { findings } = play(merged(streams));
  return PLANTINGS.map((planting) => {
    const firsts = seeds.flatMap((seed) => {
      const name = nameOf(planting, seed);
      const { fromMs } = placeOf(planting, seed);
      const toMs = fromMs + planting.withinMs;
      const first = findings.find((f) => f.root === name && timeOf(f) >= fromMs && timeOf(f) <= toMs);
      return first === undefined ? [] : [first];
    });
    const named = firsts.filter((finding) => isNamed(planting, finding));
    const others = firsts.filter((finding) => !named.includes(finding));
    return {
      name: planting.name,
      cases: casesEach,
      found: firsts.length,
      named: named.length,
      others: [...new Set(others.map(({ attribution }) => `${attribution[0].detector}: ${attribution[0].feature}`))],
    };
  });
}
