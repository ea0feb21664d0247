/** Failures without an attacker: bursts, retry loops, runaway sessions, runaway delegation, creeping costs. */
import type { Item } from '../agenda.js';
import { drawTarget } from '../member.js';
import type { Tool } from '../role.js';
import { askModel, callModel, callTool, openChild, openThread, spawn, type Thread, type World } from '../session.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../wire.js';
import { extraSessions, type Inject, planRandom, type Scene } from './plan.js';

const BURST_MS = 30 * MINUTE_MS;
const BURST_FACTOR = 10;
const BURST_SESSIONS_MIN = 10;

/** Ten times the agent's mean for half an hour, as extra sessions of its ordinary kind. */
export const rateBurst: Inject = (scene) => {
  const { member, fromMs } = scene;
  const sessions = Math.max(BURST_SESSIONS_MIN, Math.round((member.sessionsPerDay * BURST_FACTOR * BURST_MS) / DAY_MS));
  const random = planRandom(scene);
  const starts = Array.from({ length: sessions }, () => fromMs + Math.floor(random.next() * BURST_MS));
  starts.sort((a, b) => a - b);
  const source = `${sessions} extra sessions in 30 min (mean ${member.sessionsPerDay.toFixed(1)} a day)`;
  return [{ agent: member.name, source, stream: (world) => extraSessions(scene, world, starts) }];
};

/** A failing tool is called again and again: a storm of two a second, or 500 an hour for an hour. */
export const retryLoop: Inject = (scene) => {
  const { member } = scene;
  const random = planRandom(scene);
  const tools = member.role.tools.filter((tool) => tool.targets.kind !== 'none');
  if (tools.length === 0 || member.role.rhythm === 'metronome') return null;
  // Whom a carrier's interface answers "too many requests" is the usual victim.
  const tool = tools.find((each) => each.name === 'shipping.track') ?? random.pick(tools);
  const storm = scene.pace === null ? random.next() < 0.6 : scene.pace === 'storm';
  const loop = storm
    ? { tool: { ...tool, latencyMs: 90 }, calls: 240 + random.below(400), gapMs: 450 }
    : { tool: { ...tool, latencyMs: 400 }, calls: 500, gapMs: HOUR_MS / 500 };
  const pace = storm ? 'about 2 calls a second' : '500 calls an hour';
  const source = `${loop.calls} failing calls of ${tool.name} on one target, ${pace}`;
  return [{ agent: member.name, source, stream: (world) => loopSession(scene, world, loop) }];
};

interface Loop {
  readonly tool: Tool;
  readonly calls: number;
  /** From the start of one call to the start of the next. */
  readonly gapMs: number;
}

function* loopSession(scene: Scene, world: World, loop: Loop): Generator<Item, void, undefined> {
  const thread = openThread(world, { identity: scene.member }, scene.fromMs, scene.seed);
  yield* askModel(thread);
  const target = drawTarget(scene.member, loop.tool.targets, thread.cases, thread.random);
  thread.injected = true;
  for (let left = loop.calls; left > 0; left--) {
    const call = callTool(thread, loop.tool, target, 'error');
    yield call;
    thread.timeMs = call.timeMs + Math.max(20, Math.round(loop.gapMs * thread.random.logNormal(1, 0.35)));
  }
}

const BLOWUP_CALLS = 400;
const BLOWUP_START_TOKENS = 4000;
const BLOWUP_GROWTH_TOKENS = 450;
const CONTEXT_TOKENS_MAX = 180_000;

/** One session that never ends: each model call sends everything said before. */
export const budgetBlowup: Inject = (scene) => {
  const { member } = scene;
  const { model } = member;
  if (model === null) return null;
  const source = `one session, ${BLOWUP_CALLS} model calls, context grows by ${BLOWUP_GROWTH_TOKENS} tokens a call`;
  return [{ agent: member.name, source, stream: (world) => endlessSession(scene, world, model) }];
};

function* endlessSession(scene: Scene, world: World, model: string): Generator<Item, void, undefined> {
  const thread = openThread(world, { identity: scene.member, injected: true }, scene.fromMs, scene.seed);
  for (let call = 0; call < BLOWUP_CALLS; call++) {
    thread.contextTokens = Math.min(CONTEXT_TOKENS_MAX, BLOWUP_START_TOKENS + call * BLOWUP_GROWTH_TOKENS);
    yield callModel(thread, model, false);
    thread.timeMs += Math.round(thread.random.logNormal(10 * SECOND_MS, 0.4));
  }
}

const CHILDREN = 60;
/** Started by the agent itself; the others are started by these. */
const FIRST_CHILDREN = 12;
const CHILD_GAP_MS = 5 * SECOND_MS;

/** Sixty sub-agents in five minutes, two levels deep. */
export const fanOut: Inject = (scene) => {
  const { member } = scene;
  const { model } = member;
  if (model === null) return null;
  const source = `${CHILDREN} sub-agents in 5 min, two levels deep`;
  return [{ agent: member.name, source, stream: (world) => fanSession(scene, world, model) }];
};

function* fanSession(scene: Scene, world: World, model: string): Generator<Item, void, undefined> {
  const root = openThread(world, { identity: scene.member, injected: true }, scene.fromMs, scene.seed);
  const childName = (number: number): string => `${root.agent}/sub-${String(number).padStart(2, '0')}`;
  for (let number = 1; number <= CHILDREN; number++) {
    const timeMs = scene.fromMs + (number - 1) * CHILD_GAP_MS + root.random.below(2000);
    const caller =
      number <= FIRST_CHILDREN
        ? { ...root, timeMs }
        : { ...root, agent: childName(1 + root.random.below(FIRST_CHILDREN)), parent: root.agent, timeMs };
    yield* spawn(caller, childName(number));
    yield { timeMs, open: childTalk(openChild(caller, childName(number)), model) };
  }
}

function* childTalk(thread: Thread, model: string): Generator<Item, void, undefined> {
  thread.timeMs += 2 * SECOND_MS;
  for (let left = 3 + thread.random.below(6); left > 0; left--) {
    yield callModel(thread, model, false);
    thread.timeMs += Math.round(thread.random.logNormal(3 * SECOND_MS, 0.5));
  }
}

const CREEP_MS = 72 * HOUR_MS;
const CREEP_PER_HOUR = 0.02;

/** Every model call of the agent grows by 2 % an hour for three days, or until the recording ends. */
export const costCreep: Inject = (scene) => {
  const { member, fromMs } = scene;
  if (member.model === null) return null;
  const toMs = Math.min(scene.endMs, fromMs + CREEP_MS);
  const hours = Math.round((toMs - fromMs) / HOUR_MS);
  return [
    {
      agent: member.name,
      source: `input and output tokens grow by 2 % an hour for ${hours} h`,
      conditions: { growths: [{ fromMs, toMs, agent: member.name, perHour: CREEP_PER_HOUR }] },
      window: { fromMs, toMs },
    },
  ];
};
