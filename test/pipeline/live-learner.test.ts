import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sample } from '../../src/engine/outcome.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { nodeFiles } from '../../src/log/files.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createFileLearnerStore } from '../../src/pipeline/file-learner-store.js';
import { createLiveLearner, type LiveLearner } from '../../src/pipeline/live-learner.js';
import { loadModel } from '../../src/pipeline/model-folder.js';
import type { ClosedWindow } from '../../src/pipeline/protocol.js';
import { encodeSample } from '../../src/pipeline/sample-line.js';
import { WindowSamples } from '../../src/pipeline/window-samples.js';
import { freshDirectory } from './live-world.js';

const role = (agent: string, name: string): Sample => ({ kind: 'role', timeMs: 1, agent, id: '', role: name });
const row = (i: number): Sample => ({ kind: 'row', timeMs: i, agent: `a${i % 7}`, id: `${i}`, values: [i] });

class LearnerWorld {
  readonly directory = freshDirectory();
  readonly log = createMemoryLog({ topics: { samples: 2 } });
  readonly activated: string[] = [];
  readonly closed: ClosedWindow[] = [];

  async write(partition: number, ...items: (Sample | number)[]): Promise<void> {
    const lines = items.map((item) => encodeSample(typeof item === 'number' ? { kind: 'window', endMs: item } : item));
    await this.log.append('samples', partition, lines);
  }

  /** Runs until the window that ends at `untilMs` is closed; `crashAt`: it dies as that model is being activated. */
  async run(untilMs: number, crashAt?: number): Promise<LiveLearner> {
    let learner: LiveLearner | null = null;
    const made = await createLiveLearner({
      samples: [0, 1].map((partition) => ({ log: this.log, topic: 'samples', partition })),
      start: neutralModel(),
      pagesPerAgentDay: 0.03,
      store: createFileLearnerStore(nodeFiles, join(this.directory, 'learner.json'), this.directory),
      activate: async (version, timeMs) => {
        expect(loadModel(this.directory, version).version).toBe(version);
        this.activated.push(version);
        if (timeMs === crashAt) throw new Error('crash');
      },
      onClosed: (closed) => {
        this.closed.push(closed);
        if (closed.endMs >= untilMs) learner?.stop();
      },
    });
    learner = made;
    await learner.run();
    return learner;
  }
}

describe('learning beside the stream', () => {
  it('closes a window once every partition has passed it', async () => {
    const world = new LearnerWorld();
    await world.write(0, role('a', 'x'), 60, role('b', 'x'), 120, role('c', 'x'));
    await world.write(1, role('d', 'y'), 60, 120);
    await world.run(120);
    expect(world.closed).toEqual([
      { endMs: 60, positions: [2, 2] },
      { endMs: 120, positions: [4, 3] },
    ]);
    expect(world.activated).toHaveLength(2);
    const cohorts = loadModel(world.directory, world.activated[1]).cohortOf;
    expect([...cohorts.keys()].sort()).toEqual(['a', 'b', 'd']);
  });

  it('takes the others along to a partition that jumped', async () => {
    const world = new LearnerWorld();
    await world.write(0, role('a', 'x'), 60, role('b', 'x'), 120, 180);
    await world.write(1, role('c', 'y'), 180);
    await world.run(180);
    expect(world.closed).toEqual([{ endMs: 180, positions: [5, 2] }]);
  });

  it('makes no model of nothing', async () => {
    const world = new LearnerWorld();
    await world.write(0, 60);
    await world.write(1, 60);
    await world.run(60);
    expect(world.closed).toHaveLength(1);
    expect(world.activated).toEqual([]);
  });

  it('makes the same model again after a crash, and learns nothing twice', async () => {
    const write = async (world: LearnerWorld): Promise<void> => {
      await world.write(0, role('a', 'x'), 60, role('b', 'x'), 120, role('e', 'x'), 180);
      await world.write(1, role('d', 'y'), 60, 120, role('f', 'y'), 180);
    };
    const undisturbed = new LearnerWorld();
    await write(undisturbed);
    await undisturbed.run(180);
    const world = new LearnerWorld();
    await write(world);
    await expect(world.run(180, 120)).rejects.toThrow('crash');
    await world.run(180);
    const [first, second, third] = undisturbed.activated;
    expect(world.activated).toEqual([first, second, second, third]);
    expect(new Set(undisturbed.activated).size).toBe(3);
    expect(world.closed).toEqual(undisturbed.closed);
  });

  it('refuses a memory that is not its own', async () => {
    const world = new LearnerWorld();
    const path = join(world.directory, 'learner.json');
    const file = await nodeFiles.open(path, 'create');
    await file.write([Buffer.from('{"format":1}')], 0);
    await file.close();
    await expect(world.run(60)).rejects.toMatchObject({ code: 'checkpoint.corrupt' });
  });
});

describe('the samples of a window', () => {
  it('thins rows alike in whatever order they come, and keeps all else', () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => row(i));
    const kept = (order: readonly Sample[]): string[] => {
      const samples = new WindowSamples(100);
      for (const sample of order) samples.add(sample);
      samples.add(role('a', 'x'));
      const all = samples.take();
      expect(all.filter(({ kind }) => kind === 'role')).toHaveLength(1);
      expect(samples.take()).toEqual([]);
      return all
        .filter(({ kind }) => kind === 'row')
        .map(({ id }) => id)
        .sort();
    };
    const forwards = kept(rows);
    expect(forwards.length).toBeGreaterThan(30);
    expect(forwards.length).toBeLessThanOrEqual(100);
    expect(kept(rows.toReversed())).toEqual(forwards);
  });
});
