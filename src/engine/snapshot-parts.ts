/**
 * A snapshot taken apart, so that what did not change need not be written again: a head, one blob for each agent, the
 * remembered ids, the door. An agent's blob is what the shelf would get (profile, then its sessions), so an agent that
 * is evicted keeps the blob that it had. Put together again, the parts are the snapshot, byte for byte, but for the
 * places of evicted profiles, which belong to whoever keeps them.
 */
import { DETECTORS, PROFILE_BYTES } from '../agent/layout.js';
import { AgentTable, agentKey } from '../agent/table.js';
import { SESSION_ROW_BYTES } from './residence.js';
import { SNAPSHOT_FORMAT } from './snapshot.js';

/** What of the snapshot's own header is needed to take it apart; the rest passes through. */
interface Head {
  readonly format: number;
  readonly profileBytes: number;
  readonly detectors: readonly string[];
  readonly agents: readonly (readonly [tenant: string, name: string, bound: 0 | 1, usedMs: number])[];
  readonly sessions: readonly (readonly number[])[];
  readonly ids: { readonly current: number; readonly previous: number };
  readonly shelved: readonly (readonly [key: string, position: number])[];
}

/** A snapshot's parts; the arrays are views of the snapshot, or copies where a part is not contiguous in it. */
export interface SnapshotParts {
  /** JSON: everything that is not below. */
  readonly head: Uint8Array;
  /** Seated agents, least recently used first. */
  readonly agents: readonly string[];
  /** Blob of the i-th seated agent. */
  agent(i: number): Uint8Array;
  /** Evicted agents and where their blobs stand on the shelf, oldest first. */
  readonly shelved: readonly (readonly [key: string, position: number])[];
  readonly idsCurrent: Uint8Array;
  readonly idsPrevious: Uint8Array;
  readonly door: Uint8Array;
}

/** Takes apart what saveState made. */
export function splitSnapshot(bytes: Uint8Array): SnapshotParts {
  const headEnd = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const json = bytes.subarray(4, headEnd);
  const head = JSON.parse(new TextDecoder().decode(json)) as Head;
  const rowsAt = headEnd + head.agents.length * PROFILE_BYTES;
  const firstRow: number[] = [];
  let rows = 0;
  for (const ranks of head.sessions) {
    firstRow.push(rows);
    rows += ranks.length;
  }
  const currentAt = rowsAt + rows * SESSION_ROW_BYTES;
  const previousAt = currentAt + 4 * head.ids.current;
  const doorAt = previousAt + 4 * head.ids.previous;
  return {
    head: json,
    agents: head.agents.map(([tenant, name, bound]) => agentKey(tenant, name, bound === 1)),
    agent: (i) => {
      const count = head.sessions[i].length;
      const profileAt = headEnd + i * PROFILE_BYTES;
      const sessionsAt = rowsAt + firstRow[i] * SESSION_ROW_BYTES;
      const blob = new Uint8Array(PROFILE_BYTES + count * SESSION_ROW_BYTES);
      blob.set(bytes.subarray(profileAt, profileAt + PROFILE_BYTES));
      blob.set(bytes.subarray(sessionsAt, sessionsAt + count * SESSION_ROW_BYTES), PROFILE_BYTES);
      return blob;
    },
    shelved: head.shelved,
    idsCurrent: bytes.subarray(currentAt, previousAt),
    idsPrevious: bytes.subarray(previousAt, doorAt),
    door: bytes.subarray(doorAt),
  };
}

const DOOR_BYTES = new AgentTable(1).doorBytes().length;

/** Where the blobs of a snapshot that is put together come from. */
export interface BlobSource {
  readonly head: Uint8Array;
  /** undefined: missing. */
  agent(key: string): Uint8Array | undefined;
  /** Puts an evicted agent's blob on the new shelf and returns its place there; undefined: the blob is missing. */
  shelve(key: string): number | undefined;
  readonly idsCurrent: Uint8Array;
  readonly idsPrevious: Uint8Array;
  readonly door: Uint8Array;
}

/** Puts the parts together. Throws, naming the part, where one is missing or has another size than the head says. */
export function joinSnapshot(source: BlobSource): Uint8Array {
  const head = parseHead(source.head);
  const blobs = head.agents.map(([tenant, name, bound], i) => {
    const blob = source.agent(agentKey(tenant, name, bound === 1));
    const bytes = PROFILE_BYTES + head.sessions[i].length * SESSION_ROW_BYTES;
    if (blob?.length !== bytes) throw new Error(`agent ${name} has ${blob?.length ?? 'no'} bytes, not ${bytes}`);
    return blob;
  });
  const shelved = head.shelved.map(([key]) => {
    const position = source.shelve(key);
    if (position === undefined) throw new Error(`the evicted agent ${key} is missing`);
    return [key, position] as const;
  });
  const { current, previous } = head.ids;
  if (source.idsCurrent.length !== 4 * current || source.idsPrevious.length !== 4 * previous) {
    throw new Error(`remembered ids: ${source.idsCurrent.length} and ${source.idsPrevious.length} bytes`);
  }
  if (source.door.length !== DOOR_BYTES) throw new Error(`the door has ${source.door.length} bytes, not ${DOOR_BYTES}`);
  const json = shelved.length === 0 ? source.head : new TextEncoder().encode(JSON.stringify({ ...head, shelved }));
  const profiles = blobs.map((blob) => blob.subarray(0, PROFILE_BYTES));
  const sessions = blobs.map((blob) => blob.subarray(PROFILE_BYTES));
  const parts = [json, ...profiles, ...sessions, source.idsCurrent, source.idsPrevious, source.door];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 4));
  new DataView(out.buffer).setUint32(0, json.length, true);
  let at = 4;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function parseHead(bytes: Uint8Array): Head {
  let head: Head;
  try {
    head = JSON.parse(new TextDecoder().decode(bytes)) as Head;
  } catch (error) {
    throw new Error('the head is no JSON', { cause: error });
  }
  const { format, profileBytes, detectors } = head;
  const isOurs = format === SNAPSHOT_FORMAT && profileBytes === PROFILE_BYTES;
  if (isOurs && detectors.join() === DETECTORS.join()) return head;
  const words = `format ${format}, profiles with ${profileBytes} bytes, detectors ${detectors.join()}`;
  throw new Error(`the head is of another version: ${words}`);
}
