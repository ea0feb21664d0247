/**
 * Questions of whoever looks into one agent: its events whole, its activity in steps of any length, the names it uses
 * and since when. Values are parameters, as in queries.ts.
 */
import type { AgentEvent, Operation, Status } from '../event/event.js';
import {
  BEFORE,
  given,
  IN_SPAN,
  limitOf,
  NEWEST,
  type Page,
  type PageOf,
  page,
  placeOf,
  type Span,
} from './queries.js';
import type { Store } from './store.js';

/** An agent with its tree, or, where `root` is another, that agent alone. */
export interface Tree {
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
}

export interface WholeEvent {
  readonly event: AgentEvent;
  readonly root: string;
  readonly bound: boolean;
}

export interface WholeEventFilter extends Span, PageOf {
  readonly tenant: string;
  /** The agent or the root of its tree. */
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
  readonly id?: string | undefined;
  readonly operation?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly target?: string | undefined;
  readonly status?: string | undefined;
}

type Texts = 'parent' | 'session' | 'target' | 'error_type' | 'model' | 'version' | 'credential' | 'source';
type MoreTexts = 'environment' | 'scope' | 'task' | 'initiator' | 'approval' | 'data_class' | 'trace' | 'signature';
type Numbers = 'latency_ms' | 'input_tokens' | 'output_tokens' | 'cost_usd' | 'bytes_out';

interface EventColumns extends Record<Texts | MoreTexts, string>, Record<Numbers, number | null> {
  readonly time_ms: string;
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly root: string;
  readonly operation: Operation;
  readonly endpoint: string;
  readonly status: Status | '';
  readonly on_behalf_of: string[];
  readonly bound: boolean;
  readonly partition: number;
  readonly offset: string;
}

const COLUMNS = `toUnixTimestamp64Milli(time) AS time_ms, id, tenant, agent, root, operation, endpoint, parent, session,
  target, status, error_type, latency_ms, input_tokens, output_tokens, cost_usd, bytes_out, model, version, credential,
  source, environment, scope, task, initiator, on_behalf_of, approval, data_class, trace, signature, bound, partition,
  offset`;
/** Members that are compared as they are. */
const COMPARED = ['session', 'id', 'operation', 'endpoint', 'target', 'status'] as const;

/** Whole events, newest first. */
export async function wholeEvents(store: Store, filter: WholeEventFilter): Promise<Page<WholeEvent>> {
  const { tenant, agent, fromMs, toMs } = filter;
  const compared = COMPARED.filter((name) => filter[name] !== undefined);
  const clauses = [
    'tenant = {tenant:String}',
    IN_SPAN,
    BEFORE,
    ...(agent === undefined ? [] : ['(root = {agent:String} OR agent = {agent:String})']),
    ...compared.map((name) => `${name} = {${name}:String}`),
  ];
  const values = given(Object.fromEntries(['agent' as const, ...compared].map((name) => [name, filter[name]])));
  const rows = await store.select<EventColumns>(
    `SELECT ${COLUMNS} FROM ${store.database}.events WHERE ${clauses.join(' AND ')} ${NEWEST}`,
    { ...values, tenant, fromMs, toMs, ...placeOf(filter) },
  );
  const found = page(filter, rows, (row) => [Number(row.time_ms), row.partition, row.offset]);
  return { rows: found.rows.map(wholeEvent), cursor: found.cursor };
}

/** The other way round than row.ts: an empty text was a member that was not there. */
function wholeEvent(row: EventColumns): WholeEvent {
  const text = (value: string): string | null => (value === '' ? null : value);
  const event: AgentEvent = {
    id: row.id,
    timeMs: Number(row.time_ms),
    agent: row.agent,
    operation: row.operation,
    endpoint: row.endpoint,
    tenant: row.tenant,
    parent: text(row.parent),
    session: text(row.session),
    target: text(row.target),
    status: row.status === '' ? null : row.status,
    errorType: text(row.error_type),
    latencyMs: row.latency_ms,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    costUsd: row.cost_usd,
    bytesOut: row.bytes_out,
    model: text(row.model),
    version: text(row.version),
    credential: text(row.credential),
    source: text(row.source),
    environment: text(row.environment),
    scope: text(row.scope),
    task: text(row.task),
    initiator: text(row.initiator),
    onBehalfOf: row.on_behalf_of.length === 0 ? null : row.on_behalf_of,
    approval: text(row.approval),
    dataClass: text(row.data_class),
    trace: text(row.trace),
    signature: text(row.signature),
  };
  return { event, root: row.root, bound: row.bound };
}

export interface ActivityRow {
  /** Beginning of the step, ms. */
  readonly timeMs: number;
  readonly events: number;
  readonly errors: number;
  readonly denied: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly bytesOut: number;
  readonly endpoints: number;
  readonly targets: number;
}

type Sums = Record<Exclude<keyof ActivityRow, 'timeMs'> | 'second', number | string>;

/** Steps of an answer at most. */
const STEPS_MAX = 10_000;

/** What happened step by step, oldest first; steps without events have no row. `stepMs` is whole minutes. */
export async function activitySteps(
  store: Store,
  asked: Tree & Span & { readonly stepMs: number },
): Promise<ActivityRow[]> {
  const { tenant, agent, root, fromMs, toMs, stepMs } = asked;
  const values = { tenant, agent, root, step: Math.floor(stepMs / 1000) };
  const select = agent === root ? ofMinutes(store) : ofEvents(store);
  const [from, to] = [Math.floor(fromMs / 1000), Math.ceil(toMs / 1000)];
  const rows = await store.select<Sums>(`${select} GROUP BY second ORDER BY second LIMIT ${STEPS_MAX}`, {
    ...values,
    ...(agent === root ? { from, to } : { fromMs, toMs }),
  });
  return rows.map(({ second, ...sums }) => {
    const numbers = Object.entries(sums).map(([name, value]) => [name, Number(value)]);
    return { ...Object.fromEntries(numbers), timeMs: Number(second) * 1000 };
  });
}

const stepOf = (time: string): string => `intDiv(toUnixTimestamp(${time}), {step:UInt32}) * {step:UInt32} AS second`;
const SUMMED = [
  ...['events', 'errors', 'denied'].map((name) => [name, name] as const),
  ...[
    ['input_tokens', 'inputTokens'],
    ['output_tokens', 'outputTokens'],
    ['cost_usd', 'costUsd'],
    ['bytes_out', 'bytesOut'],
  ].map(([column, name]) => [column, name] as const),
];

/** Minutes are kept for trees as a whole, and longer than events. */
function ofMinutes({ database }: Store): string {
  return `SELECT ${stepOf('minute')}, ${SUMMED.map(([column, name]) => `toFloat64(sum(m.${column})) AS ${name}`).join(', ')},
      toUInt32(uniqExactArray(m.endpoints)) AS endpoints, toUInt32(uniqExactArray(m.targets)) AS targets
    FROM ${database}.minutes AS m
    WHERE m.tenant = {tenant:String} AND m.root = {root:String}
      AND m.minute >= toDateTime({from:UInt32}, 'UTC') AND m.minute < toDateTime({to:UInt32}, 'UTC')`;
}

function ofEvents({ database }: Store): string {
  const sums = SUMMED.slice(3).map(([column, name]) => `sum(ifNull(e.${column}, 0)) AS ${name}`);
  return `SELECT ${stepOf('e.time')}, toFloat64(count()) AS events,
      toFloat64(countIf(e.status = 'error')) AS errors, toFloat64(countIf(e.status = 'denied')) AS denied,
      ${sums.join(', ')}, toUInt32(uniqExact(e.endpoint)) AS endpoints,
      toUInt32(uniqExactIf(e.target, e.target != '')) AS targets
    FROM ${database}.events AS e
    WHERE e.tenant = {tenant:String} AND e.root = {root:String} AND e.agent = {agent:String} AND ${IN_SPAN}`;
}

export interface NamesFound {
  readonly names: readonly {
    readonly name: string;
    readonly events: number;
    readonly errors: number;
    readonly firstMs: number;
    readonly lastMs: number;
  }[];
  /** All that were used in the span. */
  readonly total: number;
  /** Oldest event of the agent that is kept, ms; 0: none. */
  readonly sinceMs: number;
}

/** What an agent calls: counts of the span, and since when, as far as events are kept. */
export async function namesFound(
  store: Store,
  by: 'endpoint' | 'target',
  asked: Tree & Span & { readonly limit: number },
): Promise<NamesFound> {
  const { tenant, agent, root, fromMs, toMs } = asked;
  const whose = `tenant = {tenant:String} AND root = {root:String}${agent === root ? '' : ' AND agent = {agent:String}'}`;
  const values = { tenant, root, agent };
  const rows = await store.select<Record<'name' | 'events' | 'errors' | 'first' | 'last' | 'total', string>>(
    `SELECT ${by === 'endpoint' ? 'endpoint' : 'target'} AS name, countIf(${IN_SPAN}) AS events,
       countIf(status = 'error' AND ${IN_SPAN}) AS errors, toUnixTimestamp64Milli(min(time)) AS first,
       toUnixTimestamp64Milli(maxIf(time, ${IN_SPAN})) AS last, count() OVER () AS total
     FROM ${store.database}.events WHERE ${whose} AND name != ''
     GROUP BY name HAVING events > 0 ORDER BY events DESC, name LIMIT {limit:UInt32}`,
    { ...values, fromMs, toMs, limit: limitOf(asked) },
  );
  const [oldest] = await store.select<{ oldest: string }>(
    `SELECT toUnixTimestamp64Milli(min(time)) AS oldest FROM ${store.database}.events WHERE ${whose}`,
    values,
  );
  return {
    names: rows.map(({ name, events, errors, first, last }) => ({
      name,
      ...{ events: Number(events), errors: Number(errors), firstMs: Number(first), lastMs: Number(last) },
    })),
    total: Number(rows[0]?.total ?? 0),
    sinceMs: Math.max(0, Number(oldest?.oldest ?? 0)),
  };
}
