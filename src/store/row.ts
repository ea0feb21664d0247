/**
 * The rows of each table. What is null in an event is an empty text or an empty list in its row, because no event has
 * an empty one of its own; numbers keep null, because zero means something.
 */
import type { Proposal } from '../decide/finding.js';
import type { RegistryRecord } from '../registry/registry.js';
import type { Item, StoredDeadLetter, StoredDecision, StoredEvent, StoredFinding } from './item.js';
import type { FedTable } from './tables.js';

/** Where rows come from, and when they are stored. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  /** Seconds since the epoch. */
  readonly stored: number;
}

/** How a table is fed: rows out of items that follow each other. */
export interface Feed {
  readonly table: FedTable;
  readonly rows: (items: readonly Item[], origin: Origin) => object[];
}

const feed = <T>(table: FedTable, rows: (items: readonly Item<T>[], origin: Origin) => object[]): Feed => ({
  table,
  rows: rows as Feed['rows'],
});
const each = <T>(table: FedTable, row: (value: T, offset: number, origin: Origin) => object): Feed =>
  feed<T>(table, (items, origin) => items.map(({ offset, value }) => row(value, offset, origin)));
/** Texts that nobody checked: half a pair, where a text was cut, is no UTF-8 and would be refused with its row. */
const eachText = <T>(table: FedTable, row: (value: T) => object): Feed =>
  each<T>(table, (value, offset, origin) => {
    const texts = Object.entries(row(value)).map(([name, of]) => [name, wellFormed(of)]);
    return { ...origin, offset, ...Object.fromEntries(texts) };
  });

/** One literal: rows of events are made by the million, and putting objects together costs more than all the rest. */
export const EVENTS_FEED = each<StoredEvent>(
  'events',
  ({ event, root, bound }, offset, { topic, partition, stored }) => ({
    topic,
    partition,
    offset,
    stored,
    id: event.id,
    time: iso(event.timeMs),
    tenant: event.tenant,
    agent: event.agent,
    root,
    operation: event.operation,
    endpoint: event.endpoint,
    parent: event.parent ?? '',
    session: event.session ?? '',
    target: event.target ?? '',
    status: event.status ?? '',
    latency_ms: event.latencyMs,
    input_tokens: event.inputTokens,
    output_tokens: event.outputTokens,
    cost_usd: event.costUsd,
    bytes_out: event.bytesOut,
    model: event.model ?? '',
    version: event.version ?? '',
    credential: event.credential ?? '',
    source: event.source ?? '',
    environment: event.environment ?? '',
    scope: event.scope ?? '',
    task: event.task ?? '',
    initiator: event.initiator ?? '',
    on_behalf_of: event.onBehalfOf ?? [],
    approval: event.approval ?? '',
    data_class: event.dataClass ?? '',
    trace: event.trace ?? '',
    signature: event.signature ?? '',
    bound,
    error_type: event.errorType ?? '',
  }),
);

export const FINDINGS_FEED = eachText<StoredFinding>('findings', ({ finding, json }) => ({
  id: finding.id,
  time: finding.time,
  tenant: finding.tenant ?? '',
  agent: finding.agent,
  root: finding.root,
  session: finding.session ?? '',
  severity: finding.severity,
  kind: finding.kind,
  title: finding.title,
  p: finding.p,
  risk: finding.risk,
  model: finding.model ?? '',
  config: finding.config ?? '',
  bound: finding.bound === true,
  proposal: finding.proposal ?? '',
  json,
}));

export const DECISIONS_FEED = eachText<StoredDecision>('decisions', ({ record, verdict, json }) => ({
  time: iso(record.timeMs),
  type: record.type,
  actor: record.actor ?? '',
  authority: record.authority ?? '',
  parent: record.parent ?? '',
  ...aboutOf(record),
  effect: verdict?.effect ?? '',
  code: verdict?.code ?? '',
  verdict: verdict?.reason ?? '',
  json,
}));

export const DEAD_LETTERS_FEED = eachText<StoredDeadLetter>('dead_letters', ({ code, reason, offset, line }) => ({
  code,
  reason,
  source_offset: offset,
  line,
}));

export const MINUTES_FEED = feed<StoredEvent>('minutes', (items, origin) => {
  const last = items.at(-1);
  if (last === undefined) return [];
  const minutes = new Map<string, Minute>();
  for (const { value } of items) addTo(minutes, value);
  return [...minutes.values()].map(({ endpoints, targets, ...minute }) => ({
    ...origin,
    upto: last.offset,
    ...minute,
    endpoints: [...endpoints],
    targets: [...targets],
  }));
});

interface Minute {
  readonly tenant: string;
  readonly root: string;
  readonly minute: number;
  events: number;
  errors: number;
  denied: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
  bytes_out: number;
  readonly endpoints: Set<number>;
  readonly targets: Set<number>;
}

function addTo(minutes: Map<string, Minute>, { event, root }: StoredEvent): void {
  const start = Math.floor(event.timeMs / 60_000) * 60;
  const key = JSON.stringify([event.tenant, root, start]);
  let minute = minutes.get(key);
  if (minute === undefined) {
    minute = emptyMinute(event.tenant, root, start);
    minutes.set(key, minute);
  }
  minute.events += 1;
  if (event.status === 'error') minute.errors += 1;
  if (event.status === 'denied') minute.denied += 1;
  minute.input_tokens += event.inputTokens ?? 0;
  minute.output_tokens += event.outputTokens ?? 0;
  minute.cost_usd += event.costUsd ?? 0;
  minute.bytes_out += event.bytesOut ?? 0;
  minute.endpoints.add(nameHash(event.endpoint));
  if (event.target !== null) minute.targets.add(nameHash(event.target));
}

function emptyMinute(tenant: string, root: string, minute: number): Minute {
  const zeros = { events: 0, errors: 0, denied: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0, bytes_out: 0 };
  return { tenant, root, minute, ...zeros, endpoints: new Set(), targets: new Set() };
}

/** 32 bits of a name: FNV-1a over its UTF-16 units, then mixed. Of a thousand names two are the same once in 8,000. */
export function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

interface About {
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly mode: string;
  readonly key: string;
  readonly finding: string;
  readonly reason: string;
}

/** Whom a registry record is about, and what it wants; empty where it says nothing of the kind. */
function aboutOf(record: RegistryRecord): About {
  const said: Partial<Proposal> & { tenant?: string; agent?: string; key?: string; reason?: string } =
    record.type === 'proposal' ? record.proposal : (record as Partial<Proposal>);
  return {
    tenant: word(said.tenant),
    agent: word(said.agent),
    action: word(said.action),
    mode: word(said.mode),
    key: word(said.key),
    finding: word(said.finding),
    reason: word(said.reason),
  };
}

/** Records come from the log: what is not text there must not stop a batch here. */
function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function wellFormed(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value;
}

function iso(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : '';
}
