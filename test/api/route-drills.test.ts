/** Drills over the real registry and a real log. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { holdScheduledDrill } from '../../src/verbs/scheduled-drills.js';
import { createWorld, NOW_MS, type World } from './world.js';

const REPORT = {
  ...{ id: 'd-1', canary: 'canary', children: 1, rounds: 3, started_ms: NOW_MS },
  stages: [{ stage: 'refused', reached: 3, missed: 0, p50_ms: 2, p99_ms: 4, max_ms: 4 }],
};
const CONFIG = { every: 1_000, canary: 'killdeer-canary', children: 2, rounds: 3, patience: 1_000 };

const NO_PLACES = { carriers: () => [] };

describe('drills', () => {
  let registry: Registry;
  let world: World;

  beforeEach(async () => {
    const log = createMemoryLog({ topics: { registry: 1 } });
    registry = await openRegistry({ log, clock: Date.now, policy: null, tickEveryMs: 0 });
    world = createWorld({ registry: registryPortOf(registry) });
  });
  afterEach(() => registry.close());

  const report = (payload: object, token = 'responder') =>
    world.call(token, { method: 'POST', url: '/v1/drills', payload });
  const list = async () => (await world.call('responder', { method: 'GET', url: '/v1/drills' })).json().drills;

  it('held through the API are kept, and whether they went well is not the caller to say', async () => {
    expect((await report(REPORT)).json()).toMatchObject({ id: 'd-1', way: 'http', ok: true });
    const missed = { ...REPORT, id: 'd-2', stages: [{ ...REPORT.stages[0], reached: 2, missed: 1 }] };
    expect((await report(missed)).json()).toMatchObject({ id: 'd-2', ok: false });
    expect(await report({ ...REPORT, id: 'd-3', ok: true })).toMatchObject({ statusCode: 400 });
    expect(await report({ ...REPORT, stages: [] })).toMatchObject({ statusCode: 400 });
    expect(await report(REPORT, 'ingest')).toMatchObject({ statusCode: 403 });
    expect((await list()).map(({ id }: { id: string }) => id)).toEqual(['d-1', 'd-2']);
  });

  it('held by the server itself stop, see refused, and release the canary it registers', async () => {
    await holdScheduledDrill(registry, NO_PLACES, CONFIG);
    await holdScheduledDrill(registry, NO_PLACES, CONFIG);
    const drills = await list();
    expect(drills).toHaveLength(2);
    for (const drill of drills) {
      expect(drill).toMatchObject({ way: 'process', ok: true, canary: 'killdeer-canary', rounds: 3 });
      expect(drill.stages.map(({ stage, reached }: { stage: string; reached: number }) => [stage, reached])).toEqual([
        ['applied', 3],
        ['refused', 3],
        ['tree-refused', 3],
        ['released', 3],
      ]);
    }
    const entry = registry.view.entry('', 'killdeer-canary');
    expect(entry).toMatchObject({ registered: true, labels: ['canary'], status: 'active' });
    expect(registry.view.decide('', 'killdeer-canary/sub-2', Date.now()).allow).toBe(true);
  });

  it('never stop an agent that is there for something else', async () => {
    const by = { actor: 'person:ada', authority: 't', parent: null, tenant: '' };
    await registry.write({ type: 'register', ...by, agent: 'billing', ifVersion: null, owner: 'ada' });
    await expect(holdScheduledDrill(registry, NO_PLACES, { ...CONFIG, canary: 'billing' })).rejects.toThrow(
      'billing is registered without the label canary',
    );
    expect(registry.view.entry('', 'billing')).toMatchObject({ status: 'active', version: 1 });
    expect(await list()).toEqual([]);
  });
});
