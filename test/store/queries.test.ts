/** What history answers, on the real engine; and every column as it was sent. */
import { expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { AgentEvent } from '../../src/event/event.js';
import { LIMITS } from '../../src/event/schema.js';
import {
  findDecisions,
  findEvents,
  findFindings,
  findingLines,
  minuteSeries,
  topNames,
} from '../../src/store/queries.js';
import { DECISIONS_FEED, EVENTS_FEED, FINDINGS_FEED, MINUTES_FEED } from '../../src/store/row.js';
import { placeStatus, tableStatus } from '../../src/store/status.js';
import type { Store } from '../../src/store/store.js';
import { describeStore, eventLine, projectorParts } from './world.js';

const ORIGIN = { topic: 'events', partition: 0, stored: Math.floor(Date.now() / 1000) };
const START = Date.UTC(2025, 5, 2);
const ALL = { fromMs: START - 1_000, toMs: START + 10_000_000, limit: 1000, cursor: null };
const HOSTILE = "'; DROP TABLE events; --\\' {a:String} \u0000\t\n\u{1f426} \u202e";

function event(i: number, changes: Partial<AgentEvent> = {}): AgentEvent {
  const record = projectorParts({} as Store, []).decode(eventLine(i), 0);
  if (!('event' in record)) throw new Error('the sample is an event');
  return { ...record.event, ...changes };
}

const stored = (offset: number, of: AgentEvent) => ({
  offset,
  value: { event: of, root: of.agent, bound: offset % 2 === 0 },
});

function finding(i: number, changes: Partial<Finding> = {}): Finding {
  const time = new Date(START + i * 1000).toISOString();
  const about = {
    tenant: 't',
    agent: 'a/sub',
    root: 'a',
    session: null,
    severity: 'medium',
    kind: 'spend',
    title: HOSTILE,
  };
  const rest = { p: 1e-300, risk: 99.5, attribution: [], evidence: [], model: 'm', config: 'c', status: 'open' };
  return { id: `f${i}`, time, ...about, ...rest, bound: true, proposal: null, ...changes } as Finding;
}

async function addFindings(store: Store, findings: readonly Finding[]): Promise<void> {
  const items = findings.map((of, offset) => ({ offset, value: { finding: of, json: JSON.stringify(of) } }));
  await store.insert('findings', FINDINGS_FEED.rows(items, { ...ORIGIN, topic: 'findings' }), null);
}

describeStore('the queries', (engine) => {
  it('give every column of an event back as it was, extremes included', async () => {
    const store = await engine().store();
    const text = (max: number) => `${HOSTILE}${'\u{1f426}'.repeat(max)}`.slice(0, max - 1);
    const full: AgentEvent = {
      ...event(0),
      id: text(256),
      tenant: HOSTILE,
      target: text(1024),
      latencyMs: 0.1 + 0.2,
      inputTokens: LIMITS.tokens,
      outputTokens: 0,
      costUsd: 5e-324,
      bytesOut: LIMITS.bytes - 0.125,
      model: 'mmm',
      version: '1',
      credential: 'c',
      source: 's',
      environment: 'e',
      scope: 'sc',
      task: HOSTILE,
      initiator: 'i',
      onBehalfOf: ['a', HOSTILE],
      approval: 'ap',
      dataClass: 'd',
      trace: 'tr',
      signature: text(8192),
      errorType: text(256),
      parent: 'p',
      session: 'se',
    };
    const bare = event(1, {
      target: null,
      session: null,
      status: null,
      inputTokens: null,
      outputTokens: null,
      costUsd: null,
    });
    await store.insert('events', EVENTS_FEED.rows([stored(0, full), stored(1, bare)], ORIGIN), null);
    const rows = await store.select<Record<string, unknown>>(
      `SELECT *, toUnixTimestamp64Milli(time) AS time_ms FROM ${store.database}.events ORDER BY offset`,
    );
    const back = rows.map((row) => fromRow(row));
    expect(back).toEqual([
      { ...full, bound: true },
      { ...bare, bound: false },
    ]);
  });

  it('page through the events of an agent, a session or a span, newest first', async () => {
    const store = await engine().store();
    const events = Array.from({ length: 30 }, (_, i) => event(i, { tenant: 't', session: i < 6 ? 's1' : HOSTILE }));
    await store.insert(
      'events',
      EVENTS_FEED.rows(
        events.map((of, i) => stored(i, of)),
        ORIGIN,
      ),
      null,
    );
    const filter = { ...ALL, tenant: 't', agent: 'agent-1' };
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof findEvents>> = await findEvents(store, { ...filter, limit: 4, cursor });
      ids.push(...page.rows.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(ids).toEqual(
      events
        .filter(({ agent }) => agent === 'agent-1')
        .map(({ id }) => id)
        .reverse(),
    );
    const of = async (more: object) =>
      (await findEvents(store, { ...ALL, tenant: 't', ...more })).rows.map(({ id }) => id);
    expect(await of({ session: 's1' })).toEqual(['e5', 'e4', 'e3', 'e2', 'e1', 'e0']);
    expect(await of({ session: HOSTILE })).toHaveLength(24);
    expect(await of({ id: 'e7' })).toEqual(['e7']);
    expect(await of({ fromMs: START + 2_000, toMs: START + 4_000 })).toEqual(['e3', 'e2']);
    expect(await of({ agent: "' OR 1 = 1 --" })).toEqual([]);
    await expect(of({ cursor: 'junk' })).rejects.toMatchObject({ code: 'store.query' });
  });

  it('tell of findings by their latest line, and of one by all of its lines', async () => {
    const store = await engine().store();
    const risen = finding(20, { id: 'f1', severity: 'critical' });
    await addFindings(store, [finding(1), finding(2), finding(3, { severity: 'info', agent: 'b', root: 'b' }), risen]);
    const first = await findFindings(store, { ...ALL, limit: 2 });
    expect(first.rows.map(({ id, severity, lines }) => [id, severity, lines])).toEqual([
      ['f1', 'critical', 2],
      ['f3', 'info', 1],
    ]);
    expect(first.rows[0]).toMatchObject({ raisedMs: START + 1_000, timeMs: START + 20_000 });
    const second = await findFindings(store, { ...ALL, limit: 2, cursor: first.cursor });
    expect(second.rows.map(({ id }) => id)).toEqual(['f2']);
    const of = async (more: object) => (await findFindings(store, { ...ALL, ...more })).rows.map(({ id }) => id);
    expect(await of({ leastSeverity: 'medium' })).toEqual(['f1', 'f2']);
    expect(await of({ agent: 'a', tenant: 't', kind: 'spend' })).toEqual(['f1', 'f2']);
    expect(await of({ agent: HOSTILE })).toEqual([]);
    const lines = await findingLines(store, 't', 'f1');
    expect(lines.map((line) => JSON.parse(line) as Finding)).toEqual([finding(1), risen]);
    expect(await findingLines(store, 't', HOSTILE)).toEqual([]);
  });

  it('sum up an agent by minutes and by names', async () => {
    const store = await engine().store();
    const events = Array.from({ length: 120 }, (_, i) =>
      event(i, {
        tenant: 't',
        agent: 'a',
        target: i % 7 === 0 ? null : `h${i % 7}`,
        status: i % 4 === 0 ? 'error' : 'denied',
      }),
    );
    const items = events.map((of, i) => stored(i, of));
    await store.insert('events', EVENTS_FEED.rows(items, ORIGIN), null);
    await store.insert('minutes', MINUTES_FEED.rows(items.slice(0, 50), ORIGIN), null);
    await store.insert('minutes', MINUTES_FEED.rows(items.slice(50), ORIGIN), null);
    const of = { tenant: 't', root: 'a', fromMs: ALL.fromMs, toMs: ALL.toMs };
    const series = await minuteSeries(store, of);
    const minute = { events: 60, errors: 15, denied: 45, input_tokens: 60 * 1353, endpoints: 1, targets: 6 };
    expect(series).toMatchObject([
      { timeMs: START, ...minute },
      { timeMs: START + 60_000, ...minute },
    ]);
    const targets = await topNames(store, 'target', { ...of, limit: 2 });
    expect(targets.map(({ name, events: n }) => [name, n])).toEqual([
      ['h1', 17],
      ['h2', 17],
    ]);
    expect((await topNames(store, 'endpoint', { ...of, limit: 5 })).map(({ events: n }) => n)).toEqual([120]);
  });

  it('tell what was decided about an agent, and how far the tables are', async () => {
    const store = await engine().store();
    const by = { actor: 'person:ann', authority: 'token', parent: null };
    const records = ['k1', 'k2'].map((key, i) => ({
      ...by,
      type: 'stop',
      key,
      tenant: 't',
      agent: 'a',
      action: 'suspend',
      reason: HOSTILE,
      timeMs: START + i,
    }));
    const items = records.map((record, offset) => ({
      offset,
      value: { record, verdict: null, json: JSON.stringify(record) },
    }));
    await store.insert('decisions', DECISIONS_FEED.rows(items, { ...ORIGIN, topic: 'registry' }), null);
    const { rows } = await findDecisions(store, { ...ALL, tenant: 't', agent: 'a' });
    expect(rows.map(({ json }) => JSON.parse(json) as unknown)).toEqual([records[1], records[0]]);
    expect((await tableStatus(store)).find(({ table }) => table === 'decisions')?.rows).toBe(2);
    expect(await placeStatus(store)).toEqual([
      { table: 'decisions', topic: 'registry', partition: 0, rows: 2, position: 2, storedMs: ORIGIN.stored * 1000 },
    ]);
  });
});

/** The event that a row tells of. */
function fromRow(row: Record<string, unknown>): Record<string, unknown> {
  const nullable = (name: string) => (row[name] === '' ? null : row[name]);
  const names = ['parent', 'session', 'target', 'status', 'model', 'version', 'credential', 'source', 'environment'];
  const more = ['scope', 'task', 'initiator', 'approval', 'trace', 'signature'];
  const texts = Object.fromEntries([...names, ...more].map((name) => [name, nullable(name)]));
  const same = ['id', 'agent', 'operation', 'endpoint', 'tenant', 'bound'];
  const list = row['on_behalf_of'] as string[];
  return {
    ...texts,
    ...Object.fromEntries(same.map((name) => [name, row[name]])),
    timeMs: Number(row['time_ms']),
    latencyMs: row['latency_ms'],
    inputTokens: row['input_tokens'],
    outputTokens: row['output_tokens'],
    costUsd: row['cost_usd'],
    bytesOut: row['bytes_out'],
    onBehalfOf: list.length === 0 ? null : list,
    dataClass: nullable('data_class'),
    errorType: nullable('error_type'),
  };
}
