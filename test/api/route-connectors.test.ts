/** How the connectors are, as the API shows it. */
import { describe, expect, it } from 'vitest';
import type { ConnectorsStatus } from '../../src/connect/status.js';
import { createFold } from '../../src/registry/fold.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { effect, stop } from '../registry/records.js';
import { createWorld } from './world.js';

const counts = { sent: 3, confirmed: 2, unobserved: 0, contradicted: 1, failed: 4, dead: 0 };
const trouble = { breaker: 'open', backlog: 5, lastError: 'it has no client bob', lastErrorMs: 17 } as const;
const STATUS: ConnectorsStatus = {
  active: true,
  places: [{ name: 'login', kind: 'keycloak', watched: 2, unverified: 1, counts, ...trouble }],
  addressees: [{ name: 'gate', kind: 'pages', sent: 9, dead: 1, ...trouble }],
};

describe('GET /v1/connectors', () => {
  const url = '/v1/connectors';
  const world = createWorld({ connectors: { status: () => STATUS, carriers: () => [] } });

  it('shows each place and each addressee', async () => {
    const answer = await world.call('responder', { method: 'GET', url });
    expect(answer.json()).toEqual({
      active: true,
      places: [
        {
          ...{ name: 'login', kind: 'keycloak', breaker: 'open', backlog: 5, watched: 2, unverified: 1 },
          ...{ last_error: 'it has no client bob', last_error_ms: 17, effects: counts },
        },
      ],
      addressees: [
        {
          ...{ name: 'gate', kind: 'pages', breaker: 'open', backlog: 5, sent: 9, dead: 1 },
          ...{ last_error: 'it has no client bob', last_error_ms: 17 },
        },
      ],
    });
  });

  it('keeps from a bound token what may name the agent of another', async () => {
    const answer = await world.call('bound-responder', { method: 'GET', url });
    expect(answer.json()).toMatchObject({ places: [{ last_error: null }], addressees: [{ last_error: null }] });
    expect(answer.body).not.toContain('bob');
  });

  it('says that nothing is delivered where there are none', async () => {
    const answer = await createWorld().call('admin', { method: 'GET', url });
    expect(answer.json()).toEqual({ active: false, places: [], addressees: [] });
  });
});

describe('GET /v1/agents/:agent/effects', () => {
  const fold = createFold();
  fold.apply(stop(1, 'clerk', 'suspend', { tenant: 'acme' }));
  fold.apply(stop(1, 'other', 'suspend', { tenant: 'none' }));
  fold.apply(effect(2, 'clerk', { tenant: 'acme', state: 'contradicted', reason: 'it is active', root: 'crew' }));
  const view = Object.assign(Object.create(fold), { write: async () => Promise.reject(new Error('not asked for')) });
  const carriers = (tenant: string) => (tenant === 'acme' ? [{ name: 'login', verifyWithinMs: 30_000 }] : []);
  const world = createWorld({
    registry: registryPortOf({ view, write: view.write } as never),
    connectors: { status: () => STATUS, carriers },
  });

  it('tells the last word of each place, and which have to carry a stop out', async () => {
    const answer = await world.call('bound-admin', { method: 'GET', url: '/v1/agents/clerk/effects?tenant=acme' });
    expect(answer.json()).toEqual({
      effects: [
        {
          ...{ place: 'gate', state: 'contradicted', version: 2, cascade_of: 'crew', reason: 'it is active' },
          time_ms: 2,
        },
      ],
      places: [{ name: 'login', verify_within_ms: 30_000 }],
    });
  });

  it('tells nobody of an agent that is not theirs, or not known', async () => {
    const ask = async (token: string, agent: string, tenant: string) =>
      (await world.call(token, { method: 'GET', url: `/v1/agents/${agent}/effects?tenant=${tenant}` })).statusCode;
    expect(await ask('bound-admin', 'other', 'none')).toBe(await ask('bound-admin', 'nobody', 'none'));
    expect(await ask('admin', 'other', 'none')).toBe(200);
    expect(await ask('admin', 'nobody', 'none')).toBe(404);
  });
});
