/** The topics of an installation on Kafka: what each is for, how many partitions it has, what is kept. */
import type { Config } from '../config.js';
import { EVENTS_TOPIC, REGISTRY_TOPIC } from './layout.js';

/** Findings of partition p stand in partition p, and so do its dead letters, samples and state. */
export const FINDINGS_TOPIC = 'findings';
export const DEAD_LETTER_TOPIC = 'dead-letter';
export const SAMPLES_TOPIC = 'samples';
/** What the owners of the partitions remember: by key, the last record of each counts. */
export const STATE_TOPIC = 'state';
/** Cohort models by version, and what the learner remembers. */
export const MODELS_TOPIC = 'models';
/** How the installation began and what was configured since; never compacted, the first record is its genesis. */
export const CLUSTER_TOPIC = 'cluster';
/** What the fleet stage is fed: the signals of partition p in partition p; who works for whom, and who uses which credential, in the first. */
export const SIGNALS_TOPIC = 'signals';
/** What a source sent that could not become an event, with the reason. */
export const REJECTED_TOPIC = 'rejected';

/** What is in force, for gateways that read Kafka alone: by key, the last record of each counts. */
export const CURRENT_TOPIC = 'registry-current';

export interface TopicPlan {
  /** Without the installation's prefix. */
  readonly topic: string;
  readonly partitions: number;
  /** Of the broker, by its own names. */
  readonly config: Readonly<Record<string, string>>;
}

/** The longest record that a topic takes, bytes. */
export const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const SEGMENT_COMPACTED = String(64 * 1024 * 1024);

/** Every topic that the roles need. */
export function topicPlans({ partitions, log }: Config): readonly TopicPlan[] {
  const sized = { 'max.message.bytes': String(RECORD_BYTES_MAX) };
  const aged = { ...sized, 'cleanup.policy': 'delete', 'retention.ms': String(log.retention_age) };
  const kept = { ...sized, 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' };
  const compacted = {
    ...sized,
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.2',
    'segment.bytes': SEGMENT_COMPACTED,
    'segment.ms': '600000',
  };
  return [
    { topic: EVENTS_TOPIC, partitions, config: aged },
    { topic: FINDINGS_TOPIC, partitions, config: aged },
    { topic: DEAD_LETTER_TOPIC, partitions, config: aged },
    { topic: SAMPLES_TOPIC, partitions, config: aged },
    { topic: STATE_TOPIC, partitions, config: compacted },
    { topic: REGISTRY_TOPIC, partitions: 1, config: kept },
    { topic: CURRENT_TOPIC, partitions: 1, config: compacted },
    { topic: MODELS_TOPIC, partitions: 1, config: compacted },
    { topic: CLUSTER_TOPIC, partitions: 1, config: kept },
    { topic: SIGNALS_TOPIC, partitions, config: aged },
    { topic: REJECTED_TOPIC, partitions: 1, config: aged },
  ];
}
