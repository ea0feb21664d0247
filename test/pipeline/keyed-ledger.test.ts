import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import type { NumberedShelf } from '../../src/pipeline/numbered-shelf.js';
import {
  expectTruth,
  headerOffset,
  outputsOf,
  positionsOf,
  RECORDS,
  truthOf,
  undisturbed,
  WIDE,
  wideRecords,
} from './keyed-truth.js';
import { type Brokers, KeyedWorld, models, NARROW, type Opened } from './keyed-world.js';
import { execute, freshDirectory, HOUR_MS } from './live-world.js';

describe('a partition on transactions', () => {
  it('writes what an engine that never stopped makes of the records', async () => {
    const truth = await truthOf();
    const { world, counts } = await undisturbed();
    await expectTruth(world);
    expect(counts).toEqual(truth.counts);
    expect(world.proposals.map(({ key }) => key)).toEqual(truth.proposals);
    const plain = execute(RECORDS, NARROW, models);
    expect(world.brokers.findings).toEqual(plain.findings);
    expect(truth.outputs.findings.length).toBeGreaterThan(5);
    expect(truth.outputs.deadLetter.length).toBeGreaterThan(5);
    expect(truth.outputs.samples.some((line) => line.startsWith('{"kind":"window"'))).toBe(true);
    expect(truth.counts).toMatchObject({ controls: 4 });
    expect(truth.counts.evictions).toBeGreaterThan(10);
    expect(truth.counts.reloads).toBeGreaterThan(5);
    expect(world.brokers.position.offset).toBe(RECORDS.length);
  });

  it('rewrites its shelf meanwhile', async () => {
    const world = await KeyedWorld.of(RECORDS);
    let moved = 0;
    await world.finish({
      pass: (name) => {
        moved += name === 'shelf-moved' ? 1 : 0;
      },
    });
    expect(moved).toBeGreaterThanOrEqual(2);
    await expectTruth(world);
  });

  it('commits nothing before the registry has acknowledged what is covered', async () => {
    const world = await KeyedWorld.of(RECORDS);
    let answer: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let told: () => void = () => undefined;
    const hears = new Promise<void>((resolve) => {
      told = resolve;
    });
    let firstOffset = -1;
    const { partition } = await world.open({
      emit: {
        ...world.emit(() => undefined),
        registry: (proposals) => {
          if (firstOffset === -1 && proposals.length > 0) {
            firstOffset = proposals[0].offset;
            told();
          }
          return firstOffset === -1 ? Promise.resolve() : heard;
        },
      },
    });
    const run = partition.run();
    await hears;
    partition.stop();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(world.brokers.position.offset).toBeLessThanOrEqual(firstOffset);
    answer();
    await run;
    expect(world.brokers.position.offset).toBeGreaterThan(firstOffset);
  });

  it('stops where the registry refuses to hear it, and loses nothing', async () => {
    const truth = await truthOf();
    const world = await KeyedWorld.of(RECORDS);
    const deaf = new KilldeerError('log.fsync-failed', 'the registry is gone');
    const emit = { ...world.emit(() => undefined), registry: async () => Promise.reject(deaf) };
    await expect(world.finish({ emit })).rejects.toBe(deaf);
    await world.finish();
    expect(outputsOf(world.brokers)).toEqual(truth.outputs);
  });

  it('begins where the log begins, muted, where the snapshot cannot be read', async () => {
    const truth = await truthOf();
    const damages: ((state: Brokers['state']) => void)[] = [
      (state) => state.push({ key: 'header', value: new TextEncoder().encode('{"format":99}') }),
      (state) => state.push({ key: 'header', value: new TextEncoder().encode('cut') }),
      (state) => state.push({ key: 'door/0', value: new Uint8Array(7) }),
      (state) => state.push({ key: 'head/0', value: null }),
      (state) => state.push({ key: 'head/0', value: new TextEncoder().encode('{"agents":[') }),
      (state) => {
        const agent = state.findLast(({ key, value }) => key.startsWith('a/') && value !== null);
        state.push({ key: agent?.key as string, value: new Uint8Array(3) });
      },
    ];
    for (const [i, damage] of damages.entries()) {
      const world = await KeyedWorld.of(RECORDS, `damage ${i}`);
      await world.runTo(RECORDS.length / 2);
      damage(world.brokers.state);
      const { partition } = await world.finish();
      expect(world.unreadable, `damage ${i}`).toHaveLength(1);
      expect(partition.progress.counts).toEqual(truth.counts);
      expect(outputsOf(world.brokers)).toEqual(truth.outputs);
      // The next owner reads what this one wrote, and nothing of what was damaged.
      await world.finish();
      expect(world.unreadable).toHaveLength(1);
    }
  });

  it('refuses a log that is shorter than what was executed', async () => {
    const truth = await truthOf();
    const world = await KeyedWorld.of(RECORDS);
    await world.finish();
    const log = createMemoryLog({ topics: { events: 1 } });
    await log.append('events', 0, RECORDS.slice(0, 10));
    const events = { log, topic: 'events', partition: 0 };
    await expect(world.open({ events })).rejects.toMatchObject({ code: 'checkpoint.mismatch' });
    await world.finish();
    expect(outputsOf(world.brokers)).toEqual(truth.outputs);
  });

  it('commits nothing that is not so when it is stopped in the middle of what is muted', async () => {
    const world = await KeyedWorld.of(RECORDS);
    await world.runTo(RECORDS.length * 0.8, { checkpointEveryMs: Number.POSITIVE_INFINITY });
    world.brokers.state.splice(0, world.brokers.state.length, ...positionsOf(world.brokers));
    const { offset } = world.brokers.position;
    const before = outputsOf(world.brokers).findings.length;
    const { partition } = await world.runTo(RECORDS.length / 3);
    expect(partition.progress.offset).toBeLessThan(offset);
    expect(world.brokers.position.offset).toBe(offset);
    expect(world.brokers.findings).toHaveLength(before);
    expect(world.brokers.remembered.has('header')).toBe(false);
    await world.finish();
    await expectTruth(world);
  });

  it('commits the last lines where nothing follows them', async () => {
    const truth = await truthOf();
    const world = await KeyedWorld.of(RECORDS);
    const { partition } = await world.open({ now: () => Math.floor(performance.now()) });
    const run = partition.run();
    await expect.poll(() => world.brokers.position.offset, { timeout: 20_000 }).toBe(RECORDS.length);
    expect(outputsOf(world.brokers)).toEqual(truth.outputs);
    // And the snapshot that was due, though no line comes to take it along.
    await expect.poll(() => headerOffset(world.brokers), { timeout: 20_000 }).toBe(RECORDS.length);
    partition.stop();
    await run;
  });

  it('commits them also where the clock is set back', async () => {
    const world = await KeyedWorld.of(RECORDS);
    let backMs = 0;
    const { partition } = await world.open({
      now: () => Math.floor(performance.now()) + 1e9 - backMs,
      emit: world.emit(({ offset }) => {
        if (offset === RECORDS.length) backMs = HOUR_MS;
      }),
      checkpointEveryMs: Number.POSITIVE_INFINITY,
    });
    const run = partition.run();
    await expect.poll(() => world.brokers.position.offset, { timeout: 20_000 }).toBe(RECORDS.length);
    partition.stop();
    await run;
  });

  it('commits a snapshot that took its time, where nothing follows it', async () => {
    // So many that others get turns while it is made.
    const events = wideRecords(1_200, 1_201);
    const world = await KeyedWorld.of(events);
    const { partition } = await world.open({
      genesis: { settings: WIDE, model: 'neutral' },
      now: () => Math.floor(performance.now()),
      clock: () => performance.now(),
      checkpointEveryMs: 20,
    });
    const run = partition.run();
    await expect.poll(() => headerOffset(world.brokers), { timeout: 20_000 }).toBe(events.length);
    partition.stop();
    await run;
    expect(partition.progress.counts.agents).toBeGreaterThan(1_190);
  });

  it('remembers with its next commit how far the registry was told to it', async () => {
    const world = await KeyedWorld.of(RECORDS);
    const { ledger, partition } = await world.open();
    ledger.setTold(41);
    partition.stop();
    await partition.run();
    expect(world.brokers.position.told).toBe(41);
    const second = await world.open({
      emit: world.emit(({ offset }) => {
        if (offset === RECORDS.length) second.partition.stop();
      }),
    });
    second.ledger.setTold(42);
    await second.partition.run();
    expect(world.brokers.position.told).toBe(42);
    const third = await world.open();
    expect(third.ledger.told).toBe(42);
    await third.ledger.close();
  });

  it('wants to be told again where it begins anew behind the first records', async () => {
    const log = createMemoryLog({ topics: { events: 1 }, retainRecordsMax: 500 });
    await log.append('events', 0, RECORDS.slice(0, 400));
    const world = new KeyedWorld(log);
    const { ledger, partition } = await world.open({
      emit: world.emit(({ offset }) => {
        if (offset === 400) partition.stop();
      }),
    });
    ledger.setTold(7);
    await partition.run();
    await log.append('events', 0, RECORDS.slice(400, 800));
    world.brokers.state.push({ key: 'header', value: new TextEncoder().encode('{"format":99}') });
    const again = await world.open();
    expect(again.ledger.start.position.offset).toBe(300);
    expect(again.ledger.told).toBe(0);
    await again.ledger.close();
  });

  it('does not share files with an owner before that goes on in the same folder', async () => {
    const world = await KeyedWorld.of(RECORDS);
    const directory = join(freshDirectory(), 'shelf');
    const [former, latter] = [await world.open({ directory }), await world.open({ directory })];
    const rewrite = ({ ledger }: Opened, byte: number): Uint8Array => {
      const shelf = ledger.shelf as NumberedShelf;
      let place = 0;
      for (let i = 0; i < 3; i++) place = shelf.append(new Uint8Array(9).fill(byte));
      const engine = {
        shelved: 1,
        moveShelved: (move: (position: number) => number) => {
          place = move(place);
        },
      };
      shelf.rewrite(engine, () => undefined);
      return shelf.read(place);
    };
    expect(rewrite(latter, 2)).toEqual(new Uint8Array(9).fill(2));
    // It finds its folder gone.
    expect(() => rewrite(former, 1)).toThrow('could not be opened');
    expect(latter.ledger.shelf.read(0)).toEqual(new Uint8Array(9).fill(2));
    await former.ledger.close();
    await latter.ledger.close();
  });
});
