/** What a process among several tells of itself, as the metrics of telemetry.ts. */
import { STANDINGS } from '../engine/standing.js';
import type { ErrorCode } from '../errors.js';
import type { ClusterObserver } from '../pipeline/cluster-parts.js';
import type { LiveChange } from '../pipeline/live-parts.js';
import type { Progress } from '../pipeline/partition-parts.js';
import { faultOf } from '../pipeline/protocol.js';
import type { PartitionCounts, Telemetry } from '../telemetry.js';

/** How the transaction ended that a partition's owner died of. */
const ENDS: Readonly<Partial<Record<ErrorCode, 'fenced' | 'unknown' | 'aborted'>>> = {
  'kafka.fenced': 'fenced',
  'kafka.commit-unknown': 'unknown',
  'kafka.unreachable': 'aborted',
};

/**
 * @param announce something that a person watching may want to see
 * @param clock wall clock, ms
 */
export function createClusterObserver(
  telemetry: Telemetry,
  announce: (words: string) => void,
  clock: () => number = Date.now,
): ClusterObserver {
  let owned: readonly number[] = [];
  /** Ticks of a recording have times of their own. */
  let writesTicks = false;
  /** Restored, and not died since. */
  const running = new Set<number>();
  return {
    assigned: (partitions) => {
      for (const partition of owned) if (!partitions.includes(partition)) telemetry.forgetPartition(partition);
      owned = partitions;
      telemetry.count('killdeer_rebalances_total', {});
      telemetry.set('killdeer_partitions_owned', {}, partitions.length);
      announce(`partitions ${partitions.length === 0 ? 'none' : partitions.join(', ')}`);
    },
    restoring: (partition, bytes) => announce(`partition ${partition}: ${megabytes(bytes)} restored so far`),
    restored: (partition, { bytes, ms }) => {
      running.add(partition);
      telemetry.count('killdeer_restores_total', { result: 'done' });
      telemetry.observe('killdeer_restore_seconds', {}, ms / 1_000);
      telemetry.observe('killdeer_restore_bytes', {}, bytes);
      announce(`partition ${partition}: restored, ${megabytes(bytes)} in ${(ms / 1_000).toFixed(1)} s`);
    },
    progress: (partition, before, now) => {
      telemetry.observeProgress(partition, countsOf(now));
      observeAgents(telemetry, partition, now);
      if (!writesTicks || before === null || now.nowMs <= before.nowMs) return;
      const delayMs = Math.max(0, clock() - now.nowMs);
      telemetry.set('killdeer_tick_delay_seconds', { partition }, delayMs / 1_000);
    },
    batch: (_partition, records, ms) => {
      telemetry.observe('killdeer_batch_seconds', {}, ms / 1_000);
      telemetry.observe('killdeer_batch_records', {}, records);
    },
    committed: (_partition, { ms, snapshotBytes }) => {
      telemetry.count('killdeer_transactions_total', { result: 'committed' });
      telemetry.observe('killdeer_transaction_seconds', {}, ms / 1_000);
      if (snapshotBytes === 0) return;
      telemetry.observe('killdeer_checkpoint_seconds', {}, ms / 1_000);
      telemetry.observe('killdeer_checkpoint_bytes', {}, snapshotBytes);
    },
    died: (partition, error, isOver) => {
      const result = ENDS[faultOf(error).code];
      if (!running.delete(partition)) telemetry.count('killdeer_restores_total', { result: 'failed' });
      else if (result !== undefined) telemetry.count('killdeer_transactions_total', { result });
      if (!isOver) telemetry.count('killdeer_partition_restarts_total', { partition });
    },
    ticked: () => {
      writesTicks = true;
    },
    lag: (partition, records, seconds) => {
      telemetry.set('killdeer_lag_records', { partition }, records);
      telemetry.set('killdeer_lag_seconds', { partition }, seconds);
    },
    learned: () => telemetry.count('killdeer_learn_windows_total', {}),
    activated: () => telemetry.count('killdeer_model_activations_total', {}),
    registry: (change) => observeChange(telemetry, change),
    finding: ({ severity, kind }) => telemetry.count('killdeer_findings_total', { severity, kind }),
  };
}

/** What the registry made of a record. */
export function observeChange(telemetry: Telemetry, { offset, record, verdict }: LiveChange): void {
  telemetry.set('killdeer_registry_offset', {}, offset + 1);
  const { effect } = verdict;
  if (record.type === 'proposal') telemetry.count('killdeer_proposals_total', { effect });
  if (record.type === 'stop' || record.type === 'release') telemetry.count('killdeer_stops_total', { effect });
}

/** What a partition has executed, as telemetry takes it: late events are among those scored. */
export function countsOf({ counts, deadLettered }: Progress): PartitionCounts {
  const { scored, late, duplicates, notAdmitted } = counts;
  return { scored, late, duplicates, notAdmitted, deadLettered };
}

/** How many agents of a partition are how far known. */
export function observeAgents(telemetry: Telemetry, partition: number, { counts }: Progress): void {
  for (const state of STANDINGS) telemetry.set('killdeer_agents', { partition, state }, counts[state]);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
