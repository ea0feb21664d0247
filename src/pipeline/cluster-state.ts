/**
 * What an installation of many processes has in common, as records of a log that is never compacted: its genesis (the
 * first one counts, whoever else began at the same moment) and the settings announced since.
 */
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import type { Log } from '../log/log.js';
import { parseStoredSettings } from './stored-settings.js';
import { CLUSTER_TOPIC } from './topics.js';

const BATCH = 1_000;

/** What partitions without a snapshot begin with, whatever was configured later. */
export interface Genesis {
  readonly settings: Settings;
  /** Version of the start model. */
  readonly model: string;
  /** Partitions of `log:events`, for ever. */
  readonly partitions: number;
}

type ClusterRecord =
  | (Genesis & { readonly type: 'genesis' })
  | { readonly type: 'settings'; readonly settings: Settings; readonly timeMs: number }
  | { readonly type: 'model'; readonly model: string; readonly timeMs: number };

export interface ClusterMemory {
  readonly genesis: Genesis;
  /** Announced last. */
  readonly settings: Settings;
  /** Pinned last; the genesis one where none was. */
  readonly model: string;
}

/** Reads it, or begins it with `first`. Rejects with 'log.corrupt', and with 'config.invalid' for other partitions. */
export async function openClusterMemory(log: Log, first: () => Genesis, partitions: number): Promise<ClusterMemory> {
  let memory = await readClusterMemory(log);
  if (memory === null) {
    await append(log, { type: 'genesis', ...first() });
    memory = await readClusterMemory(log);
  }
  if (memory === null) throw new KilldeerError('log.corrupt', `${CLUSTER_TOPIC} cannot be read back`);
  if (memory.genesis.partitions === partitions) return memory;
  const words = `the installation began with ${memory.genesis.partitions} partitions, not ${partitions}`;
  throw new KilldeerError('config.invalid', `partitions: ${words}; the number cannot be changed`);
}

/** null before the genesis. */
export async function readClusterMemory(log: Log): Promise<ClusterMemory | null> {
  let memory: ClusterMemory | null = null;
  const end = await log.end(CLUSTER_TOPIC, 0);
  for (let offset = await log.begin(CLUSTER_TOPIC, 0); offset < end; ) {
    const { records, next } = await log.read(CLUSTER_TOPIC, 0, offset, BATCH);
    for (const one of records) memory = fold(memory, decode(one.value, one.offset));
    offset = next;
  }
  return memory;
}

export async function announceSettings(log: Log, settings: Settings, timeMs: number): Promise<void> {
  await append(log, { type: 'settings', settings, timeMs });
}

export async function announceModel(log: Log, model: string, timeMs: number): Promise<void> {
  await append(log, { type: 'model', model, timeMs });
}

async function append(log: Log, record: ClusterRecord): Promise<void> {
  await log.append(CLUSTER_TOPIC, 0, [JSON.stringify(record)]);
}

function fold(memory: ClusterMemory | null, record: ClusterRecord): ClusterMemory | null {
  if (record.type === 'genesis') {
    const { type: _, ...genesis } = record;
    return memory ?? { genesis, settings: genesis.settings, model: genesis.model };
  }
  if (memory === null) return null;
  return record.type === 'settings' ? { ...memory, settings: record.settings } : { ...memory, model: record.model };
}

function decode(value: string, offset: number): ClusterRecord {
  let record: Readonly<Record<string, unknown>> | null = null;
  try {
    record = JSON.parse(value) as Readonly<Record<string, unknown>> | null;
  } catch {
    // Told below.
  }
  if (record !== null && isWhole(record)) return record as unknown as ClusterRecord;
  throw new KilldeerError('log.corrupt', `${CLUSTER_TOPIC} record ${offset} cannot be read`);
}

/** One of a type that is not known is refused too: going on without what it says would not be the same installation. */
function isWhole({ type, settings, model, partitions }: Readonly<Record<string, unknown>>): boolean {
  const hasSettings = type === 'model' || parseStoredSettings(settings) !== null;
  const hasModel = type === 'settings' || typeof model === 'string';
  const hasPartitions = type !== 'genesis' || Number.isSafeInteger(partitions);
  return (type === 'genesis' || type === 'settings' || type === 'model') && hasSettings && hasModel && hasPartitions;
}
