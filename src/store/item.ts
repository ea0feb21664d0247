/**
 * From a record of the log to what the tables take of it. Pure but for the fold that a place may bring. A record that
 * gives no row (a tick) is null; one that should and cannot is a reason, never an exception.
 */
import type { Finding } from '../decide/finding.js';
import type { EngineRecord } from '../engine/record.js';
import type { AgentEvent, Rejection } from '../event/event.js';
import type { LogRecord } from '../log/log.js';
import type { RegistryFold, RegistryRecord, Verdict } from '../registry/registry.js';

/** A record that belongs into the tables. */
export interface Item<T = unknown> {
  readonly offset: number;
  readonly value: T;
}

/** Why a record cannot. */
export interface Malformed {
  readonly malformed: string;
}

export interface StoredEvent {
  readonly event: AgentEvent;
  /** Root of its delegation tree. */
  readonly root: string;
  readonly bound: boolean;
}

export interface StoredFinding {
  readonly finding: Finding;
  readonly json: string;
}

export interface StoredDecision {
  readonly record: RegistryRecord;
  /** null where nobody folds. */
  readonly verdict: Verdict | null;
  readonly json: string;
}

export interface StoredDeadLetter {
  readonly code: string;
  readonly reason: string;
  readonly offset: number;
  readonly line: string;
}

export type Read<T> = (record: LogRecord) => T | Malformed | null;

export function isMalformed(value: object): value is Malformed {
  return 'malformed' in value;
}

/** `decode` and `rootOf` are the pipeline's and the engine's own: the store sees an event as they do. */
export function eventReader(
  decode: (line: string, offset: number) => EngineRecord | Rejection,
  rootOf: (agent: string, parent: string | null) => string,
): Read<StoredEvent> {
  return ({ offset, value }) => {
    const record = decode(value, offset);
    if ('rejected' in record) return { malformed: `${record.code}: ${record.reason}` };
    if (record.type !== 'event') return null;
    const { event, bound } = record;
    return { event, bound, root: rootOf(event.agent, event.parent) };
  };
}

export const readFinding: Read<StoredFinding> = ({ value }) => {
  const finding = parse(value);
  const texts = ['id', 'time', 'agent', 'root', 'severity', 'kind', 'title'];
  const numbers = ['p', 'risk'];
  const wrong = texts.find((name) => typeof finding?.[name] !== 'string') ?? notFinite(finding, numbers);
  if (finding === null || wrong !== undefined) return { malformed: `finding without ${wrong ?? 'members'}` };
  if (Number.isNaN(Date.parse(finding['time'] as string))) return { malformed: 'finding without a time' };
  return { finding: finding as unknown as Finding, json: value };
};

export const readDeadLetter: Read<StoredDeadLetter> = ({ value }) => {
  const letter = parse(value);
  if (letter === null) return { malformed: 'dead letter that is not a JSON object' };
  const { code, reason, offset, line } = letter;
  return { code: text(code), reason: text(reason), offset: whole(offset), line: text(line) };
};

/** With a fold, which must be fed from the log's first record, the verdict of each record comes along. */
export function decisionReader(fold: Pick<RegistryFold, 'apply'> | null): Read<StoredDecision> {
  return ({ value }) => {
    const record = parse(value);
    if (record === null || typeof record['type'] !== 'string' || !isTime(record['timeMs'])) {
      return { malformed: 'registry record without type or timeMs' };
    }
    const known = record as unknown as RegistryRecord;
    try {
      return { record: known, verdict: fold === null ? null : fold.apply(known), json: value };
    } catch (error) {
      return { malformed: `registry record that cannot be folded: ${error instanceof Error ? error.message : ''}` };
    }
  };
}

function parse(value: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function notFinite(value: Record<string, unknown> | null, names: readonly string[]): string | undefined {
  return names.find((name) => !Number.isFinite(value?.[name]));
}

function isTime(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 8.64e15;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function whole(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}
