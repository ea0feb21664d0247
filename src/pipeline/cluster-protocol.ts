/** What the worker threads of a process among several are started with; they speak protocol.ts. */
import type { PriceTable } from '../event/prices.js';
import type { Genesis } from './cluster-state.js';

/** How to reach the brokers, as plain data; `K` is the adapter's own. */
interface KafkaTask<K> {
  readonly kafka: K;
  readonly partitions: number;
}

export interface OwnerTask<K> extends KafkaTask<K> {
  readonly kind: 'owner';
  readonly partition: number;
  readonly genesis: Genesis;
  readonly prices: PriceTable;
  readonly checkpointEveryMs: number;
  /** Length of a learning window, ms; null: nothing is learned. */
  readonly learnEveryMs: number | null;
  /** For what is cheap to lose; emptied. */
  readonly directory: string;
}

export interface KeyedLearnerTask<K> extends KafkaTask<K> {
  readonly kind: 'learner';
  /** Version of the model that learning started from. */
  readonly start: string;
  readonly pagesPerAgentDay: number;
}

export type ClusterTask<K> = OwnerTask<K> | KeyedLearnerTask<K>;
