/** The mirror against the registry's own fold: whatever happens to a writer, the last words are what is in force. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { RegistryFeed } from '../../src/api/registry-feed.js';
import { type MirrorRecord, RegistryMirror } from '../../src/api/registry-mirror.js';
import { KilldeerError } from '../../src/errors.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';

const BY = { actor: 'person:ops', authority: 'ops', parent: null } as const;

/** A topic in memory that keeps all records; one writer at a time. */
class Topic {
  readonly records: MirrorRecord[] = [];
  private writer = 0;
  failures = 0;
  opened = 0;

  open = async () => {
    this.opened += 1;
    const mine = ++this.writer;
    return {
      read: async (take: (key: string, value: Uint8Array | null) => void) => {
        for (const { key, value } of this.records) take(key, value === null ? null : Buffer.from(value));
      },
      commit: async (records: readonly MirrorRecord[]) => {
        if (mine !== this.writer) throw new KilldeerError('kafka.fenced', 'another writes');
        if (this.failures-- > 0) throw new KilldeerError('kafka.unreachable', 'away');
        this.records.push(...records);
      },
      close: async () => undefined,
    };
  };

  /** What a reader of the whole topic knows. */
  get last(): Map<string, { offset: number } & Record<string, unknown>> {
    const last = new Map();
    for (const { key, value } of this.records) {
      if (value === null) last.delete(key);
      else last.set(key, JSON.parse(value));
    }
    return last;
  }

  agent(name: string): unknown {
    return this.last.get(JSON.stringify(['agent', '', name]))?.['agent'];
  }
}

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function world(topic = new Topic()) {
  const log = createMemoryLog({ topics: { registry: 1 } });
  const feed = new RegistryFeed(4);
  const registry = await openRegistry({
    ...{ log, clock: () => 1_000, policy: null, tickEveryMs: 0 },
    onChange: (change) => feed.take(change),
  });
  closers.push(() => registry.close().then(() => log.close()));
  const reports: string[] = [];
  const mirror = (): RegistryMirror => {
    const made = new RegistryMirror({
      ...{ feed, entries: () => registry.view.entries(), open: topic.open, retryMs: 2 },
      report: (message) => void reports.push(message),
    });
    closers.push(() => made.setActive(false));
    return made;
  };
  return { registry, topic, reports, mirror };
}

const register = (registry: Registry, agent: string) =>
  registry.write({ ...BY, type: 'register', tenant: '', agent, ifVersion: null, owner: 'ops' });
const stop = (registry: Registry, agent: string, key: string) =>
  registry.write({
    ...{ ...BY, type: 'stop', key, tenant: '', agent, action: 'suspend', reason: 'test' },
    ...{ forMs: null, callsPerMinute: null },
  } as const);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}

it('writes what is in force, then every change', async () => {
  const { registry, topic, mirror } = await world();
  await register(registry, 'clerk');
  await mirror().setActive(true);
  await until(() => topic.agent('clerk') !== undefined);
  await stop(registry, 'clerk', 'k1');
  await until(() => (topic.agent('clerk') as { status: string }).status === 'suspended');
  await registry.write({ ...BY, type: 'halt', key: 'h1', tenant: null, reason: 'fire' });
  await until(() => topic.last.has('["halt",null]'));
  await registry.write({ ...BY, type: 'recover', key: 'h2', tenant: null, share: 1, reason: 'out' });
  await until(() => !topic.last.has('["halt",null]'));
  const { offset } = topic.last.get('["agent","","clerk"]') as { offset: number };
  expect(offset).toBe(2);
});

it('puts right what an earlier writer left, and leaves alone what is right', async () => {
  const { registry, topic, mirror } = await world();
  await register(registry, 'clerk');
  const first = mirror();
  await first.setActive(true);
  await until(() => topic.agent('clerk') !== undefined);
  await first.setActive(false);
  topic.records.push({
    key: '["halt","gone"]',
    value: '{"offset":0,"halt":{"tenant":"gone","share":0,"reason":"old"}}',
  });
  const before = topic.records.length;
  await stop(registry, 'clerk', 'k1');
  await register(registry, 'other');
  await mirror().setActive(true);
  await until(() => topic.agent('other') !== undefined);
  expect(topic.agent('clerk')).toMatchObject({ status: 'suspended' });
  expect(topic.last.has('["halt","gone"]')).toBe(false);
  expect(topic.records.slice(before).map(({ key }) => key)).toEqual([
    '["agent","","clerk"]',
    '["agent","","other"]',
    '["halt","gone"]',
  ]);
});

it('goes on after failures, told once, and compares anew when it was left behind', async () => {
  const { registry, topic, reports, mirror } = await world();
  await mirror().setActive(true);
  await register(registry, 'a0');
  await until(() => topic.agent('a0') !== undefined);
  topic.failures = 3;
  // More changes than the feed remembers.
  for (let i = 1; i < 20; i++) await register(registry, `a${i}`);
  await until(() => topic.agent('a19') !== undefined);
  for (let i = 0; i < 20; i++) expect(topic.agent(`a${i}`)).toMatchObject({ registered: true });
  expect(reports).toEqual(['registry-current cannot be written, it is tried again']);
  expect(topic.opened).toBeGreaterThan(3);
});

it('says what is so in the end where two processes think that they are the one', async () => {
  const { registry, topic, mirror } = await world();
  await Promise.all([mirror().setActive(true), mirror().setActive(true)]);
  await register(registry, 'clerk');
  await until(() => topic.agent('clerk') !== undefined);
  for (let i = 0; i < 5; i++) {
    await stop(registry, 'clerk', `s${i}`);
    await until(() => (topic.agent('clerk') as { status: string }).status === 'suspended');
    await registry.write({ ...BY, type: 'release', key: `r${i}`, tenant: '', agent: 'clerk', reason: 'test' });
    await until(() => (topic.agent('clerk') as { status: string }).status === 'active');
  }
  await sleep(20);
  expect(topic.agent('clerk')).toMatchObject({ status: 'active' });
});
