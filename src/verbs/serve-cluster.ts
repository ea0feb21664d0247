/** A process among several: the roles that it was given, on the brokers' log. Used by `run` where log.kind is 'kafka'. */
import { metricsToken, readiness, startOpsServer, watchReadiness } from '../api/ops-server.js';
import { RegistryFeed } from '../api/registry-feed.js';
import type { RegistryMirror } from '../api/registry-mirror.js';
import type { ProcessRole } from '../config.js';
import type { Connectors } from '../connect/connectors.js';
import type { Finding } from '../decide/finding.js';
import { type Cluster, startCluster } from '../pipeline/cluster.js';
import type { Intake } from '../pipeline/intake.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import type { Registry, RegistryChange } from '../registry/journal.js';
import { createTelemetry, type Telemetry } from '../telemetry.js';
import { createBoard } from '../triage/board.js';
import { boardOptions } from '../triage/section.js';
import type { TriageBoard } from '../triage/triage.js';
import { createClusterObserver } from './cluster-observer.js';
import { openDelivery, portsOf } from './delivery.js';
import { type Face, openFace } from './face.js';
import { openClusterHistory } from './history-places.js';
import { openInsight } from './insight.js';
import { openIntake } from './intake.js';
import { createKafkaAdapters, kafkaOptionsOf, openScratch } from './kafka-adapters.js';
import { createMirror } from './kafka-mirror.js';
import { observeSources, openSources } from './kafka-sources.js';
import { clusterOperations } from './live-operations.js';
import { Operations } from './operations.js';
import { scheduleDrills } from './scheduled-drills.js';
import type { Setup } from './setup.js';
import { packageVersion } from './shipped.js';
import { createSinkDesk, openSinkDelivery, type SinkDelivery } from './sink-delivery.js';
import { openSpend, type Spend } from './spend.js';

export interface ServeClusterOptions {
  readonly setup: Setup;
  readonly roles: readonly ProcessRole[];
  /** Data directory: tokens, and what is cheap to lose. */
  readonly dir: string;
  readonly clock: 'wall' | 'recording';
  /** Of the API, where a role has one; 0: any free one. */
  readonly port: number;
  readonly onFinding: (finding: Finding) => void;
  readonly onChange: (change: RegistryChange) => void;
  readonly report: (report: LiveReport) => void;
  readonly drawSeed: () => number;
  /** The role project carries the log into the store that the configuration names. */
  readonly history: boolean;
  readonly logStream?: { write(line: string): void };
}

export interface ServedCluster {
  readonly cluster: Cluster<Registry>;
  /** null: none of the roles has an API. */
  readonly face: Face | null;
  /** Of health and metrics; null: not asked for. */
  readonly opsAddress: string | null;
  /** Ends in order; calling it again waits for the same end. */
  stop(): Promise<void>;
}

/** Roles whose processes have an API: people and gateways call one, senders the other. */
const WITH_API: readonly ProcessRole[] = ['serve', 'ingest'];

type Closers = (() => Promise<void> | void)[];

/** Starts everything, or nothing: what was opened before something failed is closed again. */
export async function serveCluster(options: ServeClusterOptions): Promise<ServedCluster> {
  const closers: Closers = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const telemetry = createTelemetry({ version: packageVersion(), basics: true });
    const triage = createBoard(boardOptions(options.setup.config.triage));
    const feed = new RegistryFeed();
    const operations = new Operations(options.setup);
    const { setup, roles, logStream, port, dir, clock, report } = options;
    const connectors = await openDelivery({ setup, clock, telemetry, report });
    const sinks = openSinkDelivery({ ...options, telemetry, triage });
    const followers = { triage, feed, operations, telemetry, connectors, sinks };
    const cluster = await openCluster(options, followers, closers);
    const log = logStream === undefined ? {} : { logStream };
    const token = metricsToken(setup.config.ops, process.env);
    const { health, ready, stats } = cluster.status;
    telemetry.beforeRead(() => {
      telemetry.set('killdeer_registry_staleness_seconds', {}, cluster.staleMs() / 1_000);
      telemetry.set('killdeer_registry_offset', {}, cluster.registry.offset());
    });
    watchReadiness(telemetry, ready);
    const intake = openIntake(setup.config, cluster.log, true);
    if (roles.includes('ingest')) await startSources(options, cluster, intake, telemetry, closers);
    if (roles.includes('project') && options.history) await startHistory(options, telemetry, closers);
    const spend = roles.includes('serve') ? await startSpend(options, cluster, closers) : null;
    const face = roles.some((role) => WITH_API.includes(role))
      ? await openFace(
          { ...{ setup, dir, port, triage, telemetry, metricsToken: token }, ...log },
          {
            ...{ intake, registry: cluster.registry, clock: cluster.clock, control: cluster.control },
            evidence: cluster.evidence,
            ...{ dated: null, spend, feed },
            status: { health, ready: () => readiness(ready()), stats },
            behind: () => cluster.behind(),
            staleMs: () => cluster.staleMs(),
            insight: openInsight({
              ...{ setup, dir, isFileLog: false },
              inspect: cluster.inspect.bind(cluster),
            }),
            connectors,
            operations: clusterOperations(operations, setup, cluster, triage),
            sinks: sinks.sinks,
          },
        )
      : null;
    closers.push(() => face?.close());
    // Every process that answers decisions is one that could fail to refuse: each drills for itself.
    const drills =
      face === null ? null : scheduleDrills(cluster.registry, connectors, setup.config.drill, options.report);
    closers.push(() => drills?.stop());
    const metrics = { telemetry, token };
    const ops = await startOpsServer(setup.config.ops, { health, ready, metrics, clock: Date.now, ...log });
    closers.push(() => ops?.close());
    // First of all: a call that waits for brokers that are away would keep the servers from closing.
    closers.push(() => cluster.beginStop());
    let stopping: Promise<void> | null = null;
    const stop = (): Promise<void> => {
      stopping ??= closeAll();
      return stopping;
    };
    return { cluster, face, opsAddress: ops?.address ?? null, stop };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function startSources(
  { setup, report }: ServeClusterOptions,
  { log }: Cluster<Registry>,
  intake: Intake,
  telemetry: Telemetry,
  closers: Closers,
): Promise<void> {
  const sources = await openSources({ setup, kafka: kafkaOptionsOf(setup.config, report), log, intake, report });
  closers.push(() => sources.stop());
  telemetry.beforeRead(() => observeSources(telemetry, sources.status()));
}

async function startSpend(
  { setup, dir, report }: ServeClusterOptions,
  { log, registry, clock }: Cluster<Registry>,
  closers: Closers,
): Promise<Spend> {
  const { prices, config } = setup;
  const reserveForMs = config.decide.reserve_for;
  const spend = await openSpend({ log, registry, prices, clock, dir, reserveForMs, report });
  closers.push(() => spend.stop());
  return spend;
}

async function startHistory(
  { setup, dir, report }: ServeClusterOptions,
  telemetry: Telemetry,
  closers: Closers,
): Promise<void> {
  const adapters = createKafkaAdapters(setup.config, kafkaOptionsOf(setup.config, report));
  const stop = await openClusterHistory({ setup, dir, telemetry, report }, adapters);
  closers.push(async () => stop?.());
}

/** What follows the logs, and is shown or told from them. */
interface Followers {
  readonly telemetry: Telemetry;
  readonly triage: TriageBoard;
  readonly feed: RegistryFeed;
  readonly operations: Operations;
  readonly connectors: Connectors;
  readonly sinks: SinkDelivery;
}

async function openCluster(
  options: ServeClusterOptions,
  { telemetry, triage, feed, operations, connectors, sinks }: Followers,
  closers: Closers,
): Promise<Cluster<Registry>> {
  const { setup, roles, report, clock, drawSeed, onFinding, onChange, dir } = options;
  const { config, policy, startModel, prices } = setup;
  const kafka = kafkaOptionsOf(config, report);
  const scratch = openScratch(dir);
  closers.push(() => scratch.remove());
  let isStarted = false;
  const observer = createClusterObserver(telemetry, (message) => report({ level: 'info', message }));
  const desk = createDesk(connectors, (opened) => createMirror({ kafka, feed, registry: opened.registry, report }));
  const sinkDesk = createSinkDesk(sinks, (error) => report({ level: 'error', message: 'the sinks rest', error }));
  const cluster = await startCluster<Registry>({
    ...{ config, roles, policy, startModel, prices, drawSeed, clock, onFinding, report },
    findings: {
      add: (finding) => {
        triage.add(finding);
        connectors.finding(finding);
      },
    },
    followsFindings: connectors.wantsFindings,
    adapters: createKafkaAdapters(config, kafka),
    scratch: scratch.path,
    observer: {
      ...observer,
      assigned: (partitions) => {
        observer.assigned(partitions);
        desk.assigned(partitions);
        sinkDesk.assigned(partitions);
      },
    },
    onRegistryChange: (change) => {
      feed.take(change);
      operations.note(change);
      triage.note(change);
      connectors.note(change);
      sinks.sinks.note(change);
      if (isStarted) onChange(change);
    },
  });
  isStarted = true;
  closers.push(() => cluster.stop());
  desk.open(cluster);
  closers.push(() => desk.close());
  sinkDesk.open(portsOf(cluster));
  closers.push(() => sinkDesk.close());
  return cluster;
}

/** Of all processes the owner of partition 0 delivers and mirrors, from when its registry was followed to the end. */
function createDesk(connectors: Connectors, createMirrorOf: (cluster: Cluster<Registry>) => RegistryMirror) {
  let cluster: Cluster<Registry> | null = null;
  let mirror: RegistryMirror | null = null;
  let isOwner = false;
  const decide = async (): Promise<void> => {
    const isActive = cluster !== null && isOwner;
    await Promise.all([
      connectors.setActive(isActive && cluster !== null ? portsOf(cluster) : null),
      mirror?.setActive(isActive),
    ]);
  };
  return {
    assigned: (partitions: readonly number[]) => {
      isOwner = partitions.includes(0);
      void decide();
    },
    open: (opened: Cluster<Registry>) => {
      cluster = opened;
      mirror = createMirrorOf(opened);
      void decide();
    },
    close: () => {
      cluster = null;
      return decide();
    },
  };
}
