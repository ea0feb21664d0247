import { describe, expect, it } from 'vitest';
import { RegistryFeed } from '../../src/api/registry-feed.js';
import type { Mode } from '../../src/decide/finding.js';
import type { Policy } from '../../src/decide/policy.js';
import type { RegistryEntry, RegistryRecord, Verdict } from '../../src/registry/registry.js';
import { entryOf } from '../registry/entries.js';

const BY = { actor: 'person:ops', authority: 'ops', parent: null, timeMs: 1 } as const;
const applied = (entry: RegistryEntry | null = null, over: Partial<Verdict> = {}): Verdict => ({
  ...{ effect: 'applied', reason: null, code: null, entry, expired: [] },
  ...over,
});
const halt = (tenant: string | null) => ({ ...BY, type: 'halt', key: 'k', tenant, reason: 'fire' }) as RegistryRecord;
const recover = (tenant: string | null, share: number) =>
  ({ ...BY, type: 'recover', key: 'k', tenant, share, reason: 'out' }) as RegistryRecord;
const time = { ...BY, type: 'time' } as RegistryRecord;
const stop = { ...BY, type: 'stop' } as RegistryRecord;

function fed(...changes: [RegistryRecord, Verdict][]): RegistryFeed {
  const feed = new RegistryFeed();
  for (const [offset, [record, verdict]] of changes.entries()) feed.take({ offset, record, verdict });
  return feed;
}

const types = (feed: RegistryFeed) =>
  feed.since(0, 100)?.steps.map(({ events }) => events.map(({ type }) => type).join());

describe('RegistryFeed', () => {
  it('keeps a halt until all may go on', () => {
    const feed = fed([halt(null), applied()], [halt('acme'), applied()], [recover(null, 0.5), applied()]);
    expect(feed.halts()).toEqual([
      { tenant: null, share: 0.5, reason: 'out' },
      { tenant: 'acme', share: 0, reason: 'fire' },
    ]);
    feed.take({ offset: 3, record: recover(null, 1), verdict: applied() });
    expect(feed.halts()).toMatchObject([{ tenant: 'acme' }]);
    expect(types(feed)).toEqual(['halt', 'halt', 'halt', 'halt']);
  });

  it('is silent about what was refused or changes nothing, and still moves on', () => {
    const refused = applied(null, { effect: 'refused' });
    const feed = fed([halt(null), refused], [time, applied()], [stop, applied(entryOf('a', { registered: false }))]);
    expect(feed.halts()).toEqual([]);
    expect(feed.since(0, 100)).toEqual({ steps: [], next: 3 });
  });

  it('tells of what the time of a record ended before the record itself, in one step', () => {
    const held = entryOf('a', { status: 'suspended' });
    const both = applied(entryOf('b', { status: 'revoked' }), { expired: [entryOf('a')] });
    expect(types(fed([stop, applied(held)], [stop, both]))).toEqual(['restriction', 'release,restriction']);
  });

  it('tells of agents that a record about somebody else changed', () => {
    const left = { ...BY, type: 'sponsor' } as RegistryRecord;
    const changed = [entryOf('a', { status: 'suspended' }), entryOf('b', { status: 'suspended' })];
    expect(types(fed([left, applied(null, { changed })]))).toEqual(['restriction,restriction']);
  });

  it('is silent about what places report of a stop', () => {
    const effect = { ...BY, type: 'effect' } as RegistryRecord;
    expect(types(fed([effect, applied(entryOf('a', { status: 'suspended' }))]))).toEqual([]);
  });

  it('tells the mode in force, whatever the policy aims at', () => {
    const policy = {
      ...{ name: 'p', mode: 'enforce', rules: [], protectedAgents: [], permissions: [{ name: 'x' }] },
      brakes: { stopsMax: 1, intervalMs: 1, cooldownMs: 1 },
    } as unknown as Policy;
    const feed = fed([{ ...BY, type: 'policy', policy }, applied()]);
    expect(feed.policy()).toEqual({ name: 'p', mode: 'enforce', unregistered: 'allow', limited: true });
    let mode: Mode = 'observe';
    feed.watch(() => mode);
    expect(feed.policy()?.mode).toBe('observe');
    feed.take({ offset: 1, record: time, verdict: applied() });
    mode = 'recommend';
    feed.take({ offset: 2, record: time, verdict: applied() });
    expect(feed.policy()?.mode).toBe('recommend');
    expect(types(feed)).toEqual(['policy', 'policy']);
  });

  it('forgets the oldest, and says so to who asks from there', () => {
    const feed = new RegistryFeed(3);
    for (let offset = 0; offset < 6; offset++) feed.take({ offset, record: halt(`t${offset}`), verdict: applied() });
    expect(feed.since(0, 100)).toBeNull();
    expect(feed.since(3, 100)?.steps.map(({ next }) => next)).toEqual([4, 5, 6]);
    expect(feed.since(3, 2)).toMatchObject({ next: 5 });
    expect(feed.since(6, 100)).toEqual({ steps: [], next: 6 });
    expect(feed.since(7, 100)).toBeNull();
  });
});
