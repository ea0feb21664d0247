import { describe, expect, it } from 'vitest';
import type { CohortModel } from '../../src/detect/model.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { Learner } from '../../src/learn/learner.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { createRandom } from '../../src/math/random.js';
import { traffic } from './traffic.js';
import {
  agentRecord,
  DAY_MS,
  engineOf,
  HOUR_MS,
  ListShelf,
  linesOf,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  settingsOf,
  withTicks,
} from './world.js';

const SMALL: Partial<Settings> = {
  agentsMax: 7,
  sessionsMax: 12,
  idsMax: 900,
  shelvedMax: 40,
  policy: policyOf([RULE]),
};
/** Louder, and tighter: every table shrinks. */
const LOUD = settingsOf({
  ...SMALL,
  agentsMax: 5,
  sessionsMax: 8,
  idsMax: 300,
  shelvedMax: 20,
  noticesPerAgentDay: 0.2,
  closeAfterMs: 2 * HOUR_MS,
});

/** A model with cohorts and a grown forest, learned from like traffic. */
function learned(): CohortModel {
  const start = neutralModel();
  const records = withTicks(traffic({ seed: 77, agents: 10, hours: 60, sessionsPerHour: 6 }));
  const { samples } = outcomeOf(engineOf(), records);
  const learner = new Learner({ start, pagesPerAgentDay: 0.03 });
  const half = samples.length >> 1;
  learner.close(START_MS + DAY_MS, samples.slice(0, half));
  return learner.close(START_MS + 2 * DAY_MS, samples.slice(half)) as CohortModel;
}

const first = neutralModel();
const second = learned();

/** Work, a flood of names, duplicates, late and unbound events, and every control record, by time. */
function everything(): EngineRecord[] {
  const random = createRandom('everything');
  const work = traffic({ seed: 5, agents: 9, hours: 72, sessionsPerHour: 2, unbound: 0.1 });
  const flood = traffic({ seed: 6, agents: 60, hours: 30, sessionsPerHour: 0.15, prefix: 'flood' });
  const events = [...work, ...flood].sort((a, b) => a.event.timeMs - b.event.timeMs);
  const records: EngineRecord[] = withTicks(events).flatMap((record): EngineRecord[] => {
    if (record.type !== 'event') return [record];
    const draw = random.next();
    if (draw < 0.03) return [record, record];
    if (draw < 0.05) {
      const { event, bound } = record;
      return [record, recordOf({ ...event, id: `late-${event.id}`, timeMs: event.timeMs - 10 * 60_000 }, bound)];
    }
    return [record];
  });
  const insert = (share: number, ...control: EngineRecord[]): void => {
    records.splice(Math.floor(records.length * share), 0, ...control);
  };
  const reset = { type: 'reset', tenant: '', actor: 'person:ann' } as const;
  insert(
    0.001,
    agentRecord('agent-1', START_MS, { dayUsd: 0.5 }),
    agentRecord('agent-2', START_MS, { sessionUsd: 0.2 }),
  );
  insert(0.3, { type: 'model', timeMs: START_MS, version: second.version });
  insert(0.5, { ...reset, timeMs: START_MS, agent: 'agent-3' }, { ...reset, timeMs: START_MS, agent: 'nobody' });
  insert(0.6, { type: 'config', timeMs: START_MS, settings: LOUD });
  insert(0.7, { type: 'model', timeMs: START_MS, version: first.version });
  insert(0.8, { type: 'model', timeMs: START_MS, version: second.version });
  insert(0.9, agentRecord('agent-1', START_MS, {}));
  return records;
}

const records = everything();

/** What a caller keeps beside a snapshot: the model and the settings in force before record `at`. */
function inForce(at: number): { settings: Settings; config: string; model: CohortModel } {
  let settings = settingsOf(SMALL);
  let config = 'first';
  let model = first;
  for (const record of records.slice(0, at)) {
    if (record.type === 'model') model = record.version === second.version ? second : first;
    else if (record.type === 'config') [settings, config] = [record.settings as Settings, 'changed'];
  }
  return { settings, config, model };
}

const open = (options: { snapshot?: Uint8Array; at?: number; shelf: ListShelf }): PartitionEngine => {
  const { snapshot, at = 0, shelf } = options;
  return engineOf({ ...inForce(at), models: [first, second], shelf, ...(snapshot === undefined ? {} : { snapshot }) });
};

describe('snapshot and restore', () => {
  const uncut = open({ shelf: new ListShelf() });
  const lines = linesOf(uncut, records);

  it('meets everything: evictions, reloads, findings, proposals, late and refused events', () => {
    const { counts } = uncut;
    for (const name of [
      'duplicates',
      'late',
      'notAdmitted',
      'controls',
      'findings',
      'proposals',
      'evictions',
      'reloads',
    ] as const) {
      expect(counts[name], name).toBeGreaterThan(0);
    }
    expect(counts.agents).toBeLessThanOrEqual(SMALL.agentsMax as number);
    expect(lines.join('')).toContain('"kind":"row"');
    expect(lines.join('')).toContain('"kind":"adopted"');
  });

  it('gives the lines of the uncut run, cut at 50 places', () => {
    const random = createRandom('cuts');
    const cuts = Array.from({ length: 50 }, () => random.below(records.length)).sort((a, b) => a - b);
    const shelf = new ListShelf();
    let engine = open({ shelf });
    const stream: string[] = [];
    let from = 0;
    for (const cut of [...cuts, records.length]) {
      stream.push(...linesOf(engine, records.slice(from, cut), from));
      const snapshot = engine.snapshot();
      const before = { ...engine.counts };
      // A crash leaves on the shelf what no snapshot knows of.
      shelf.append(new Uint8Array(3).fill(cut & 255));
      engine = open({ snapshot, at: cut, shelf });
      expect(engine.counts).toEqual(before);
      from = cut;
    }
    expect(stream.findIndex((line, at) => line !== lines[at])).toBe(-1);
    expect(stream).toHaveLength(lines.length);
  });

  it('says the same after a restore of a restore, and writes it the same way', () => {
    const cut = Math.floor(records.length * 0.55);
    const shelf = new ListShelf();
    const engine = open({ shelf });
    linesOf(engine, records.slice(0, cut));
    const once = open({ snapshot: engine.snapshot(), at: cut, shelf }).snapshot();
    const twice = open({ snapshot: once, at: cut, shelf }).snapshot();
    expect(twice.length).toBe(engine.snapshot().length);
    expect(twice).toEqual(once);
  });

  it('is a copy: going on does not change it', () => {
    const engine = open({ shelf: new ListShelf() });
    linesOf(engine, records.slice(0, 3000));
    const snapshot = engine.snapshot();
    const bytes = snapshot.slice();
    linesOf(engine, records.slice(3000, 6000), 3000);
    expect(snapshot).toEqual(bytes);
  });

  it('reads a snapshot that lies anywhere in a larger buffer', () => {
    const engine = open({ shelf: new ListShelf() });
    linesOf(engine, records.slice(0, 2000));
    const snapshot = engine.snapshot();
    const buffer = new Uint8Array(snapshot.length + 13);
    buffer.set(snapshot, 5);
    const restored = open({ snapshot: buffer.subarray(5, 5 + snapshot.length), at: 2000, shelf: new ListShelf() });
    expect(restored.snapshot()).toEqual(open({ snapshot, at: 2000, shelf: new ListShelf() }).snapshot());
  });

  it('refuses another format', () => {
    const json = new TextEncoder().encode('{"format":0,"profileBytes":1,"detectors":[]}');
    const bytes = new Uint8Array(4 + json.length);
    new DataView(bytes.buffer).setUint32(0, json.length, true);
    bytes.set(json, 4);
    expect(() => engineOf({ snapshot: bytes })).toThrow(/snapshot of format 0/);
  });

  it('gives a prefix of the lines wherever the records end', () => {
    for (const end of [1, 1234, 7000]) {
      expect(linesOf(open({ shelf: new ListShelf() }), records.slice(0, end))).toEqual(lines.slice(0, end));
    }
  });
});
