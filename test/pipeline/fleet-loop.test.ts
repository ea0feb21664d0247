import { describe, expect, it, onTestFinished } from 'vitest';
import type { FleetRecord } from '../../src/engine/fleet-record.js';
import type { Signal } from '../../src/engine/signal.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { FleetLoop } from '../../src/pipeline/fleet-loop.js';
import { SignalGather } from '../../src/pipeline/signal-gather.js';
import { failing } from '../engine/fleet-world.js';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2025, 5, 2);
const CALM_MINUTES = 20_000;
const TOPIC = 'signals';

/** Two partitions' words about one minute; models fail on `agents`, each in a partition. */
function minute(index: number, agents: readonly string[] = []): readonly [string[], string[]] {
  const timeMs = START_MS + index * MINUTE_MS;
  const of = (partition: number): string[] => {
    const said = agents
      .filter((_, i) => i % 2 === partition)
      .map((agent): Signal => ({ ...failing(agent, ['gpt'], timeMs - 1), partition }));
    const turn: Signal = { type: 'turn', partition, timeMs, models: [{ tenant: '', minutes: 2, agents: 2 }] };
    return [...said, turn].map((signal) => JSON.stringify(signal));
  };
  return [of(0), of(1)];
}

/** Logs of two partitions, and loops that follow them one after the other. */
function world() {
  const log = createMemoryLog({ topics: { [TOPIC]: 2 } });
  const written: FleetRecord[] = [];
  const faults: unknown[] = [];
  let kept: Uint8Array | null = null;
  let failures = 0;
  const ends = async () => Promise.all([0, 1].map((partition) => log.end(TOPIC, partition)));
  const open = (): FleetLoop => {
    const loop = new FleetLoop({
      partitions: 2,
      places: [0, 1].map((partition) => ({ log, topic: TOPIC, partition })),
      store: {
        name: 'memory',
        read: async () => kept,
        write: async (bytes) => {
          kept = bytes;
        },
      },
      write: async (record) => {
        if (failures-- > 0) throw new Error('the log is full');
        written.push(record);
      },
      clock: () => 0,
      onFault: (error) => faults.push(error),
      retryMs: 1,
    });
    onTestFinished(() => loop.stop());
    return loop;
  };
  return {
    written,
    faults,
    open,
    failNext: (count: number) => {
      failures = count;
    },
    forget: () => {
      kept = null;
    },
    async append(minutes: readonly (readonly [string[], string[]])[]): Promise<void> {
      for (const partition of [0, 1]) {
        const lines = minutes.flatMap((one) => one[partition]);
        if (lines.length > 0) await log.append(TOPIC, partition, lines);
      }
    },
    async follow(loop: FleetLoop): Promise<void> {
      loop.start();
      const reached = await ends();
      await expect.poll(() => loop.hasReached(reached), { timeout: 20_000 }).toBe(true);
    },
  };
}

const CALM = Array.from({ length: CALM_MINUTES }, (_, i) => minute(i));
const BAD = [minute(CALM_MINUTES, ['a', 'b', 'c'])];

describe('the fleet stage beside the partitions', () => {
  it('joins what several partitions say, and writes what follows', async () => {
    const { append, open, follow, written } = world();
    await append([...CALM, ...BAD]);
    await follow(open());
    expect(written).toMatchObject([{ state: 'outage', agents: 3, endpoints: ['gpt'] }]);
  });

  it('goes on from what it kept, and says nothing twice', async () => {
    const { append, open, follow, written } = world();
    await append(CALM);
    const first = open();
    await follow(first);
    await first.stop();
    await append(BAD);
    const second = open();
    await follow(second);
    await second.stop();
    await follow(open());
    expect(written).toHaveLength(1);
  });

  it('writes the same record again where it was cut off before it kept its state', async () => {
    const { append, open, follow, forget, written } = world();
    await append([...CALM, ...BAD]);
    const first = open();
    await follow(first);
    await first.stop();
    forget();
    await follow(open());
    expect(written).toHaveLength(2);
    expect(written[1]).toEqual(written[0]);
  });

  it('tries again where a record could not be written, and loses none', async () => {
    const { append, open, follow, failNext, faults, written } = world();
    await append([...CALM, ...BAD]);
    failNext(2);
    await follow(open());
    expect(faults).toHaveLength(2);
    expect(written).toHaveLength(1);
  });

  it('tells of lines that are none', async () => {
    const { append, open, faults } = world();
    await append([[['{"type":"tick"}'], []]]);
    open().start();
    await expect.poll(() => faults.length).toBeGreaterThan(0);
    expect(String(faults[0])).toContain('signals/0 0 is no signal');
  });
});

const turn = (partition: number, timeMs: number): Signal => ({ type: 'turn', partition, timeMs, models: [] });

describe('the turns of several partitions', () => {
  it('come when all have said theirs, whatever order they were read in', () => {
    const gather = new SignalGather(2);
    gather.take(turn(0, 1_000));
    gather.take(turn(0, 2_000));
    expect(gather.next()).toBeNull();
    gather.take(failing('a', ['gpt'], 900));
    gather.take({ ...failing('b', ['gpt'], 900), partition: 1 });
    gather.take(turn(1, 1_000));
    expect(gather.next()).toMatchObject({ timeMs: 1_000, signals: [turn(0, 1_000), { agent: 'b' }, turn(1, 1_000)] });
    expect(gather.next()).toBeNull();
    expect(new SignalGather(2, gather.snapshot()).snapshot()).toEqual(gather.snapshot());
  });

  it('do not wait for ever for a partition that is silent', () => {
    const gather = new SignalGather(2);
    for (let timeMs = 0; timeMs <= 600_000; timeMs += MINUTE_MS) gather.take(turn(1, timeMs));
    expect(gather.next()).toMatchObject({ timeMs: 0 });
    expect(gather.next()).toBeNull();
  });

  it('take the edges along that came meanwhile', () => {
    const gather = new SignalGather(1);
    const edge = {
      type: 'edge',
      by: 'parent',
      tenant: '',
      key: 'a',
      agent: 'b',
      root: 'b',
      timeMs: 1,
      bound: true,
    } as const;
    gather.take(edge);
    gather.take(turn(0, 1_000));
    gather.take(turn(0, 2_000));
    expect([gather.next()?.edges, gather.next()?.edges]).toEqual([[edge], []]);
  });
});
