/**
 * Offsets that a group has committed plainly, outside of any transaction. They carry the generation in which their
 * member was given its partitions: the brokers refuse those of a member that missed a rebalance.
 */
import { KilldeerError } from '../errors.js';
import type { GroupPartition } from './kafka-assign.js';
import { kafkaError, kafkaErrorType } from './kafka-connection.js';
import { COORDINATOR, type KafkaLine } from './kafka-line.js';

export interface GroupOffset extends GroupPartition {
  /** Next to be read. */
  readonly offset: number;
}

/** Who commits. */
export interface Generation {
  readonly groupId: string;
  readonly memberId: string;
  readonly generation: number;
}

/** The brokers' words for a member that missed a rebalance. */
export const OUTDATED: readonly string[] = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

const REQUEST_MS_MAX = 5_000;

/** Topics by their whole names. Rejects with 'kafka.fenced' where the generation is over. */
export async function commitOffsets(line: KafkaLine, by: Generation, offsets: readonly GroupOffset[]): Promise<void> {
  const { groupId, memberId, generation } = by;
  const topics = [...new Set(offsets.map(({ topic }) => topic))].map((topic) => ({
    topic,
    partitions: offsets
      .filter((each) => each.topic === topic)
      .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
  }));
  try {
    await line.ask(REQUEST_MS_MAX, async () => {
      const coordinator = await line.coordinator(COORDINATOR.group, groupId);
      await coordinator.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics });
    });
  } catch (error) {
    const what = `committing offsets of the group ${groupId}`;
    if (!OUTDATED.includes(kafkaErrorType(error) ?? '')) throw kafkaError(error, what);
    throw new KilldeerError('kafka.fenced', `${what}: generation ${generation} is over`, error);
  }
}

/** By partition; those without an offset are left out. */
export async function fetchOffsets(line: KafkaLine, groupId: string, topic: string): Promise<Map<number, number>> {
  try {
    const { responses } = await line.ask(REQUEST_MS_MAX, async () => {
      const counts = await line.partitionCounts([topic]);
      const partitions = Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ partition }));
      const coordinator = await line.coordinator(COORDINATOR.group, groupId);
      return coordinator.offsetFetch({ groupId, topics: [{ topic, partitions }] });
    });
    const committed = new Map<number, number>();
    for (const { partition, offset } of responses.flatMap((response) => response.partitions)) {
      // The brokers say -1 where there is none.
      if (Number(offset) >= 0) committed.set(partition, Number(offset));
    }
    return committed;
  } catch (error) {
    throw kafkaError(error, `reading the offsets of the group ${groupId}`);
  }
}
