/** The role `ingest`: the configured sources, each read by as many processes as its topic has partitions. */
import type { SourceConfig } from '../config.js';
import type { KafkaOptions } from '../log/kafka-connection.js';
import { type FetchedRecord, type KafkaFetch, openKafkaFetch } from '../log/kafka-fetch.js';
import { type GroupMembership, joinGroup } from '../log/kafka-group.js';
import type { Log } from '../log/log.js';
import type { Intake } from '../pipeline/intake.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { createSource, type Source, type SourceStatus } from '../pipeline/source.js';
import type { FeedRecord, SourceFeed } from '../pipeline/source-feed.js';
import type { Telemetry } from '../telemetry.js';
import type { Setup } from './setup.js';

export interface SourcesOptions {
  readonly setup: Setup;
  readonly kafka: KafkaOptions;
  /** Takes what becomes of the records. */
  readonly log: Log;
  readonly intake: Intake;
  readonly report: (report: LiveReport) => void;
}

export interface Sources {
  status(): readonly SourceStatus[];
  stop(): Promise<void>;
}

/** Rejects with 'kafka.missing-topic' where a source's topic is not there; nothing is left open then. */
export async function openSources(options: SourcesOptions): Promise<Sources> {
  const { setup, kafka } = options;
  const fetch = openKafkaFetch(kafka, { readCommitted: true });
  const opened: Opened[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(opened.map((one) => one.stop()));
    await Promise.all(opened.map(({ membership }) => membership.leave()));
    fetch.close();
  };
  try {
    for (const config of setup.config.sources) {
      await fetch.partitions(config.topic);
      opened.push(await openOne(options, config, fetch));
    }
    return { status: () => opened.map(({ source }) => source.status()), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Opened {
  readonly source: Source;
  readonly membership: GroupMembership;
  stop(): Promise<void>;
}

/** Before a reader that met what no retry helps with is tried again: a topic or a right may come back. */
const REST_MS = 30_000;

async function openOne(options: SourcesOptions, config: SourceConfig, fetch: KafkaFetch): Promise<Opened> {
  const { kafka, report, setup } = options;
  // A reader may be told what is its own before the membership is in our hands; where to read on it asks that one.
  let join: (member: Promise<GroupMembership>) => void = () => undefined;
  const member = new Promise<GroupMembership>((resolve) => {
    join = resolve;
  });
  // Where joining fails we say so ourselves; a reader that waits for it meets the same.
  member.catch(() => undefined);
  let assigned: readonly number[] | null = [];
  const source = makeSource(options, config, fetch, member, () => {
    setTimeout(() => {
      if (assigned !== null) void source.assign(assigned);
    }, REST_MS).unref();
  });
  const stop = (): Promise<void> => {
    assigned = null;
    return source.stop();
  };
  const joining = joinGroup({
    kafka,
    groupId: `${kafka.prefix}source-${config.name}`,
    topics: [config.topic],
    prefixed: false,
    sessionTimeoutMs: setup.config.kafka.session_timeout,
    onAssigned: (assignment) => {
      report({ level: 'info', message: `source ${config.name}: ${assignment.length} of its partitions are ours` });
      if (assigned === null) return;
      assigned = assignment.map(({ partition }) => partition);
      void source.assign(assigned);
    },
  });
  join(joining);
  try {
    return { source, stop, membership: await joining };
  } catch (error) {
    await stop();
    throw error;
  }
}

function makeSource(
  { setup, log, intake, report }: SourcesOptions,
  config: SourceConfig,
  fetch: KafkaFetch,
  member: Promise<GroupMembership>,
  onFault: () => void,
): Source {
  return createSource({
    config,
    skewMaxMs: setup.config.ingest.skew_max,
    prices: setup.prices,
    feedOf: (partition) => feedOf(fetch, member, config.topic, partition),
    intake,
    log,
    clock: Date.now,
    report: (message, error) =>
      report(error === undefined ? { level: 'info', message } : { level: 'warn', message, error }),
    onFault: (partition, error) => {
      const next = `is not read now, and tried again in ${REST_MS / 1_000} s`;
      report({ level: 'error', message: `source ${config.name}, partition ${partition}, ${next}`, error });
      onFault();
    },
  });
}

function feedOf(fetch: KafkaFetch, member: Promise<GroupMembership>, topic: string, partition: number): SourceFeed {
  return {
    position: async () => {
      const committed = (await (await member).committed(topic)).get(partition);
      return committed ?? (await fetch.range(topic, partition)).begin;
    },
    range: () => fetch.range(topic, partition),
    read: async (offset, limits) => {
      const { records, next, end } = await fetch.fetch(topic, partition, offset, limits);
      return { records: records.map(feedRecordOf), next, end };
    },
    commit: async (offset) => {
      await (await member).commit([{ topic, partition, offset }]);
    },
  };
}

function feedRecordOf({ offset, value, headers }: FetchedRecord): FeedRecord {
  const named = headers.map(([name, text]) => [name, text?.toString('utf8') ?? ''] as const);
  return { offset, value, headers: Object.fromEntries(named) };
}

/** What the sources count, as metrics; to be called before each reading. */
export function observeSources(telemetry: Telemetry, statuses: readonly SourceStatus[]): void {
  for (const status of statuses) {
    const { source } = status;
    telemetry.total('killdeer_ingest_accepted_total', { source }, status.events);
    telemetry.total('killdeer_ingest_duplicates_total', { source }, status.duplicates);
    telemetry.total('killdeer_ingest_skipped_total', { source }, status.skipped);
    telemetry.total('killdeer_ingest_bytes_total', { source }, status.bytes);
    telemetry.total('killdeer_source_refusals_total', { source }, status.refusals);
    telemetry.set('killdeer_source_refused', { source }, status.isRefused ? 1 : 0);
    const lag = status.partitions.reduce((sum, { lag }) => sum + lag, 0);
    telemetry.set('killdeer_source_lag_records', { source }, lag);
    for (const [code, count] of Object.entries(status.rejected)) {
      telemetry.total('killdeer_ingest_rejected_total', { source, code: code as never }, count);
    }
  }
}
