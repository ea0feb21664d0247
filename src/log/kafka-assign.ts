/**
 * Who of a consumer group owns which partition. Sticky: a partition stays with the member that has it, for moving one
 * costs a restore; the counts of any two members differ by one at most. Pure: the same members give the same answer,
 * whichever of them is asked.
 */
import kafkajs from 'kafkajs';

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;

export interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A member as the group's leader sees it. */
export interface Claimant {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** Generation of the group in which it was given what it owns; -1: it owns nothing yet. */
  readonly generation: number;
  readonly owned: readonly GroupPartition[];
}

/** Name of the protocol, the same for every member of a group. */
export const PROTOCOL = 'killdeer-sticky';
const VERSION = 1;

/**
 * Gives every partition that somebody subscribes to exactly one owner. `partitions`: how many each topic has. Where
 * two claim the same partition, the later generation has it: the other was away.
 */
export function assignSticky(
  claimants: readonly Claimant[],
  partitions: ReadonlyMap<string, number>,
): Map<string, GroupPartition[]> {
  const members = [...claimants].sort((a, b) => order(a.memberId, b.memberId));
  const given = new Map<string, GroupPartition[]>(members.map(({ memberId }) => [memberId, []]));
  if (members.length === 0) return given;
  const free = allOf(partitions);
  for (const member of [...members].sort((a, b) => b.generation - a.generation)) {
    for (const claim of member.owned) {
      if (member.topics.includes(claim.topic) && free.delete(keyOf(claim))) given.get(member.memberId)?.push(claim);
    }
  }
  release(members, given, free);
  for (const partition of free.values()) leastLoaded(members, given, partition.topic)?.push(partition);
  for (const list of given.values()) list.sort((a, b) => order(a.topic, b.topic) || a.partition - b.partition);
  return given;
}

/** Takes back what is above a fair share; the members with the most keep the larger shares, so the fewest move. */
function release(
  members: readonly Claimant[],
  given: ReadonlyMap<string, GroupPartition[]>,
  free: Map<string, GroupPartition>,
): void {
  const lists = members.map(({ memberId }) => given.get(memberId) as GroupPartition[]);
  const total = free.size + lists.reduce((sum, list) => sum + list.length, 0);
  const share = Math.floor(total / lists.length);
  let larger = total % lists.length;
  for (const list of lists.sort((a, b) => b.length - a.length)) {
    const most = larger > 0 ? share + 1 : share;
    if (list.length > share) larger -= 1;
    for (const partition of list.splice(most)) free.set(keyOf(partition), partition);
  }
}

function leastLoaded(
  members: readonly Claimant[],
  given: ReadonlyMap<string, GroupPartition[]>,
  topic: string,
): GroupPartition[] | undefined {
  let least: GroupPartition[] | undefined;
  for (const { memberId, topics } of members) {
    const list = given.get(memberId);
    if (!topics.includes(topic) || list === undefined) continue;
    if (least === undefined || list.length < least.length) least = list;
  }
  return least;
}

function allOf(partitions: ReadonlyMap<string, number>): Map<string, GroupPartition> {
  const all = new Map<string, GroupPartition>();
  for (const topic of [...partitions.keys()].sort(order)) {
    for (let partition = 0; partition < (partitions.get(topic) ?? 0); partition += 1) {
      all.set(keyOf({ topic, partition }), { topic, partition });
    }
  }
  return all;
}

/** What a member tells the leader when it joins. */
export function encodeClaim(claim: Omit<Claimant, 'memberId'>): Buffer {
  const userData = Buffer.from(JSON.stringify({ generation: claim.generation, owned: claim.owned }));
  return MemberMetadata.encode({ version: VERSION, topics: [...claim.topics], userData });
}

/** What a member told; one whose claim cannot be read owns nothing. */
export function decodeClaim(memberId: string, metadata: Buffer): Claimant {
  const decoded = MemberMetadata.decode(metadata);
  const topics = decoded?.topics ?? [];
  try {
    const { generation, owned } = JSON.parse(String(decoded?.userData)) as Claimant;
    if (Number.isSafeInteger(generation) && Array.isArray(owned) && owned.every(isPartition)) {
      return { memberId, topics, generation, owned };
    }
  } catch {
    // Of another version of this program: its partitions move, nothing else happens.
  }
  return { memberId, topics, generation: -1, owned: [] };
}

/** A member's share as the group's coordinator passes it on. */
export function encodeShare(partitions: readonly GroupPartition[]): Buffer {
  const assignment: Record<string, number[]> = {};
  for (const { topic, partition } of partitions) {
    assignment[topic] ??= [];
    assignment[topic].push(partition);
  }
  return MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) });
}

/** The share that a member was given, by topic and partition. */
export function decodeShare(share: Buffer | null): GroupPartition[] {
  const assignment = share === null || share.length === 0 ? {} : (MemberAssignment.decode(share)?.assignment ?? {});
  const partitions: GroupPartition[] = [];
  for (const topic of Object.keys(assignment).sort(order)) {
    for (const partition of assignment[topic]) partitions.push({ topic, partition });
  }
  return partitions;
}

function isPartition(value: unknown): value is GroupPartition {
  const given = value as Partial<GroupPartition> | null;
  return typeof given?.topic === 'string' && Number.isSafeInteger(given.partition);
}

function keyOf({ topic, partition }: GroupPartition): string {
  return `${topic}/${partition}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
