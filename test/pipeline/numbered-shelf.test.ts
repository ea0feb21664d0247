/** A shelf that is rewritten gives back what it held, and a crash at any point of it finds what it needs. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/config.js';
import { KilldeerError } from '../../src/errors.js';
import type { Failpoint, FailpointName } from '../../src/pipeline/failpoint.js';
import type { FilePartitionParts } from '../../src/pipeline/file-partition.js';
import { EMPTY_SHELF, NumberedShelf, viewShelf } from '../../src/pipeline/numbered-shelf.js';
import { createMemoryShelf } from '../../src/pipeline/shelf.js';
import {
  execute,
  freshDirectory,
  linesOf,
  PartitionWorld,
  policyOf,
  recordsOf,
  simulatedLines,
  talkative,
} from './live-world.js';

const silent: Failpoint = () => undefined;
const profile = (byte: number) => new Uint8Array(100).fill(byte);
const shelvesIn = (directory: string) => readdirSync(directory).filter((name) => name.startsWith('shelf-'));

/** As an engine keeps its index. */
class Index {
  constructor(readonly positions: number[]) {}

  get shelved(): number {
    return this.positions.length;
  }

  moveShelved(move: (position: number) => number): void {
    const moved = this.positions.map(move);
    this.positions.splice(0, moved.length, ...moved);
  }
}

describe('a numbered shelf', () => {
  it('is rewritten once most of it is garbage, and gives back what is needed', async () => {
    const place = { directory: freshDirectory(), rewriteFromBytes: 1 };
    const shelf = new NumberedShelf(place, EMPTY_SHELF);
    const positions = [1, 2, 3, 4, 5].map((byte) => shelf.append(profile(byte)));
    const half = new Index([positions[1], positions[2], positions[4]]);
    shelf.rewrite(half, silent);
    expect(shelf.size()).toBe(5 * 108);
    const before = await shelf.mark();
    const few = new Index([positions[4], positions[1]]);
    shelf.rewrite(few, silent);
    expect(shelf.size()).toBe(2 * 108);
    const after = await shelf.mark();
    expect(after).toEqual({ number: 1, bytes: 216, profiles: 2 });
    expect(few.positions.map((position) => shelf.read(position)[0])).toEqual([5, 2]);
    // The checkpoint of the new mark did not come about: the old one still finds its file.
    const again = new NumberedShelf(place, before);
    expect(positions.map((position) => again.read(position)[0])).toEqual([1, 2, 3, 4, 5]);
    again.close();
    shelf.settle(new Set([0]), silent);
    expect(shelvesIn(place.directory).sort()).toEqual(['shelf-0', 'shelf-1']);
    shelf.settle(new Set(), silent);
    expect(shelvesIn(place.directory)).toEqual(['shelf-1']);
    shelf.close();
  });

  it('stays as it is where there is no space for another', () => {
    const place = { directory: freshDirectory(), rewriteFromBytes: 1 };
    const shelf = new NumberedShelf(place, EMPTY_SHELF);
    const positions = [1, 2, 3].map((byte) => shelf.append(profile(byte)));
    let tries = 0;
    const full = {
      shelved: 1,
      moveShelved: (move: (position: number) => number) => {
        move(positions[1]);
        tries += 1;
        throw new KilldeerError('log.disk-full', 'no space');
      },
    };
    shelf.rewrite(full, silent);
    shelf.rewrite(full, silent);
    expect(tries).toBe(1);
    expect(shelvesIn(place.directory)).toEqual(['shelf-0']);
    expect(shelf.read(positions[1])[0]).toBe(2);
    shelf.close();
  });

  it('is read as a checkpoint knew it, beside whoever goes on with it', async () => {
    const place = { directory: freshDirectory() };
    const shelf = new NumberedShelf(place, EMPTY_SHELF);
    const known = shelf.append(profile(1));
    const mark = await shelf.mark();
    shelf.append(profile(2));
    const view = viewShelf(place, mark, createMemoryShelf());
    const own = view.append(profile(3));
    expect([view.read(known)[0], view.read(own)[0]]).toEqual([1, 3]);
    expect(shelf.read(own)[0]).toBe(2);
    view.close();
    shelf.close();
  });
});

describe('a partition that rewrites its shelf', () => {
  const RECORDS = recordsOf(simulatedLines(6, 4));
  // Two places for six agents: somebody is always being evicted.
  const detection = { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5, agents_max: 2 };
  const settings = settingsOf(talkative({ detection }), policyOf('observe'));
  const truth = execute(RECORDS, settings);

  async function run(crash: { readonly name: FailpointName; readonly passage: number } | null) {
    const world = new PartitionWorld();
    await world.log.append('events', 0, RECORDS);
    const passed = new Map<FailpointName, number>();
    const dead = new Error('crash');
    const parts = (pass: Failpoint): Partial<FilePartitionParts> => ({
      genesis: { settings, model: 'neutral' },
      shelf: { directory: world.directory, rewriteFromBytes: 1 },
      pass,
    });
    const count: Failpoint = (name) => {
      passed.set(name, (passed.get(name) ?? 0) + 1);
      if (crash !== null && name === crash.name && passed.get(name) === crash.passage) throw dead;
    };
    if (crash !== null) await expect(world.finish(parts(count))).rejects.toThrow(dead.message);
    const { progress } = await world.finish(parts(crash === null ? count : silent));
    return { world, passed, counts: progress.counts, findings: await linesOf(world.findings) };
  }

  it('says what one says that never did, and keeps the shelves that its checkpoints name', async () => {
    const { world, passed, counts, findings } = await run(null);
    expect(passed.get('shelf-moved')).toBeGreaterThan(2);
    expect(counts).toEqual(truth.counts);
    expect(findings).toEqual(truth.findings);
    expect(findings.length).toBeGreaterThan(5);
    // Its own, and those of two daily copies.
    expect(shelvesIn(world.directory).length).toBeLessThanOrEqual(3);
  });

  it.each<FailpointName>([
    'shelf-moved',
    'checkpoint-begin',
    'checkpoint-written',
    'checkpoint-renamed',
    'shelf-removed',
  ])('goes on after a crash at %s as if there had been none', async (name) => {
    for (const passage of [1, 2]) {
      const { counts, findings } = await run({ name, passage });
      expect(counts).toEqual(truth.counts);
      expect(findings).toEqual(truth.findings);
    }
  });
});
