/** The fleet stage of one process on one data directory: fed by its partitions' threads and by its own ingest. */

import { readWhole, writeAtomic } from '../log/atomic-file.js';
import { nodeFiles } from '../log/files.js';
import { FleetLoop } from './fleet-loop.js';
import { signalsTopic } from './layout.js';
import type { Closers, Ground } from './live-ground.js';
import type { LiveOptions, LiveRegistry } from './live-parts.js';
import type { Progress } from './partition-parts.js';
import { faultOf } from './protocol.js';
import { SIGNALS_TOPIC } from './topics.js';

export interface LiveFleet {
  start(): void;
  /** A partition's signals are durable up to `end`. */
  hint(partition: number, end: number): void;
  /** Whether everything that the partitions said is followed, and what it led to written. */
  hasReached(progress: readonly (Progress | null)[]): boolean;
}

/** Opens what it reads; to be closed after the partitions, whose last words it still takes. */
export async function openLiveFleet<R extends LiveRegistry>(
  { adapters, config }: LiveOptions<R>,
  { layout, log, events, report }: Ground,
  closers: Closers,
): Promise<LiveFleet> {
  const topics = Array.from({ length: config.partitions }, (_, partition) => signalsTopic(partition));
  const signals = await adapters.openFileLog({
    directory: layout.log,
    topics: Object.fromEntries(topics.map((topic) => [topic, 1])),
    readOnly: true,
  });
  const loop = new FleetLoop({
    partitions: config.partitions,
    places: [
      ...topics.map((topic) => ({ log: signals, topic, partition: 0 })),
      { log, topic: SIGNALS_TOPIC, partition: 0 },
    ],
    store: {
      name: layout.fleet,
      read: () => readWhole(nodeFiles, layout.fleet),
      write: (bytes) => writeAtomic(nodeFiles, layout.fleet, bytes),
    },
    write: (record) => events.control(record),
    clock: () => performance.now(),
    onFault: (error) =>
      report({
        level: 'error',
        message: `the fleet stage stopped and is started again: ${faultOf(error).message}`,
        error,
      }),
  });
  closers.push(async () => {
    await loop.stop();
    await signals.close();
  });
  return {
    start: () => loop.start(),
    hint: (partition, end) => signals.setDurableEnd(topics[partition], 0, end),
    hasReached: (progress) => loop.hasReached(progress.map((one) => one?.signals ?? 0)),
  };
}
