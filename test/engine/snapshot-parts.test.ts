import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROFILE_BYTES } from '../../src/agent/layout.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import { type BlobSource, joinSnapshot, type SnapshotParts, splitSnapshot } from '../../src/engine/snapshot-parts.js';
import { traffic } from './traffic.js';
import { agentRecord, engineOf, ListShelf, linesOf, outcomeOf, START_MS, withTicks } from './world.js';

const SMALL: Partial<Settings> = { agentsMax: 5, sessionsMax: 14, idsMax: 150, shelvedMax: 9 };

/** Bound and unbound work of more agents than have room, with a budget among it. */
function work(seed: number, agents: number): EngineRecord[] {
  const events = traffic({ seed, agents, hours: 30, sessionsPerHour: 1, unbound: 0.2 });
  return [agentRecord('agent-1', START_MS, { dayUsd: 0.1 }), ...withTicks(events)];
}

/** Where the parts come from, blobs by key; what is on the old shelf goes to the new one. */
function sourceOf(parts: SnapshotParts, from: ListShelf, to: ListShelf): BlobSource {
  const blobs = new Map(parts.agents.map((key, i) => [key, parts.agent(i)]));
  const places = new Map(parts.shelved);
  return {
    head: parts.head,
    agent: (key) => blobs.get(key),
    shelve: (key) => {
      const place = places.get(key);
      return place === undefined ? undefined : to.append(from.read(place));
    },
    idsCurrent: parts.idsCurrent,
    idsPrevious: parts.idsPrevious,
    door: parts.door,
  };
}

/** All that a snapshot says, wherever the evicted profiles stand. */
function placeless(bytes: Uint8Array, shelf: ListShelf): unknown {
  const parts = splitSnapshot(bytes);
  const head = JSON.parse(new TextDecoder().decode(parts.head)) as Record<string, unknown>;
  const shelved = parts.shelved.map(([key, place]) => [key, Buffer.from(shelf.read(place)).toString('hex')]);
  const after = bytes.subarray(4 + parts.head.length);
  return { ...head, shelved, after: Buffer.from(after).toString('base64') };
}

function engineAfter(records: readonly EngineRecord[]): { engine: PartitionEngine; shelf: ListShelf } {
  const shelf = new ListShelf();
  const engine = engineOf({ settings: SMALL, shelf });
  linesOf(engine, records);
  return { engine, shelf };
}

const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1_000 }),
  agents: fc.integer({ min: 1, max: 14 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('the parts of a snapshot', () => {
  it('are the snapshot again, byte for byte', () => {
    fc.assert(
      fc.property(cases, ({ seed, agents, share }) => {
        const records = work(seed, agents);
        const { engine, shelf } = engineAfter(records.slice(0, Math.floor(share * records.length)));
        const bytes = engine.snapshot();
        const parts = splitSnapshot(bytes);
        const places = new Map(parts.shelved);
        const same: BlobSource = { ...sourceOf(parts, shelf, shelf), shelve: (key) => places.get(key) };
        expect(Buffer.compare(joinSnapshot(same), bytes)).toBe(0);
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it('make an engine that goes on as the one that was taken apart, on a shelf of its own', () => {
    let evicted = 0;
    fc.assert(
      fc.property(cases, ({ seed, agents, share }) => {
        const records = work(seed, agents);
        const cut = Math.floor(share * records.length);
        const { engine, shelf } = engineAfter(records.slice(0, cut));
        const snapshot = engine.snapshot();
        // Something else stands there before.
        const other = new ListShelf();
        other.append(new Uint8Array(9));
        const joined = joinSnapshot(sourceOf(splitSnapshot(snapshot), shelf, other));
        evicted += engine.shelved;
        const one = engineOf({ settings: SMALL, shelf, snapshot });
        const two = engineOf({ settings: SMALL, shelf: other, snapshot: joined });
        expect(placeless(two.snapshot(), other)).toEqual(placeless(one.snapshot(), shelf));
        expect(linesOf(two, records.slice(cut), cut)).toEqual(linesOf(one, records.slice(cut), cut));
        expect(two.counts).toEqual(one.counts);
        expect(placeless(two.snapshot(), other)).toEqual(placeless(one.snapshot(), shelf));
      }),
      { numRuns: 20, seed: 2 },
    );
    expect(evicted).toBeGreaterThan(10);
  });

  it('lie anywhere in a larger buffer', () => {
    const { engine } = engineAfter(work(3, 4));
    const bytes = engine.snapshot();
    const buffer = new Uint8Array(bytes.length + 13);
    buffer.set(bytes, 5);
    const parts = splitSnapshot(buffer.subarray(5, 5 + bytes.length));
    expect(parts.agents).toEqual(splitSnapshot(bytes).agents);
    expect(parts.agent(1)).toEqual(splitSnapshot(bytes).agent(1));
    expect(parts.door).toEqual(splitSnapshot(bytes).door);
  });

  it('hold each agent as the shelf would get it', () => {
    const { engine, shelf } = engineAfter(work(4, 5));
    const before = new Map<string, Uint8Array>();
    const parts = splitSnapshot(engine.snapshot());
    for (const [i, key] of parts.agents.entries()) before.set(key, parts.agent(i));
    const small = { ...SMALL, agentsMax: 1 };
    const late = START_MS + 400 * 3_600_000;
    const stranger = traffic({ seed: 9, agents: 1, hours: 1, sessionsPerHour: 9, prefix: 'stranger' }).map(
      (record) => ({
        ...record,
        event: { ...record.event, timeMs: record.event.timeMs + late - START_MS },
      }),
    );
    outcomeOf(engine, [{ type: 'config', timeMs: 0, settings: { ...engine.inside.settings, ...small } }, ...stranger]);
    const evicted = splitSnapshot(engine.snapshot()).shelved.filter(([key]) => before.has(key));
    expect(evicted.length).toBeGreaterThan(2);
    for (const [key, place] of evicted) expect(shelf.read(place), key).toEqual(before.get(key));
  });
});

describe('parts that do not fit', () => {
  const { engine, shelf } = engineAfter(work(5, 12));
  const parts = splitSnapshot(engine.snapshot());
  const whole = sourceOf(parts, shelf, new ListShelf());
  const nameOf = (key: string): string => key.split('\u0000')[1];
  const edited = (change: object): Uint8Array => {
    const head = JSON.parse(new TextDecoder().decode(parts.head)) as object;
    return new TextEncoder().encode(JSON.stringify({ ...head, ...change }));
  };

  it('fit as long as nothing was done to them', () => {
    expect(parts.agents.length).toBeGreaterThan(3);
    expect(parts.shelved.length).toBeGreaterThan(3);
    expect(() => joinSnapshot(whole)).not.toThrow();
  });

  it('are named: an agent that is missing, or has other bytes', () => {
    for (const key of parts.agents) {
      const agent = (bytes: number | null) => (asked: string) =>
        asked !== key ? whole.agent(asked) : bytes === null ? undefined : new Uint8Array(bytes);
      expect(() => joinSnapshot({ ...whole, agent: agent(null) })).toThrow(`agent ${nameOf(key)} has no bytes`);
      expect(() => joinSnapshot({ ...whole, agent: agent(PROFILE_BYTES - 1) })).toThrow(
        `agent ${nameOf(key)} has ${PROFILE_BYTES - 1} bytes`,
      );
    }
  });

  it('are named: an evicted agent that is missing', () => {
    for (const [key] of parts.shelved) {
      const shelve = (asked: string): number | undefined => (asked === key ? undefined : whole.shelve(asked));
      expect(() => joinSnapshot({ ...whole, shelve })).toThrow(`the evicted agent ${key} is missing`);
    }
  });

  it('are named: ids and the door', () => {
    const cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(1);
    expect(() => joinSnapshot({ ...whole, idsCurrent: cut(parts.idsCurrent) })).toThrow(/remembered ids/);
    expect(() => joinSnapshot({ ...whole, idsPrevious: cut(parts.idsPrevious) })).toThrow(/remembered ids/);
    expect(() => joinSnapshot({ ...whole, door: cut(parts.door) })).toThrow(/the door has/);
  });

  it('are named: a head that is cut, or of other profiles', () => {
    expect(() => joinSnapshot({ ...whole, head: parts.head.subarray(0, 40) })).toThrow(/the head is no JSON/);
    expect(() => joinSnapshot({ ...whole, head: edited({ profileBytes: 8 }) })).toThrow(/profiles with 8 bytes/);
    expect(() => joinSnapshot({ ...whole, head: edited({ detectors: ['rate'] }) })).toThrow(/detectors rate/);
  });
});
