/** What people find in history of one agent, on the real engine. */
import { expect, it } from 'vitest';
import type { AgentEvent } from '../../src/event/event.js';
import { activitySteps, namesFound, type WholeEventFilter, wholeEvents } from '../../src/store/drill-down.js';
import { EVENTS_FEED, MINUTES_FEED } from '../../src/store/row.js';
import type { Store } from '../../src/store/store.js';
import { describeStore, eventLine, projectorParts } from './world.js';

const ORIGIN = { topic: 'events', partition: 0, stored: Math.floor(Date.now() / 1000) };
const START = Date.UTC(2025, 5, 2);
const MINUTE = 60_000;
const ALL = { tenant: 't', fromMs: START, toMs: START + 86_400_000, limit: 1_000, cursor: null };
const HOSTILE = "'; DROP TABLE events; --\\' {a:String} \u0000\t\n\u{1f426} \u202e";

function event(i: number, changes: Partial<AgentEvent> = {}): AgentEvent {
  const record = projectorParts({} as Store, []).decode(eventLine(i), 0);
  if (!('event' in record)) throw new Error('the sample is an event');
  return { ...record.event, tenant: 't', agent: 'a', id: `e${i}`, timeMs: START + i * MINUTE, ...changes };
}

async function add(store: Store, events: readonly AgentEvent[], root = 'a'): Promise<void> {
  const items = events.map((of, offset) => ({ offset, value: { event: of, root, bound: offset % 2 === 0 } }));
  await store.insert('events', EVENTS_FEED.rows(items, ORIGIN), null);
  await store.insert('minutes', MINUTES_FEED.rows(items, ORIGIN), null);
}

describeStore('drilling down', (engine) => {
  it('gives whole events back as they came, whatever their texts hold', async () => {
    const store = await engine().store();
    const full = event(0, {
      ...{ id: HOSTILE, target: HOSTILE, task: HOSTILE, parent: 'p', session: 's', model: 'm', version: '1' },
      ...{ credential: 'c0ffee', source: '10.0.0.1', environment: 'e', scope: 'sc', initiator: 'i', approval: 'ap' },
      ...{ dataClass: 'd', trace: 'tr', signature: 'sig', errorType: '429', onBehalfOf: ['x', HOSTILE] },
      ...{ costUsd: 5e-324, latencyMs: 0.1 + 0.2, inputTokens: 1e9, outputTokens: 0, bytesOut: 7, status: 'error' },
    });
    const nothing = { target: null, session: null, status: null, inputTokens: null, costUsd: null, onBehalfOf: null };
    const bare = event(1, { ...nothing, model: null, version: null, credential: null, source: null });
    await add(store, [full, bare]);
    const { rows, cursor } = await wholeEvents(store, ALL);
    expect(rows.map(({ event: of }) => of)).toEqual([bare, full]);
    expect(rows.map(({ bound, root }) => [bound, root])).toEqual([
      [false, 'a'],
      [true, 'a'],
    ]);
    expect(cursor).toBeNull();
    expect((await wholeEvents(store, { ...ALL, id: HOSTILE })).rows).toHaveLength(1);
  });

  it('filters by every member, and pages without a gap', async () => {
    const store = await engine().store();
    const events = Array.from({ length: 30 }, (_, i) =>
      event(Math.floor(i / 3), {
        ...{ id: `e${i}`, session: `s${i % 2}`, endpoint: `end-${i % 5}`, target: i % 3 === 0 ? 'x' : null },
        ...{ status: i % 4 === 0 ? 'error' : 'ok', operation: i % 6 === 0 ? 'chat' : 'http' },
      }),
    );
    await add(store, events);
    const found = async (more: Partial<WholeEventFilter>) =>
      (await wholeEvents(store, { ...ALL, ...more })).rows.map(({ event: { id } }) => id).sort();
    const wanted = (isMeant: (of: AgentEvent) => boolean) =>
      events
        .filter(isMeant)
        .map(({ id }) => id)
        .sort();
    expect(await found({ agent: 'a' })).toEqual(wanted(() => true));
    expect(await found({ agent: 'b' })).toEqual([]);
    expect(await found({ session: 's1' })).toEqual(wanted(({ session }) => session === 's1'));
    expect(await found({ endpoint: 'end-2', status: 'error' })).toEqual(
      wanted(({ endpoint, status }) => endpoint === 'end-2' && status === 'error'),
    );
    expect(await found({ target: 'x', operation: 'chat' })).toEqual(
      wanted(({ target, operation }) => target === 'x' && operation === 'chat'),
    );
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await wholeEvents(store, { ...ALL, limit: 7, cursor });
      paged.push(...page.rows.map(({ event: { id } }) => id));
      cursor = page.cursor;
    } while (cursor !== null);
    expect([...paged].sort()).toEqual(wanted(() => true));
    await expect(wholeEvents(store, { ...ALL, cursor: 'x' })).rejects.toMatchObject({ code: 'store.query' });
  });

  it('counts by steps of any length, of a tree from its minutes and of a member from its events', async () => {
    const store = await engine().store();
    const events = Array.from({ length: 24 }, (_, i) =>
      event(i * 5, {
        ...{ id: `e${i}`, agent: i % 2 === 0 ? 'a' : 'a/b', endpoint: `end-${i % 3}`, target: `t${i % 2}` },
        ...{ status: i === 3 ? 'error' : i === 4 ? 'denied' : 'ok', costUsd: 0.5, bytesOut: 10 },
      }),
    );
    await add(store, events);
    const tree = { tenant: 't', agent: 'a', root: 'a', fromMs: START, toMs: START + 7_200_000 };
    const hours = await activitySteps(store, { ...tree, stepMs: 60 * MINUTE });
    expect(hours).toMatchObject([
      { timeMs: START, events: 12, errors: 1, denied: 1, costUsd: 6, bytesOut: 120, endpoints: 3, targets: 2 },
      { timeMs: START + 60 * MINUTE, events: 12, errors: 0, denied: 0, costUsd: 6, endpoints: 3, targets: 2 },
    ]);
    const member = { ...tree, agent: 'a/b' };
    expect(await activitySteps(store, { ...member, stepMs: 60 * MINUTE })).toMatchObject([
      { timeMs: START, events: 6, errors: 1, denied: 0, costUsd: 3, bytesOut: 60, endpoints: 3, targets: 1 },
      { timeMs: START + 60 * MINUTE, events: 6, targets: 1 },
    ]);
    expect(await activitySteps(store, { ...tree, stepMs: 5 * MINUTE })).toHaveLength(24);
    expect(await activitySteps(store, { ...tree, tenant: 'u', stepMs: MINUTE })).toEqual([]);
  });

  it('knows since when a name is used, and how often lately', async () => {
    const store = await engine().store();
    const day = 1_440;
    const times = [0, 1, day, 10 * day, 10 * day + 1, 10 * day + 2];
    const events = times.map((minute, i) =>
      event(minute, {
        id: `e${i}`,
        endpoint: i < 3 ? 'old' : i === 5 ? 'new' : 'old',
        target: HOSTILE,
        status: 'error',
      }),
    );
    await add(store, events);
    const lately = {
      tenant: 't',
      agent: 'a',
      root: 'a',
      fromMs: START + 9 * day * MINUTE,
      toMs: START + 11 * day * MINUTE,
    };
    const found = await namesFound(store, 'endpoint', { ...lately, limit: 10 });
    const at = (minute: number) => START + minute * MINUTE;
    expect(found).toEqual({
      ...{ total: 2, sinceMs: START },
      names: [
        { name: 'old', events: 2, errors: 2, firstMs: START, lastMs: at(10 * day + 1) },
        { name: 'new', events: 1, errors: 1, firstMs: at(10 * day + 2), lastMs: at(10 * day + 2) },
      ],
    });
    expect(await namesFound(store, 'endpoint', { ...lately, limit: 1 })).toMatchObject({
      total: 2,
      names: [{ name: 'old' }],
    });
    expect((await namesFound(store, 'target', { ...lately, limit: 10 })).names).toMatchObject([
      { name: HOSTILE, events: 3 },
    ]);
    expect(await namesFound(store, 'target', { ...lately, agent: 'b', limit: 10 })).toEqual({
      ...{ names: [], total: 0, sinceMs: 0 },
    });
  });
});
