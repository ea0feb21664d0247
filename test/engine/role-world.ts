/** A fleet of roles that has been watched for a while, and what comes to it afterwards. */

import type { Finding } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import { clearOutcome, createOutcome } from '../../src/engine/outcome.js';
import type { AgentRecord, EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { Learner } from '../../src/learn/learner.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, engineOf, eventOf, MINUTE_MS, recordOf, START_MS } from './world.js';

export interface Role {
  readonly name: string;
  readonly agents: number;
  /** Calls a minute of its slowest agent; the fastest makes three times as many. */
  readonly slowest: number;
  /** Last tools of the role that its slowest agent never uses; 1 where left out. */
  readonly unused?: number;
}

/** One call: in sessions of ten, on the tools and files of its role. */
export interface Work {
  readonly agent: string;
  readonly role: string;
  readonly perMinute: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
  /** Tools of the role that it uses. */
  readonly tools?: number;
}

const CALLS_PER_SESSION = 10;
export const TOOLS = 6;
const FILES = 8;

/** Poisson calls of one agent. */
export function workOf({ agent, role, perMinute, fromMs, toMs, seed, tools = TOOLS }: Work): EventRecord[] {
  const random = createRandom(`${seed}/${agent}/${fromMs}`);
  const records: EventRecord[] = [];
  let timeMs = fromMs;
  for (let n = 0; ; n++) {
    const timeOf = Math.floor(timeMs);
    if (timeOf >= toMs) return records;
    const tool = random.below(tools);
    const session = `${agent}-${fromMs}-${Math.floor(n / CALLS_PER_SESSION)}`;
    const endpoint = `${role}.tool-${tool}`;
    const target = `${role}/file-${random.below(FILES)}`;
    records.push(recordOf(eventOf({ agent, session, endpoint, target, timeMs: timeOf })));
    timeMs += (random.exponential() * MINUTE_MS) / perMinute;
  }
}

export function describedAs(agent: string, role: string | null, timeMs: number): AgentRecord {
  const budgets = { sessionUsd: null, dayUsd: null };
  return { type: 'agent', timeMs, tenant: '', agent, role, labels: [], budgets };
}

/** Calls a minute at a place in [0, 1] of the role's range. */
export function paceOf({ slowest }: Role, place: number): number {
  return slowest * Math.exp(place * Math.log(3));
}

export interface WatchedFleet {
  readonly engine: PartitionEngine;
  readonly model: CohortModel;
  readonly snapshot: Uint8Array;
  /** Where the watched days end. */
  readonly endMs: number;
}

/** Watches roles for so many days, learning every midnight. */
export function watch(roles: readonly Role[], days: number, seed: number): WatchedFleet {
  const engine = engineOf();
  const learner = new Learner({ start: neutralModel(), pagesPerAgentDay: 0.03 });
  const endMs = START_MS + days * DAY_MS;
  const outcome = createOutcome();
  const work: EventRecord[] = [];
  for (const role of roles) {
    for (let n = 0; n < role.agents; n++) {
      const agent = `${role.name}-${n}`;
      engine.step(describedAs(agent, role.name, START_MS), 0, outcome);
      const perMinute = paceOf(role, n / (role.agents - 1));
      const tools = n === 0 ? TOOLS - (role.unused ?? 1) : TOOLS;
      work.push(...workOf({ agent, role: role.name, perMinute, tools, fromMs: START_MS, toMs: endMs, seed }));
    }
  }
  work.sort((a, b) => a.event.timeMs - b.event.timeMs);
  let model: CohortModel = neutralModel();
  let at = 0;
  for (let day = 1; day <= days; day++) {
    const midnight = START_MS + day * DAY_MS;
    for (; at < work.length && work[at].event.timeMs < midnight; at++) engine.step(work[at], at, outcome);
    for (let timeMs = midnight; timeMs < midnight + 60 * MINUTE_MS; timeMs += MINUTE_MS) {
      engine.step({ type: 'tick', timeMs }, at, outcome);
    }
    const learned = learner.close(midnight, outcome.samples);
    clearOutcome(outcome);
    if (learned === null) continue;
    model = learned;
    engine.activate(learned);
  }
  return { engine, model, snapshot: engine.snapshot(), endMs };
}

/** What an engine with the fleet's memory says of records that come afterwards. */
export function findingsAfter(
  fleet: WatchedFleet,
  records: readonly EngineRecord[],
  settings: Partial<Settings> = {},
): Finding[] {
  const engine = engineOf({ model: fleet.model, snapshot: fleet.snapshot, settings });
  const outcome = createOutcome();
  for (const [at, record] of records.entries()) engine.step(record, at, outcome);
  return outcome.findings;
}
