/**
 * What an agent's profiles were at some time, from the dated copies of its partition's checkpoint. Reads alone, beside
 * the thread that writes them.
 */
import { join } from 'node:path';
import { PROFILE_BYTES } from '../agent/layout.js';
import { agentKey } from '../agent/table.js';
import type { Shelf } from '../engine/contract.js';
import { packProfile } from '../engine/dated-profile.js';
import { partitionOf } from '../engine/partition.js';
import type { DatedProfile } from '../engine/record.js';
import { splitSnapshot } from '../engine/snapshot-parts.js';
import { nodeFiles } from '../log/files.js';
import { partitionLayout } from './layout.js';
import { type ShelfMark, viewShelf } from './numbered-shelf.js';
import { belongsTo, dailyNames, readPartitionCheckpoint } from './partition-state.js';

/** Nothing is put on the shelf of a snapshot that is only looked at. */
const NO_SCRATCH: Shelf = {
  append: () => {
    throw new Error('a dated snapshot takes nothing');
  },
  read: () => new Uint8Array(0),
  size: () => 0,
};

/** Digest of the layout that a snapshot's profiles are of; '' where it does not say. */
interface Head {
  readonly layout?: string;
}

/**
 * From the newest dated snapshot at or before `atMs`; null: there is none, or the agent was not known then. Rejects
 * with 'checkpoint.corrupt' where it cannot be read.
 */
export async function datedProfile(
  directory: string,
  partitions: number,
  tenant: string,
  agent: string,
  atMs: number,
): Promise<DatedProfile | null> {
  const partition = partitionOf(tenant, agent, partitions);
  const { directory: own, daily: dailyDirectory } = partitionLayout(directory, partition);
  for (const name of (await dailyNames({ files: nodeFiles, dailyDirectory })).reverse()) {
    const path = join(dailyDirectory, name);
    const snapshot = await readPartitionCheckpoint(nodeFiles, path, belongsTo(partition));
    if (snapshot === null || snapshot.header.nowMs > atMs) continue;
    return profileIn(snapshot.engine, own, snapshot.header.shelf, tenant, agent, snapshot.header.nowMs);
  }
  return null;
}

function profileIn(
  engine: Uint8Array,
  directory: string,
  mark: ShelfMark,
  tenant: string,
  agent: string,
  timeMs: number,
): DatedProfile | null {
  const parts = splitSnapshot(engine);
  const { layout } = JSON.parse(new TextDecoder().decode(parts.head)) as Head;
  const shelved = new Map(parts.shelved);
  const bytesOf = (key: string): Uint8Array | null => {
    const seat = parts.agents.indexOf(key);
    if (seat !== -1) return parts.agent(seat);
    const position = shelved.get(key);
    return position === undefined ? null : readShelved(directory, mark, position);
  };
  const [bound, unbound] = [true, false].map((isBound) => {
    const bytes = bytesOf(agentKey(tenant, agent, isBound));
    return bytes === null || bytes.length < PROFILE_BYTES ? null : packProfile(bytes);
  });
  return bound === null && unbound === null ? null : { timeMs, layout: layout ?? '', bound, unbound };
}

function readShelved(directory: string, mark: ShelfMark, position: number): Uint8Array {
  const shelf = viewShelf({ directory }, mark, NO_SCRATCH);
  try {
    return shelf.read(position);
  } finally {
    shelf.close();
  }
}
