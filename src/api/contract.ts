/**
 * Room api/: the HTTP face. It checks who asks, checks what is asked, and hands on; it decides nothing itself. It
 * sees contracts alone: what it needs of the other rooms stands here, and main.ts brings what fulfils it.
 *
 * Promises: every route declares who may use it; every error is a problem detail of the error table; no answer and no
 * log line carries a token or a stack. It may not keep state beyond the rate limits, the sessions of people, and the
 * answers that idempotency keys stand for.
 */

import type { Carrier, ConnectorsStatus } from '../connect/status.js';
import type { Finding } from '../decide/finding.js';
import type { ControlRecord, DatedProfile } from '../engine/record.js';
import type { AgentEvent } from '../event/event.js';
import type { SourceFormat } from '../event/source-format.js';
import type { SourceRecord } from '../event/source-item.js';
import type { RegistryEntry, RegistryFold, RegistryRecord, Verdict } from '../registry/registry.js';
import type { Telemetry } from '../telemetry.js';
import type { TriageBoard } from '../triage/triage.js';
import type { AuditPort } from './audit-contract.js';
import type { Contract, SpendPort } from './budget-port.js';
import type { ConsoleFiles } from './console-files.js';
import type { Bindings, Clock, Identity, Role } from './identity.js';
import type { InsightPort } from './insight-contract.js';
import type { LoginCodes } from './login-codes.js';
import type { OidcPort } from './oidc.js';
import type { OperationsPort } from './operations-contract.js';
import type { SinksPort } from './sink-port.js';
import type { Site } from './site.js';

export type { Bindings, Clock, Identity, Role } from './identity.js';
export { ROLES } from './identity.js';

/** Who may look; who may say what findings mean; who may stop and release; who may change what is so for everybody. */
export const READERS = ['viewer', 'analyst', 'responder', 'admin'] as const satisfies readonly Role[];
export const ANALYSTS = ['analyst', 'responder', 'admin'] as const satisfies readonly Role[];
export const RESPONDERS = ['responder', 'admin'] as const satisfies readonly Role[];
export const ADMINS = ['admin'] as const satisfies readonly Role[];

/** Who may use a route: one of the roles, any token, or anybody. */
export type Access = readonly Role[] | 'any' | 'open';

/** Takes the whole Authorization header; null where it names no living token. Synchronous, constant time. */
export type Authenticate = (header: string | undefined) => Identity | null;

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
    | 'suppressions'
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
  /** How long it lives, ms; null: until it is revoked. */
  readonly forMs: number | null;
}

/** A token without its secret. */
export interface TokenEntry extends Identity {
  readonly createdMs: number;
  /** null: it lasts until it is revoked. */
  readonly expiresMs: number | null;
  /** Down to the minute; null: never, as far as is known. */
  readonly usedMs: number | null;
}

export interface TokensPort {
  /** `token` is shown this once. */
  create(request: TokenRequest): Promise<{ readonly entry: TokenEntry; readonly token: string }>;
  list(): readonly TokenEntry[];
  /** False where there is no such token. */
  revoke(id: string): Promise<boolean>;
  /** Whether the token opens anything now; sessions made from it end with it. */
  isLiving(id: string): boolean;
}

/** Calls a minute per token, by kind of route; `control` is the configuration's to change. */
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
  /** Findings, what people did with them, and the cases that they make. */
  readonly triage: TriageBoard;
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
  /** What operators look at and change; left out: not here. */
  readonly operations?: OperationsPort;
  readonly sinks?: SinksPort;
  /** Past and inside of agents; left out: none can be shown. */
  readonly insight?: InsightPort;
  readonly clock: Clock;
  /** What sessions, logins, idempotency keys and limits of calls go by, where `clock` is a recording's. */
  readonly wall?: Clock;
  /** Codes made elsewhere in the process; left out: only its own. */
  readonly logins?: LoginCodes;
  /** The identity provider of people; left out: there is none. */
  readonly oidc?: OidcPort;
  /** How browsers meet it; left out: on this machine, without TLS. */
  readonly site?: Site;
  /** The built pages; left out or null: there are none. */
  readonly console?: ConsoleFiles | null;
  /** In the OpenAPI document. */
  readonly version: string;
  readonly limits?: Partial<RateLimits>;
  /** Where log lines go; without it the server logs nothing. */
  readonly logStream?: { write(line: string): void };
}
