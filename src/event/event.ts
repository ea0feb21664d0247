/**
 * Room event/: what an agent did, as one checked value. Pure: no clock, no randomness, no I/O.
 *
 * The wire form is one JSON object a line with snake_case members (docs/events.md); in memory the members are
 * camelCase with the unit last, and everything optional is null, so that the hot path sees one object shape.
 */

/** What kind of step the agent took; the names are OpenTelemetry's GenAI operations where it has one. */
export const OPERATIONS = [
  'chat',
  'execute_tool',
  'invoke_agent',
  'create_agent',
  'embeddings',
  'retrieval',
  'http',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How the step ended; denied: refused by somebody on the way. */
export const STATUSES = ['ok', 'error', 'denied'] as const;
export type Status = (typeof STATUSES)[number];

/** Stands for all agents together in a finding; no agent may have this name. */
export const FLEET = 'fleet';

/** One step of one agent, decoded, checked and priced. */
export interface AgentEvent {
  /** Unique within (tenant, agent); a repeated id is a duplicate and is scored once. */
  readonly id: string;
  /** When it happened, ms since the epoch, integer. */
  readonly timeMs: number;
  readonly agent: string;
  readonly operation: Operation;
  /** Tool, API or model. */
  readonly endpoint: string;
  /** '' where the sender names none. */
  readonly tenant: string;
  /** The delegating agent. */
  readonly parent: string | null;
  readonly session: string | null;
  /** Recipient, host, account or file. */
  readonly target: string | null;
  readonly status: Status | null;
  /** Type of the failure in the words of whoever answered, as '429' or 'ThrottlingException'. */
  readonly errorType: string | null;
  readonly latencyMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** US dollars, as sent, or filled from the price table where only tokens and model are known. */
  readonly costUsd: number | null;
  readonly bytesOut: number | null;
  readonly model: string | null;
  /** Version of the agent. */
  readonly version: string | null;
  /** Hash of the credential used. */
  readonly credential: string | null;
  /** Client address or host. */
  readonly source: string | null;
  readonly environment: string | null;
  readonly scope: string | null;
  readonly task: string | null;
  /** Who asked. */
  readonly initiator: string | null;
  readonly onBehalfOf: readonly string[] | null;
  readonly approval: string | null;
  readonly dataClass: string | null;
  readonly trace: string | null;
  readonly signature: string | null;
}

/** Why a line did not become an event. A value, never an exception. */
export interface Rejection {
  readonly rejected: true;
  /** From the error table (errors.ts), e.g. 'event.bad-json'. */
  readonly code: string;
  /** Names the thing and the value, for a person; never longer than 300 characters. */
  readonly reason: string;
  /** Zero-based line number in its source. */
  readonly position: number;
}

export type Decoded = AgentEvent | Rejection;

/** Tells a rejection from an event. */
export function isRejection(decoded: Decoded): decoded is Rejection {
  return (decoded as Rejection).rejected === true;
}
