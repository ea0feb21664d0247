/**
 * Room simulate/: seeded fleets with labelled attacks and failures. Pure: the same options give the same bytes, on
 * every machine. It may not read the clock, draw unseeded numbers or keep events: a simulation streams, and its
 * memory grows with the agents and the sessions that are open at once, never with the events made.
 *
 * This file: the event that is being made, and its wire form.
 */
import type { Operation, Status } from '../event/event.js';

/** One event as it goes over the wire: the members of docs/events.md that a simulation fills. */
export interface SimulatedEvent {
  readonly id: string;
  /** ISO 8601 UTC, ms. */
  readonly time: string;
  readonly agent: string;
  readonly parent: string | null;
  readonly session: string;
  readonly operation: Operation;
  readonly endpoint: string;
  readonly target: string | null;
  readonly status: Status;
  readonly latency_ms: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost_usd: number | null;
  readonly bytes_out: number | null;
  readonly model: string | null;
  readonly version: string;
  readonly credential: string;
  readonly source: string;
}

/** An event before it has its place, and so its id, in the recording. */
export interface Draft {
  readonly timeMs: number;
  readonly agent: string;
  readonly parent: string | null;
  readonly session: string;
  readonly operation: Operation;
  readonly endpoint: string;
  readonly target: string | null;
  readonly status: Status;
  readonly latencyMs: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costUsd: number | null;
  readonly bytesOut: number | null;
  readonly model: string | null;
  readonly version: string;
  readonly credential: string;
  readonly source: string;
  /** Part of an injection: makes labels, never written. */
  readonly injected: boolean;
}

/** The wire form; members in the order in which they are written. */
export function toWire(draft: Draft, id: string): SimulatedEvent {
  return {
    id,
    time: isoTime(draft.timeMs),
    agent: draft.agent,
    parent: draft.parent,
    session: draft.session,
    operation: draft.operation,
    endpoint: draft.endpoint,
    target: draft.target,
    status: draft.status,
    latency_ms: draft.latencyMs,
    input_tokens: draft.inputTokens,
    output_tokens: draft.outputTokens,
    cost_usd: draft.costUsd,
    bytes_out: draft.bytesOut,
    model: draft.model,
    version: draft.version,
    credential: draft.credential,
    source: draft.source,
  };
}

/** ISO 8601 UTC with ms. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** One second in ms. */
export const SECOND_MS = 1000;
/** One minute in ms. */
export const MINUTE_MS = 60_000;
/** One hour in ms. */
export const HOUR_MS = 3_600_000;
/** One day in ms. */
export const DAY_MS = 86_400_000;
