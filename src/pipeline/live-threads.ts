/** Starts the worker threads: each with its task, a partition's always under a new epoch. */
import { Worker } from 'node:worker_threads';
import type { LiveOptions, LiveRegistry } from './live-parts.js';
import type { LiveState } from './live-state.js';
import type { LearnerTask, PartitionTask } from './protocol.js';

export interface Spawn {
  partition(partition: number): Promise<Worker>;
  learner(): Promise<Worker>;
}

export function createSpawn<R extends LiveRegistry>(options: LiveOptions<R>, state: LiveState): Spawn {
  const { directory, config, prices } = options;
  const url = options.workerUrl ?? new URL('./worker.js', import.meta.url);
  const { genesis } = state.now;
  return {
    partition: async (partition) => {
      // Seconds, so that the fence holds even where the memory of epochs was lost.
      const epoch = Math.max(state.now.epoch + 1, Math.floor(Date.now() / 1_000));
      await state.save({ epoch });
      const task: PartitionTask = {
        kind: 'partition',
        directory,
        partition,
        partitions: config.partitions,
        epoch,
        genesis,
        prices,
        checkpointEveryMs: config.checkpoint.every,
        dailyMax: config.checkpoint.daily,
        learnEveryMs: config.learning.inline ? config.learning.every : null,
        segmentBytesMax: config.log.segment_bytes,
        retainBytesMax: config.log.retention_bytes,
        retainAgeMs: config.log.retention_age,
      };
      return new Worker(url, { workerData: task, name: `partition-${partition}` });
    },
    learner: async () => {
      const task: LearnerTask = {
        kind: 'learner',
        directory,
        partitions: config.partitions,
        start: genesis.model,
        pagesPerAgentDay: state.now.settings.pagesPerAgentDay,
      };
      return new Worker(url, { workerData: task, name: 'learner' });
    },
  };
}
