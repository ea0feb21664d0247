/**
 * The state as bytes and back. A header of JSON, then the binary parts it names, in order. Slots and rows are numbered
 * anew on the way back; what has an order (uses, chains, queues) is kept in that order.
 */
import { DETECTORS, PROFILE_BYTES } from '../agent/layout.js';
import { LAYOUT_DIGEST } from '../agent/layout-digest.js';
import { S } from '../agent/sessions.js';
import type { AgentFacts } from '../decide/policy.js';
import type { BudgetBook } from './budgets.js';
import type { EngineCounts } from './contract.js';
import type { OpenFinding } from './findings.js';
import type { FleetMemoryJson } from './fleet-memory.js';
import type { PulseJson } from './pulse.js';
import { readRow, SESSION_ROW_BYTES, writeRow } from './residence.js';
import type { EngineState } from './state.js';
import type { StopsJson } from './stop-book.js';
import type { SuppressionsJson } from './suppression-book.js';
import type { VerdictJson } from './verdict-book.js';

/** Changes whenever a profile's layout or this file's format does. */
export const SNAPSHOT_FORMAT = 1;

interface Header {
  readonly format: number;
  readonly profileBytes: number;
  /** Left out by versions that did not tell. */
  readonly layout?: string;
  readonly detectors: readonly string[];
  readonly agents: readonly [tenant: string, name: string, bound: 0 | 1, usedMs: number][];
  /** Sessions of each agent, opened first to last: its index in the list of uses. */
  readonly sessions: readonly (readonly number[])[];
  readonly ids: { readonly turnedMs: number; readonly current: number; readonly previous: number };
  readonly findings: readonly [string, OpenFinding[]][];
  readonly budgets: ReturnType<BudgetBook['snapshot']>;
  /** Left out by versions that knew of none. */
  readonly verdicts?: VerdictJson;
  readonly suppressions?: SuppressionsJson;
  readonly stops?: StopsJson;
  readonly facts: readonly [string, AgentFacts][];
  readonly pulse: PulseJson;
  readonly fleet: FleetMemoryJson;
  readonly shelved: readonly [string, number][];
  readonly sighted: readonly [string, string[]][];
  readonly modelStamp: number;
  readonly nowMs: number;
  readonly refusedThisHour: number;
  readonly counts: EngineCounts;
}

/** The state as bytes: a copy. */
export function saveState(state: EngineState): Uint8Array {
  const { table, sessions } = state;
  const slots = [...table.oldestFirst()];
  const rank = new Map<number, number>();
  for (const row of sessions.oldestFirst()) rank.set(row, rank.size);
  const chains = slots.map((slot) => sessions.rowsOf(slot).reverse());
  const ids = state.ids.snapshot();
  const header: Header = {
    format: SNAPSHOT_FORMAT,
    profileBytes: PROFILE_BYTES,
    layout: LAYOUT_DIGEST,
    detectors: DETECTORS,
    agents: slots.map((slot) => {
      const { tenant, name, bound } = table.entry(slot);
      return [tenant, name, bound ? 1 : 0, table.usedAt(slot)];
    }),
    sessions: chains.map((rows) => rows.map((row) => rank.get(row) as number)),
    ids: { turnedMs: ids.turnedMs, current: ids.current.length, previous: ids.previous.length },
    findings: state.findings.snapshot(),
    budgets: state.budgets.snapshot(),
    verdicts: state.verdicts.snapshot(),
    suppressions: state.suppressions.snapshot(),
    stops: state.stops.snapshot(),
    facts: [...state.facts],
    pulse: state.pulse.snapshot(),
    fleet: state.fleet.snapshot(),
    shelved: [...state.shelved],
    sighted: state.sighted.snapshot(),
    modelStamp: state.modelStamp,
    nowMs: state.nowMs,
    refusedThisHour: state.refusedThisHour,
    counts: { ...state.counts },
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const door = table.doorBytes();
  const size =
    4 +
    json.length +
    slots.length * PROFILE_BYTES +
    sessions.size * SESSION_ROW_BYTES +
    4 * (ids.current.length + ids.previous.length) +
    door.length;
  const out = new Uint8Array(size);
  new DataView(out.buffer).setUint32(0, json.length, true);
  let at = 4;
  const put = (bytes: Uint8Array): void => {
    out.set(bytes, at);
    at += bytes.length;
  };
  put(json);
  for (const slot of slots) put(table.raw(slot));
  for (const rows of chains) {
    for (const row of rows) {
      writeRow(state, row, out, at);
      at += SESSION_ROW_BYTES;
    }
  }
  put(new Uint8Array(ids.current.buffer));
  put(new Uint8Array(ids.previous.buffer));
  put(door);
  return out;
}

/** Fills a fresh state. Throws where the bytes are of another format; the caller names the file. */
export function restoreState(state: EngineState, bytes: Uint8Array): void {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  if (
    header.format !== SNAPSHOT_FORMAT ||
    header.profileBytes !== PROFILE_BYTES ||
    (header.layout ?? LAYOUT_DIGEST) !== LAYOUT_DIGEST ||
    header.detectors.join() !== DETECTORS.join()
  ) {
    throw new Error(
      `snapshot of format ${header.format} with ${header.profileBytes} bytes a profile; this version has ${SNAPSHOT_FORMAT} and ${PROFILE_BYTES}`,
    );
  }
  let at = 4 + length;
  const take = (count: number): Uint8Array => {
    const part = bytes.slice(at, at + count);
    at += count;
    return part;
  };
  const slots = header.agents.map(([tenant, name, bound, usedMs]) => {
    const slot = state.table.insert(tenant, name, bound === 1, usedMs);
    state.table.raw(slot).set(take(PROFILE_BYTES));
    return slot;
  });
  const rows: number[] = [];
  header.sessions.forEach((ranks, i) => {
    for (const rank of ranks) rows[rank] = readRow(state, slots[i], take(SESSION_ROW_BYTES), 0);
  });
  for (const row of rows) state.sessions.touch(row, state.sessions.f64[row * S.ROW + S.lastMs]);
  const words = (count: number): Uint32Array => new Uint32Array(take(4 * count).buffer);
  state.ids.restore(header.ids.turnedMs, words(header.ids.current), words(header.ids.previous));
  state.table.restoreDoor(take(state.table.doorBytes().length));
  state.findings.restore(header.findings);
  state.budgets.restore(header.budgets);
  if (header.verdicts !== undefined) state.verdicts.restore(header.verdicts);
  if (header.suppressions !== undefined) state.suppressions.restore(header.suppressions);
  if (header.stops !== undefined) state.stops.restore(header.stops);
  for (const [key, facts] of header.facts) state.facts.set(key, facts);
  for (const [key, position] of header.shelved) state.shelved.set(key, position);
  state.sighted.restore(header.sighted);
  state.pulse.restore(header.pulse);
  state.fleet.restore(header.fleet);
  state.modelStamp = header.modelStamp;
  state.nowMs = header.nowMs;
  state.refusedThisHour = header.refusedThisHour;
  Object.assign(state.counts, header.counts);
}
