import { describe, expect, it } from 'vitest';
import type { OutageRecord } from '../../src/engine/fleet-record.js';
import { createRandom } from '../../src/math/random.js';
import { FleetWorld, type Minute } from './fleet-world.js';

const DAY = 1_440;
const BAD = { calls: 4, failing: { a: ['gpt'], b: ['gpt'], c: ['gpt'] } };

/** A stage that has watched an ordinary week. */
function settled(): FleetWorld {
  const world = new FleetWorld();
  world.calm(7 * DAY, 2);
  return world;
}

function outages(records: readonly { readonly state: string }[]): OutageRecord[] {
  return records.filter(({ state }) => state === 'outage') as OutageRecord[];
}

describe('a provider outage', () => {
  it('is told within a minute of the second agent, once, with whom it hit', () => {
    const world = settled();
    const records = world.run([{ calls: 4, failing: { a: ['gpt'] } }, { calls: 4, failing: { b: ['gpt'] } }, BAD, BAD]);
    expect(records).toEqual([
      {
        type: 'fleet',
        timeMs: world.nowMs - 120_000,
        n: 0,
        state: 'outage',
        tenant: '',
        finding: expect.stringMatching(/^f-[0-9a-f]{16}$/),
        fromMs: world.nowMs - 210_000,
        endpoints: ['gpt'],
        isWide: false,
        agents: 2,
        active: expect.any(Number),
        p: expect.any(Number),
      },
    ]);
    const [{ p, active }] = outages(records);
    expect(p).toBeLessThan(1e-6);
    expect(active).toBeGreaterThanOrEqual(4);
  });

  it('is never told of one agent, however often it fails', () => {
    const alone = Array.from({ length: 120 }, (): Minute => ({ calls: 3, failing: { a: ['gpt'] } }));
    expect(settled().run(alone)).toEqual([]);
  });

  it('needs more agents where nobody has watched yet', () => {
    const two: Minute = { calls: 4, failing: { a: ['gpt'], b: ['gpt'] } };
    expect(new FleetWorld().run([two, two])).toEqual([]);
    const many = Object.fromEntries([...'abcdefghijkl'].map((agent) => [agent, ['gpt']]));
    const fresh = new FleetWorld();
    fresh.calm(120, 12);
    expect(outages(fresh.run([{ calls: 12, failing: many }]))).toHaveLength(1);
  });

  it('is not told where models fail now and then on everybody: that is this fleet', () => {
    const random = createRandom('failing');
    const world = new FleetWorld();
    const minutes = Array.from({ length: 6 * DAY }, (): Minute => {
      const agents = [...'abcdefgh'].filter(() => random.next() < 0.03);
      return { calls: 8, failing: Object.fromEntries(agents.map((agent) => [agent, ['gpt']])) };
    });
    expect(world.run(minutes)).toEqual([]);
  });

  it('does not count an agent that is known for its own failures', () => {
    const world = settled();
    for (let i = 0; i < 12; i++) {
      world.run([{ calls: 3, failing: { prone: ['gpt'] } }]);
      world.calm(60, 2);
    }
    expect(world.run([{ calls: 3, failing: { prone: ['gpt'], a: ['gpt'] } }])).toEqual([]);
    expect(outages(world.run([{ calls: 3, failing: { prone: ['gpt'], b: ['gpt'] } }]))).toHaveLength(1);
  });

  it('names no single endpoint where several fail, and widens where more turn out to', () => {
    const several = settled().run([{ calls: 4, failing: { a: ['gpt'], b: ['claude'], c: ['o3'] } }]);
    expect(outages(several)[0]).toMatchObject({ isWide: true, endpoints: ['claude', 'gpt', 'o3'] });
    const world = settled();
    const first = outages(world.run([BAD]));
    const then = outages(world.run([{ calls: 6, failing: { d: ['claude'], e: ['o3'], f: ['mini'], g: ['nova'] } }]));
    expect([first[0].isWide, then[0].isWide]).toEqual([false, true]);
    expect(then[0].finding).toBe(first[0].finding);
  });

  it('is over once calls succeed again, and the same outage where it soon comes back', () => {
    const world = settled();
    const [{ finding }] = outages(world.run([BAD, BAD, BAD]));
    const after = world.calm(15);
    expect(after.map(({ state }) => state)).toEqual(['over']);
    expect(outages(world.run([BAD]))[0].finding).toBe(finding);
    world.calm(3 * DAY);
    expect(outages(world.run([BAD]))[0].finding).not.toBe(finding);
  });

  it('lasts while nobody calls, for an hour', () => {
    const world = settled();
    world.run([BAD]);
    expect(world.calm(50, 0)).toEqual([]);
    expect(world.calm(20, 0).map(({ state }) => state)).toEqual(['over']);
  });

  it('teaches nothing: the next one is found as soon', () => {
    const world = settled();
    for (let i = 0; i < 6; i++) {
      expect(outages(world.run([BAD, ...Array.from({ length: 60 }, () => BAD)])).length).toBeGreaterThan(0);
      world.calm(DAY);
    }
    const records = world.run([
      { calls: 4, failing: { a: ['gpt'] } },
      { calls: 4, failing: { b: ['gpt'] } },
    ]);
    expect(outages(records)).toHaveLength(1);
  });

  it('of one tenant says nothing about another', () => {
    const world = settled();
    const mine = { calls: 4, failing: { a: ['gpt'] } };
    expect(world.run([mine, { ...mine, tenant: 'acme', failing: { b: ['gpt'] } }])).toEqual([]);
  });

  it('is told the same, cut anywhere', () => {
    const minutes = [
      BAD,
      { calls: 4 },
      { calls: 5, failing: { d: ['claude'], e: ['o3'], f: ['x'] } },
      BAD,
      { calls: 3 },
    ];
    const tail = Array.from({ length: 15 }, () => ({ calls: 3 }));
    const whole = settled();
    const all = whole.run([...minutes, ...tail]);
    expect(all.length).toBeGreaterThan(2);
    for (let cut = 0; cut < minutes.length; cut++) {
      const first = settled();
      const before = first.run(minutes.slice(0, cut));
      const second = new FleetWorld(first.snapshot());
      second.nowMs = first.nowMs;
      expect([...before, ...second.run([...minutes.slice(cut), ...tail])]).toEqual(all);
    }
  });
});
