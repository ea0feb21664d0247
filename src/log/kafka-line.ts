/**
 * A line to the brokers, for requests that kafkajs sends but has no public verb for: those of a transaction and of a
 * membership. It promises that a request reaches the broker in charge, that one which another try may help is tried
 * again until its time is up, and that a connection that failed is never used again: kafkajs keeps the bytes of an
 * answer that was cut off and would misread the next. It may not repeat what the brokers refused for good.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilldeerError } from '../errors.js';
import { type KafkaOptions, kafkaErrorType } from './kafka-connection.js';
import { type KafkaBroker, type KafkaCluster, type OpenedCluster, openCluster } from './kafka-inner.js';

/** What a coordinator is in charge of, by the numbers of the protocol. */
export const COORDINATOR = { group: 0, transaction: 1 } as const;

export interface PartitionName {
  /** With the installation's prefix. */
  readonly topic: string;
  readonly partition: number;
}

const PAUSE_MS_MIN = 10;
const PAUSE_MS_MAX = 500;
/** The coordinator is still writing the end of the transaction before: that takes milliseconds. */
const BUSY_PAUSE_MS = 3;
/** A topic may be missing because its making has not reached every broker. */
const MISSING_FOR_MS_MAX = 3_000;

export class KafkaLine {
  private readonly options: KafkaOptions;
  private readonly closing = new AbortController();
  private opening: OpenedCluster | null = null;
  private readonly coordinators = new Map<string, Promise<KafkaBroker>>();
  private readonly topics: Set<string>;
  private metadataStale = false;

  /** `topics`, with the prefix: those whose leaders will be asked for; without any the brokers describe all they have. */
  constructor(options: KafkaOptions, topics: readonly string[] = []) {
    // What kafkajs calls an error is answered here by another try; what none mends is told to whoever asked.
    this.options = { ...options, report: (_level, message, error) => options.report('debug', message, error) };
    this.topics = new Set(topics);
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /** The broker that is in charge of a group or a transaction's id. */
  coordinator(kind: number, id: string): Promise<KafkaBroker> {
    const key = `${kind} ${id}`;
    let found = this.coordinators.get(key);
    if (found === undefined) {
      found = this.findCoordinator(kind, id);
      this.coordinators.set(key, found);
      const failed = found;
      failed.catch(() => {
        if (this.coordinators.get(key) === failed) this.coordinators.delete(key);
      });
    }
    return found;
  }

  /** The broker that leads a partition. */
  async leader({ topic, partition }: PartitionName): Promise<KafkaBroker> {
    const cluster = await this.described([topic]);
    const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
    if (found === undefined) {
      throw new KilldeerError('kafka.wrong-topic', `topic ${topic} has no partition ${partition}`);
    }
    return cluster.findBroker({ nodeId: String(found.leader) });
  }

  /** How many partitions each topic has. */
  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const cluster = await this.described(topics);
    return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
  }

  /** What is known of leaders and coordinators is asked for anew. */
  forget(): void {
    this.metadataStale = true;
    this.coordinators.clear();
  }

  /**
   * Sends until there is an answer, for at most `limitMs`. Rejects with the brokers' last word (an error of kafkajs)
   * or with 'log.closed'. `send` must bear being called again where its answer was lost.
   */
  async ask<T>(limitMs: number, send: () => Promise<T>): Promise<T> {
    const sinceMs = performance.now();
    let pauseMs = PAUSE_MS_MIN;
    for (;;) {
      let used = this.opening;
      try {
        const sending = send();
        used ??= this.opening;
        return await sending;
      } catch (error) {
        this.check();
        const remedy = remedyFor(error);
        const spentMs = performance.now() - sinceMs;
        const wait = remedy === 'again' ? BUSY_PAUSE_MS : pauseMs;
        if (remedy === null || spentMs + wait > limitMs) throw error;
        if (remedy === 'missing' && spentMs > MISSING_FOR_MS_MAX) throw error;
        this.apply(remedy, used);
        await this.pause(wait);
        if (remedy !== 'again') pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
      }
    }
  }

  /** After an error met outside of `ask`: does what may help the next try. false: none will. */
  mend(error: unknown): boolean {
    const remedy = remedyFor(error);
    if (remedy !== null) this.apply(remedy, this.opening);
    return remedy !== null;
  }

  /** Resolves after a while; rejects with 'log.closed' as soon as the line is. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal }).catch(() => this.check());
  }

  /** Gives up the connections: what is under way on them fails, the next request makes new ones. */
  drop(used: OpenedCluster | null = this.opening): void {
    // Somebody else on this line may have seen the same failure first.
    if (used === null || used !== this.opening) return;
    this.opening = null;
    this.forget();
    used.shut();
  }

  /** Ends at once what is under way; leaves no socket and no timer. */
  close(): void {
    this.closing.abort();
    this.drop();
  }

  private check(): void {
    if (this.closed) throw new KilldeerError('log.closed', 'the line to the brokers is closed');
  }

  private apply(remedy: Remedy, used: OpenedCluster | null): void {
    if (remedy === 'reconnect') this.drop(used);
    else if (remedy !== 'again') this.forget();
  }

  private async cluster(): Promise<KafkaCluster> {
    this.check();
    if (this.opening === null) {
      const opening = openCluster(this.options, this.topics);
      opening.ready.catch(() => this.drop(opening));
      this.opening = opening;
      this.metadataStale = false;
    }
    return this.opening.ready;
  }

  private async described(topics: readonly string[]): Promise<KafkaCluster> {
    const cluster = await this.cluster();
    const fresh = topics.filter((topic) => !this.topics.has(topic));
    if (fresh.length > 0) {
      // Remembered only if it is there: one topic that is missing must not keep the others from being found.
      await cluster.addMultipleTargetTopics(fresh);
      for (const topic of fresh) this.topics.add(topic);
    }
    if (!this.metadataStale) return cluster;
    await cluster.refreshMetadata();
    this.metadataStale = false;
    return cluster;
  }

  private async findCoordinator(kind: number, id: string): Promise<KafkaBroker> {
    const cluster = await this.cluster();
    let failure: unknown;
    for (const nodeId of cluster.getNodeIds()) {
      try {
        const broker = await cluster.findBroker({ nodeId });
        const { coordinator } = await broker.findGroupCoordinator({ groupId: id, coordinatorType: kind });
        return await cluster.findBroker({ nodeId: String(coordinator.nodeId) });
      } catch (error) {
        // Any broker can say who it is: one that is away need not be asked.
        failure = error;
      }
    }
    throw failure ?? new KilldeerError('kafka.unreachable', 'no broker is known');
  }
}

const BUSY = ['CONCURRENT_TRANSACTIONS'];
const MOVED = [
  ...['GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS'],
  ...['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'BROKER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE'],
  ...['FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'OFFSET_NOT_AVAILABLE', 'UNSTABLE_OFFSET_COMMIT'],
  ...['NETWORK_EXCEPTION', 'REQUEST_TIMED_OUT', 'KAFKA_STORAGE_ERROR'],
  ...['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'],
];

type Remedy = 'again' | 'ask-anew' | 'missing' | 'reconnect';

/** What helps before the same request is sent again; null: nothing does. */
function remedyFor(error: unknown): Remedy | null {
  if (error instanceof KilldeerError) return error.code === 'kafka.unreachable' ? 'reconnect' : null;
  const type = kafkaErrorType(error);
  if (type === null) return isRefusal(error) ? null : 'reconnect';
  if (BUSY.includes(type)) return 'again';
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'missing';
  return MOVED.includes(type) ? 'ask-anew' : null;
}

/** Failures that no new connection mends: wrong credentials, a codec that is missing, a fault of this program. */
function isRefusal(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return /SASL|NotImplemented|TypeError|RangeError|ReferenceError|SyntaxError/.test(name);
}
