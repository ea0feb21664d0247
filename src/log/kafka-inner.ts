/**
 * What lies inside a kafkajs client: its brokers with the plain requests of the protocol. Its types leave most of them
 * out, so they are declared here as far as they are used; kafkajs passes the object itself to every partition
 * assigner, which is the way in. It may not hold any of them: see kafka-line.ts.
 */
import type { Kafka } from 'kafkajs';
import { type KafkaOptions, openKafkaClient } from './kafka-connection.js';

export interface ProducedPartition {
  readonly partition: number;
  readonly firstSequence: number;
  readonly messages: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[];
}

/** Who writes in a transaction. */
export interface ProducerIdentity {
  readonly producerId: string;
  readonly producerEpoch: number;
}

interface Transacting extends ProducerIdentity {
  readonly transactionalId: string;
}

interface Member {
  readonly groupId: string;
  readonly memberId: string;
}

interface OffsetsOf<P> {
  readonly topic: string;
  readonly partitions: readonly P[];
}

export interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  /** Told to the leader alone. */
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface KafkaBroker {
  findGroupCoordinator(request: {
    groupId: string;
    coordinatorType: number;
  }): Promise<{ coordinator: { nodeId: number } }>;
  initProducerId(request: { transactionalId: string; transactionTimeout: number }): Promise<ProducerIdentity>;
  addPartitionsToTxn(
    request: Transacting & { topics: readonly { topic: string; partitions: readonly number[] }[] },
  ): Promise<unknown>;
  /** Of nobody in particular where no producer is named. */
  produce(
    request: Partial<Transacting> & {
      timeout: number;
      compression: number;
      topicData: readonly { topic: string; partitions: readonly ProducedPartition[] }[];
    },
  ): Promise<unknown>;
  endTxn(request: Transacting & { transactionResult: boolean }): Promise<unknown>;
  joinGroup(
    request: Member & {
      sessionTimeout: number;
      rebalanceTimeout: number;
      groupProtocols: readonly { name: string; metadata: Buffer }[];
    },
  ): Promise<JoinedGroup>;
  syncGroup(
    request: Member & {
      generationId: number;
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
    },
  ): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: Member & { groupGenerationId: number }): Promise<unknown>;
  leaveGroup(request: Member): Promise<unknown>;
  offsetCommit(
    request: Member & {
      groupGenerationId: number;
      topics: readonly OffsetsOf<{ partition: number; offset: string }>[];
    },
  ): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: readonly OffsetsOf<{ partition: number }>[];
  }): Promise<{ responses: readonly OffsetsOf<{ partition: number; offset: string }>[] }>;
}

export interface KafkaCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** Also fetches what is known of them, where one is new. */
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  getNodeIds(): string[];
  /** Connected. */
  findBroker(node: { nodeId: string }): Promise<KafkaBroker>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
}

export interface OpenedCluster {
  /** Connected, knows its brokers and the leaders of the topics asked for; with none asked for, of all there are. */
  readonly ready: Promise<KafkaCluster>;
  /** Ends all connections at once; requests under way fail. kafkajs alone would wait for their answers. */
  shut(): void;
}

/** Begins to connect; a failure is told by `ready` and leaves nothing open. */
export function openCluster(options: KafkaOptions, topics: ReadonlySet<string>): OpenedCluster {
  const { kafka, shut } = openKafkaClient(options);
  const cluster = clusterOf(kafka);
  const connect = async (): Promise<KafkaCluster> => {
    await cluster.connect();
    if (topics.size > 0) await cluster.addMultipleTargetTopics([...topics]);
    else await cluster.refreshMetadataIfNecessary();
    return cluster;
  };
  const ready = connect();
  ready.catch(shut);
  return { ready, shut };
}

function clusterOf(client: Kafka): KafkaCluster {
  let found: unknown;
  client.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  return found as KafkaCluster;
}
