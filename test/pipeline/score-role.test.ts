import { afterEach, describe, expect, it, vi } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { KilldeerError } from '../../src/errors.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import type { LiveChange } from '../../src/pipeline/live-parts.js';
import type { Progress } from '../../src/pipeline/partition-parts.js';
import { ScoreRole, type ScoreRoleParts } from '../../src/pipeline/score-role.js';
import { createFold } from '../../src/registry/fold.js';
import { register } from '../registry/records.js';
import { FakeThread } from './fake-thread.js';

const PARTITIONS = 2;
const away = () => new KilldeerError('kafka.unreachable', 'no broker answered');
const progress = (offset: number): Progress => ({
  ...{ offset, nowMs: 0, deadLettered: 0, findings: 0, samples: 0, signals: 0 },
  counts: {} as Progress['counts'],
});

/** An agent of that partition. */
function agentOf(partition: number): string {
  const names = Array.from({ length: 100 }, (_, i) => `agent-${i}`);
  return names.find((name) => partitionOf('', name, PARTITIONS) === partition) as string;
}

class World {
  readonly log = createMemoryLog({ topics: { events: PARTITIONS } });
  readonly threads: { readonly partition: number; readonly thread: FakeThread }[] = [];
  /** What happened outside, in order. */
  readonly acts: string[] = [];
  readonly lags: number[] = [];
  readonly progresses: number[] = [];
  /** Appends fail until it is null. */
  failure: Error | null = null;
  isMember = true;
  endsAsked = 0;
  endAnswers = true;
  assign: (partitions: readonly number[]) => void = () => undefined;
  private readonly fold = createFold();
  private changes = 0;
  readonly role: ScoreRole;

  constructor(parts: Partial<ScoreRoleParts> = {}) {
    this.role = new ScoreRole({
      partitions: PARTITIONS,
      log: {
        append: async (topic, partition, lines) => {
          if (this.failure !== null) throw this.failure;
          for (const line of lines) this.acts.push(wordsOf(partition, JSON.parse(line)));
          return this.log.append(topic, partition, lines);
        },
        end: async (topic, partition) => {
          this.endsAsked += 1;
          return this.endAnswers ? this.log.end(topic, partition) : new Promise(() => undefined);
        },
      },
      spawn: async (partition) => {
        const thread = new FakeThread();
        this.threads.push({ partition, thread });
        return thread.worker;
      },
      join: async (onAssigned) => {
        this.assign = onAssigned;
        const leave = async (): Promise<void> => void this.acts.push('leave');
        return { commit: async () => undefined, isMember: () => this.isMember, leave };
      },
      writer: { write: async () => undefined, stop: () => undefined },
      writeRegistry: async (draft) => {
        if (this.failure !== null) throw this.failure;
        if (draft.type === 'owner') this.acts.push(`owner ${draft.partition} ${draft.epoch}`);
      },
      tick: null,
      onClock: () => undefined,
      limits: { restartsMax: 3, pauseMs: 1, healthyMs: 60_000 },
      observer: {
        ...{ assigned: () => {}, restoring: () => {}, restored: () => {}, batch: () => {}, committed: () => {} },
        ...{ died: () => {}, ticked: () => {} },
        progress: (_partition, _before, now) => this.progresses.push(now.offset),
        lag: (_partition, records) => this.lags.push(records),
      },
      report: () => undefined,
      ...parts,
    });
  }

  /** The thread of the partition that was started last. */
  thread(partition: number): FakeThread {
    return this.threads.findLast((one) => one.partition === partition)?.thread as FakeThread;
  }

  async isUp(partition: number, threads = 1): Promise<FakeThread> {
    await vi.waitFor(() =>
      expect(this.threads.filter((one) => one.partition === partition).length).toBeGreaterThanOrEqual(threads),
    );
    return this.thread(partition);
  }

  ready(partition: number, { epoch = 1, told = 0, offset = 0, committed = 0 } = {}): void {
    const restored = { epoch, told, committed, bytes: 0, ms: 0 };
    this.thread(partition).say({ type: 'ready', progress: progress(offset), restored });
  }

  /** A person says so of an agent. */
  says(agent: string, role: string): void {
    const record = register(this.changes + 1, agent, { role });
    const change: LiveChange = { offset: this.changes, record, verdict: this.fold.apply(record) };
    this.changes += 1;
    this.role.noteChange(change);
  }

  toldOf(partition: number): unknown[] {
    return this.thread(partition)
      .told.filter(({ type }) => type === 'told')
      .map(({ told }) => told);
  }
}

function wordsOf(partition: number, record: { type: string; agent?: string; role?: string }): string {
  return record.type === 'agent' ? `agent ${record.role}` : `${record.type} ${partition}`;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the role score', () => {
  it('declares an owner first, then tells what was said of its agents, in order', async () => {
    const world = new World();
    const [agent, other] = [agentOf(0), agentOf(1)];
    world.says(agent, 'one');
    world.says(other, 'elsewhere');
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    // Not up yet: told when it is.
    world.says(agent, 'two');
    expect(world.acts).toEqual([]);
    world.ready(0, { epoch: 7 });
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([3]));
    world.says(agent, 'three');
    world.says(agent, 'four');
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([3, 4, 5]));
    expect(world.acts).toEqual(['owner 0 7', 'agent two', 'agent three', 'agent four']);
    await world.role.stop();
    expect(world.acts.at(-1)).toBe('leave');
  });

  it('tells only what the thread was not told before', async () => {
    const world = new World();
    world.says(agentOf(0), 'one');
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    world.ready(0, { told: 1 });
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([1]));
    expect(world.acts).toEqual(['owner 0 1']);
    await world.role.stop();
  });

  it('never lets a thread remember as told what did not reach the log', async () => {
    const world = new World();
    const agent = agentOf(0);
    await world.role.start();
    world.assign([0]);
    const thread = await world.isUp(0);
    world.ready(0);
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([0]));
    world.failure = away();
    world.says(agent, 'lost');
    world.says(agentOf(1), 'elsewhere');
    world.says(agent, 'after it');
    await world.role.stop();
    world.failure = null;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(thread.told.map(({ type }) => type)).toEqual(['told', 'stop']);
    expect(world.acts).toEqual(['owner 0 1', 'leave']);
  });

  it('tells the last word last, though a thread died in between and the brokers were away', async () => {
    const world = new World();
    const agent = agentOf(0);
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    world.ready(0);
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([0]));
    world.failure = away();
    world.says(agent, 'one');
    world.thread(0).die('partition.fault');
    await world.isUp(0, 2);
    world.ready(0, { epoch: 2 });
    world.says(agent, 'two');
    world.failure = null;
    await vi.waitFor(() => expect(world.toldOf(0)).toEqual([2]), 5_000);
    expect(world.acts).toEqual(['owner 0 1', 'owner 0 2', 'agent two']);
    await world.role.stop();
  });

  it('ends what went elsewhere, begins what came, and hands all on at its end', async () => {
    const world = new World();
    expect(world.role.notReady()).toBe('partitions are not assigned yet');
    await world.role.start();
    world.assign([0]);
    const first = await world.isUp(0);
    expect(world.role.notReady()).toBe('partition 0 is starting');
    world.ready(0);
    expect(world.role.notReady()).toBeNull();
    world.assign([1]);
    expect(first.told.at(-1)).toEqual({ type: 'stop' });
    const second = await world.isUp(1);
    world.assign([0, 1]);
    await world.isUp(0, 2);
    await world.role.stop();
    expect(second.told.at(-1)).toEqual({ type: 'stop' });
    expect(world.acts).toEqual(['owner 0 1', 'leave']);
    world.assign([0, 1]);
    expect(world.threads).toHaveLength(3);
  });

  it('takes a partition again that somebody fenced, but not before the group counts it in', async () => {
    const world = new World();
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    world.ready(0);
    world.isMember = false;
    world.thread(0).die('kafka.fenced');
    await vi.waitFor(() => expect(world.role.notReady()).toBe('partition 0 is down'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.threads).toHaveLength(1);
    world.isMember = true;
    await world.isUp(0, 2);
    world.ready(0, { epoch: 3 });
    expect(world.role.notReady()).toBeNull();
    await world.role.stop();
  });

  it('leaves a partition that was fenced and is no longer its own', async () => {
    const world = new World({ limits: { restartsMax: 3, pauseMs: 50, healthyMs: 60_000 } });
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    world.thread(0).die('kafka.fenced');
    await vi.waitFor(() => expect(world.role.notReady()).toBe('partition 0 is down'));
    world.assign([]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(world.threads).toHaveLength(1);
    await world.role.stop();
  });

  it('writes ticks for the partitions that run, and for no other', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const world = new World({ tick: { everyMs: 10_000, now: () => 5 } });
    await world.role.start();
    world.assign([0, 1]);
    await world.isUp(0);
    await world.isUp(1);
    world.ready(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.acts.filter((act) => act.startsWith('tick'))).toEqual(['tick 1']);
    await world.role.stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(world.acts.filter((act) => act.startsWith('tick'))).toEqual(['tick 1']);
  });

  it('looks at the ends once at a time, and says nothing of a partition that has not run', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const world = new World();
    await world.log.append('events', 0, ['x', 'y', 'z']);
    await world.role.start();
    world.assign([0]);
    await world.isUp(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([world.role.behind(), world.lags]).toEqual([0, []]);
    world.ready(0, { offset: 1 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect([world.role.behind(), world.lags]).toEqual([2, [2]]);
    world.endAnswers = false;
    const asked = world.endsAsked;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.endsAsked).toBe(asked + 1);
    await world.role.stop();
  });

  it('counts what a partition executes from where its owner before was counted', async () => {
    const world = new World();
    await world.role.start();
    world.assign([0]);
    const thread = await world.isUp(0);
    world.ready(0, { offset: 10, committed: 30 });
    for (const offset of [20, 30, 40]) thread.say({ type: 'progress', progress: progress(offset) });
    expect(world.progresses).toEqual([30, 40]);
    await world.role.stop();
  });
});
