/**
 * Room api/: the HTTP face. It checks who asks, checks what is asked, and hands on; it decides nothing itself. It
 * sees contracts alone: what it needs of the other rooms stands here, and main.ts brings what fulfils it.
 *
 * Promises: every route declares who may use it; every error is a problem detail of the error table; no answer and no
 * log line carries a token or a stack. It may not keep state beyond the rate limits.
 */

import type { Carrier, ConnectorsStatus } from '../connect/status.js';
import type { Finding, Severity } from '../decide/finding.js';
import type { ControlRecord, DatedProfile } from '../engine/record.js';
import type { AgentEvent } from '../event/event.js';
import type { SourceFormat } from '../event/source-format.js';
import type { SourceRecord } from '../event/source-item.js';
import type { RegistryEntry, RegistryFold, RegistryRecord, Verdict } from '../registry/registry.js';
import type { Telemetry } from '../telemetry.js';
import type { TriageBoard } from '../triage/triage.js';
import type { AuditPort } from './audit-contract.js';
import type { Contract, SpendPort } from './budget-port.js';
import type { InsightPort } from './insight-contract.js';

/** Exact capabilities: none implies another, except where a route names several. */
export const ROLES = ['ingest', 'gateway', 'viewer', 'analyst', 'responder', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who may look; who may say what findings mean; who may stop and release; who may change what is so for everybody. */
export const READERS = ['viewer', 'analyst', 'responder', 'admin'] as const satisfies readonly Role[];
export const ANALYSTS = ['analyst', 'responder', 'admin'] as const satisfies readonly Role[];
export const RESPONDERS = ['responder', 'admin'] as const satisfies readonly Role[];
export const ADMINS = ['admin'] as const satisfies readonly Role[];

/** Who may use a route: one of the roles, any token, or anybody. */
export type Access = readonly Role[] | 'any' | 'open';

/** What a token may speak about; null: no limit of this kind. */
export interface Bindings {
  /** Exact tenant names; '' is the nameless tenant. */
  readonly tenants: readonly string[] | null;
  /** Agent names, or prefixes ending in '*'; a name covers its sub-agents NAME/... */
  readonly agents: readonly string[] | null;
}

export interface Identity {
  /** Token id: safe to log, not the secret. */
  readonly id: string;
  /** 'person:NAME': who holds the token. */
  readonly actor: string;
  readonly roles: readonly Role[];
  readonly bindings: Bindings;
}

/** Takes the whole Authorization header; null where it names no living token. Synchronous, constant time. */
export type Authenticate = (header: string | undefined) => Identity | null;

/** Wall clock, ms since the epoch. */
export type Clock = () => number;

/** One refused line of a call. */
export interface LineRejection {
  /** 1 for the first line of the body. */
  readonly line: number;
  readonly code: string;
  readonly reason: string;
}

export interface IngestAnswer {
  /** Events durable in the log, by this call or before. */
  readonly accepted: number;
  /** Those of them that were durable before, as far as memory reaches: they were not written again. */
  readonly duplicates: number;
  /** All lines refused, also those not listed. */
  readonly rejected: number;
  /** The first of them, at most 100. */
  readonly rejections: readonly LineRejection[];
}

export interface RecordAnswer extends IngestAnswer {
  /** Items that are no step of an agent. */
  readonly skipped: number;
}

/** An event, and the line of JSON that it was decoded from or that says the same. */
export interface EventLine {
  readonly line: string;
  readonly event: AgentEvent;
}

/** The way of every event into the log: what was written lately is dropped, the rest becomes durable. */
export interface IntakePort {
  /** Rejects with the log's error: some of it may be durable then, and repeating all of it is safe. */
  accept(
    items: readonly EventLine[],
    sender: { bound(event: AgentEvent): boolean },
  ): Promise<{ readonly written: number; readonly duplicates: number }>;
}

export interface Ingest {
  /**
   * Takes the lines of one call. Resolves once every accepted event is durable. Rejects with a KilldeerError where the
   * call as a whole failed: 'api.too-large', 'api.invalid' (no line at all), 'api.behind', or an error of the log;
   * then some events may be kept all the same, and sending all again is safe, because a repeated id is scored once.
   */
  accept(body: Uint8Array, identity: Identity): Promise<IngestAnswer>;
  /**
   * The same for one record of a format that is not ours; `line` then counts the record's items. A record without any
   * item is fine: nothing is refused.
   */
  acceptRecord(format: SourceFormat, record: SourceRecord, identity: Identity): Promise<RecordAnswer>;
}

/** The registry as the API needs it: reads from memory, writes durable before they resolve. */
export interface RegistryPort
  extends Pick<
    RegistryFold,
    | 'entry'
    | 'decide'
    | 'brakes'
    | 'recommendations'
    | 'mode'
    | 'verdicts'
    | 'approvals'
    | 'denials'
    | 'policy'
    | 'ladder'
    | 'drills'
    | 'leavers'
    | 'foreseeSponsor'
    | 'halts'
    | 'effects'
  > {
  write(record: RegistryRecord): Promise<Verdict>;
  /** In a lasting order; new ones may come in between, none ever goes. */
  entries(): Iterable<RegistryEntry>;
}

export interface FindingsFilter {
  readonly tenant?: string | undefined;
  /** The acting agent or the root of its tree. */
  readonly agent?: string | undefined;
  readonly kind?: string | undefined;
  /** This severity or worse. */
  readonly severity?: Severity | undefined;
  /** What the asker may see. */
  readonly visible?: ((finding: Finding) => boolean) | undefined;
}

export interface FindingsPage {
  /** Newest first. */
  readonly findings: readonly Finding[];
  /** Where to read on; null at the end. */
  readonly cursor: number | null;
}

/** Recent findings, the last line of each. */
export interface FindingsPort {
  list(filter: FindingsFilter, limit: number, cursor: number | null): FindingsPage;
  get(id: string): Finding | null;
}

export interface Health {
  readonly ok: boolean;
  /** A few words, no detail that a stranger may not see. */
  readonly reason: string | null;
}

export interface StatusPort {
  /** The process works; false: restart it. */
  health(): Health;
  /** It can take traffic now. */
  ready(): Health;
  /** An agent could be stopped now, as far as this process knows. */
  stop(): Health;
  /** Plain JSON for people with a token. */
  stats(): Readonly<Record<string, unknown>>;
}

/** What is told of the process in numbers, and the token that reads them besides those of people. */
export interface MetricsParts {
  readonly telemetry: Telemetry;
  /** null: there is none. */
  readonly token: string | null;
}

/** How long the registry was not in reach, and what follows. */
export interface Staleness {
  ms(): number;
  /** More than this is stale. */
  readonly afterMs: number;
  /** Agents that were not stopped are refused then; else they are allowed, and the answer says that it is stale. */
  readonly deny: boolean;
  /** Likewise for single contracts; one left out goes by `deny`. */
  readonly contracts?: Partial<Record<Contract, boolean>>;
}

/** Control records go into the partition of their agent; resolves once durable. */
export interface ControlPort {
  write(record: ControlRecord): Promise<void>;
}

/** How the connectors are; left out: there are none here. */
export interface ConnectorsPort {
  status(): ConnectorsStatus;
  /** Places that have to carry a suspension of the agent. */
  carriers(tenant: string, agent: string): readonly Carrier[];
}

/** The events behind findings. */
export interface EvidencePort {
  /** null: it rests on a tick, or its event is no longer kept. */
  event(finding: Finding): Promise<AgentEvent | null>;
  /** All of its events that are kept, at most 100. */
  events?(finding: Finding): Promise<AgentEvent[]>;
}

/** What agents were, by date. */
export interface DatedPort {
  /** From the newest dated snapshot at or before `atMs`; null: there is none, or it did not know the agent. */
  profile(tenant: string, agent: string, atMs: number): Promise<DatedProfile | null>;
}

export interface TokenRequest {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly bindings: Bindings;
}

/** A token without its secret. */
export interface TokenEntry extends Identity {
  readonly createdMs: number;
}

export interface TokensPort {
  /** `token` is shown this once. */
  create(request: TokenRequest): Promise<{ readonly entry: TokenEntry; readonly token: string }>;
  list(): readonly TokenEntry[];
  /** False where there is no such token. */
  revoke(id: string): Promise<boolean>;
}

/** Calls a minute per token, by kind of route. */
export interface RateLimits {
  readonly ingest: number;
  readonly gateway: number;
  readonly control: number;
  /** Failed authentications a minute per client address. */
  readonly failures: number;
}

export const RATE_LIMITS: RateLimits = { ingest: 6_000, gateway: 3_000_000, control: 600, failures: 300 };

export interface ServerParts {
  readonly authenticate: Authenticate;
  readonly ingest: Ingest;
  readonly registry: RegistryPort;
  readonly findings: FindingsPort;
  /** Left out: findings are not followed here. */
  readonly triage?: TriageBoard;
  readonly status: StatusPort;
  readonly control: ControlPort;
  readonly tokens: TokensPort;
  readonly evidence: EvidencePort;
  /** Behind reports and access reviews. */
  readonly audit: AuditPort;
  /** null: no dated snapshots are kept. */
  readonly dated: DatedPort | null;
  /** Without it nothing is measured, and there is no /metrics. */
  readonly metrics?: MetricsParts;
  /** Left out: the registry is in this process, and never stale. */
  readonly staleness?: Staleness;
  /** The ledger of budgets; left out: budgets are not held at the inline decision. */
  readonly spend?: SpendPort;
  readonly connectors?: ConnectorsPort;
  /** Past and inside of agents; left out: none can be shown. */
  readonly insight?: InsightPort;
  readonly clock: Clock;
  /** In the OpenAPI document. */
  readonly version: string;
  readonly limits?: Partial<RateLimits>;
  /** Where log lines go; without it the server logs nothing. */
  readonly logStream?: { write(line: string): void };
}
