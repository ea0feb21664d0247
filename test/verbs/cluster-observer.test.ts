import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import type { Progress } from '../../src/pipeline/partition-parts.js';
import { createTelemetry } from '../../src/telemetry.js';
import { createClusterObserver } from '../../src/verbs/cluster-observer.js';

const NONE = {
  scored: 0,
  late: 0,
  duplicates: 0,
  notAdmitted: 0,
  learning: 0,
  provisional: 0,
  calibrated: 0,
} as Progress['counts'];

function progress(nowMs: number, scored = 0): Progress {
  return { offset: 0, nowMs, counts: { ...NONE, scored }, deadLettered: 0, findings: 0, samples: 0, signals: 0 };
}

function world() {
  const telemetry = createTelemetry();
  const observer = createClusterObserver(
    telemetry,
    () => undefined,
    () => 100_000,
  );
  const lines = async (name: string): Promise<string[]> =>
    (await telemetry.read()).split('\n').filter((line) => line.startsWith(name));
  return { observer, lines };
}

describe('what a process among several tells of itself', () => {
  it('says how late the last tick was executed, where the ticks are its own', async () => {
    const { observer, lines } = world();
    observer.progress(3, progress(0), progress(40_000));
    expect(await lines('killdeer_tick_delay_seconds{')).toEqual([]);
    observer.ticked(3, 98_000);
    observer.progress(3, progress(40_000), progress(98_000));
    observer.progress(3, progress(98_000), progress(98_000));
    expect(await lines('killdeer_tick_delay_seconds{')).toEqual(['killdeer_tick_delay_seconds{partition="3"} 2']);
    observer.assigned([3]);
    observer.assigned([]);
    expect(await lines('killdeer_tick_delay_seconds{')).toEqual([]);
  });

  it('counts events from where the partition was taken over', async () => {
    const { observer, lines } = world();
    observer.progress(0, null, progress(0, 500));
    observer.progress(0, progress(0, 500), progress(0, 507));
    expect(await lines('killdeer_events_total{')).toEqual(['killdeer_events_total{partition="0",outcome="scored"} 7']);
  });

  it('counts a restart where there is one', async () => {
    const { observer, lines } = world();
    const restored = { epoch: 1, told: 0, bytes: 0, ms: 1, committed: 0 };
    observer.restored(1, restored);
    observer.died(1, new KilldeerError('kafka.commit-unknown', 'no answer'), false);
    observer.restored(1, restored);
    observer.died(1, new KilldeerError('kafka.fenced', 'another owns it'), true);
    expect(await lines('killdeer_partition_restarts_total{')).toEqual([
      'killdeer_partition_restarts_total{partition="1"} 1',
    ]);
    expect((await lines('killdeer_transactions_total{')).sort()).toEqual([
      'killdeer_transactions_total{result="fenced"} 1',
      'killdeer_transactions_total{result="unknown"} 1',
    ]);
    expect(await lines('killdeer_restores_total{')).toEqual(['killdeer_restores_total{result="done"} 2']);
  });

  it('counts a restore that came to nothing', async () => {
    const { observer, lines } = world();
    observer.died(2, new KilldeerError('kafka.unreachable', 'no broker answered'), false);
    expect(await lines('killdeer_restores_total{')).toEqual(['killdeer_restores_total{result="failed"} 1']);
    expect(await lines('killdeer_transactions_total{')).toEqual([]);
  });
});
