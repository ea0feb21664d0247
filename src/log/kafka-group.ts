/**
 * Membership of a consumer group: who owns which partitions, and offsets committed for others to see. It fetches no
 * record. Every join tells the whole assignment; between joins it stays a member by heartbeats that hang on nothing
 * but a timer. It promises to come back by itself whatever happened to the brokers, and to leave at once.
 *
 * kafkajs's own consumer sends heartbeats from its fetch loop, hides the generation that a commit must carry, and may
 * end in an error that nobody hears: so its requests are used here, not its consumer. Owning a partition is no right
 * to write: a member that lost it may not know yet. That is what the fence of kafka-transaction.ts is for.
 */
import { KilldeerError } from '../errors.js';
import {
  assignSticky,
  decodeClaim,
  decodeShare,
  encodeClaim,
  encodeShare,
  type GroupPartition,
  PROTOCOL,
} from './kafka-assign.js';
import { type KafkaOptions, kafkaError, kafkaErrorType } from './kafka-connection.js';
import type { JoinedGroup } from './kafka-inner.js';
import { COORDINATOR, KafkaLine } from './kafka-line.js';
import { commitOffsets, fetchOffsets, type GroupOffset, OUTDATED } from './kafka-offsets.js';

export type { GroupPartition } from './kafka-assign.js';
export type { GroupOffset } from './kafka-offsets.js';

export interface GroupOptions {
  readonly kafka: KafkaOptions;
  /** Whole, with the installation's prefix. */
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Whether the topics are ours and get the installation's prefix; those of sources do not. */
  readonly prefixed: boolean;
  /** A member that was not heard for so long has left. The brokers have limits for it, 6 s to 30 min by default. */
  readonly sessionTimeoutMs: number;
  /** Called at every join with all that this member owns, nothing included. Must not throw. */
  onAssigned(assignment: readonly GroupPartition[]): void;
}

export interface GroupMembership {
  /** Whether the group counts this member in, as far as it can know. */
  isMember(): boolean;
  /**
   * Commits plainly, outside of any transaction. Rejects with 'kafka.fenced' where a partition belongs to another by
   * now and with 'kafka.unreachable' where nobody knows at the moment.
   */
  commit(offsets: readonly GroupOffset[]): Promise<void>;
  /** What the group has committed of a topic, by partition; those without an offset are left out. */
  committed(topic: string): Promise<Map<number, number>>;
  /** What it owns goes to the others at once. */
  leave(): Promise<void>;
}

const HEARTBEATS_PER_SESSION = 6;
/** A member hears of a rebalance by its next heartbeat: the whole group waits for it. */
const HEARTBEAT_MS_MAX = 1_000;
const JOIN_MS_MAX = 30_000;
const LEAVE_MS_MAX = 5_000;
const REQUEST_MS = 5_000;
const PAUSE_MS_MIN = 10;
const PAUSE_MS_MAX = 1_000;
/** Between two tries where another is unlikely to help. */
const REFUSED_PAUSE_MS = 5_000;
/** How often the leader looks whether a topic has grown. */
const LOOK_EVERY_MS = 30_000;
/** Meanwhile the whole group waits for its shares. */
const LOOK_MS_MAX = 5_000;
/** The brokers' words for a member that they will not have. */
const UNWANTED = [
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_MAX_SIZE_REACHED',
  'INVALID_GROUP_ID',
];

/**
 * Joins, and resolves after the first assignment. Rejects with 'kafka.missing-topic', 'kafka.refused' or
 * 'kafka.unreachable'; after that first time it comes back by itself.
 */
export async function joinGroup(options: GroupOptions): Promise<GroupMembership> {
  const member = new Member(options);
  try {
    await member.enter();
    return member;
  } catch (error) {
    await member.leave();
    const failure = kafkaError(error, `joining the group ${options.groupId}`);
    if (!UNWANTED.includes(kafkaErrorType(error) ?? '')) throw failure;
    throw new KilldeerError('kafka.refused', failure.message, error);
  }
}

class Member implements GroupMembership {
  private readonly options: GroupOptions;
  private readonly prefix: string;
  private readonly topics: readonly string[];
  /** Joins and heartbeats: a join keeps its connection busy until all have joined. */
  private readonly line: KafkaLine;
  /** Whatever must not wait for a join. */
  private readonly aside: KafkaLine;
  private memberId = '';
  private generation = -1;
  private owned: readonly GroupPartition[] = [];
  private counts: ReadonlyMap<string, number> | null = null;
  private heardMs = Number.NEGATIVE_INFINITY;
  private joined = false;
  /** A join is under way: the coordinator may have given it an id that is not known here. */
  private joining = false;
  /** Since something failed and was not yet made good: it is reported once. */
  private troubled = false;
  private living: Promise<void> = Promise.resolve();
  private leaving: Promise<void> | null = null;

  constructor(options: GroupOptions) {
    const { kafka, topics, prefixed, sessionTimeoutMs } = options;
    this.options = options;
    this.prefix = prefixed ? kafka.prefix : '';
    this.topics = topics.map((topic) => this.prefix + topic);
    // Longer than a session: the answer to a sync may wait for a leader that is gone.
    const requestTimeoutMs = Math.min(kafka.requestTimeoutMs, sessionTimeoutMs + REQUEST_MS);
    this.line = new KafkaLine({ ...kafka, requestTimeoutMs }, this.topics);
    this.aside = new KafkaLine({ ...kafka, requestTimeoutMs }, this.topics);
  }

  async enter(): Promise<void> {
    await this.line.ask(JOIN_MS_MAX, () => this.line.partitionCounts(this.topics));
    await new Promise<void>((resolve, reject) => {
      this.living = this.live(resolve, reject);
    });
  }

  isMember(): boolean {
    return this.joined && performance.now() - this.heardMs < this.options.sessionTimeoutMs;
  }

  async commit(offsets: readonly GroupOffset[]): Promise<void> {
    const { groupId } = this.options;
    const { memberId, generation, owned } = this;
    if (!this.isMember()) throw new KilldeerError('kafka.unreachable', `not a member of the group ${groupId} now`);
    const named = offsets.map((offset) => ({ ...offset, topic: this.prefix + offset.topic }));
    for (const { topic, partition } of named) {
      if (owned.some((each) => each.topic === topic && each.partition === partition)) continue;
      throw new KilldeerError('kafka.fenced', `another member of ${groupId} owns partition ${partition} of ${topic}`);
    }
    if (named.length > 0) await commitOffsets(this.aside, { groupId, memberId, generation }, named);
  }

  committed(topic: string): Promise<Map<number, number>> {
    return fetchOffsets(this.aside, this.options.groupId, this.prefix + topic);
  }

  leave(): Promise<void> {
    this.leaving ??= this.depart();
    return this.leaving;
  }

  private async depart(): Promise<void> {
    const { groupId } = this.options;
    this.joined = false;
    // Without its id a member that is just joining could not say who leaves.
    if (this.memberId === '' && this.joining) await within(LEAVE_MS_MAX, this.living).catch(() => {});
    this.line.close();
    await this.living;
    const { memberId } = this;
    if (memberId !== '') {
      const leave = this.aside.ask(LEAVE_MS_MAX, async () => {
        const coordinator = await this.aside.coordinator(COORDINATOR.group, groupId);
        await coordinator.leaveGroup({ groupId, memberId });
      });
      // Not heard of any more, it is out all the same after the session's time.
      await within(LEAVE_MS_MAX, leave).catch((error) => this.report('warn', 'leaving', error));
    }
    this.aside.close();
  }

  /** Joins and stays, again and again, until it leaves. `entered` and `failed` are told of the first time. */
  private async live(entered: () => void, failed: (error: unknown) => void): Promise<void> {
    const sinceMs = performance.now();
    let pauseMs = PAUSE_MS_MIN;
    while (this.leaving === null) {
      try {
        await this.join();
        pauseMs = PAUSE_MS_MIN;
        entered();
        if (this.leaving === null) await this.stay();
      } catch (error) {
        this.joined = false;
        if (this.leaving !== null) return;
        const mended = this.rejoins(error) || this.line.mend(error);
        if (!mended || performance.now() - sinceMs > JOIN_MS_MAX) failed(error);
        if (!mended && this.generation < 0) return;
        if (mended) this.trouble('joining', error);
        else this.report('error', 'joining', error);
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
        await this.line.pause(mended ? pauseMs : REFUSED_PAUSE_MS).catch(() => {});
      }
    }
  }

  /** Whether all that is wrong is that the group has moved on. */
  private rejoins(error: unknown): boolean {
    const type = kafkaErrorType(error) ?? '';
    if (type === 'UNKNOWN_MEMBER_ID') this.memberId = '';
    return type === 'REBALANCE_IN_PROGRESS' || OUTDATED.includes(type);
  }

  private async join(): Promise<void> {
    const { groupId, sessionTimeoutMs } = this.options;
    const metadata = encodeClaim({ topics: this.topics, generation: this.generation, owned: this.owned });
    const coordinator = await this.line.coordinator(COORDINATOR.group, groupId);
    this.joining = true;
    const joining = coordinator.joinGroup({
      groupId,
      memberId: this.memberId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      groupProtocols: [{ name: PROTOCOL, metadata }],
    });
    const group = await joining.finally(() => {
      this.joining = false;
    });
    const { memberId, generationId } = group;
    this.memberId = memberId;
    const isLeader = group.leaderId === memberId;
    const groupAssignment = isLeader ? await this.divide(group) : [];
    const share = await coordinator.syncGroup({ groupId, memberId, generationId, groupAssignment });
    if (!isLeader) this.counts = null;
    this.generation = generationId;
    this.owned = decodeShare(share.memberAssignment);
    this.heard();
    this.tell();
  }

  /** The whole assignment, by the caller's names. */
  private tell(): void {
    if (this.leaving !== null) return;
    this.joined = true;
    const { onAssigned } = this.options;
    try {
      onAssigned(this.owned.map(({ topic, partition }) => ({ topic: topic.slice(this.prefix.length), partition })));
    } catch (error) {
      // A fault of whoever was told; this member owns the partitions all the same.
      this.report('error', 'telling the assignment', error);
    }
  }

  /** The leader's part: who gets what. */
  private async divide({ members }: JoinedGroup): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const claims = members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata));
    const topics = [...new Set(claims.flatMap((claim) => claim.topics))];
    this.counts = await this.look(topics);
    const shares = assignSticky(claims, this.counts);
    return [...shares].map(([memberId, owned]) => ({ memberId, memberAssignment: encodeShare(owned) }));
  }

  private look(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.aside.forget();
    return this.aside.ask(LOOK_MS_MAX, () => this.aside.partitionCounts(topics));
  }

  /** Resolves when it is time to join again. */
  private async stay(): Promise<void> {
    const { sessionTimeoutMs } = this.options;
    const everyMs = Math.min(sessionTimeoutMs / HEARTBEATS_PER_SESSION, HEARTBEAT_MS_MAX);
    let lookedMs = performance.now();
    for (;;) {
      await this.line.pause(everyMs);
      try {
        await within(sessionTimeoutMs / 2, this.beat());
        this.heard();
      } catch (error) {
        if (this.leaving !== null || this.rejoins(error)) return;
        // Still a member for all it knows: a connection that failed is no reason to make the group move.
        if (!this.line.mend(error)) throw error;
        this.trouble('heartbeat', error);
      }
      if (this.counts === null || performance.now() - lookedMs < LOOK_EVERY_MS) continue;
      lookedMs = performance.now();
      if (await this.hasGrown(this.counts)) return;
    }
  }

  private async beat(): Promise<void> {
    const { groupId } = this.options;
    const coordinator = await this.line.coordinator(COORDINATOR.group, groupId);
    await coordinator.heartbeat({ groupId, memberId: this.memberId, groupGenerationId: this.generation });
  }

  private async hasGrown(counts: ReadonlyMap<string, number>): Promise<boolean> {
    const now = await this.look([...counts.keys()]).catch(() => counts);
    return [...counts].some(([topic, count]) => now.get(topic) !== count);
  }

  private heard(): void {
    this.heardMs = performance.now();
    if (this.troubled) this.options.kafka.report('info', `group ${this.options.groupId}: a member again`);
    this.troubled = false;
  }

  private trouble(what: string, error: unknown): void {
    const moved = this.rejoins(error);
    this.report(moved || this.troubled ? 'debug' : 'warn', what, error);
    if (!moved) this.troubled = true;
  }

  private report(level: 'debug' | 'warn' | 'error', what: string, error: unknown): void {
    const { kafka, groupId } = this.options;
    kafka.report(level, kafkaError(error, `group ${groupId}, ${what}`).message, error);
  }
}

async function within<T>(limitMs: number, done: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const words = `no answer within ${limitMs} ms`;
    timer = setTimeout(() => reject(new KilldeerError('kafka.unreachable', words)), limitMs);
  });
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
