/**
 * The questions that history answers, for the API and the console: newest first, in pages, with limits. Values are
 * parameters; what varies in a statement is which of the fixed clauses below it has.
 */
import { SEVERITIES, type Severity } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import type { Parameters } from './connection.js';
import type { Store } from './store.js';

/** Of time: from included, to excluded; ms since the epoch. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PageOf {
  /** 1 to 1000. */
  readonly limit: number;
  /** As an earlier page gave it; null: the first page. */
  readonly cursor: string | null;
}

export interface Page<T> {
  readonly rows: T[];
  /** Of the next page; null: this was the last. */
  readonly cursor: string | null;
}

export interface FindingRow {
  readonly tenant: string;
  readonly id: string;
  /** Of its latest line, ms. */
  readonly timeMs: number;
  /** When it was raised, ms. */
  readonly raisedMs: number;
  readonly severity: Severity;
  readonly lines: number;
  /** The latest line, as the engine wrote it. */
  readonly json: string;
}

/** One row of `events`, by the columns of docs/store.md but for where it stands in the log. */
export interface EventRow {
  readonly timeMs: number;
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
  readonly operation: string;
  readonly endpoint: string;
  readonly session: string;
  readonly target: string;
  readonly status: string;
  readonly latency_ms: number | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost_usd: number | null;
  readonly bytes_out: number | null;
  readonly model: string;
  readonly bound: boolean;
  readonly partition: number;
  readonly offset: string;
}

export interface MinuteRow {
  readonly timeMs: number;
  readonly events: number;
  readonly errors: number;
  readonly denied: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
  readonly bytes_out: number;
  /** Distinct ones. */
  readonly endpoints: number;
  readonly targets: number;
}

export interface NameRow {
  readonly name: string;
  readonly events: number;
  readonly errors: number;
  readonly lastMs: number;
}

export interface DecisionRow {
  readonly timeMs: number;
  readonly type: string;
  readonly actor: string;
  readonly action: string;
  readonly effect: string;
  readonly verdict: string;
  readonly finding: string;
  readonly json: string;
}

const LIMIT_MAX = 1_000;
export const MS = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64})`;
export const IN_SPAN = `time >= ${MS('fromMs')} AND time < ${MS('toMs')}`;
/** Strictly before the cursor's row, newest first; on a first page the cursor is beyond all. */
export const BEFORE =
  '(toUnixTimestamp64Milli(time), partition, offset) < ({atMs:Int64}, {atPartition:UInt16}, {atOffset:UInt64})';
export const NEWEST = 'ORDER BY time DESC, partition DESC, offset DESC LIMIT {limit:UInt32}';
const EVENT_COLUMNS = `toUnixTimestamp64Milli(time) AS time_ms, id, tenant, agent, root, operation, endpoint, session,
  target, status, latency_ms, input_tokens, output_tokens, cost_usd, bytes_out, model, bound, partition, offset`;

export interface FindingFilter extends Span, PageOf {
  readonly tenant?: string;
  /** The agent or the root of its tree. */
  readonly agent?: string;
  readonly kind?: string;
  readonly leastSeverity?: Severity;
}

/** Findings by their latest line, one row each. */
export async function findFindings(store: Store, filter: FindingFilter): Promise<Page<FindingRow>> {
  const { fromMs, toMs, tenant, agent, kind, leastSeverity } = filter;
  const clauses = [
    IN_SPAN,
    ...(tenant === undefined ? [] : ['tenant = {tenant:String}']),
    ...(agent === undefined ? [] : ['(agent = {agent:String} OR root = {agent:String})']),
    ...(kind === undefined ? [] : ['kind = {kind:String}']),
  ];
  const severities = leastSeverity === undefined ? SEVERITIES : SEVERITIES.slice(SEVERITIES.indexOf(leastSeverity));
  const [atMs, atId = ''] = cursorOf(filter.cursor, 2);
  const rows = await store.select<FindingRow & { timeMs: string; raisedMs: string; lines: string }>(
    `SELECT tenant, id, toUnixTimestamp64Milli(max(time)) AS timeMs, toUnixTimestamp64Milli(min(time)) AS raisedMs,
       argMax(severity, (time, offset)) AS severity, count() AS lines, argMax(json, (time, offset)) AS json
     FROM ${store.database}.findings WHERE ${clauses.join(' AND ')} GROUP BY tenant, id
     HAVING severity IN {severities:Array(String)} AND (timeMs, id) < ({atMs:Int64}, {atId:String})
     ORDER BY timeMs DESC, id DESC LIMIT {limit:UInt32}`,
    {
      ...given({ tenant, agent, kind }),
      ...{ fromMs, toMs, severities, atId, atMs: Number(atMs ?? Number.MAX_SAFE_INTEGER) },
      limit: limitOf(filter),
    },
  );
  const findings = rows.map((row) => ({
    ...row,
    timeMs: Number(row.timeMs),
    raisedMs: Number(row.raisedMs),
    lines: Number(row.lines),
  }));
  return page(filter, findings, ({ timeMs, id }) => [timeMs, id]);
}

/** All lines of a finding, the first one first, as the engine wrote them; none where there is no such finding. */
export async function findingLines(store: Store, tenant: string, id: string): Promise<string[]> {
  const rows = await store.select<{ json: string }>(
    `SELECT json FROM ${store.database}.findings WHERE tenant = {tenant:String} AND id = {id:String}
     ORDER BY time, offset LIMIT 1000`,
    { tenant, id },
  );
  return rows.map(({ json }) => json);
}

export interface EventFilter extends Span, PageOf {
  readonly tenant: string;
  /** The agent or the root of its tree. */
  readonly agent?: string;
  readonly session?: string;
  readonly id?: string;
}

export async function findEvents(store: Store, filter: EventFilter): Promise<Page<EventRow>> {
  const { tenant, agent, session, id, fromMs, toMs } = filter;
  const clauses = [
    'tenant = {tenant:String}',
    IN_SPAN,
    BEFORE,
    ...(agent === undefined ? [] : ['(root = {agent:String} OR agent = {agent:String})']),
    ...(session === undefined ? [] : ['session = {session:String}']),
    ...(id === undefined ? [] : ['id = {id:String}']),
  ];
  const rows = await store.select<EventRow & { time_ms: string }>(
    `SELECT ${EVENT_COLUMNS} FROM ${store.database}.events WHERE ${clauses.join(' AND ')} ${NEWEST}`,
    { ...given({ agent, session, id }), tenant, fromMs, toMs, ...placeOf(filter) },
  );
  const events = rows.map(({ time_ms: timeMs, ...row }) => ({ ...row, timeMs: Number(timeMs) }));
  return page(filter, events, ({ timeMs, partition, offset }) => [timeMs, partition, offset]);
}

/** What an agent's tree did, minute by minute; minutes without events have no row. Spans of at most 31 days. */
export async function minuteSeries(
  store: Store,
  { tenant, root, fromMs, toMs }: Span & { readonly tenant: string; readonly root: string },
): Promise<MinuteRow[]> {
  const sums = ['events', 'errors', 'denied', 'input_tokens', 'output_tokens', 'cost_usd', 'bytes_out'];
  const rows = await store.select<Record<string, number | string>>(
    `SELECT toUnixTimestamp(minute) AS second, ${sums.map((name) => `toFloat64(sum(m.${name})) AS ${name}`).join(', ')},
       toUInt32(uniqExactArray(m.endpoints)) AS endpoints, toUInt32(uniqExactArray(m.targets)) AS targets
     FROM ${store.database}.minutes AS m
     WHERE tenant = {tenant:String} AND root = {root:String}
       AND minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({to:UInt32}, 'UTC')
     GROUP BY minute ORDER BY minute LIMIT 44640`,
    { tenant, root, from: Math.floor(fromMs / 1000), to: Math.ceil(toMs / 1000) },
  );
  return rows.map(({ second, ...row }) => ({ ...row, timeMs: Number(second) * 1000 }) as MinuteRow);
}

/** What an agent's tree calls most. */
export async function topNames(
  store: Store,
  by: 'endpoint' | 'target',
  { tenant, root, fromMs, toMs, limit }: Span & { tenant: string; root: string; limit: number },
): Promise<NameRow[]> {
  const rows = await store.select<{ name: string; events: string; errors: string; last_ms: string }>(
    `SELECT ${by === 'endpoint' ? 'endpoint' : 'target'} AS name, count() AS events, countIf(status = 'error') AS errors,
       toUnixTimestamp64Milli(max(time)) AS last_ms
     FROM ${store.database}.events
     WHERE tenant = {tenant:String} AND root = {root:String} AND ${IN_SPAN} AND name != ''
     GROUP BY name ORDER BY events DESC, name LIMIT {limit:UInt32}`,
    { tenant, root, fromMs, toMs, limit: limitOf({ limit }) },
  );
  return rows.map(({ name, events, errors, last_ms }) => ({
    name,
    events: Number(events),
    errors: Number(errors),
    lastMs: Number(last_ms),
  }));
}

/** What the registry was told about an agent, and what became of it. */
export async function findDecisions(
  store: Store,
  filter: Span & PageOf & { readonly tenant: string; readonly agent: string },
): Promise<Page<DecisionRow>> {
  const { tenant, agent, fromMs, toMs } = filter;
  const rows = await store.select<DecisionRow & { time_ms: string; partition: number; offset: string }>(
    `SELECT toUnixTimestamp64Milli(time) AS time_ms, type, actor, action, effect, verdict, finding, json, partition, offset
     FROM ${store.database}.decisions
     WHERE tenant = {tenant:String} AND agent = {agent:String} AND ${IN_SPAN} AND ${BEFORE} ${NEWEST}`,
    { tenant, agent, fromMs, toMs, ...placeOf(filter) },
  );
  const decisions = rows.map(({ time_ms: timeMs, ...row }) => ({ ...row, timeMs: Number(timeMs) }));
  return page(filter, decisions, ({ timeMs, partition, offset }) => [timeMs, partition, offset]);
}

export function limitOf({ limit }: { readonly limit: number }): number {
  return Math.max(1, Math.min(LIMIT_MAX, Math.floor(limit)));
}

export function given(values: Readonly<Record<string, string | undefined>>): Parameters {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

export function page<T>(of: PageOf, rows: T[], placeOfRow: (row: T) => readonly (string | number)[]): Page<T> {
  const last = rows.length < limitOf(of) ? undefined : rows.at(-1);
  const cursor = last === undefined ? null : Buffer.from(JSON.stringify(placeOfRow(last))).toString('base64url');
  return { rows, cursor };
}

/** Where a page begins, as parameters. */
export function placeOf(of: PageOf): Parameters {
  const [atMs = Number.MAX_SAFE_INTEGER, atPartition = 0, atOffset = 0] = cursorOf(of.cursor, 3).map(Number);
  return { atMs, atPartition, atOffset, limit: limitOf(of) };
}

function cursorOf(cursor: string | null, length: number): (string | number)[] {
  if (cursor === null) return [];
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const isPlace = (value: unknown) => typeof value === 'string' || Number.isSafeInteger(value);
    if (Array.isArray(place) && place.length === length && place.every(isPlace)) return place;
  } catch {
    // Told below, like any other that we did not make.
  }
  throw new KilldeerError('store.query', `cursor ${JSON.stringify(cursor).slice(0, 80)} is not one of ours`);
}
