/** A partition whose ledger is on this machine's disk. */
import { type FileLedgerParts, openFileLedger } from './file-ledger.js';
import { createPartition } from './partition.js';
import type { Partition, PartitionParts } from './partition-parts.js';

export interface FilePartitionParts
  extends Omit<PartitionParts, 'ledger' | 'samplesEveryMs'>,
    Omit<FileLedgerParts, 'partition' | 'samples'> {
  /** null: nothing is learned. */
  readonly samples: { readonly place: NonNullable<FileLedgerParts['samples']>; readonly everyMs: number } | null;
}

/** Restores the partition from its checkpoint, or begins it. */
export async function createFilePartition(parts: FilePartitionParts): Promise<Partition> {
  const { samples, place } = parts;
  const ledger = await openFileLedger({
    ...parts,
    partition: place.partition,
    samples: samples?.place ?? null,
  });
  try {
    return createPartition({ ...parts, ledger, samplesEveryMs: samples?.everyMs ?? null });
  } catch (error) {
    await ledger.close();
    throw error;
  }
}
