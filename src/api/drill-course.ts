/**
 * The course of a drill: stop a canary, see that it and its sub-agents are refused, release it, see that it is let go,
 * and how long each of that took. Knows neither HTTP nor the registry: what it does is done by its `DrillSubject`.
 * What a drill stops it releases, also where a stage was missed; should even that fail, the stop ends by itself.
 */
import type { DrillResult, DrillStage } from '../registry/registry.js';

/** What a drill does things to. Every call may reject; a rejection is a stage that was missed. */
export interface DrillSubject {
  readonly way: DrillResult['way'];
  /** Sees to it that the canary is registered with the label 'canary'; rejects where the name is somebody else's. */
  prepare(canary: string): Promise<void>;
  /** Resolves once the stop is durable and in force. It must end by itself after `forMs`. */
  stop(canary: string, forMs: number): Promise<void>;
  release(canary: string): Promise<void>;
  /** Whether a call of this agent would be allowed now. */
  isAllowed(agent: string): Promise<boolean>;
  /** How long places have to prove a stop of the canary, the slowest of them, ms; 0: there are none. */
  proofMs(canary: string): Promise<number>;
  /**
   * Whether every place that has to carry out the newest stop for this agent, the canary or one below it, has said that
   * it did; null: there is no such place, or the agent is one that places are not told of.
   */
  isConfirmed(agent: string): Promise<boolean | null>;
  /** Waits for the next round, where too many calls in a row would be refused. */
  ready?(): Promise<void>;
}

export interface DrillOptions {
  readonly id: string;
  readonly canary: string;
  readonly children: number;
  readonly rounds: number;
  /** Longest wait for one stage, ms. */
  readonly patienceMs: number;
  /** Wall clock, ms since the epoch; and one that never goes back, ms. */
  readonly clock: () => number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onRound?: (done: number) => void;
}

const STAGES = ['applied', 'refused', 'tree-refused', 'confirmed', 'released'] as const;
type Stage = (typeof STAGES)[number];
/** ms by round and stage; null: missed; a stage that does not apply is left out. */
type Round = Partial<Record<Stage, number | null>>;

/** Between two questions whether places have confirmed: the first pause, and the longest. */
const CONFIRM_FIRST_MS = 25;
const CONFIRM_MOST_MS = 1_000;

/** Holds a drill. Rejects only where the canary could not be prepared. */
export async function holdDrill(subject: DrillSubject, options: DrillOptions): Promise<DrillResult> {
  const { id, canary, children, rounds } = options;
  const startedMs = options.clock();
  await subject.prepare(canary);
  const proofMs = await subject.proofMs(canary);
  const held: Round[] = [];
  for (let done = 1; done <= rounds; done++) {
    await subject.ready?.();
    held.push(await holdRound(subject, options, proofMs));
    options.onRound?.(done);
  }
  const stages = STAGES.flatMap((stage) => stageOf(stage, held));
  const ok = stages.every(({ missed }) => missed === 0);
  return { id, canary, children, rounds, way: subject.way, startedMs, ok, stages };
}

async function holdRound(subject: DrillSubject, options: DrillOptions, proofMs: number): Promise<Round> {
  const { canary, children, patienceMs, now } = options;
  const round: Round = {};
  const fromMs = now();
  const mark = (stage: Stage, isReached: boolean): void => {
    round[stage] = isReached ? now() - fromMs : null;
  };
  const refused = (agent: string) => until(options, patienceMs, async () => !(await subject.isAllowed(agent)));
  const subAgents = Array.from({ length: children }, (_, i) => `${canary}/sub-${i + 1}`);
  // Asked at the same time as the stop is: the first refusal counts, not the first question after the answer.
  await Promise.all([
    attempt(() => subject.stop(canary, 2 * patienceMs + proofMs)).then((isDone) => mark('applied', isDone)),
    refused(canary).then((isMet) => mark('refused', isMet)),
    ...(children === 0
      ? []
      : [Promise.all(subAgents.map(refused)).then((met) => mark('tree-refused', met.every(Boolean)))]),
  ]);
  const confirmed = await confirmation(subject, options, [canary, ...subAgents], Math.max(patienceMs, proofMs));
  if (confirmed !== null) mark('confirmed', confirmed);
  const releasedAtMs = now();
  const isReleased = await attempt(() => subject.release(canary));
  const isLetGo = isReleased && (await until(options, patienceMs, () => subject.isAllowed(canary)));
  round.released = isLetGo ? now() - releasedAtMs : null;
  return round;
}

async function confirmation(
  subject: DrillSubject,
  options: DrillOptions,
  agents: readonly string[],
  withinMs: number,
): Promise<boolean | null> {
  let isPlace = true;
  let pauseMs = CONFIRM_FIRST_MS / 2;
  const isMet = await until(
    options,
    withinMs,
    async () => {
      const answers = await Promise.all(agents.map((agent) => subject.isConfirmed(agent)));
      isPlace = answers.some((answer) => answer !== null);
      return !answers.includes(false);
    },
    () => {
      pauseMs = Math.min(CONFIRM_MOST_MS, 2 * pauseMs);
      return pauseMs;
    },
  );
  return isPlace ? isMet : null;
}

/** Asks until it is so; false: it was not within the time. */
async function until(
  { now, sleep }: DrillOptions,
  withinMs: number,
  isMet: () => Promise<boolean>,
  nextPauseMs: () => number = () => 0,
): Promise<boolean> {
  const endMs = now() + withinMs;
  do {
    if (await isMet().catch(() => false)) return true;
    await sleep(nextPauseMs());
  } while (now() < endMs);
  return false;
}

async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}

function stageOf(stage: Stage, held: readonly Round[]): DrillStage[] {
  const told = held.flatMap((round) => (stage in round ? [round[stage] ?? null] : []));
  if (told.length === 0) return [];
  const times = told
    .filter((ms) => ms !== null)
    .map((ms) => Math.round(ms * 1_000) / 1_000)
    .sort((a, b) => a - b);
  const missed = told.length - times.length;
  return [
    {
      ...{ stage, reached: times.length, missed },
      ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), maxMs: times.at(-1) ?? null },
    },
  ];
}

/** The smallest value that a share `q` of the ascending values does not exceed; null of none. */
function quantile(ascending: readonly number[], q: number): number | null {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? null;
}
