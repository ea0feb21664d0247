/** A live system in this process: the live side, its tokens, and the API before it. Used by `run` and by `demo`. */

import { metricsToken, startOpsServer } from '../api/ops-server.js';
import { RegistryFeed } from '../api/registry-feed.js';
import type { Connectors } from '../connect/connectors.js';
import type { Finding } from '../decide/finding.js';
import { openFileLog } from '../log/file-log.js';
import { lockDirectory } from '../log/lock.js';
import { datedProfile } from '../pipeline/dated-snapshots.js';
import { type Live, startLive } from '../pipeline/live.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { openRegistry, type Registry, type RegistryChange } from '../registry/journal.js';
import { createTelemetry, type Telemetry } from '../telemetry.js';
import { createBoard } from '../triage/board.js';
import { boardOptions } from '../triage/section.js';
import type { TriageBoard } from '../triage/triage.js';
import { observeChange } from './cluster-observer.js';
import { openDelivery, portsOf } from './delivery.js';
import { type Face, openFace } from './face.js';
import { openFileHistory } from './history-places.js';
import { openInsight } from './insight.js';
import { openIntake } from './intake.js';
import { observeLive } from './live-observer.js';
import { openOperations } from './live-operations.js';
import { Operations } from './operations.js';
import { scheduleDrills } from './scheduled-drills.js';
import type { Setup } from './setup.js';
import { packageVersion } from './shipped.js';
import { openSinkDelivery, type SinkDelivery } from './sink-delivery.js';
import { openSpend } from './spend.js';

export interface ServeOptions {
  readonly setup: Setup;
  /** Data directory; made where needed. */
  readonly dir: string;
  readonly clock: 'wall' | 'recording';
  /** Of the API; 0: any free one. */
  readonly port: number;
  /** New findings, and changes of the registry since the start. */
  readonly onFinding: (finding: Finding) => void;
  readonly onChange: (change: RegistryChange) => void;
  readonly report: (report: LiveReport) => void;
  /** Secret seed for a new data directory; left out: the default, so that findings are those of a replay. */
  readonly drawSeed?: () => number;
  /** Carries the log into the store that the configuration names. */
  readonly history: boolean;
  /** Takes the API's log, a line of JSON each. */
  readonly logStream?: { write(line: string): void };
}

export interface Served {
  readonly live: Live<Registry>;
  readonly address: string;
  /** Whether this start made the first tokens. */
  readonly isFirstStart: boolean;
  /** Of the first start: lets a browser in once. */
  readonly loginUrl: string | null;
  /** Ends in order; calling it again waits for the same end. */
  stop(): Promise<void>;
}

/** Starts everything, or nothing: what was opened before something failed is closed again. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { setup, dir } = options;
  const { config, policy, startModel, prices } = setup;
  const triage = createBoard(boardOptions(config.triage));
  const telemetry = createTelemetry({ version: packageVersion(), basics: true });
  const feed = new RegistryFeed();
  const operations = new Operations(setup);
  const connectors = await openDelivery({ setup, telemetry, clock: options.clock, report: options.report });
  const sinks = openSinkDelivery({ ...options, telemetry, triage });
  let isStarted = false;
  const live = await startLive<Registry>({
    directory: dir,
    config,
    policy,
    startModel,
    prices,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings: {
      add: (finding) => {
        triage.add(finding);
        connectors.finding(finding);
      },
    },
    clock: options.clock,
    report: options.report,
    ...(options.drawSeed === undefined ? {} : { drawSeed: options.drawSeed }),
    onFinding: (finding) => {
      telemetry.count('killdeer_findings_total', { severity: finding.severity, kind: finding.kind });
      options.onFinding(finding);
    },
    onRegistryChange: (change) => {
      feed.take(change);
      operations.note(change);
      triage.note(change);
      connectors.note(change);
      sinks.sinks.note(change);
      if (!isStarted) return;
      observeChange(telemetry, change);
      options.onChange(change);
    },
  });
  isStarted = true;
  const closers: (() => Promise<void> | void)[] = [
    () => live.stop(),
    () => connectors.setActive(null),
    () => sinks.close(),
  ];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    observeLive(telemetry, live);
    await connectors.setActive(portsOf(live));
    await sinks.begin(portsOf(live));
    const face = await openWays(options, live, { triage, feed, operations, telemetry, connectors, sinks }, closers);
    if (options.history) {
      const stopHistory = await openFileHistory({ setup, dir, telemetry, report: options.report });
      closers.push(async () => stopHistory?.());
    }
    const drills = scheduleDrills(live.registry, connectors, config.drill, options.report);
    closers.push(() => drills.stop());
    let stopping: Promise<void> | null = null;
    const stop = (): Promise<void> => {
      stopping ??= closeAll();
      return stopping;
    };
    return { live, address: face.address, isFirstStart: face.isFirstStart, loginUrl: face.loginUrl, stop };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** What follows the logs, and is shown or told from them. */
interface Followers {
  readonly triage: TriageBoard;
  readonly feed: RegistryFeed;
  readonly operations: Operations;
  readonly telemetry: Telemetry;
  readonly connectors: Connectors;
  readonly sinks: SinkDelivery;
}

/** The API, and the server of health and metrics where the configuration names one. */
async function openWays(
  { setup, dir, port, logStream, report, history }: ServeOptions,
  live: Live<Registry>,
  { triage, feed, operations, telemetry, connectors, sinks: { sinks } }: Followers,
  closers: (() => Promise<void> | void)[],
): Promise<Face> {
  const { config } = setup;
  const { log, registry, clock, status, control, evidence } = live;
  const token = metricsToken(config.ops, process.env);
  const talk = logStream === undefined ? {} : { logStream };
  const ledger = { prices: setup.prices, clock, dir, reserveForMs: config.decide.reserve_for, report };
  const spend = await openSpend({ log: live.reader, registry, ...ledger });
  closers.push(() => spend.stop());
  const face = await openFace(
    { ...{ setup, dir, port, triage, telemetry, metricsToken: token }, ...talk },
    {
      intake: openIntake(config, log, true),
      ...{ registry, clock, status, control, evidence, spend, feed },
      dated: { profile: (tenant, agent, atMs) => datedProfile(dir, config.partitions, tenant, agent, atMs) },
      behind: () => live.behind(),
      staleMs: () => 0,
      insight: openInsight({
        ...{ setup, dir, isFileLog: true, history },
        inspect: live.inspect.bind(live),
      }),
      connectors,
      operations: await openOperations(operations, { setup, dir, live, triage, closers }),
      sinks,
    },
  );
  closers.push(() => face.close());
  const ready = () => ({ process: status.ready() });
  const { health } = status;
  const ops = await startOpsServer(config.ops, {
    ...{ health, ready, metrics: { telemetry, token }, clock: Date.now },
    ...talk,
  });
  closers.push(() => ops?.close());
  return face;
}
