/** One session: model calls and tool calls in turn, context that grows, errors that are retried, sub-agents. */
import { createRandom, type Random } from '../math/random.js';
import type { Item } from './agenda.js';
import { type Conditions, chatErrorShareAt, rolloutAt, tokenFactorAt } from './conditions.js';
import { type Duty, drawTarget, hexOf, type Member, toolOf, versionAt } from './member.js';
import { costUsdOf, parseSteps, type Step, type Tool } from './role.js';
import type { Draft } from './wire.js';

/** What every session of a simulation shares. */
export interface World {
  readonly seed: number;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly conditions: Conditions;
}

/** One acting agent within one session. Moves on with each call. */
export interface Thread {
  readonly world: World;
  /** Whose name, credential and version the calls carry. */
  readonly identity: Member;
  /** Whose habits make the calls; another member where an identity is misused. */
  readonly habits: Member;
  readonly agent: string;
  readonly parent: string | null;
  readonly session: string;
  readonly source: string;
  readonly random: Random;
  /** The session's own tickets, orders and customers, by template. */
  readonly cases: Map<string, string>;
  timeMs: number;
  /** Tokens that the next model call sends. */
  contextTokens: number;
  /** Calls made from here on are part of an injection. */
  injected: boolean;
}

/** Who opens a session; left out: its own habits and place, nothing injected. */
export interface ThreadStart {
  readonly identity: Member;
  readonly habits?: Member;
  readonly source?: string;
  readonly injected?: boolean;
}

/** A new session. Its seed is its own: what happens elsewhere leaves it as it is. */
export function openThread(world: World, start: ThreadStart, timeMs: number, seed: string): Thread {
  const random = createRandom(seed);
  const habits = start.habits ?? start.identity;
  return {
    world,
    identity: start.identity,
    habits,
    agent: start.identity.name,
    parent: null,
    session: hexOf(random, 2).slice(0, 12),
    source: start.source ?? start.identity.source,
    random,
    cases: new Map(),
    timeMs: Math.round(timeMs),
    contextTokens: Math.round(habits.role.promptTokens * habits.promptScale * random.logNormal(1, 0.1)),
    injected: start.injected ?? false,
  };
}

/** Most attempts of one call, the first included. */
const ATTEMPTS_MAX = 4;

const pause = (thread: Thread, medianMs: number): void => {
  thread.timeMs += 1 + Math.round(thread.random.logNormal(medianMs, 0.5));
};

type Call = Pick<Draft, 'operation' | 'endpoint' | 'target' | 'status' | 'latencyMs'> & Partial<Draft>;

/** The draft of a call made now; the thread moves past its answer. */
export function makeCall(thread: Thread, call: Call): Draft {
  const draft: Draft = {
    timeMs: thread.timeMs,
    agent: thread.agent,
    parent: thread.parent,
    session: thread.session,
    inputTokens: null,
    outputTokens: null,
    costUsd: null,
    bytesOut: null,
    model: null,
    version: versionAt(thread.identity, thread.timeMs),
    credential: thread.identity.credential,
    source: thread.source,
    injected: thread.injected,
    ...call,
  };
  thread.timeMs += Math.max(1, draft.latencyMs);
  return draft;
}

/** One attempt of a model call. A failed one answers nothing and costs nothing. */
export function callModel(thread: Thread, model: string, failed: boolean): Draft {
  const { random, habits, world } = thread;
  const factor = tokenFactorAt(world.conditions, thread.agent, thread.timeMs);
  const answered = failed ? 0 : Math.max(1, Math.round(random.logNormal(habits.role.outputTokens, 0.5)));
  const inputTokens = Math.max(1, Math.round(thread.contextTokens * factor));
  const outputTokens = Math.round(answered * factor);
  thread.contextTokens += answered;
  return makeCall(thread, {
    operation: 'chat',
    endpoint: model,
    target: null,
    status: failed ? 'error' : 'ok',
    latencyMs: Math.round((failed ? 120 : 350 + 14 * outputTokens) * random.logNormal(1, 0.3)),
    inputTokens,
    outputTokens,
    costUsd: failed ? 0 : costUsdOf(model, inputTokens, outputTokens),
    model,
  });
}

/** Asks the model, where the agent has one, and again with a growing pause where the call fails. */
export function* askModel(thread: Thread): Generator<Item, void, undefined> {
  const { model } = thread.habits;
  if (model === null) return;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const failed = thread.random.next() < chatErrorShareAt(thread.world.conditions, thread.timeMs);
    yield callModel(thread, model, failed);
    if (!failed) return;
    pause(thread, 1000 * attempt * attempt);
  }
}

/** One attempt of a tool call. */
export function callTool(thread: Thread, tool: Tool, target: string | null, status: Draft['status']): Draft {
  const { random } = thread;
  return makeCall(thread, {
    operation: tool.operation,
    endpoint: tool.name,
    target,
    status,
    latencyMs: Math.max(1, Math.round(random.logNormal(tool.latencyMs, 0.4))),
    bytesOut: Math.round(random.logNormal(tool.bytesOut, 0.35)),
  });
}

/** Calls a tool; a failed call is tried again a few times, as a well-behaved agent would. */
export function* useTool(thread: Thread, tool: Tool, target: string | null): Generator<Item, void, undefined> {
  const { random, habits } = thread;
  for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
    const failed = random.next() < tool.errorShare;
    yield callTool(thread, tool, target, failed ? 'error' : 'ok');
    thread.contextTokens += Math.round(random.logNormal(failed ? 60 : Math.max(1, habits.role.growthTokens), 0.6));
    if (!failed) return;
    pause(thread, 800 * attempt);
  }
}

function repeatsOf(step: Step, random: Random): number {
  if (step.repeat === 'once') return 1;
  return step.repeat === 'maybe' ? random.below(2) : 1 + random.below(4);
}

/** Share of tool calls that one model answer asks for together with the call before. */
const TOGETHER_SHARE = 0.2;

/** Does the steps with a model call before each, and without a last word. */
export function* doSteps(thread: Thread, steps: readonly Step[]): Generator<Item, void, undefined> {
  for (const step of steps) {
    for (let left = repeatsOf(step, thread.random); left > 0; left--) {
      if (thread.random.next() >= TOGETHER_SHARE) yield* askModel(thread);
      if (step.tool === null) yield* delegate(thread);
      else {
        const tool = toolOf(thread.habits, step.tool);
        yield* useTool(thread, tool, drawTarget(thread.habits, tool.targets, thread.cases, thread.random));
      }
      pause(thread, 150);
    }
  }
}

/** Sub-agents that one agent has names for in ordinary work. */
const SUB_AGENTS = 4;

function* delegate(thread: Thread): Generator<Item, void, undefined> {
  const { subTask } = thread.habits.role;
  if (subTask === null) return;
  const child = `${thread.agent}/sub-0${1 + thread.random.below(SUB_AGENTS)}`;
  yield* spawn(thread, child);
  const own = openChild(thread, child);
  yield { timeMs: thread.timeMs, open: finish(own, parseSteps(subTask)) };
  pause(thread, 6000);
}

/** The call that starts a sub-agent. */
export function* spawn(thread: Thread, child: string): Generator<Item, void, undefined> {
  const latencyMs = Math.round(thread.random.logNormal(45, 0.4));
  yield makeCall(thread, {
    operation: 'invoke_agent',
    endpoint: 'spawn_agent',
    target: child,
    status: 'ok',
    latencyMs,
  });
}

/** The sub-agent's own thread: same session, own context, its parent named. */
export function openChild(thread: Thread, child: string): Thread {
  const random = createRandom(hexOf(thread.random, 4));
  const contextTokens = Math.round(thread.habits.role.promptTokens * random.logNormal(0.7, 0.2));
  return { ...thread, agent: child, parent: thread.agent, random, cases: new Map(), contextTokens };
}

function* finish(thread: Thread, steps: readonly Step[]): Generator<Item, void, undefined> {
  yield* doSteps(thread, steps);
  yield* askModel(thread);
}

/** One of the tasks that the agent has taken up by now, by weight. */
export function pickDuty(thread: Thread): Duty {
  const open = thread.habits.duties.filter((duty) => duty.fromMs <= thread.timeMs);
  let place = thread.random.next() * open.reduce((sum, duty) => sum + duty.weight, 0);
  for (const duty of open) {
    place -= duty.weight;
    if (place < 0) return duty;
  }
  return open[0];
}

/** Share of sessions in which the same user asks for one more thing. */
const MORE_SHARE = 0.08;
/** The same for tasks without tools: a conversation goes back and forth. */
const TALK_SHARE = 0.4;

/** Share of sessions that go on for several tasks more: long ones are ordinary too. */
const LONG_SHARE = 0.01;

/** A whole ordinary session. */
export function* workSession(thread: Thread): Generator<Item, void, undefined> {
  const steady = thread.habits.role.rhythm === 'metronome';
  let due = !steady && thread.random.next() < LONG_SHARE ? 4 + thread.random.below(4) : 1;
  while (due > 0) {
    due--;
    const duty = pickDuty(thread);
    yield* doSteps(thread, duty.steps);
    const rollout = rolloutAt(thread.world.conditions, thread.habits.role.name, thread.timeMs);
    if (rollout !== null && thread.random.next() < rollout.share) {
      yield* useTool(
        thread,
        rollout.tool,
        drawTarget(thread.habits, rollout.tool.targets, thread.cases, thread.random),
      );
    }
    yield* askModel(thread);
    if (!steady && thread.random.next() < (duty.steps.length === 0 ? TALK_SHARE : MORE_SHARE)) due++;
    pause(thread, 25_000);
  }
}
