/** The sinks of a process: opened from its setup, joined to its logs, and told of in metrics. */
import { dirname, resolve } from 'node:path';
import kafkajs from 'kafkajs';
import type { OutboxPorts } from '../connect/outbox.js';
import { openFileLog } from '../log/file-log.js';
import { nodeFiles } from '../log/files.js';
import { type KafkaOptions, kafkaError, openKafkaClient } from '../log/kafka-connection.js';
import { openKafkaLog } from '../log/kafka-log.js';
import { createRandom } from '../math/random.js';
import { findingsTopic, layoutOf } from '../pipeline/layout.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { FINDINGS_TOPIC } from '../pipeline/topics.js';
import type { Publish } from '../sinks/contract.js';
import { openSinks, type SinkPorts, type Sinks } from '../sinks/sinks.js';
import type { SinkStatus } from '../sinks/status.js';
import type { Telemetry } from '../telemetry.js';
import type { TriageBoard } from '../triage/triage.js';
import { kafkaOptionsOf } from './kafka-adapters.js';
import type { Setup } from './setup.js';
import { packageVersion } from './shipped.js';

export interface SinkDeliveryOptions {
  readonly setup: Setup;
  /** Data directory. */
  readonly dir: string;
  /** Where time is a recording's, nothing is sent: what is played again must wake nobody. */
  readonly clock: 'wall' | 'recording';
  readonly telemetry: Telemetry;
  readonly report: (report: LiveReport) => void;
  /** Knows how findings stand. */
  readonly triage: Pick<TriageBoard, 'get'>;
}

/** The sinks, and how they begin and end. */
export interface SinkDelivery {
  readonly sinks: Sinks;
  /** From here on this process delivers. Must not be called twice without `rest` between. */
  begin(side: { readonly write: OutboxPorts['write']; readonly control: OutboxPorts['control'] }): Promise<void>;
  /** Another process delivers, or none. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/** Throws 'config.invalid' where a sink cannot work as it is configured. */
export function openSinkDelivery(options: SinkDeliveryOptions): SinkDelivery {
  const { setup, dir, clock, telemetry, report, triage } = options;
  const isLive = clock === 'wall';
  const { sinks: wanted } = setup.config;
  if (!isLive && wanted.length > 0) {
    report({ level: 'warn', message: 'the sinks rest: what is played from a recording reaches nobody' });
  }
  const config = isLive ? wanted : [];
  const publisher = config.some(({ kind }) => kind === 'kafka')
    ? openPublisher(kafkaOptionsOf(setup.config, report))
    : null;
  const sinks = openSinks({
    ...{ config, files: nodeFiles, dataDir: dir, version: packageVersion() },
    stateOf: (id) => triage.get(id),
    pagesPerDay: () => setup.config.triage.pages_per_day,
    folder: setup.source === 'defaults' ? process.cwd() : dirname(resolve(setup.source)),
    publish: publisher?.publish ?? null,
    now: Date.now,
    draw: createRandom(`sinks ${process.pid} ${Date.now()}`).next,
    onFault: (error) => report({ level: 'error', message: 'a sink could not go on', error }),
  });
  let status: readonly SinkStatus[] = [];
  telemetry.beforeRead(() => {
    // What was there at the last look: metrics do not wait for a log that is away.
    void sinks.status().then((now) => {
      status = now.sinks;
    });
    observeSinks(telemetry, status);
  });
  let log: Awaited<ReturnType<typeof openPlaces>>['log'] | null = null;
  const rest = async (): Promise<void> => {
    await sinks.setActive(null);
    await log?.close();
    log = null;
  };
  return {
    sinks,
    begin: async ({ write, control }) => {
      if (sinks.isEmpty) return;
      const opened = await openPlaces(setup, dir, report);
      log = opened.log;
      // Among several, whoever goes on has the registry's log, and not this machine's files.
      const isAlone = setup.config.log.kind === 'file';
      await sinks.setActive({ places: opened.places, control, write: isAlone ? null : write });
    },
    rest,
    close: async () => {
      await rest();
      await publisher?.close();
    },
  };
}

async function openPlaces({ config }: Setup, dir: string, report: (report: LiveReport) => void) {
  const numbers = Array.from({ length: config.partitions }, (_, partition) => partition);
  if (config.log.kind === 'kafka') {
    const kafka = kafkaOptionsOf(config, report);
    const log = await openKafkaLog({ kafka, topics: { [FINDINGS_TOPIC]: config.partitions }, readCommitted: true });
    const places: SinkPorts['places'] = numbers.map((partition) => ({ log, topic: FINDINGS_TOPIC, partition }));
    return { log, places };
  }
  const topics = Object.fromEntries(numbers.map((partition) => [findingsTopic(partition), 1]));
  const log = await openFileLog({ directory: layoutOf(dir).log, topics, readOnly: true });
  const places: SinkPorts['places'] = numbers.map((p) => ({ log, topic: findingsTopic(p), partition: 0 }));
  return { log, places };
}

/** Into topics of others. Records of one key keep their order; one whose answer was lost may be there twice. */
export function openPublisher(options: KafkaOptions) {
  const client = openKafkaClient(options);
  const producer = client.kafka.producer({
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  let connected: Promise<void> | null = null;
  const publish: Publish = async (topic, records) => {
    try {
      connected ??= producer.connect();
      await connected;
      await producer.send({ topic, acks: -1, timeout: options.requestTimeoutMs, messages: [...records] });
    } catch (error) {
      connected = null;
      throw kafkaError(error, `the topic ${topic} of a sink`);
    }
  };
  return {
    publish,
    close: async () => {
      await producer.disconnect().catch(() => undefined);
      client.shut();
    },
  };
}

function observeSinks(telemetry: Telemetry, sinks: readonly SinkStatus[]): void {
  for (const { name: sink, sent, dead, backlog, breaker, heldCount } of sinks) {
    telemetry.total('killdeer_sink_alerts_total', { sink, result: 'sent' }, sent);
    telemetry.total('killdeer_sink_alerts_total', { sink, result: 'dead' }, dead);
    telemetry.set('killdeer_sink_backlog', { sink }, backlog ?? 0);
    telemetry.set('killdeer_sink_held', { sink }, heldCount);
    telemetry.set('killdeer_sink_breaker_open', { sink }, breaker === 'closed' ? 0 : 1);
  }
}

/** Between two tries to begin. */
const AGAIN_MS = 5_000;

/** Of all processes the owner of partition 0 delivers, from when its registry was followed to the end. */
export function createSinkDesk(delivery: SinkDelivery, onFault: (error: unknown) => void, againMs = AGAIN_MS) {
  let side: Parameters<SinkDelivery['begin']>[0] | null = null;
  let isOwner = false;
  let isAtWork = false;
  let changing: Promise<void> = Promise.resolve();
  const decide = (): Promise<void> => {
    changing = changing.then(async () => {
      const wanted = isOwner ? side : null;
      if ((wanted !== null) === isAtWork) return;
      if (wanted === null) await delivery.rest();
      else await delivery.begin(wanted);
      isAtWork = wanted !== null;
    });
    changing = changing.catch((error) => {
      onFault(error);
      // Brokers that are away come back, and nobody else delivers meanwhile.
      setTimeout(() => void decide(), againMs).unref();
    });
    return changing;
  };
  return {
    assigned: (partitions: readonly number[]) => {
      isOwner = partitions.includes(0);
      void decide();
    },
    open: (opened: Parameters<SinkDelivery['begin']>[0]) => {
      side = opened;
      void decide();
    },
    close: async () => {
      side = null;
      await decide();
      await delivery.close();
    },
  };
}
