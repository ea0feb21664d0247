/** The part for operators, on one machine and on Kafka. */
import type { OperationsPort } from '../api/operations-contract.js';
import type { Cluster } from '../pipeline/cluster.js';
import { layoutOf } from '../pipeline/layout.js';
import type { Live } from '../pipeline/live.js';
import type { Registry } from '../registry/journal.js';
import type { TriageBoard } from '../triage/triage.js';
import { createAdvice } from './advice.js';
import { createKafkaAdapters, kafkaOptionsOf } from './kafka-adapters.js';
import { createFolderModels, createTopicModels } from './model-rows.js';
import type { Operations } from './operations.js';
import { openReplayQueue } from './replay-queue.js';
import type { Setup } from './setup.js';

interface LiveOperations {
  readonly setup: Setup;
  /** Data directory. */
  readonly dir: string;
  readonly live: Live<Registry>;
  readonly triage: TriageBoard;
  /** Takes what ends the replay that runs. */
  readonly closers: (() => Promise<void> | void)[];
}

export async function openOperations(
  operations: Operations,
  { setup, dir, live, triage, closers }: LiveOperations,
): Promise<OperationsPort> {
  const { config, prices } = setup;
  const replays = await openReplayQueue({ dir, config, prices, clock: Date.now });
  closers.push(() => replays.stop());
  const { registry, status } = live;
  const models = createFolderModels(layoutOf(dir).models);
  const advice = createAdvice(triage, registry, config, live.clock);
  return operations.port({ registry, stats: () => status.stats(), models, replays, advice });
}

/** A log on Kafka is shared: what a replay would read is not this process's own. */
export function clusterOperations(
  operations: Operations,
  setup: Setup,
  cluster: Cluster<Registry>,
  triage: TriageBoard,
): OperationsPort {
  const { config } = setup;
  const { readModels } = createKafkaAdapters(
    config,
    kafkaOptionsOf(config, () => undefined),
  );
  const models = createTopicModels(readModels, Date.now);
  const { registry, status } = cluster;
  const advice = createAdvice(triage, registry, config, cluster.clock);
  return operations.port({ registry, stats: () => status.stats(), models, replays: null, advice });
}
