import { describe, expect, it, vi } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { LearnRole } from '../../src/pipeline/learn-role.js';
import { FakeThread } from './fake-thread.js';

const CLOSED = { endMs: 0, positions: [0] };

class World {
  readonly threads: FakeThread[] = [];
  readonly activated: string[] = [];
  /** Activations that are yet to fail. */
  failures = 0;
  isMember = true;
  assign: (partitions: readonly number[]) => void = () => undefined;
  readonly role = new LearnRole({
    limits: { restartsMax: 3, pauseMs: 1, healthyMs: 60_000 },
    join: async (onAssigned) => {
      this.assign = onAssigned;
      return { commit: async () => undefined, isMember: () => this.isMember, leave: async () => undefined };
    },
    onClosed: () => undefined,
    spawn: async () => {
      const thread = new FakeThread();
      this.threads.push(thread);
      return thread.worker;
    },
    activate: async (version) => {
      this.failures -= 1;
      if (this.failures >= 0) throw new KilldeerError('kafka.unreachable', 'no broker answered');
      this.activated.push(version);
    },
    report: () => undefined,
  });

  async learns(threads = 1): Promise<FakeThread> {
    await vi.waitFor(() => expect(this.threads).toHaveLength(threads));
    const thread = this.threads[threads - 1];
    thread.say({ type: 'ready', closed: CLOSED });
    return thread;
  }
}

describe('the role learn', () => {
  it('learns where the group says so, and not where it says no', async () => {
    const world = new World();
    await world.role.start();
    expect([world.role.status(), world.role.notReady()]).toEqual([null, null]);
    world.assign([0]);
    const thread = await world.learns();
    expect(world.role.status()).toMatchObject({ state: 'running' });
    world.assign([0]);
    world.assign([]);
    expect(world.role.status()).toBeNull();
    await world.role.stop();
    expect(thread.told).toEqual([{ type: 'stop' }]);
    expect(world.threads).toHaveLength(1);
  });

  it('activates a model though the brokers were away, for the learner waits for it', async () => {
    const world = new World();
    await world.role.start();
    world.assign([0]);
    const thread = await world.learns();
    world.failures = 1;
    thread.say({ type: 'model', version: 'one', timeMs: 1 });
    await vi.waitFor(() => expect(thread.told).toEqual([{ type: 'activated', version: 'one' }]), 5_000);
    expect(world.activated).toEqual(['one']);
    await world.role.stop();
  });

  it('activates nothing while the group may have given the learning to another', async () => {
    const world = new World();
    await world.role.start();
    world.assign([0]);
    const thread = await world.learns();
    world.isMember = false;
    thread.say({ type: 'model', version: 'old', timeMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    world.assign([]);
    world.isMember = true;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([world.activated, thread.told]).toEqual([[], [{ type: 'stop' }]]);
    await world.role.stop();
  });

  it('learns again where it was fenced and the group still says that it should', async () => {
    const world = new World();
    await world.role.start();
    world.assign([0]);
    const first = await world.learns();
    world.isMember = false;
    first.die('kafka.fenced');
    await vi.waitFor(() => expect(world.role.notReady()).toBe('learning is down'));
    world.assign([0]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.threads).toHaveLength(1);
    world.isMember = true;
    await world.learns(2);
    expect(world.role.notReady()).toBeNull();
    await world.role.stop();
  });
});
