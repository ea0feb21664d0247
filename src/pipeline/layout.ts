/** Where the live side keeps what in the data directory, and what its topics are called. */
import { join } from 'node:path';

export const EVENTS_TOPIC = 'events';
export const REGISTRY_TOPIC = 'registry';

/**
 * A topic has one writer, and every partition's outputs are written by that partition's own thread: so each partition
 * has topics of its own, with one partition each.
 */
export function findingsTopic(partition: number): string {
  return `findings-${partition}`;
}

export function deadLetterTopic(partition: number): string {
  return `dead-letter-${partition}`;
}

export function samplesTopic(partition: number): string {
  return `samples-${partition}`;
}

/** What a partition's engine tells the fleet stage. */
export function signalsTopic(partition: number): string {
  return `signals-${partition}`;
}

export interface Layout {
  readonly log: string;
  readonly models: string;
  /** What the live side itself remembers. */
  readonly state: string;
  readonly learner: string;
  /** What the fleet stage remembers. */
  readonly fleet: string;
}

export function layoutOf(directory: string): Layout {
  return {
    log: join(directory, 'log'),
    models: join(directory, 'models'),
    state: join(directory, 'live.json'),
    learner: join(directory, 'learner.json'),
    fleet: join(directory, 'fleet.json.gz'),
  };
}

export interface PartitionLayout {
  /** Its shelves stand here too. */
  readonly directory: string;
  readonly checkpoint: string;
  readonly daily: string;
}

export function partitionLayout(directory: string, partition: number): PartitionLayout {
  const own = join(directory, 'partitions', String(partition));
  return {
    directory: own,
    checkpoint: join(own, 'checkpoint.ckpt'),
    daily: join(own, 'daily'),
  };
}
