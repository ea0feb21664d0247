/** The HTTP face of a process: its tokens, its API on the port configured, and the note that says how to reach it. */

import { CONTRACTS } from '../api/budget-port.js';
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
import { stoppable } from '../api/stoppable.js';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { Intake } from '../pipeline/intake.js';
import type { Registry } from '../registry/journal.js';
import { openTokens } from '../registry/tokens.js';
import type { Telemetry } from '../telemetry.js';
import { createAudit } from './audit.js';
import { handOutTokens, hashesPath, removeServerNote, writeServerNote } from './data-directory.js';
import { observeIngest } from './ingest-observer.js';
import type { OpenedInsight } from './insight.js';
import type { Setup } from './setup.js';
import { packageVersion } from './shipped.js';
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
  readonly findings: ServerParts['findings'];
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
  close(): Promise<void>;
}

export async function openFace(options: FaceOptions, side: Side): Promise<Face> {
  const { setup, dir, port } = options;
  const { isFirstStart, tokens } = await openAccess(dir);
  const app = buildServer(partsOf(options, side, tokens));
  try {
    const address = await listenOn(app, setup.config, port);
    await writeServerNote(dir, { address, pid: process.pid });
    const close = async (): Promise<void> => {
      await removeServerNote(dir);
      await app.close();
      await side.insight?.close();
    };
    return { address, isFirstStart, close };
  } catch (error) {
    await app.close();
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

type Tokens = ServerParts['tokens'] & Pick<ServerParts, 'authenticate'>;

async function openAccess(dir: string): Promise<{ isFirstStart: boolean; tokens: Tokens }> {
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

function partsOf(options: FaceOptions, side: Side, tokens: Tokens): ServerParts & FeedParts {
  const { setup, findings, telemetry, metricsToken, logStream } = options;
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
    authenticate: (header) => tokens.authenticate(header),
    ingest,
    registry: registryPortOf(registry),
    findings,
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
    tokens,
    evidence: side.evidence,
    audit: createAudit(setup.config, options.dir),
    dated: side.dated,
    ...(side.connectors === undefined ? {} : { connectors: side.connectors }),
    ...(side.insight === undefined ? {} : { insight: side.insight.port }),
    metrics: { telemetry, token: metricsToken },
    staleness: { ms: () => side.staleMs(), afterMs: decide.stale_after, ...stalenessOf(decide) },
    ...(side.spend === null ? {} : { spend: side.spend.port }),
    feed: side.feed,
    clock,
    version,
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
    drills: () => view.drills(),
    approvals: () => view.approvals(),
    denials: () => view.denials(),
    policy: () => view.policy(),
    ladder: () => view.ladder(),
  };
}
