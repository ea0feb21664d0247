import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import { clearOutcome, createOutcome, type Sample } from '../../src/engine/outcome.js';
import type { EngineRecord } from '../../src/engine/record.js';
import { decodeLine } from '../../src/event/decode.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { Learner } from '../../src/learn/learner.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';
import {
  agentRecord,
  engineOf,
  eventOf,
  HOUR_MS,
  ListShelf,
  MINUTE_MS,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  withTicks,
} from '../engine/world.js';

const SETTINGS = { agentsMax: 9, sessionsMax: 40, idsMax: 1500, shelvedMax: 50, policy: policyOf([RULE]) };
const DAYS = 8;

/** What the world did to the stream on its way, for the checkers. */
interface World {
  readonly records: EngineRecord[];
  /** Copies sent within the hour. */
  copies: number;
}

interface Arrival {
  readonly atMs: number;
  readonly event: AgentEvent;
  readonly bound: boolean;
}

/** A stranger looks in: with a call or two, or for long enough to be given a place. */
function visit(agent: string, fromMs: number, random: Random): Arrival[] {
  const bound = random.next() < 0.5;
  return Array.from({ length: 1 + random.below(16) }, (_, call) => {
    const atMs = fromMs + call * 1000;
    return { atMs, event: eventOf({ id: `${agent}-${atMs}`, agent, timeMs: atMs }), bound };
  });
}

/** A simulated fleet whose events arrive twice, late, out of order and beside strangers, with people interfering. */
function worldOf(seed: number): World {
  const random = createRandom(`world-${seed}`);
  const prices = createPriceTable([]);
  const simulation = createSimulation(simulationOptions('demo', { seed, agents: 6, days: DAYS }));
  const arrivals: Arrival[] = [];
  let copies = 0;
  let at = 0;
  for (const sent of simulation.events()) {
    const event = decodeLine(JSON.stringify(sent), at++, prices) as AgentEvent;
    const delay = random.next();
    const atMs = event.timeMs + (delay < 0.9 ? 0 : delay < 0.98 ? random.below(20_000) : random.below(20 * MINUTE_MS));
    arrivals.push({ atMs, event, bound: true });
    if (random.next() < 0.05) {
      arrivals.push({ atMs: atMs + random.below(30 * MINUTE_MS), event, bound: true });
      copies++;
    }
    if (random.next() < 0.004) arrivals.push(...visit(`stranger-${random.below(40)}`, event.timeMs, random));
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  // Ticks follow arrivals, not what senders claim.
  const clock = withTicks(arrivals.map(({ event, atMs }) => recordOf({ ...event, timeMs: atMs })));
  let next = 0;
  const records = clock.flatMap((record): EngineRecord[] => {
    if (record.type !== 'event') return [record];
    const { event, bound } = arrivals[next++];
    return random.next() < 0.0005
      ? [recordOf(event, bound), interference(event, random.below(3))]
      : [recordOf(event, bound)];
  });
  return { records, copies };
}

function interference({ agent, timeMs }: AgentEvent, what: number): EngineRecord {
  if (what === 0) return { type: 'reset', timeMs, tenant: '', agent, actor: 'person:ann' };
  if (what === 1) return agentRecord(agent, timeMs, { dayUsd: 3, sessionUsd: 1 });
  return { type: 'model', timeMs, version: 'unknown' };
}

interface Told {
  readonly engine: PartitionEngine;
  readonly findings: readonly { readonly finding: Finding; readonly at: number }[];
  readonly lines: string;
  readonly models: number;
}

/** Runs the world with learning inline, stopping at the cuts for a snapshot, a restore and a learner made anew. */
function run({ records }: World, cuts: readonly number[] = []): Told {
  const start = neutralModel();
  const shelf = new ListShelf();
  let model: CohortModel = start;
  let engine = engineOf({ settings: SETTINGS, shelf });
  let learner = new Learner({ start, pagesPerAgentDay: 0.03 });
  let samples: Sample[] = [];
  let models = 0;
  const findings: { finding: Finding; at: number }[] = [];
  const lines: string[] = [];
  const outcome = createOutcome();
  const stops = new Set(cuts);
  records.forEach((record, at) => {
    if (stops.has(at)) {
      learner = new Learner({ start, pagesPerAgentDay: 0.03 }, JSON.parse(JSON.stringify(learner.snapshot())));
      engine = engineOf({ settings: SETTINGS, shelf, model, snapshot: engine.snapshot() });
    }
    engine.step(record, at, outcome);
    for (const finding of outcome.findings) findings.push({ finding, at });
    samples.push(...outcome.samples);
    if (outcome.findings.length + outcome.proposals.length > 0) {
      lines.push(JSON.stringify([outcome.findings, outcome.proposals]));
    }
    clearOutcome(outcome);
    if (record.type === 'tick' && record.timeMs % HOUR_MS === 0) {
      const learned = learner.close(record.timeMs, samples);
      samples = [];
      if (learned !== null) {
        model = learned;
        models++;
        engine.activate(model);
      }
    }
  });
  return { engine, findings, lines: lines.join('\n'), models };
}

describe.each([1, 2])('world %i', (seed) => {
  const world = worldOf(seed);
  const { records, copies } = world;
  const told = run(world);
  const { counts } = told.engine;

  it('has everything in it', () => {
    expect(told.models).toBeGreaterThan(100);
    for (const name of ['duplicates', 'late', 'notAdmitted', 'controls', 'findings', 'evictions'] as const) {
      expect(counts[name], name).toBeGreaterThan(0);
    }
  });

  it('adds up: every event met one fate, every record was counted', () => {
    expect(counts.scored + counts.duplicates + counts.notAdmitted).toBe(counts.events);
    const of = (type: EngineRecord['type']): number => records.filter((record) => record.type === type).length;
    expect(counts.events).toBe(of('event'));
    expect(counts.ticks).toBe(of('tick'));
    expect(counts.events + counts.ticks + counts.controls).toBe(records.length);
    expect(counts.findings).toBe(told.findings.length);
    expect(counts.agents).toBe(told.engine.inside.table.size);
    expect(counts.late).toBeLessThanOrEqual(counts.scored);
  });

  it('finds the copies that were sent, and takes nothing else for one', () => {
    expect(counts.duplicates).toBeLessThanOrEqual(copies);
    // Ids are kept by number as well as by time: a copy after many other ids may come too late.
    expect(counts.duplicates).toBeGreaterThan(0.95 * copies);
  });

  it('has evidence for every finding: the record that it stands on is there and is of that agent', () => {
    for (const { finding, at } of told.findings) {
      expect(finding.evidence.length).toBeGreaterThan(0);
      for (const { offset, event } of finding.evidence) {
        expect(offset).toBe(at);
        const record = records[offset];
        if (record.type === 'event') {
          expect(record.event.id).toBe(event);
          if (finding.kind !== 'agent-flood') expect(record.event.agent).toBe(finding.agent);
          expect(record.bound).toBe(finding.bound);
        } else expect([record.type, event]).toEqual(['tick', null]);
      }
    }
  });

  it('gives every raise an id of its own: lines of one id are one agent and cause, rising', () => {
    const lastOf = new Map<string, Finding>();
    const order = ['info', 'low', 'medium', 'high', 'critical'];
    for (const { finding } of told.findings) {
      const last = lastOf.get(finding.id);
      if (last !== undefined) {
        expect([finding.root, finding.kind]).toEqual([last.root, last.kind]);
        expect(order.indexOf(finding.severity)).toBeGreaterThan(order.indexOf(last.severity));
      }
      lastOf.set(finding.id, finding);
    }
  });

  it('stays inside its bounds', () => {
    const { table, sessions, ids, shelved } = told.engine.inside;
    expect(table.size).toBeLessThanOrEqual(SETTINGS.agentsMax);
    expect(sessions.size).toBeLessThanOrEqual(SETTINGS.sessionsMax + 32);
    expect(ids.size).toBeLessThanOrEqual(2 * SETTINGS.idsMax);
    expect(shelved.size).toBeLessThanOrEqual(SETTINGS.shelvedMax);
  });

  it('is told the same after crashes anywhere', () => {
    const random = createRandom(`crashes-${seed}`);
    const cuts = Array.from({ length: 20 }, () => random.below(records.length));
    const again = run(world, cuts);
    expect(again.lines === told.lines).toBe(true);
    expect(again.engine.counts).toEqual(counts);
    expect(again.models).toBe(told.models);
  });

  it('begins where it began: times of lines lie inside the world', () => {
    for (const { finding } of told.findings) {
      expect(Date.parse(finding.time)).toBeGreaterThanOrEqual(START_MS);
      expect(Date.parse(finding.time)).toBeLessThanOrEqual(START_MS + (DAYS + 1) * 24 * HOUR_MS);
    }
  });
});
