import { describe, expect, it } from 'vitest';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createRandom } from '../../src/math/random.js';
import {
  expectTruth,
  headerOffset,
  keysOf,
  onFiles,
  outputsOf,
  positionsOf,
  RECORDS,
  truthOf,
  undisturbed,
  WIDE,
  wideRecords,
} from './keyed-truth.js';
import { gapped, KeyedWorld } from './keyed-world.js';
import { crashAt } from './live-world.js';

describe('a partition on transactions that is cut short', () => {
  it('goes on after a crash at any point as if there had been none', async () => {
    const truth = await truthOf();
    const { passages } = await undisturbed();
    let crashes = 0;
    for (let round = 1; round <= 4; round++) {
      const world = await KeyedWorld.of(RECORDS, `crash ${round}`);
      for (let at = 1; at <= 8; at++) {
        const { pass, isCrash } = crashAt(Math.floor((passages * ((at * 7 + round * 3) % 11)) / 14) + round);
        try {
          await world.finish({ pass });
        } catch (error) {
          if (!isCrash(error)) throw error;
          crashes += 1;
        }
      }
      const { partition } = await world.finish();
      expect(partition.progress.counts).toEqual(truth.counts);
      await expectTruth(world);
    }
    expect(crashes).toBeGreaterThan(12);
  });

  it('goes on after a transaction that failed, was lost, or was done without an answer', async () => {
    const truth = await truthOf();
    const seen = { refused: 0, lost: 0, unknown: 0 };
    for (let round = 1; round <= 6; round++) {
      const world = await KeyedWorld.of(RECORDS, `fate ${round}`);
      const random = createRandom(`fates ${round}`);
      // The declaration of an owner is a transaction too.
      for (let life = 0; life < 7; life++) {
        let left = 1 + random.below(8);
        const fate = random.pick(['refused', 'lost', 'unknown'] as const);
        world.brokers.fate = () => (--left === 0 ? fate : 'done');
        try {
          await world.finish();
        } catch (error) {
          const code = fate === 'refused' ? 'kafka.unreachable' : 'kafka.commit-unknown';
          expect(error).toMatchObject({ code });
          seen[fate] += 1;
        }
      }
      world.brokers.fate = () => 'done';
      const { partition } = await world.finish();
      expect(partition.progress.counts).toEqual(truth.counts);
      await expectTruth(world);
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(1);
  });

  it('waits for brokers that are away, and writes what waited once', async () => {
    const truth = await truthOf();
    const world = await KeyedWorld.of(RECORDS, 'away');
    let away = 0;
    // After the declaration and well before the end: one that is told to stop waits for nobody.
    world.brokers.fate = () => {
      const isAway = world.brokers.commits.length === 1 && away < 3;
      if (isAway) away += 1;
      return isAway ? 'away' : 'done';
    };
    const { partition } = await world.finish();
    expect(away).toBe(3);
    expect(partition.progress.counts).toEqual(truth.counts);
    await expectTruth(world);
  });

  it('goes on after either where a snapshot takes many batches to be made', async () => {
    const records = wideRecords(1_300, 8_000);
    const truth = await onFiles(records, WIDE);
    const genesis = { settings: WIDE, model: 'neutral' };
    let crashes = 0;
    let behind = 0;
    for (let round = 1; round <= 3; round++) {
      const world = await KeyedWorld.of(records, `wide ${round}`);
      const random = createRandom(`wide fates ${round}`);
      for (let life = 0; life < 6; life++) {
        let left = 1 + random.below(6);
        world.brokers.fate = () => (--left === 0 ? random.pick(['refused', 'lost', 'unknown'] as const) : 'done');
        const died = await world.finish({ genesis, checkpointEveryMs: 0 }).then(
          () => false,
          () => true,
        );
        crashes += died ? 1 : 0;
        behind += headerOffset(world.brokers) < world.brokers.position.offset ? 1 : 0;
      }
      world.brokers.fate = () => 'done';
      const { partition } = await world.finish({ genesis });
      expect(partition.progress.counts).toEqual(truth.counts);
      expect(outputsOf(world.brokers)).toEqual(truth.outputs);
      expect(world.early).toEqual([]);
    }
    expect(truth.outputs.deadLetter.length).toBeGreaterThan(20);
    expect(crashes).toBeGreaterThan(6);
    expect(behind).toBeGreaterThan(3);
  });

  it('shows nothing of an owner that was fenced, however long it goes on', async () => {
    const truth = await truthOf();
    for (let round = 1; round <= 4; round++) {
      const world = await KeyedWorld.of(RECORDS, `zombie ${round}`);
      let reached: () => void = () => undefined;
      const isHalfway = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const { partition: zombie } = await world.open({
        emit: world.emit(({ offset }) => {
          if (offset > (RECORDS.length * round) / 6) reached();
        }),
      });
      const fenced = zombie.run().then(
        () => null,
        (error: unknown) => error,
      );
      await isHalfway;
      const before = world.brokers.position.epoch;
      const { partition } = await world.finish();
      expect(await fenced).toMatchObject({ code: 'kafka.fenced' });
      expect(world.brokers.position.epoch).toBeGreaterThan(before);
      expect(partition.progress.counts).toEqual(truth.counts);
      expect(outputsOf(world.brokers)).toEqual(truth.outputs);
      expect(keysOf(world.proposals)).toEqual([...new Set(truth.proposals)].sort());
    }
  });

  it('mutes what is out already and nothing else, where offsets have gaps', async () => {
    const truth = await truthOf();
    const inner = createMemoryLog({ topics: { events: 1 } });
    await inner.append('events', 0, RECORDS);
    const whole = new KeyedWorld(gapped(inner), 'gaps');
    await whole.finish();
    expect(whole.brokers.findings.length).toBe(truth.outputs.findings.length);
    for (let round = 1; round <= 4; round++) {
      const world = new KeyedWorld(gapped(inner), `gaps ${round}`);
      for (const share of [0.1, 0.35, 0.5, 0.8]) {
        // No snapshot: everything is executed again up to where the one before had come.
        const end = Math.floor(3 * RECORDS.length * share);
        await world.runTo(end, { checkpointEveryMs: Number.POSITIVE_INFINITY });
        world.brokers.state.splice(0, world.brokers.state.length, ...positionsOf(world.brokers));
      }
      await world.finish();
      expect(outputsOf(world.brokers)).toEqual(outputsOf(whole.brokers));
    }
  });
});
