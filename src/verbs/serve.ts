/** A live system in this process: the live side, its tokens, and the API before it. Used by `run` and by `demo`. */

import type { RegistryPort, ServerParts } from '../api/contract.js';
import { createIngest } from '../api/ingest.js';
import { createRecentFindings } from '../api/recent-findings.js';
import { buildServer, listen } from '../api/server.js';
import type { Config } from '../config.js';
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import { openFileLog } from '../log/file-log.js';
import { lockDirectory } from '../log/lock.js';
import { type Live, startLive } from '../pipeline/live.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { openRegistry, type Registry, type RegistryChange } from '../registry/journal.js';
import { openTokens } from '../registry/tokens.js';
import { handOutTokens, hashesPath, removeServerNote, writeServerNote } from './data-directory.js';
import type { Setup } from './setup.js';
import { packageVersion } from './shipped.js';

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
  /** Takes the API's log, a line of JSON each. */
  readonly logStream?: { write(line: string): void };
}

export interface Served {
  readonly live: Live<Registry>;
  readonly address: string;
  /** Whether this start made the first tokens. */
  readonly isFirstStart: boolean;
  /** Ends in order; calling it again waits for the same end. */
  stop(): Promise<void>;
}

/** Starts everything, or nothing: what was opened before something failed is closed again. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { setup, dir } = options;
  const { config, policy, startModel, prices } = setup;
  const findings = createRecentFindings();
  let isStarted = false;
  const live = await startLive<Registry>({
    directory: dir,
    config,
    policy,
    startModel,
    prices,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings,
    clock: options.clock,
    report: options.report,
    ...(options.drawSeed === undefined ? {} : { drawSeed: options.drawSeed }),
    onFinding: options.onFinding,
    onRegistryChange: (change) => {
      if (isStarted) options.onChange(change);
    },
  });
  isStarted = true;
  try {
    const { isFirstStart, tokens } = await openAccess(dir);
    const app = buildServer(partsOf(options, live, findings, tokens));
    try {
      const address = await listenOn(app, config, options.port);
      await writeServerNote(dir, { address, pid: process.pid });
      let stopping: Promise<void> | null = null;
      const stop = async (): Promise<void> => {
        await removeServerNote(dir);
        await app.close();
        await live.stop();
      };
      return {
        live,
        address,
        isFirstStart,
        stop: () => {
          stopping ??= stop();
          return stopping;
        },
      };
    } catch (error) {
      await app.close();
      throw error;
    }
  } catch (error) {
    await live.stop();
    throw error;
  }
}

async function listenOn(app: ReturnType<typeof buildServer>, config: Config, port: number): Promise<string> {
  const { host, insecure_remote: exposed } = config.api;
  try {
    return await listen(app, { host, port, exposed });
  } catch (error) {
    if (error instanceof KilldeerError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('config.invalid', `api.host ${host} and api.port ${port}: ${reason}`, error);
  }
}

async function openAccess(dir: string): Promise<{ isFirstStart: boolean; tokens: ServerParts['tokens'] & TokenCheck }> {
  let isFirstStart = false;
  const tokens = await openTokens({
    path: hashesPath(dir),
    clock: Date.now,
    handOut: async (made) => {
      isFirstStart = true;
      await handOutTokens(dir, made);
    },
  });
  return { isFirstStart, tokens };
}

interface TokenCheck {
  authenticate: ServerParts['authenticate'];
}

function partsOf(
  { setup, logStream }: ServeOptions,
  live: Live<Registry>,
  findings: ServerParts['findings'],
  tokens: ServerParts['tokens'] & TokenCheck,
): ServerParts {
  const { registry, clock } = live;
  const { view } = registry;
  const { skew_max: skewMaxMs, behind_max: behindMax } = setup.config.ingest;
  const behind = () => live.behind();
  const ingest = createIngest({ log: live.log, prices: setup.prices, clock, skewMaxMs, behind, behindMax });
  const version = packageVersion();
  return {
    authenticate: (header) => tokens.authenticate(header),
    ingest,
    registry: registryPortOf(registry),
    findings,
    status: {
      health: () => live.status.health(),
      ready: () => live.status.ready(),
      stats: () => ({ version, mode: view.mode(), ingest: ingest.counts, ...live.status.stats() }),
    },
    control: live.control,
    tokens,
    clock,
    version,
    ...(logStream === undefined ? {} : { logStream }),
  };
}

/** The registry as the API sees it. */
export function registryPortOf(registry: Registry): RegistryPort {
  const { view } = registry;
  return {
    write: (record) => registry.write(record),
    entry: (tenant, agent) => view.entry(tenant, agent),
    entries: () => view.entries(),
    decide: (tenant, agent, nowMs) => view.decide(tenant, agent, nowMs),
    brakes: () => view.brakes(),
    recommendations: () => view.recommendations(),
    mode: () => view.mode(),
  };
}
