import { describe, expect, it } from 'vitest';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { DrillResult, RegistryRecord } from '../../src/registry/registry.js';
import { fold, register, throughJson } from './records.js';

const SYSTEM = { actor: 'system', authority: 'drill', parent: null };

const drillOf = (id: string): DrillResult => ({
  ...{ id, canary: 'canary', children: 1, rounds: 1, way: 'process', startedMs: 5, ok: true },
  stages: [{ stage: 'refused', reached: 1, missed: 0, p50Ms: 2, p99Ms: 2, maxMs: 2 }],
});
const told = (id: string): RegistryRecord => ({ type: 'drill', timeMs: 10, ...SYSTEM, drill: drillOf(id) });
const stopBy = (actor: string, agent: string): RegistryRecord => ({
  ...{ type: 'stop', timeMs: 10, key: `${actor} ${agent}`, tenant: '', agent, action: 'suspend', reason: 'a drill' },
  ...{ forMs: 1_000, callsPerMinute: null, authority: 'drill', parent: null, actor },
});
const releaseBy = (actor: string, agent: string): RegistryRecord => ({
  ...{ type: 'release', timeMs: 11, key: `${actor} ${agent}`, tenant: '', agent, reason: 'over' },
  ...{ authority: 'drill', parent: null, actor },
});

describe('drills in the registry', () => {
  it('are kept, the newest sixty, once each, through a snapshot', () => {
    const { fold: f } = fold();
    for (let i = 0; i < 70; i++) expect(f.apply(told(`d-${i}`)).effect).toBe('applied');
    expect(f.apply(told('d-69')).effect).toBe('duplicate');
    expect(f.drills().map(({ id }) => id)).toEqual(Array.from({ length: 60 }, (_, i) => `d-${i + 10}`));
    expect(restoreFold(throughJson(f.snapshot())).drills()).toEqual(f.drills());
    expect(createFold().drills()).toEqual([]);
  });

  it('let the server stop and release a canary, and nobody else', () => {
    const { fold: f } = fold(register(1, 'canary', { labels: ['canary'] }), register(1, 'billing'));
    expect(f.apply(stopBy('system', 'canary'))).toMatchObject({ effect: 'applied', entry: { status: 'suspended' } });
    expect(f.decide('', 'canary/sub-1', 11).allow).toBe(false);
    expect(f.apply(releaseBy('system', 'canary'))).toMatchObject({ effect: 'applied', entry: { status: 'active' } });
    for (const agent of ['billing', 'nobody']) {
      expect(f.apply(stopBy('system', agent))).toMatchObject({ effect: 'refused', code: 'registry.refused' });
      expect(f.decide('', agent, 11).allow).toBe(true);
    }
    f.apply(stopBy('person:ada', 'billing'));
    expect(f.apply(releaseBy('system', 'billing')).effect).toBe('refused');
    expect(f.decide('', 'billing', 12).allow).toBe(false);
    // An engine and an agent are no server.
    for (const actor of ['engine:0', 'agent:canary']) expect(f.apply(stopBy(actor, 'canary')).effect).toBe('refused');
  });
});
