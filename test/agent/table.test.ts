import { describe, expect, it } from 'vitest';
import { PROFILE_BYTES, Profile } from '../../src/agent/layout.js';
import { AgentTable, agentKey } from '../../src/agent/table.js';
import { createRandom } from '../../src/math/random.js';

const IDLE_MS = 600_000;
const ROOM = -1;
const REFUSED = -2;
const keyOf = (name: string): string => agentKey('', name, true);

describe('agent table', () => {
  it('keeps names, uses and profiles through any mixture of entering, using and leaving', () => {
    const random = createRandom('table');
    const table = new AgentTable(400);
    const profile = new Profile();
    const byUse: { name: string; bound: boolean; slot: number; mark: number }[] = [];
    for (let step = 1; step < 4000; step++) {
      const draw = random.next();
      if (draw < 0.45 && byUse.length < 400) {
        const name = `agent-${step}`;
        const bound = random.next() < 0.7;
        const slot = table.insert('acme', name, bound, step);
        table.aim(profile, slot);
        expect(table.raw(slot).every((byte) => byte === 0)).toBe(true);
        profile.f64.fill(step, profile.at8, profile.at8 + PROFILE_BYTES / 8);
        byUse.push({ name, bound, slot, mark: step });
      } else if (byUse.length > 0) {
        const [used] = byUse.splice(random.below(byUse.length), 1);
        if (draw < 0.75) {
          table.touch(used.slot, step);
          byUse.push(used);
        } else {
          table.remove(used.slot);
          expect(table.find('acme', used.name, used.bound)).toBe(-1);
        }
      }
    }
    expect(table.size).toBe(byUse.length);
    expect([...table.oldestFirst()]).toEqual(byUse.map(({ slot }) => slot));
    for (const { name, bound, slot, mark } of byUse) {
      expect(table.find('acme', name, bound)).toBe(slot);
      expect(table.find('acme', name, !bound)).toBe(-1);
      expect(table.find('', name, bound)).toBe(-1);
      expect(new Float64Array(table.raw(slot).slice().buffer).every((number) => number === mark)).toBe(true);
    }
  });

  it('tells tenants, names and senders that are not bound apart', () => {
    const keys = [
      agentKey('', 'a', true),
      agentKey('', 'a', false),
      agentKey('a', '', true),
      agentKey('a', 'b', true),
      agentKey('ab', '', true),
      agentKey('a', 'b', false),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('lets everybody in while there is room', () => {
    const table = new AgentTable(2);
    expect(table.admit(keyOf('a'), false, 0)).toBe(ROOM);
    table.insert('', 'a', true, 0);
    expect(table.admit(keyOf('b'), false, 0)).toBe(ROOM);
  });

  it('gives the place of the agent idle longest to a newcomer that keeps knocking', () => {
    const table = new AgentTable(2);
    const a = table.insert('', 'a', true, 0);
    const b = table.insert('', 'b', true, 0);
    table.touch(a, 1000);
    const answers = Array.from({ length: 20 }, () => table.admit(keyOf('c'), false, IDLE_MS));
    expect(answers[0]).toBe(REFUSED);
    expect(answers.at(-1)).toBe(b);
    expect(answers.indexOf(b)).toBeGreaterThanOrEqual(3);
  });

  it('never gives away the place of an agent at work, however many newcomers knock how often', () => {
    const table = new AgentTable(50);
    const slots = Array.from({ length: 50 }, (_, at) => table.insert('', `worker-${at}`, true, 0));
    for (let timeMs = 0; timeMs < 3_600_000; timeMs += 60_000) {
      for (const slot of slots) table.touch(slot, timeMs);
      for (let knock = 0; knock < 500; knock++)
        expect(table.admit(keyOf(`flood-${knock}`), false, timeMs)).toBe(REFUSED);
    }
    expect(table.size).toBe(50);
  });

  it('lets an agent that it knows come back without knocking', () => {
    const table = new AgentTable(2);
    const a = table.insert('', 'a', true, 0);
    table.insert('', 'b', true, 0);
    expect(table.admit(keyOf('c'), true, 1)).toBe(a);
    expect(table.admit(keyOf('d'), false, 1)).toBe(REFUSED);
  });

  it('keeps its knocks through a copy of its door', () => {
    const table = new AgentTable(1);
    table.insert('', 'a', true, 0);
    const knock = (at: AgentTable): number => at.admit(keyOf('b'), false, IDLE_MS);
    const needed = Array.from({ length: 20 }, () => knock(table)).indexOf(0) + 1;
    expect(needed).toBeGreaterThan(2);
    const half = new AgentTable(1);
    half.insert('', 'a', true, 0);
    for (let at = 0; at < needed - 1; at++) expect(knock(half)).toBe(REFUSED);
    const copy = new AgentTable(1);
    copy.insert('', 'a', true, 0);
    copy.restoreDoor(half.doorBytes().slice());
    expect(knock(copy)).toBe(0);
    for (let hour = 0; hour < 8; hour++) half.ageDoor();
    expect(half.doorBytes().every((knocks) => knocks === 0)).toBe(true);
  });

  it('forgets knocks', () => {
    const table = new AgentTable(1);
    table.insert('', 'a', true, 0);
    for (let hour = 0; hour < 20; hour++) {
      expect(table.admit(keyOf('b'), false, IDLE_MS * 100)).toBe(REFUSED);
      table.ageDoor();
    }
  });

  it('looks at every agent once in 60 minutes, by name', () => {
    const names = Array.from({ length: 300 }, (_, at) => `agent-${at}`);
    const seen = (order: readonly string[]): string[][] => {
      const table = new AgentTable(1000);
      for (const name of order) table.insert('', name, true, 0);
      return Array.from({ length: 60 }, (_, minute) => table.due(minute).map((slot) => table.key(slot)));
    };
    const minutes = seen(names);
    expect(minutes).toEqual(seen(createRandom(1).shuffle([...names])));
    expect(minutes.flat().sort()).toEqual(names.map((name) => agentKey('', name, true)).sort());
    for (const keys of minutes) expect(keys).toEqual([...keys].sort());
  });

  it('takes memory in pages and gives slots out again', () => {
    const table = new AgentTable(1000);
    for (let at = 0; at < 5000; at++) table.remove(table.insert('', `agent-${at}`, true, at));
    expect(table.size).toBe(0);
    expect(table.room).toBe(1024);
    expect(table.bytes).toBe(table.room * Math.ceil(PROFILE_BYTES / 64) * 64);
  });

  it('refuses to speak about an empty slot', () => {
    const table = new AgentTable(4);
    const slot = table.insert('', 'a', true, 0);
    table.remove(slot);
    expect(() => table.entry(slot)).toThrow(`no agent in slot ${slot}`);
  });
});
