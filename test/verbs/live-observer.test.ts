/** What one process tells of its partitions, as Prometheus reads it. */
import { expect, it } from 'vitest';
import type { Live } from '../../src/pipeline/live.js';
import type { Progress } from '../../src/pipeline/partition-parts.js';
import type { Registry } from '../../src/registry/journal.js';
import { createTelemetry } from '../../src/telemetry.js';
import { observeLive } from '../../src/verbs/live-observer.js';

const NOW_MS = 1_000_000;

function progressOf(scored: number, late: number, duplicates: number): Progress {
  const standings = { learning: 3, provisional: 2, calibrated: 1 };
  const counts = { scored, late, duplicates, notAdmitted: 0, ...standings } as Progress['counts'];
  return {
    offset: scored + duplicates,
    nowMs: NOW_MS - 5_000,
    counts,
    deadLettered: 1,
    findings: 0,
    samples: 0,
    signals: 0,
  };
}

it('begins where the process began, and tells what comes on top by what became of it', async () => {
  let progress: (Progress | null)[] = [progressOf(100, 4, 10), null];
  let behind = 0;
  let ready = true;
  const live = {
    progress: () => progress,
    clock: () => NOW_MS,
    registry: { offset: () => 17 },
    status: {
      ready: () => ({ ok: ready, reason: null }),
      stats: () => ({ partitions: progress.map((_, partition) => ({ partition, behind, restarts: partition * 2 })) }),
    },
  } as unknown as Live<Registry>;
  const telemetry = createTelemetry();
  observeLive(telemetry, live);
  const before = await telemetry.read();
  expect(before).not.toContain('killdeer_events_total{');
  expect(before).toContain('killdeer_partitions_owned 2');
  expect(before).toContain('killdeer_registry_offset 17');
  expect(before).toContain('killdeer_lag_seconds{partition="0"} 0');
  expect(before).toContain('killdeer_partition_restarts_total{partition="1"} 2');
  expect(before).toContain('killdeer_ready{part="process"} 1');

  progress = [progressOf(150, 6, 13), progressOf(1, 0, 0)];
  behind = 3;
  ready = false;
  const after = await telemetry.read();
  expect(after).toContain('killdeer_events_total{partition="0",outcome="scored"} 48');
  expect(after).toContain('killdeer_events_total{partition="0",outcome="late"} 2');
  expect(after).toContain('killdeer_events_total{partition="0",outcome="duplicate"} 3');
  expect(after).not.toContain('outcome="dead_lettered"');
  expect(after).toContain('killdeer_agents{partition="0",state="learning"} 3');
  expect(after).toContain('killdeer_agents{partition="1",state="calibrated"} 1');
  expect(after).toContain('killdeer_lag_records{partition="0"} 3');
  expect(after).toContain('killdeer_lag_seconds{partition="0"} 5');
  expect(after).toContain('killdeer_ready{part="process"} 0');
});
