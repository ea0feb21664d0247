/** What one process on one data directory tells of itself, as the metrics of telemetry.ts. */
import { watchReadiness } from '../api/ops-server.js';
import type { Live } from '../pipeline/live.js';
import type { PartitionStatus } from '../pipeline/live-partitions.js';
import type { Registry } from '../registry/journal.js';
import type { Telemetry } from '../telemetry.js';
import { countsOf, observeAgents } from './cluster-observer.js';

/** From here on; what was executed before is where the counts begin. */
export function observeLive(telemetry: Telemetry, live: Live<Registry>): void {
  const look = (): void => {
    const statuses = live.status.stats()['partitions'] as readonly PartitionStatus[];
    const progress = live.progress();
    telemetry.set('killdeer_partitions_owned', {}, statuses.length);
    telemetry.set('killdeer_registry_offset', {}, live.registry.offset());
    telemetry.set('killdeer_registry_staleness_seconds', {}, 0);
    for (const { partition, behind, restarts } of statuses) {
      const now = progress[partition];
      telemetry.set('killdeer_lag_records', { partition }, behind);
      telemetry.total('killdeer_partition_restarts_total', { partition }, restarts);
      if (now === null) continue;
      telemetry.observeProgress(partition, countsOf(now));
      observeAgents(telemetry, partition, now);
      const ageMs = behind === 0 || now.nowMs === 0 ? 0 : Math.max(0, live.clock() - now.nowMs);
      telemetry.set('killdeer_lag_seconds', { partition }, ageMs / 1_000);
    }
  };
  look();
  telemetry.beforeRead(look);
  watchReadiness(telemetry, () => ({ process: live.status.ready() }));
}
