/** A server with everything behind it faked in memory: what the tests of the API look at and talk to. */

import { generateKeyPairSync } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { Identity, Role, ServerParts, TokenEntry } from '../../src/api/contract.js';
import { createIngest, type IngestParts } from '../../src/api/ingest.js';
import { RegistryFeed } from '../../src/api/registry-feed.js';
import type { FeedParts } from '../../src/api/route-stream.js';
import { buildServer } from '../../src/api/server.js';
import { parseConfig } from '../../src/config.js';
import { signingKeyOf } from '../../src/custody/signing-key.js';
import type { Finding } from '../../src/decide/finding.js';
import type { ControlRecord, DatedProfile, VerdictRecord } from '../../src/engine/record.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import type { Log } from '../../src/log/log.js';
import { createIntake } from '../../src/pipeline/intake.js';
import type {
  Approval,
  RegistryEntry,
  RegistryRecord,
  SuppressionState,
  Verdict,
} from '../../src/registry/registry.js';
import { createTelemetry } from '../../src/telemetry.js';
import { createBoard } from '../../src/triage/board.js';
import { boardOptions } from '../../src/triage/section.js';
import type { TriageBoard } from '../../src/triage/triage.js';
import { entryOf } from '../registry/entries.js';

export const NOW_MS = Date.UTC(2025, 5, 2, 12);
export const PARTITIONS = 4;
export const METRICS_TOKEN = 'of-the-scraper';

/** Tokens are their own names; each has one role, some have bindings. */
export const IDENTITIES: Readonly<Record<string, Identity>> = {
  ingest: identity('ingest', ['ingest']),
  gateway: identity('gateway', ['gateway']),
  viewer: identity('viewer', ['viewer']),
  analyst: identity('analyst', ['analyst']),
  responder: identity('responder', ['responder']),
  admin: identity('admin', ['admin']),
  'bound-ingest': identity('bound-ingest', ['ingest'], ['acme'], ['clerk', 'bot-*']),
  'bound-gateway': identity('bound-gateway', ['gateway'], ['acme']),
  'bound-viewer': identity('bound-viewer', ['viewer'], ['acme']),
  'bound-analyst': identity('bound-analyst', ['analyst'], ['acme']),
  'bound-responder': identity('bound-responder', ['responder'], ['acme']),
  'bound-admin': identity('bound-admin', ['admin'], ['acme']),
};

function identity(
  id: string,
  roles: readonly Role[],
  tenants: readonly string[] | null = null,
  agents: readonly string[] | null = null,
): Identity {
  return { id, actor: `person:${id}`, roles, bindings: { tenants, agents } };
}

export interface World {
  readonly app: FastifyInstance;
  /** Records of `log:events` by partition. */
  readonly events: string[][];
  readonly records: RegistryRecord[];
  readonly controls: ControlRecord[];
  readonly entries: Map<string, RegistryEntry>;
  /** In force, as the fake registry has it. */
  readonly verdicts: VerdictRecord[];
  /** What the API shows of findings; a test adds to it. */
  readonly findings: TriageBoard;
  readonly logLines: string[];
  /** What the fakes answer; a test sets it. */
  readonly mood: Mood;
  call(token: string | null, options: InjectOptions): Promise<InjectAnswer>;
}

export type InjectAnswer = LightMyRequestResponse;

export interface Mood {
  nowMs: number;
  behind: number;
  appendError: Error | null;
  /** Appends wait for it. */
  appendGate: Promise<void> | null;
  verdict: Partial<Verdict>;
  /** The event behind every finding; null: it is kept no more. */
  evidence: AgentEvent | null;
  /** What a dated snapshot holds of every agent; null: nothing. */
  dated: DatedProfile | null;
  approvals: Approval[];
  suppressions: SuppressionState[];
  ready: boolean;
  statsError: Error | null;
}

export interface WorldOptions {
  readonly limits?: ServerParts['limits'];
  readonly logs?: boolean;
  readonly ingest?: Partial<IngestParts>;
  /** No dated snapshots are kept. */
  readonly undated?: boolean;
  /** A real registry in the place of the fake. */
  readonly registry?: ServerParts['registry'];
  /** What history and the key are; left out: history is off, the key is drawn. */
  readonly audit?: ServerParts['audit'];
  /** Further parts, or others. */
  readonly parts?: Partial<ServerParts & FeedParts>;
  readonly connectors?: ServerParts['connectors'];
}

export function createWorld(options: WorldOptions = {}): World {
  const mood: Mood = {
    nowMs: NOW_MS,
    behind: 0,
    appendError: null,
    appendGate: null,
    verdict: {},
    evidence: null,
    dated: null,
    approvals: [],
    suppressions: [],
    ready: true,
    statsError: null,
  };
  const events: string[][] = Array.from({ length: PARTITIONS }, () => []);
  const records: RegistryRecord[] = [];
  const controls: ControlRecord[] = [];
  const entries = new Map<string, RegistryEntry>();
  const verdicts: VerdictRecord[] = [];
  const findings = createBoard(boardOptions(parseConfig({}, 'the test').triage));
  const logLines: string[] = [];
  const clock = () => mood.nowMs;
  const ingest = createIngest({
    intake: createIntake({
      log: fakeLog(events, mood),
      clock,
      ...{ dedupeMs: 600_000, idsMax: 10_000, seed: 1, edges: false },
    }),
    prices: createPriceTable([]),
    clock,
    behind: () => mood.behind,
    behindMax: 1000,
    ...options.ingest,
  });
  const app = buildServer({
    authenticate: (header) => (header?.startsWith('Bearer ') ? (IDENTITIES[header.slice(7)] ?? null) : null),
    ingest,
    ...(options.connectors === undefined ? {} : { connectors: options.connectors }),
    registry: options.registry ?? fakeRegistry(records, entries, verdicts, mood),
    triage: findings,
    status: {
      health: () => ({ ok: true, reason: null }),
      ready: () => ({ ok: mood.ready, reason: mood.ready ? null : 'starting' }),
      stop: () => ({ ok: mood.ready, reason: mood.ready ? null : 'not ready: starting' }),
      stats: () => {
        if (mood.statsError !== null) throw mood.statsError;
        return { events: 7 };
      },
    },
    control: {
      write: async (record) => {
        controls.push(record);
      },
    },
    tokens: fakeTokens(),
    evidence: { event: async () => mood.evidence },
    audit: options.audit ?? fakeAudit(),
    dated: options.undated === true ? null : { profile: async () => mood.dated },
    metrics: { telemetry: createTelemetry(), token: METRICS_TOKEN },
    clock,
    version: '0.0.0-test',
    feed: new RegistryFeed(),
    limits: { ingest: 1e6, gateway: 1e6, control: 1e6, failures: 1e6, ...options.limits },
    ...(options.logs === true ? { logStream: { write: (line: string) => void logLines.push(line) } } : {}),
    ...options.parts,
  });
  const call = (token: string | null, request: InjectOptions) =>
    app.inject({
      ...request,
      headers: { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    });
  return { app, events, records, controls, entries, verdicts, findings, logLines, mood, call };
}

function fakeLog(events: string[][], mood: Mood): Pick<Log, 'partitions' | 'append'> {
  return {
    partitions: () => PARTITIONS,
    async append(_topic, partition, values) {
      if (mood.appendGate !== null) await mood.appendGate;
      if (mood.appendError !== null) throw mood.appendError;
      const of = events[partition] as string[];
      of.push(...values);
      return of.length - values.length;
    },
  };
}

function fakeRegistry(
  records: RegistryRecord[],
  entries: Map<string, RegistryEntry>,
  verdicts: readonly VerdictRecord[],
  mood: Mood,
): ServerParts['registry'] {
  const entryOf = (tenant: string, agent: string) => entries.get(`${tenant}|${agent}`) ?? null;
  const brakes = { stopsMax: 5, intervalMs: 3_600_000, cooldownMs: 3_600_000 };
  return {
    async write(record) {
      records.push(record);
      const entry = 'agent' in record ? entryOf(record.tenant, record.agent) : null;
      return { effect: 'applied', reason: null, code: null, entry, expired: [], ...mood.verdict };
    },
    entry: entryOf,
    entries: () => entries.values(),
    decide(tenant, agent) {
      const status = entryOf(tenant, agent)?.status ?? 'unknown';
      const retryAfterMs = status === 'throttled' ? 1500 : null;
      const allow = status === 'active' || status === 'unknown';
      return { allow, status, reason: `it is ${status}`, retryAfterMs, denial: allow ? null : 'stopped' };
    },
    drills: () => records.flatMap((record) => (record.type === 'drill' ? [record.drill] : [])),
    brakes: () => ({ brakes, left: 5, open: false, skipped: [], openings: [] }),
    halts: () => [],
    effects: () => [],
    recommendations: () => [],
    mode: () => 'observe',
    leavers: () => new Map(),
    foreseeSponsor: () => ({ effect: 'duplicate', reason: null, steps: [] }),
    verdicts: () => verdicts,
    suppressions: () => mood.suppressions,
    approvals: () => mood.approvals,
    denials: () => [],
    policy: () => null,
    ladder: () => null,
  };
}

/** A real key, and no history. */
export function fakeAudit(): ServerParts['audit'] {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const { jwk, ...key } = signingKeyOf(String(pem), 'the key of the test');
  return {
    usage: async () => ({ usageOf: null, findingsOf: null, note: 'history is off' }),
    key: async () => ({ ...key, jwk: { ...jwk } }),
  };
}

function fakeTokens(): ServerParts['tokens'] {
  const made: TokenEntry[] = [];
  return {
    isLiving: (id) => id in IDENTITIES || made.some((entry) => entry.id === id),
    async create({ name, roles, bindings, forMs }) {
      const id = `t${made.length + 1}`;
      const expiresMs = forMs === null ? null : NOW_MS + forMs;
      const entry = { id, actor: `person:${name}`, roles, bindings, createdMs: NOW_MS, expiresMs, usedMs: null };
      made.push(entry);
      return { entry, token: 'the-secret' };
    },
    list: () => made,
    async revoke(id) {
      const place = made.findIndex((entry) => entry.id === id);
      if (place < 0) return false;
      made.splice(place, 1);
      return true;
    },
  };
}

export function addAgent(world: World, agent: string, over: Partial<RegistryEntry> = {}): RegistryEntry {
  const entry = entryOf(agent, {
    ...{ owner: 'ops', role: 'clerk', budgets: { sessionUsd: null, dayUsd: 10 } },
    ...{ firstSeenMs: NOW_MS - 1000, lastChangeMs: NOW_MS - 1000 },
    ...over,
  });
  world.entries.set(`${entry.tenant}|${agent}`, entry);
  return entry;
}

export function finding(id: string, over: Partial<Finding> = {}): Finding {
  return {
    id,
    time: '2025-06-02T11:00:00.000Z',
    tenant: '',
    agent: 'clerk',
    root: 'clerk',
    session: null,
    severity: 'high',
    kind: 'retry-loop',
    title: 'clerk repeats a failing call',
    p: 1e-6,
    risk: 80,
    attribution: [{ detector: 'loop', feature: 'failed calls a minute', observed: 120, expected: 1, share: 1 }],
    evidence: [{ offset: 12, event: 'e1' }],
    model: 'm1',
    config: 'c1',
    status: 'open',
    bound: true,
    proposal: null,
    ...over,
  };
}

export function eventLine(over: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: 'e1',
    time: '2025-06-02T11:59:00.000Z',
    agent: 'clerk',
    operation: 'chat',
    endpoint: 'model-1',
    ...over,
  });
}
