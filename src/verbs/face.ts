/** The HTTP face of a process: its tokens, its API on the port configured, and the note that says how to reach it. */

import { CONTRACTS } from '../api/budget-port.js';
import { readConsole } from '../api/console-files.js';
import type {
  ConnectorsPort,
  ControlPort,
  DatedPort,
  EvidencePort,
  RegistryPort,
  ServerParts,
  Staleness,
  StatusPort,
} from '../api/contract.js';
import { createIngest } from '../api/ingest.js';
import type { RegistryFeed } from '../api/registry-feed.js';
import type { FeedParts } from '../api/route-stream.js';
import { buildServer, listen } from '../api/server.js';
import type { SinksPort } from '../api/sink-port.js';
import { stoppable } from '../api/stoppable.js';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { Intake } from '../pipeline/intake.js';
import type { Registry } from '../registry/journal.js';
import type { Telemetry } from '../telemetry.js';
import { type Access, openAccess } from './access.js';
import { createAudit } from './audit.js';
import { removeServerNote, writeServerNote } from './data-directory.js';
import { observeIngest } from './ingest-observer.js';
import type { OpenedInsight } from './insight.js';
import type { Setup } from './setup.js';
import { packageVersion, shippedPath } from './shipped.js';
import type { Spend } from './spend.js';

/** What the face shows: the live side of one machine, or of a process among several. */
export interface Side {
  readonly intake: Intake;
  readonly registry: Registry;
  readonly clock: () => number;
  readonly status: Omit<StatusPort, 'stop'>;
  readonly control: ControlPort;
  readonly evidence: EvidencePort;
  readonly dated: DatedPort | null;
  /** null: budgets are not held here. */
  readonly spend: Spend | null;
  /** Has taken every record of the registry. */
  readonly feed: RegistryFeed;
  behind(): number;
  /** Left out: there are none. */
  readonly connectors?: ConnectorsPort;
  readonly operations?: ServerParts['operations'] & {};
  readonly sinks?: SinksPort;
  readonly insight?: OpenedInsight;
  /** ms since the registry's log was last in reach; 0 where it cannot be out of reach. */
  staleMs(): number;
}

export interface FaceOptions {
  readonly setup: Setup;
  /** Holds the tokens. */
  readonly dir: string;
  /** 0: any free one. */
  readonly port: number;
  readonly triage: ServerParts['triage'];
  readonly telemetry: Telemetry;
  /** Reads /metrics besides the tokens of people; null: there is none. */
  readonly metricsToken: string | null;
  /** Takes the API's log, a line of JSON each. */
  readonly logStream?: { write(line: string): void };
}

export interface Face {
  readonly address: string;
  /** Whether this start made the first tokens. */
  readonly isFirstStart: boolean;
  /** Lets a browser in, once and for ten minutes; null: not a first start. */
  readonly loginUrl: string | null;
  close(): Promise<void>;
}

export async function openFace(options: FaceOptions, side: Side): Promise<Face> {
  const { setup, dir, port } = options;
  const access = await openAccess(setup, dir, options.logStream);
  const app = buildServer(partsOf(options, side, access.parts));
  const unwatch = access.watch(app);
  try {
    const address = urlOf(setup.config, await listenOn(app, setup.config, port));
    await writeServerNote(dir, { address, pid: process.pid });
    const close = async (): Promise<void> => {
      unwatch();
      await removeServerNote(dir);
      await app.close();
      await side.insight?.close();
    };
    return { address, isFirstStart: access.isFirstStart, loginUrl: access.loginUrl(address), close };
  } catch (error) {
    unwatch();
    await app.close();
    throw error;
  }
}

async function listenOn(app: ReturnType<typeof buildServer>, config: Config, port: number): Promise<string> {
  const { host, insecure_remote: isMeant, tls } = config.api;
  try {
    return await listen(app, { host, port, exposed: isMeant || tls !== null });
  } catch (error) {
    if (error instanceof KilldeerError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('config.invalid', `api.host ${host} and api.port ${port}: ${reason}`, error);
  }
}

/** Over TLS by the name that its certificate is for. */
function urlOf({ api }: Config, address: string): string {
  return api.tls === null ? address : (api.public_url ?? address);
}

function partsOf(options: FaceOptions, side: Side, access: Access['parts']): ServerParts & FeedParts {
  const { setup, triage, telemetry, metricsToken, logStream } = options;
  const { intake, registry, clock, status, control } = side;
  const { ingest: limits, decide } = setup.config;
  const { skew_max: skewMaxMs, behind_max: behindMax } = limits;
  const behind = () => side.behind();
  const ingest = createIngest({ intake, prices: setup.prices, clock, skewMaxMs, behind, behindMax });
  telemetry.beforeRead(() => {
    observeIngest(telemetry, ingest.counts, intake.counts);
    telemetry.set('killdeer_breaker_open', {}, registry.view.brakes().open ? 1 : 0);
  });
  const version = packageVersion();
  return {
    ...access,
    ingest,
    registry: registryPortOf(registry),
    triage,
    status: {
      health: () => status.health(),
      ready: () => status.ready(),
      stop: () =>
        stoppable({
          ...{ ready: status.ready(), staleMs: side.staleMs(), staleAfterMs: decide.stale_after, nowMs: clock() },
          ...{ drill: registry.view.drills().at(-1) ?? null, drillEveryMs: setup.config.drill.every },
          ...{ places: side.connectors?.status().places ?? [], countsSpend: side.spend?.isFollowed() ?? true },
        }),
      stats: () => ({ version, mode: registry.view.mode(), ingest: ingest.counts, ...status.stats() }),
    },
    control,
    evidence: side.evidence,
    audit: createAudit(setup.config, options.dir),
    dated: side.dated,
    ...(side.connectors === undefined ? {} : { connectors: side.connectors }),
    ...(side.operations === undefined ? {} : { operations: side.operations }),
    ...(side.sinks === undefined ? {} : { sinks: side.sinks }),
    ...(side.insight === undefined ? {} : { insight: side.insight.port }),
    metrics: { telemetry, token: metricsToken },
    staleness: { ms: () => side.staleMs(), afterMs: decide.stale_after, ...stalenessOf(decide) },
    ...(side.spend === null ? {} : { spend: side.spend.port }),
    feed: side.feed,
    clock,
    limits: { control: setup.config.api.calls_per_minute },
    version,
    console: readConsole(shippedPath('dist/console')),
    ...(logStream === undefined ? {} : { logStream }),
  };
}

/** Which contracts refuse where the registry is out of reach. */
function stalenessOf({ when_stale: all, when_stale_by: by }: Config['decide']): Pick<Staleness, 'deny' | 'contracts'> {
  const named = CONTRACTS.flatMap((contract) => (by[contract] === null ? [] : [[contract, by[contract] === 'deny']]));
  return { deny: all === 'deny', contracts: Object.fromEntries(named) };
}

/** The registry as the API sees it. */
export function registryPortOf(registry: Registry): RegistryPort {
  const { view } = registry;
  return {
    write: (record) => registry.write(record),
    entry: (tenant, agent) => view.entry(tenant, agent),
    entries: () => view.entries(),
    decide: (tenant, agent, nowMs, question) => view.decide(tenant, agent, nowMs, question),
    brakes: () => view.brakes(),
    halts: () => view.halts(),
    effects: (tenant, agent) => view.effects(tenant, agent),
    recommendations: () => view.recommendations(),
    mode: () => view.mode(),
    leavers: () => view.leavers(),
    foreseeSponsor: (owner, state, successor) => view.foreseeSponsor(owner, state, successor),
    verdicts: () => view.verdicts(),
    suppressions: () => view.suppressions(),
    drills: () => view.drills(),
    approvals: () => view.approvals(),
    denials: () => view.denials(),
    policy: () => view.policy(),
    ladder: () => view.ladder(),
  };
}
