import { describe, expect, it } from 'vitest';
import { type DrillSubject, holdDrill } from '../../src/api/drill-course.js';

/** A world with a clock of its own: every question takes a millisecond, and stops take effect after `lagMs`. */
interface Over {
  readonly lagMs?: number;
  readonly treeLags?: number;
  readonly sticky?: boolean;
  readonly fails?: boolean;
  readonly places?: boolean;
  readonly proofMs?: number;
  readonly provedMs?: number;
}

function world(over: Over = {}) {
  const { lagMs = 0, treeLags = 0, sticky = false, fails = false } = over;
  let atMs = 0;
  let stoppedMs: number | null = null;
  const calls: string[] = [];
  const turn = async <T>(value: T): Promise<T> => {
    atMs += 1;
    return value;
  };
  const subject: DrillSubject = {
    way: 'process',
    prepare: async (canary) => {
      calls.push(`prepare ${canary}`);
    },
    stop: async () => {
      if (fails) throw new Error('no');
      stoppedMs = atMs;
      await turn(null);
    },
    release: async () => {
      calls.push('release');
      if (!sticky) stoppedMs = null;
      await turn(null);
    },
    isAllowed: (agent) => {
      const lag = lagMs + (agent.includes('/') ? treeLags : 0);
      return turn(stoppedMs === null || atMs < stoppedMs + lag);
    },
    proofMs: () => turn(over.proofMs ?? 0),
    isConfirmed: () => turn(over.places === undefined ? null : over.places || atMs >= (over.provedMs ?? 1e9)),
  };
  const options = {
    ...{ id: 'd-1', canary: 'canary', children: 2, rounds: 4, patienceMs: 50 },
    ...{ clock: () => 1_000 + atMs, now: () => atMs },
    sleep: async (ms: number) => {
      atMs += ms;
    },
  };
  return { subject, options, calls };
}

describe('a drill', () => {
  it('tells every stage of every round, and leaves nothing stopped', async () => {
    const { subject, options, calls } = world({ lagMs: 5, treeLags: 20 });
    const result = await holdDrill(subject, options);
    expect(result).toMatchObject({ id: 'd-1', canary: 'canary', rounds: 4, children: 2, ok: true, startedMs: 1_000 });
    expect(result.stages.map(({ stage, reached, missed }) => [stage, reached, missed])).toEqual([
      ['applied', 4, 0],
      ['refused', 4, 0],
      ['tree-refused', 4, 0],
      ['released', 4, 0],
    ]);
    const [applied, refused, tree] = result.stages;
    expect(refused?.p50Ms).toBeGreaterThanOrEqual(5);
    expect(tree?.p50Ms).toBeGreaterThanOrEqual(20);
    expect(applied?.maxMs).toBeLessThan(refused?.p50Ms ?? 0);
    expect(calls).toEqual(['prepare canary', 'release', 'release', 'release', 'release']);
    expect(await subject.isAllowed('canary')).toBe(true);
  });

  it('says which stage was missed, and releases all the same', async () => {
    const { subject, options, calls } = world({ treeLags: 500 });
    const result = await holdDrill(subject, options);
    expect(result.ok).toBe(false);
    expect(result.stages.find(({ stage }) => stage === 'tree-refused')).toMatchObject({
      reached: 0,
      missed: 4,
      p99Ms: null,
    });
    expect(result.stages.find(({ stage }) => stage === 'refused')).toMatchObject({ reached: 4, missed: 0 });
    expect(calls.filter((call) => call === 'release')).toHaveLength(4);
  });

  it.each([
    ['a stop that is refused', { fails: true }, 'applied'],
    ['a release that does nothing', { sticky: true }, 'released'],
    ['a place that never confirms', { places: false }, 'confirmed'],
  ])('misses a stage where there is %s', async (_what, over, stage) => {
    const { subject, options } = world(over);
    const result = await holdDrill(subject, { ...options, rounds: 1 });
    expect(result.ok).toBe(false);
    expect(result.stages.find((one) => one.stage === stage)).toMatchObject({ reached: 0, missed: 1 });
  });

  it('counts the places that confirm, and has no such stage where there are none', async () => {
    const { subject, options } = world({ places: true });
    const result = await holdDrill(subject, options);
    expect(result.stages.find(({ stage }) => stage === 'confirmed')).toMatchObject({ reached: 4, missed: 0 });
  });

  it('waits for the places as long as they have for their proof, be it longer than its own patience', async () => {
    const slow = world({ places: false, proofMs: 2_000, provedMs: 900 });
    const result = await holdDrill(slow.subject, { ...slow.options, rounds: 1 });
    expect(result.stages.find(({ stage }) => stage === 'confirmed')).toMatchObject({ reached: 1, missed: 0 });
    const hasty = world({ places: false, proofMs: 100, provedMs: 900 });
    expect(await holdDrill(hasty.subject, { ...hasty.options, rounds: 1 })).toMatchObject({ ok: false });
  });

  it('does not begin where the canary is somebody else', async () => {
    const { subject, options, calls } = world();
    const mine = { ...subject, prepare: () => Promise.reject(new Error('billing is no canary')) };
    await expect(holdDrill(mine, options)).rejects.toThrow('billing is no canary');
    expect(calls).toEqual([]);
  });
});
