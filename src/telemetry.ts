/**
 * What a process tells Prometheus: every metric in one table, with its labels and why one would look at it.
 *
 * Promises: no label ever carries an agent, a tenant or a session; every label has few values, and what is not among
 * them counts as 'other', so that nobody outside can make the metrics grow. A misspelt name is a compile error. The
 * table is told in `docs/operations.md`, which a test compares. It measures and decides nothing.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import { ERRORS } from './errors.js';

/** The values of a label: listed, the number of a partition, or names that come from the configuration. */
type Label =
  | { readonly kind: 'listed'; readonly values: readonly string[] }
  | { readonly kind: 'partition' }
  | { readonly kind: 'named' };

interface Row {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, Label>>;
  /** Upper ends, in the unit of the name; of histograms alone. */
  readonly buckets?: readonly number[];
}

const listed = <const V extends readonly string[]>(...values: V) => ({ kind: 'listed', values }) as const;
/** As many as the configuration allows. */
const PARTITIONS_MAX = 64;
const partition = { kind: 'partition' } as const;
/** Whatever fits NAME, the first NAMES_MAX of a label; the others are 'other'. */
const named = { kind: 'named' } as const;
const NAME = /^[a-zA-Z0-9_/:.-]{1,100}$/;
const NAMES_MAX = 100;
const OTHER = 'other';
const CODES = Object.keys(ERRORS);

const counter = <const L extends Row['labels']>(help: string, labels: L) =>
  ({ type: 'counter', help, labels }) as const;
const gauge = <const L extends Row['labels']>(help: string, labels: L) => ({ type: 'gauge', help, labels }) as const;
const histogram = <const L extends Row['labels']>(help: string, buckets: readonly number[], labels: L) =>
  ({ type: 'histogram', help, buckets, labels }) as const;

const severity = listed('info', 'low', 'medium', 'high', 'critical');
const effect = listed('applied', 'recommended', 'observed', 'duplicate', 'refused', 'none');
const statusClass = listed('1xx', '2xx', '3xx', '4xx', '5xx');

/** From a decision out of memory to a call that waits for a disk, seconds. */
const CALL_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** From a batch of a few records to one that a broker held up, seconds. */
const WORK_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** What takes its time: whole states, seconds. */
const LONG_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];
const RECORDS = [1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
const BYTES = [1e4, 1e5, 1e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9];

/** The table. */
export const METRICS = {
  // The process: which version runs where, and whether it may be given traffic.
  killdeer_build_info: gauge('1, with the version that runs', { version: named }),
  killdeer_ready: gauge('whether this part of the process is ready: 1 or 0', { part: named }),

  // What became of each event. The outcomes exclude each other, so their sum is what came in: a gap is a fault of ours.
  killdeer_events_total: counter('events executed, by what became of them; late ones are scored without windows', {
    partition,
    outcome: listed('scored', 'late', 'duplicate', 'not_admitted', 'dead_lettered'),
  }),
  // How far agents are known. Many that stay learning are newcomers whose role nobody has told.
  killdeer_agents: gauge('agents at work, by how far their profiles can be trusted; counted once an hour', {
    partition,
    state: listed('learning', 'provisional', 'calibrated'),
  }),
  // Whether scoring keeps up. Records say how much work is left, seconds how old a finding is when it is raised.
  killdeer_lag_records: gauge('records in the log that are not executed', { partition }),
  killdeer_lag_seconds: gauge('age of the record executed last; 0 where all are executed', { partition }),
  // Windows and silence move with ticks: a late tick delays what is found by their absence.
  killdeer_tick_delay_seconds: gauge('how long after its time the last tick was executed', { partition }),
  // Where the time goes: many records a batch are good, long batches delay the stops that follow from them.
  killdeer_batch_seconds: histogram('time of a batch, from reading to its outputs handed on', WORK_S, {}),
  killdeer_batch_records: histogram('records of a batch', RECORDS, {}),
  // An unknown commit costs a restore; many fenced ones mean that partitions wander.
  killdeer_transactions_total: counter('transactions of partitions, by how they ended', {
    result: listed('committed', 'aborted', 'unknown', 'fenced'),
  }),
  killdeer_transaction_seconds: histogram('time of a commit', WORK_S, {}),
  // What a crash costs: the longer and larger, the longer the next restore.
  killdeer_checkpoint_seconds: histogram('time to write a checkpoint', LONG_S, {}),
  killdeer_checkpoint_bytes: histogram('size of a checkpoint', BYTES, {}),
  killdeer_restores_total: counter('restores of partitions, by how they ended', { result: listed('done', 'failed') }),
  killdeer_restore_seconds: histogram('time of a restore, during which the partition is not scored', LONG_S, {}),
  killdeer_restore_bytes: histogram('state read by a restore', BYTES, {}),
  // Who owns what. Rebalances without a deployment mean processes that die, or heartbeats that come too late.
  killdeer_rebalances_total: counter('times that the group handed out its partitions', {}),
  killdeer_partitions_owned: gauge('partitions that this process owns; their sum is the number of partitions', {}),
  killdeer_partition_restarts_total: counter('times that the thread of a partition was started again', { partition }),

  // What comes out of it all: a flood of findings is either an incident or a fault.
  killdeer_findings_total: counter('lines of findings written', { severity, kind: named }),
  killdeer_proposals_total: counter('proposals of engines, by what the registry made of them', { effect }),
  killdeer_stops_total: counter('stops and releases by people, by what the registry made of them', { effect }),
  killdeer_breaker_open: gauge('1 while the brakes skip automatic stops: somebody must look', {}),
  // What decisions are made of: where it stands still, a new stop is not known here.
  killdeer_registry_offset: gauge('next registry record to be read; equal in all processes that keep up', {}),
  killdeer_registry_staleness_seconds: gauge('how long the registry could not be read; 0 while it can', {}),
  killdeer_decisions_total: counter('answers of /v1/decide', {
    answer: listed('allow', 'deny', 'stale_allow', 'stale_deny'),
  }),
  killdeer_decision_seconds: histogram('time of /v1/decide', CALL_S, {}),

  // Whether stops reach the places that enforce them. An unverified stop is one that is not in force there.
  killdeer_connector_effects_total: counter('what became of wishes at a connector, by effect', {
    connector: named,
    state: listed('sent', 'confirmed', 'unobserved', 'contradicted', 'failed', 'dead'),
  }),
  killdeer_connector_unverified: gauge('stops that a connector has not put in force', { connector: named }),
  killdeer_connector_messages_total: counter('pages and notices to owners', {
    connector: named,
    result: listed('sent', 'dead'),
  }),
  killdeer_connector_backlog: gauge('what a connector has still to take', { connector: named }),
  killdeer_connector_breaker_open: gauge('1 while a connector is left alone after failures', { connector: named }),

  // Alerts on their way out.
  killdeer_sink_alerts_total: counter('alerts sent or given up by a sink', {
    sink: named,
    result: listed('sent', 'dead'),
  }),
  killdeer_sink_backlog: gauge('lines of findings that a sink has still to look at', { sink: named }),
  killdeer_sink_held: gauge('findings held back for the next digest', { sink: named }),
  killdeer_sink_breaker_open: gauge('1 while a sink is left alone after failures', { sink: named }),

  // What comes in, by source; 'http' is the API. Rejections say what a sender gets wrong.
  killdeer_ingest_accepted_total: counter('events that became durable in the log', { source: named }),
  killdeer_ingest_duplicates_total: counter('events dropped because their id was seen lately', { source: named }),
  killdeer_ingest_skipped_total: counter('records that are no agent traffic', { source: named }),
  killdeer_ingest_rejected_total: counter('records that could not become an event, by error code', {
    source: named,
    code: { kind: 'listed', values: CODES },
  }),
  killdeer_ingest_bytes_total: counter('bytes received', { source: named }),
  // Ids were too many for the memory: repeated events reach the log, where the engine drops those of the last hour.
  killdeer_ingest_early_turns_total: counter('times that ids were forgotten before their time', {}),
  killdeer_source_refused: gauge('1 while the source is refused', { source: named }),
  killdeer_source_refusals_total: counter('times that the source was refused', { source: named }),
  killdeer_source_lag_records: gauge('records of the source that were not read', { source: named }),

  // The face: who is answered how, and how fast.
  killdeer_http_requests_total: counter('HTTP calls answered', { route: named, status: statusClass }),
  killdeer_http_request_seconds: histogram('time of an HTTP call', CALL_S, { route: named }),

  // History. None of it delays a finding or a stop.
  killdeer_store_delay_seconds: gauge('age of the newest record that is not in ClickHouse', { table: named }),
  killdeer_store_insert_seconds: histogram('time of an insert', WORK_S, { table: named }),
  killdeer_store_rows_total: counter('rows inserted', { table: named }),
  killdeer_store_failures_total: counter('inserts that failed and are repeated', { table: named }),
  killdeer_store_child_restarts_total: counter('times that the embedded engine was started again', {}),

  // Learning. No activation for many windows means that scores rest on an old model.
  killdeer_learn_windows_total: counter('learning windows closed', {}),
  killdeer_model_activations_total: counter('models put in force', {}),
} as const satisfies Readonly<Record<string, Row>>;

type Metrics = typeof METRICS;
export type MetricName = keyof Metrics;
type NameOf<T extends Row['type']> = { [N in MetricName]: Metrics[N]['type'] extends T ? N : never }[MetricName];
export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;

type ValueOf<L> = L extends { readonly kind: 'partition' }
  ? number
  : L extends { readonly kind: 'listed'; readonly values: readonly (infer V)[] }
    ? V
    : string;
/** The labels of a metric, all of them. */
export type LabelsOf<N extends MetricName> = {
  readonly [L in keyof Metrics[N]['labels']]: ValueOf<Metrics[N]['labels'][L]>;
};

/** Counts of a partition, as its engine keeps them: they go on over restarts and from process to process. */
export interface PartitionCounts {
  readonly scored: number;
  readonly late: number;
  readonly duplicates: number;
  readonly notAdmitted: number;
  readonly deadLettered: number;
}

export interface Telemetry {
  /** Adds n (1), which may be 0 and never less. */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, n?: number): void;
  /**
   * Of a count that is kept elsewhere since the process began: adds what it grew by. Going back, it began anew. One
   * number is remembered for each set of labels, so their values must come from the configuration.
   */
  total<N extends CounterName>(name: N, labels: LabelsOf<N>, value: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** In the unit of the name. */
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /**
   * What a partition has executed. The first counts seen are where it begins, because other processes told of what
   * came before; counts that fall back after a restart add nothing until they are beyond what was told.
   */
  observeProgress(partition: number, counts: PartitionCounts): void;
  /** The partition has another owner: what is said of it from here on is said there. */
  forgetPartition(partition: number): void;
  /** Called before each reading, to set what ages by itself, until the function returned is called. */
  beforeRead(refresh: () => void): () => void;
  /** In the text format of Prometheus. */
  read(): Promise<string>;
  /** Of what `read` gives. */
  readonly contentType: string;
}

export interface TelemetryOptions {
  readonly version?: string;
  /** Memory, processor, event loop and garbage collection of this process, under the names usual for Node. */
  readonly basics?: boolean;
}

/** A registry of its own: nothing is shared between two of them. */
export function createTelemetry({ version, basics = false }: TelemetryOptions = {}): Telemetry {
  const registry = new Registry();
  const metrics = new Map(Object.entries(METRICS).map(([name, row]) => [name, createMetric(registry, name, row)]));
  const clean = createCleaner();
  const told = new Map<string, number>();
  const partitions = new Map<number, PartitionCounts>();
  const refreshes = new Set<() => void>();
  if (basics) collectDefaultMetrics({ register: registry });

  const counterOf = (name: CounterName) => metrics.get(name) as Counter;
  const telemetry: Telemetry = {
    count: (name, labels, n = 1) => counterOf(name).inc(clean(name, labels), n),
    total: (name, labels, value) => {
      // Of the labels as given: several that count as 'other' are several counts.
      const key = `${name} ${JSON.stringify(labels)}`;
      const before = told.get(key) ?? 0;
      told.set(key, value);
      counterOf(name).inc(clean(name, labels), value < before ? value : value - before);
    },
    set: (name, labels, value) => (metrics.get(name) as Gauge).set(clean(name, labels), value),
    observe: (name, labels, value) => (metrics.get(name) as Histogram).observe(clean(name, labels), value),
    observeProgress: (partition, next) => {
      const before = partitions.get(partition);
      partitions.set(partition, before === undefined ? next : higher(before, next));
      if (before === undefined) return;
      for (const [outcome, count] of Object.entries(outcomes(before, next)) as [Outcome, number][]) {
        if (count > 0) telemetry.count('killdeer_events_total', { partition, outcome }, count);
      }
    },
    forgetPartition: (partition) => {
      partitions.delete(partition);
      for (const [name, { type, labels }] of Object.entries(METRICS)) {
        if (type === 'gauge' && 'partition' in labels) metrics.get(name)?.remove({ partition });
      }
    },
    beforeRead: (refresh) => {
      refreshes.add(refresh);
      return () => refreshes.delete(refresh);
    },
    read: () => {
      for (const refresh of refreshes) refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
  if (version !== undefined) telemetry.set('killdeer_build_info', { version }, 1);
  return telemetry;
}

function createMetric(registry: Registry, name: string, { type, help, labels, buckets }: Row): Metric {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (type === 'counter') return new Counter(options);
  if (type === 'gauge') return new Gauge(options);
  return new Histogram({ ...options, buckets: [...(buckets ?? [])] });
}

type Values = Record<string, string | number>;

/** Keeps every label within its values. Gives back what it was given where nothing is wrong with it. */
function createCleaner(): (name: MetricName, labels: object) => Values {
  const names = new Map<string, Set<string>>();

  function isKnown(label: Label, key: string, value: string | number): boolean {
    if (label.kind === 'partition')
      return Number.isInteger(value) && Number(value) >= 0 && Number(value) < PARTITIONS_MAX;
    if (label.kind === 'listed') return label.values.includes(value as string);
    const seen = names.get(key) ?? new Set();
    if (seen.has(String(value))) return true;
    if (seen.size >= NAMES_MAX || !NAME.test(String(value))) return false;
    names.set(key, seen.add(String(value)));
    return true;
  }

  return (name, labels) => {
    let values = labels as Values;
    const rules: Row['labels'] = METRICS[name].labels;
    for (const key in values) {
      if (isKnown(rules[key] as Label, key, values[key] as string)) continue;
      values = { ...values, [key]: OTHER };
    }
    return values;
  };
}

type Outcome = LabelsOf<'killdeer_events_total'>['outcome'];

/** What came on top, by outcome. An event that was late was scored too, and is told once. */
function outcomes(before: PartitionCounts, next: PartitionCounts): Record<Outcome, number> {
  const late = next.late - before.late;
  return {
    scored: next.scored - before.scored - Math.max(0, late),
    late,
    duplicate: next.duplicates - before.duplicates,
    not_admitted: next.notAdmitted - before.notAdmitted,
    dead_lettered: next.deadLettered - before.deadLettered,
  };
}

function higher(a: PartitionCounts, b: PartitionCounts): PartitionCounts {
  return {
    scored: Math.max(a.scored, b.scored),
    late: Math.max(a.late, b.late),
    duplicates: Math.max(a.duplicates, b.duplicates),
    notAdmitted: Math.max(a.notAdmitted, b.notAdmitted),
    deadLettered: Math.max(a.deadLettered, b.deadLettered),
  };
}
