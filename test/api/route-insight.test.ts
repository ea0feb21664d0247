/** What people are shown of agents: profiles and bands, trees and risk, history where there is one, reasons. */
import { describe, expect, it } from 'vitest';
import type { HistoryPort, PastEvent } from '../../src/api/insight-contract.js';
import { engineOf, eventOf, MINUTE_MS, outcomeOf, recordOf, withTicks } from '../engine/world.js';
import { AWAY, boardOf, EMPTY, insightWith } from './insight-world.js';
import { addAgent, createWorld, finding, NOW_MS, type World, type WorldOptions } from './world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An engine that has met the clerk for an hour. */
function metClerk() {
  const engine = engineOf();
  const events = Array.from({ length: 60 }, (_, i) =>
    recordOf(eventOf({ id: `e${i}`, timeMs: NOW_MS - HOUR_MS + i * MINUTE_MS, costUsd: 0.01 })),
  );
  outcomeOf(engine, withTicks(events));
  return engine;
}

function worldWith(history: HistoryPort = EMPTY, more: WorldOptions['parts'] = {}): World {
  const world = createWorld({ parts: { insight: insightWith(metClerk(), { history }), ...more } });
  addAgent(world, 'clerk', { agentVersions: ['1.0.0'] });
  return world;
}

const get = async (world: World, url: string, token = 'admin') => {
  const answer = await world.call(token, { method: 'GET', url });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
};

describe('the profile', () => {
  it('is what the engine knows, in members that are easy to draw', async () => {
    const { status, body } = await get(worldWith(), '/v1/agents/clerk/profile');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ agent: 'clerk', root: 'clerk', standing: 'learning', events: 60, versions: ['1.0.0'], risk: 0 },
      ...{ since_ms: NOW_MS - 1_000, last_seen_ms: NOW_MS - MINUTE_MS, role: 'clerk' },
      cost: { day_usd: expect.closeTo(0.6, 5), day_budget_usd: null },
      endpoints: { remembered: 1, adopted: 0, recent: 1 },
    });
    expect(body.windows).toHaveLength(11);
    expect(body.windows[0]).toMatchObject({ stream: 'events', window_ms: 10_000, band: { low: 0 } });
  });

  it('of a sub-agent is that of its tree; of nobody, or of one that never called, there is none', async () => {
    const world = worldWith();
    addAgent(world, 'clerk/helper', { parent: 'clerk' });
    addAgent(world, 'idle');
    expect((await get(world, '/v1/agents/clerk%2Fhelper/profile')).body).toMatchObject({
      ...{ agent: 'clerk/helper', root: 'clerk', events: 60 },
    });
    for (const agent of ['idle', 'nobody']) {
      const { status, body } = await get(world, `/v1/agents/${agent}/profile`);
      expect([status, body.code]).toEqual([404, 'registry.unknown-agent']);
    }
    expect((await get(world, '/v1/agents/clerk/profile', 'bound-admin')).status).toBe(403);
  });

  it('says where it cannot be had', async () => {
    const world = createWorld();
    addAgent(world, 'clerk');
    const { status, body } = await get(world, '/v1/agents/clerk/profile');
    expect([status, body.code]).toEqual([409, 'partition.elsewhere']);
  });
});

describe('the bands', () => {
  it('stand beside what was observed, step by step, empty steps included', async () => {
    const history: HistoryPort = {
      ...EMPTY,
      activity: async ({ fromMs, stepMs, ...whom }) => {
        expect(whom).toMatchObject({ tenant: '', agent: 'clerk', root: 'clerk' });
        const [zero, none] = [
          { inputTokens: 0, outputTokens: 0, bytesOut: 0, targets: 0 },
          { costUsd: 0.5, endpoints: 1 },
        ];
        return [{ timeMs: fromMs + stepMs, events: 7, errors: 1, denied: 1, ...zero, ...none }];
      },
    };
    const from = NOW_MS - DAY_MS;
    const { body } = await get(worldWith(history), `/v1/agents/clerk/bands?from_ms=${from}&to_ms=${NOW_MS}`);
    expect(body).toMatchObject({ step_ms: 5 * MINUTE_MS, seasonal: false, standing: 'learning', note: null });
    expect(body.points).toHaveLength(288);
    expect(body.points[0]).toMatchObject({ time_ms: from, calls: { observed: 0 } });
    expect(body.points[1]).toMatchObject({ calls: { observed: 7, low: 0 }, errors: { observed: 2 } });
    expect(body.points[1].calls.high).toBeGreaterThan(body.points[1].calls.expected);
  });

  it('stand alone where history is off or away', async () => {
    for (const [history, note] of [
      [AWAY, 'the store is away'],
      [undefined, null],
    ] as const) {
      const { status, body } = await get(worldWith(history), '/v1/agents/clerk/bands');
      expect(status).toBe(200);
      expect(body.note).toBe(note);
      expect(body.points[5].calls.observed).toBe(history === undefined ? 0 : null);
    }
  });
});

describe('history', () => {
  const past = (id: string, agent = 'clerk'): PastEvent => ({
    event: eventOf({ id, agent, timeMs: NOW_MS, credential: 'c0ffee00c0ffee00', signature: 'abc' }),
    ...{ root: 'clerk', bound: true },
  });

  it('gives events with the names of the wire, and no secret whole', async () => {
    const asked: unknown[] = [];
    const history: HistoryPort = {
      ...EMPTY,
      events: async (question) => {
        asked.push(question);
        return { rows: [past('e1')], cursor: 'next' };
      },
    };
    const query = '?agent=clerk&session=s&endpoint=mail&status=error&limit=5&cursor=here';
    const { body } = await get(worldWith(history), `/v1/events${query}`);
    expect(asked).toEqual([
      {
        ...{ tenant: '', agent: 'clerk', session: 's', endpoint: 'mail', status: 'error', limit: 5, cursor: 'here' },
        ...{ fromMs: NOW_MS + 1 - DAY_MS, toMs: NOW_MS + 1 },
      },
    ]);
    expect(body).toMatchObject({ cursor: 'next', events: [{ id: 'e1', credential: 'c0ffee00…', signature: 'a…' }] });
    expect(JSON.stringify(body)).not.toContain('c0ffee00c');
  });

  it('shows a bound token what it is bound to, and nothing else', async () => {
    const rows = [past('mine', 'clerk'), past('theirs', 'other')];
    const world = worldWith({ ...EMPTY, events: async () => ({ rows, cursor: null }) });
    const bound = {
      id: 'b',
      actor: 'person:b',
      roles: ['admin' as const],
      bindings: { tenants: null, agents: ['clerk'] },
    };
    const own = createWorld({
      parts: {
        insight: insightWith(metClerk(), { history: { ...EMPTY, events: async () => ({ rows, cursor: null }) } }),
        authenticate: () => bound,
      },
    });
    expect((await get(own, '/v1/events?agent=clerk')).body.events.map(({ id }: { id: string }) => id)).toEqual([
      'mine',
    ]);
    expect((await get(own, '/v1/events')).body.code).toBe('api.invalid');
    expect((await get(own, '/v1/events?agent=other')).status).toBe(403);
    expect((await get(world, '/v1/events', 'bound-admin')).status).toBe(403);
    expect((await get(world, '/v1/events?tenant=acme', 'bound-admin')).status).toBe(200);
  });

  it('says how it is switched on, and when to ask again', async () => {
    const off = createWorld();
    addAgent(off, 'clerk');
    const away = worldWith(AWAY);
    for (const url of [
      '/v1/events?agent=clerk',
      ...['activity', 'endpoints', 'targets', 'decisions'].map((what) => `/v1/agents/clerk/${what}`),
    ]) {
      const { status, body } = await get(off, url);
      expect([status, body.code, body.next]).toEqual([409, 'api.no-history', expect.stringContaining('store.kind')]);
      const other = await get(away, url);
      expect([other.status, other.body.code, other.headers['retry-after']]).toEqual([503, 'store.unreachable', '10']);
    }
  });

  it('refuses stretches that are empty or too long, and members that it does not know', async () => {
    const world = worldWith();
    for (const query of [
      `from_ms=${NOW_MS}&to_ms=${NOW_MS}`,
      `from_ms=${NOW_MS - 32 * DAY_MS}&to_ms=${NOW_MS}`,
      'limit=0',
      'limit=1001',
      'status=gone',
      'colour=red',
    ]) {
      expect((await get(world, `/v1/events?${query}`)).status, query).toBe(400);
    }
    const year = await get(world, `/v1/agents/clerk/activity?from_ms=${NOW_MS - 366 * DAY_MS}&to_ms=${NOW_MS}`);
    expect(year.body).toMatchObject({ step_ms: 6 * HOUR_MS });
    expect(year.body.points.length).toBeLessThanOrEqual(1_500);
  });

  it('marks names that came lately, unless everything did', async () => {
    const use = (name: string, firstMs: number) => ({ name, events: 1, errors: 0, firstMs, lastMs: NOW_MS });
    const since = NOW_MS - 20 * DAY_MS;
    const names = [use('old', since), use('new', NOW_MS - DAY_MS)];
    const known = worldWith({ ...EMPTY, names: async () => ({ names, total: 2, sinceMs: since }) });
    const flags = async (world: World) =>
      (await get(world, '/v1/agents/clerk/endpoints')).body.names.map((one: { new: boolean }) => one.new);
    expect(await flags(known)).toEqual([false, true]);
    const young = [use('first', NOW_MS - HOUR_MS)];
    const fresh = worldWith({ ...EMPTY, names: async () => ({ names: young, total: 1, sinceMs: NOW_MS - HOUR_MS }) });
    expect(await flags(fresh)).toEqual([false]);
  });
});

describe('a finding', () => {
  const evidence = [
    { offset: 1, event: 'e1' },
    { offset: 2, event: null },
  ];

  it('has the events that it rests on without any history', async () => {
    const event = eventOf({ id: 'e1', timeMs: NOW_MS });
    const world = worldWith(AWAY, { evidence: { event: async () => event, events: async () => [event] } });
    world.findings.add(finding('f1', { evidence, session: 's' }));
    world.findings.add(finding('lone', { evidence }));
    expect((await get(world, '/v1/findings/f1/events')).body).toMatchObject({
      ...{
        finding: 'f1',
        missing: 1,
        around: null,
        note: 'the store is away',
        evidence: [{ id: 'e1', root: 'clerk' }],
      },
    });
    expect((await get(world, '/v1/findings/lone/events')).body.note).toContain('no session');
    expect((await get(world, '/v1/findings/f2/events')).status).toBe(404);
    expect((await get(world, '/v1/findings/f1/events', 'bound-admin')).status).toBe(404);
  });

  it('is always explained by what was stored with it', async () => {
    const world = worldWith();
    const attribution = [
      { detector: 'spend', feature: 'spend of the last hour, USD', observed: 12, expected: 1.5, share: 0.75 },
      { detector: 'novelty', feature: 'surprise at what is new, nats', observed: Number.NaN, expected: 0, share: 0.25 },
    ];
    world.findings.add(finding('f1', { attribution }));
    const { status, body } = await get(world, '/v1/findings/f1/explanation');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: 'stored',
      why: expect.stringContaining('no log'),
      exact: null,
      progress: null,
    });
    expect(body.stored.measurements).toEqual([
      {
        ...{ detector: 'spend', feature: 'spend of the last hour, USD', unit: 'USD', observed: 12, expected: 1.5 },
        ...{ ratio: 8, share: 0.75 },
        words: 'spend of the last hour, USD: 12, where 1.5 is usual, 8 times as much; 75 % of the score',
      },
      {
        ...{ detector: 'novelty', feature: 'surprise at what is new, nats', unit: 'nats', observed: null, expected: 0 },
        ...{ ratio: null, share: 0.25, words: 'surprise at what is new, nats: 25 % of the score' },
      },
    ]);
  });

  it('that is still being executed again says how far it is', async () => {
    const explain = { explain: async () => ({ state: 'running', done: 10, total: 90 }) as const };
    const world = createWorld({ parts: { insight: insightWith(metClerk(), { explain }) } });
    world.findings.add(finding('f1'));
    const { status, headers, body } = await get(world, '/v1/findings/f1/explanation');
    expect([status, headers['retry-after'], body.progress]).toEqual([202, '2', { done: 10, total: 90 }]);
  });
});

describe('trees and risk', () => {
  function tree() {
    const triage = boardOf();
    const world = worldWith(EMPTY, { triage });
    addAgent(world, 'boss');
    addAgent(world, 'clerk', { parent: 'boss' });
    for (const name of ['clerk/b', 'clerk/a']) addAgent(world, name, { parent: 'clerk', status: 'suspended' });
    addAgent(world, 'clerk/a/x', { parent: 'clerk/a' });
    addAgent(world, 'other');
    const at = (ms: number) => new Date(ms).toISOString();
    triage.add(finding('f1', { time: at(NOW_MS - 2 * HOUR_MS), agent: 'clerk/a', root: 'clerk' }));
    triage.add(finding('f2', { time: at(NOW_MS - HOUR_MS), agent: 'other', root: 'other', risk: 95 }));
    return world;
  }

  it('show who works for whom, each with its standing', async () => {
    const { body } = await get(tree(), '/v1/agents/clerk/tree');
    expect(body).toMatchObject({ total: 5, hidden: 0 });
    expect(body.agents).toMatchObject([
      { agent: 'boss', depth: -1, parent: null, risk: 0, open_findings: 0 },
      { agent: 'clerk', depth: 0, risk: 80, open_findings: 1 },
      { agent: 'clerk/a', depth: 1, status: 'suspended', risk: 80, open_findings: 1 },
      { agent: 'clerk/b', depth: 1, risk: 80, open_findings: 0 },
      { agent: 'clerk/a/x', depth: 2 },
    ]);
  });

  it('end where names lead back to themselves', async () => {
    const world = tree();
    addAgent(world, 'boss', { parent: 'clerk/a/x' });
    const { body } = await get(world, '/v1/agents/clerk/tree');
    expect(body.agents.map(({ agent }: { agent: string }) => agent)).toContain('boss');
    expect(body.total).toBeLessThan(10);
  });

  it('hide from a bound token what it is not bound to', async () => {
    const bound = {
      id: 'b',
      actor: 'person:b',
      roles: ['viewer' as const],
      bindings: { tenants: null, agents: ['clerk/a'] },
    };
    const world = createWorld({ parts: { triage: boardOf(), authenticate: () => bound } });
    for (const [name, parent] of [
      ['clerk', null],
      ['clerk/a', 'clerk'],
    ] as const)
      addAgent(world, name, { parent });
    const { body } = await get(world, '/v1/agents/clerk%2Fa/tree');
    expect(body).toMatchObject({ total: 2, hidden: 1, agents: [{ agent: 'clerk/a' }] });
    expect(JSON.stringify(body.agents)).not.toContain('"agent":"clerk"');
  });

  it('draw risk over time with the findings as marks', async () => {
    const { body } = await get(
      tree(),
      `/v1/agents/clerk/risk?from_ms=${NOW_MS - 4 * HOUR_MS}&to_ms=${NOW_MS + HOUR_MS}`,
    );
    expect(body).toMatchObject({
      now: 80,
      step_ms: MINUTE_MS,
      findings: [{ id: 'f1', agent: 'clerk/a', status: 'new' }],
    });
    const risks = body.points.map(({ risk }: { risk: number }) => risk);
    expect([risks[0], risks.at(-1)]).toEqual([0, 80]);
    expect(body.points.at(-1).time_ms).toBeLessThanOrEqual(NOW_MS);
    const none = createWorld();
    addAgent(none, 'clerk');
    const calm = (await get(none, '/v1/agents/clerk/risk')).body;
    expect(calm).toMatchObject({ now: 0, findings: [] });
    expect(calm.points.every(({ risk }: { risk: number }) => risk === 0)).toBe(true);
  });

  it('sort the agents, in pages that neither repeat nor leave out any, as others come and risks fade', async () => {
    const world = tree();
    const all = async (sort: string, limit: number) => {
      const names: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const { status, body } = await get(world, `/v1/agents?sort=${sort}&limit=${limit}${from}`);
        expect(status).toBe(200);
        names.push(...body.agents.map(({ agent }: { agent: string }) => agent));
        cursor = body.cursor;
        world.mood.nowMs += HOUR_MS;
      }
      return names;
    };
    expect(await all('name', 2)).toEqual(['boss', 'clerk', 'clerk/a', 'clerk/a/x', 'clerk/b', 'other']);
    const risky = await all('risk', 1);
    expect(risky[0]).toBe('other');
    // A tree of its own, as its events name it.
    expect(risky.slice(-2)).toEqual(['boss', 'clerk/a/x']);
    expect(new Set(risky).size).toBe(6);
    expect((await get(world, '/v1/agents?sort=risk&cursor=7')).status).toBe(400);
    expect((await get(world, '/v1/agents?q=OTH&sort=name')).body.agents).toMatchObject([{ agent: 'other', risk: 95 }]);
  });
});
