import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/decide/policy.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, REGISTRY_TOPIC, type Registry, type RegistryChange } from '../../src/registry/journal.js';
import { HOUR_MS, policy, proposal, release, seen, stop, wish } from './records.js';

const ENFORCE: Policy = policy('enforce').policy;

interface World {
  readonly log: Log;
  /** The clock, ms. */
  nowMs: number;
  open(policy?: Policy | null, onChange?: (change: RegistryChange) => void): Promise<Registry>;
  /** Types of the records in the log. */
  types(): Promise<string[]>;
}

function world(wrap: (log: Log) => Log = (log) => log): World {
  const log = wrap(createMemoryLog({ topics: { [REGISTRY_TOPIC]: 1 } }));
  const made: World = {
    log,
    nowMs: 1_000,
    open: (policy = ENFORCE, onChange = () => undefined) =>
      openRegistry({ log, clock: () => made.nowMs, policy, onChange, tickEveryMs: 0 }),
    types: async () => {
      const { records } = await log.read(REGISTRY_TOPIC, 0, 0, 1_000);
      return records.map(({ value }) => JSON.parse(value).type);
    },
  };
  return made;
}

async function done(w: World, ...registries: Registry[]): Promise<void> {
  for (const registry of registries) await registry.close();
  await w.log.close();
}

describe('opening', () => {
  it('writes the policy first, and again only when it changed', async () => {
    const w = world();
    const first = await w.open();
    expect(first.view.mode()).toBe('enforce');
    const second = await w.open({ ...ENFORCE });
    expect(await w.types()).toEqual(['policy']);
    const third = await w.open({ ...ENFORCE, mode: 'observe' });
    expect(await w.types()).toEqual(['policy', 'policy']);
    expect(third.view.mode()).toBe('observe');
    expect(await third.adopt({ ...ENFORCE, mode: 'observe' })).toBeNull();
    await done(w, first, second, third);
  });

  it('without a policy keeps that of the log, and observes where there is none', async () => {
    const w = world();
    const first = await w.open(null);
    expect(first.view.mode()).toBe('observe');
    await first.adopt(ENFORCE);
    const second = await w.open(null);
    expect(second.view.policy()).toEqual(ENFORCE);
    await done(w, first, second);
  });

  it('finds everything as it was', async () => {
    const w = world();
    const first = await w.open();
    await first.write(seen(0, 'a', { agentVersion: '1' }));
    await first.write(proposal(0, wish('a')));
    await first.write(stop(0, 'b', 'revoke'));
    await first.write(release(0, 'b', { role: 'admin' }));
    const second = await w.open();
    expect(second.view.snapshot()).toEqual(first.view.snapshot());
    expect(second.offset()).toBe(first.offset());
    expect(second.view.decide('', 'a', w.nowMs).allow).toBe(false);
    await done(w, first, second);
  });

  it('refuses a log that it cannot read, rather than pass over a stop', async () => {
    for (const line of ['{"type":"stop"', '5', '{"type":"stop"}', '{"timeMs":5}']) {
      const w = world();
      await w.log.append(REGISTRY_TOPIC, 0, [line]);
      await expect(w.open()).rejects.toMatchObject({ code: 'log.corrupt' });
      await done(w);
    }
  });
});

describe('writing', () => {
  it('puts the registry clock on the record, whatever the writer said', async () => {
    const w = world();
    const registry = await w.open();
    const { entry } = await registry.write(stop(999_999_999, 'a'));
    expect(entry?.untilMs).toBe(1_000 + HOUR_MS);
    w.nowMs = 500;
    expect((await registry.write(stop(0, 'b'))).entry?.untilMs).toBe(1_000 + HOUR_MS);
    await done(w, registry);
  });

  it('announces nothing before it is durable', async () => {
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let isHeld = false;
    const w = world((log) => ({
      ...log,
      append: async (...call) => {
        if (isHeld) await gate;
        return log.append(...call);
      },
    }));
    const told: string[] = [];
    const registry = await w.open(ENFORCE, ({ record }) => told.push(record.type));
    isHeld = true;
    const writing = registry.write(stop(0, 'a'));
    await Promise.resolve();
    expect(registry.view.decide('', 'a', w.nowMs).allow).toBe(true);
    expect(told).toEqual(['policy']);
    letGo();
    expect((await writing).effect).toBe('applied');
    expect(registry.view.decide('', 'a', w.nowMs).allow).toBe(false);
    expect(told).toEqual(['policy', 'stop']);
    await done(w, registry);
  });

  it('that failed changes nothing, and the same key works afterwards', async () => {
    let isFull = false;
    const w = world((log) => ({
      ...log,
      append: (...call) => (isFull ? Promise.reject(new Error('no space')) : log.append(...call)),
    }));
    const registry = await w.open();
    const wanted = stop(0, 'a');
    isFull = true;
    await expect(registry.write(wanted)).rejects.toThrow('no space');
    expect(registry.view.entry('', 'a')).toBeNull();
    isFull = false;
    expect((await registry.write(wanted)).effect).toBe('applied');
    expect((await registry.write(wanted)).effect).toBe('duplicate');
    await done(w, registry);
  });

  it('by many at once gives each its own verdict, and the first in the log wins', async () => {
    const w = world();
    const one = await w.open();
    const other = await w.open();
    const made = wish('a');
    const agents = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const effects = await Promise.all([one, other].map((registry) => registry.write(proposal(0, made))));
    expect(effects.map(({ effect }) => effect)).toEqual(['applied', 'duplicate']);
    const verdicts = await Promise.all(agents.map((agent, index) => (index % 2 ? one : other).write(stop(0, agent))));
    expect(verdicts.map(({ entry }) => entry?.agent)).toEqual(agents);
    await done(w, one, other);
  });

  it('after closing is refused', async () => {
    const w = world();
    const registry = await w.open();
    await registry.close();
    await expect(registry.write(stop(0, 'a'))).rejects.toMatchObject({ code: 'log.closed' });
    await done(w);
  });
});

describe('following', () => {
  it('takes over what another process writes, in order', async () => {
    const w = world();
    const writer = await w.open();
    const offsets: number[] = [];
    let arrived = (_: RegistryChange) => {};
    const stopped = new Promise<RegistryChange>((resolve) => {
      arrived = resolve;
    });
    const reader = await w.open(ENFORCE, (change) => {
      offsets.push(change.offset);
      if (change.record.type === 'stop') arrived(change);
    });
    await writer.write(seen(0, 'a'));
    await writer.write(stop(0, 'a'));
    expect((await stopped).verdict.entry?.status).toBe('suspended');
    expect(offsets).toEqual([0, 1, 2]);
    expect(reader.view.decide('', 'a', w.nowMs).allow).toBe(false);
    await done(w, writer, reader);
  });

  it('tells when the log is gone, and writes no more', async () => {
    const w = world();
    let told = (_: unknown) => {};
    const fault = new Promise((resolve) => {
      told = resolve;
    });
    const registry = await openRegistry({ log: w.log, clock: () => 0, policy: null, onFault: told, tickEveryMs: 0 });
    await w.log.close();
    expect(await fault).toMatchObject({ code: 'log.closed' });
    await expect(registry.write(stop(0, 'a'))).rejects.toMatchObject({ code: 'log.closed' });
    await registry.close();
  });
});

describe('a tick', () => {
  it('writes the time only when something is due to end', async () => {
    const w = world();
    const expired: string[] = [];
    const registry = await w.open(ENFORCE, ({ verdict }) => {
      for (const entry of verdict.expired) expired.push(entry.agent);
    });
    await registry.write(stop(0, 'a'));
    await registry.tick();
    w.nowMs += HOUR_MS - 1;
    await registry.tick();
    expect(await w.types()).toEqual(['policy', 'stop']);
    w.nowMs += 1;
    await registry.tick();
    await registry.tick();
    expect(await w.types()).toEqual(['policy', 'stop', 'time']);
    expect(expired).toEqual(['a']);
    expect(registry.view.entry('', 'a')?.status).toBe('active');
    await done(w, registry);
  });

  it('records calls refused after a stop, at most once a minute', async () => {
    const w = world();
    const registry = await w.open();
    await registry.write(stop(0, 'a'));
    for (let call = 0; call < 3; call++) registry.view.decide('', 'a', w.nowMs);
    await registry.tick();
    registry.view.decide('', 'a', w.nowMs);
    await registry.tick();
    expect(await w.types()).toEqual(['policy', 'stop', 'attempt']);
    w.nowMs += 60_000;
    await registry.tick();
    expect(registry.view.entry('', 'a')?.attempts).toBe(4);
    await done(w, registry);
  });
});
