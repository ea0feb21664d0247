/** Membership of a group on a real broker: every partition has one owner, whoever comes, goes or dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { type GroupMembership, type GroupPartition, joinGroup } from '../../src/log/kafka-group.js';
import { describeKafka, describeOutage, kafkaOptions, makeTopics, startBroker } from '../kafka/broker.js';
import { startChild, until } from './kafka-children.js';

const PARTITIONS = 8;
/** Longer than any test waits: what goes to others within it was given up, not timed out. */
const NEVER_MS = 300_000;
/** Brokers that start take their time on a busy machine. */
const OUTAGE_MS_MAX = 180_000;
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const code = (expected: string) => expect.objectContaining({ code: expected });
const numbers = (assignment: readonly GroupPartition[]) => assignment.map(({ partition }) => partition);

/** A member with every assignment it was told. */
class Member {
  readonly told: number[][] = [];
  readonly reports: string[] = [];
  membership: GroupMembership | null = null;
  private readonly kafka: KafkaOptions;
  private readonly sessionTimeoutMs: number;

  constructor(kafka: KafkaOptions, sessionTimeoutMs = NEVER_MS) {
    this.kafka = { ...kafka, report: (level, message) => this.reports.push(`${level}: ${message}`) };
    this.sessionTimeoutMs = sessionTimeoutMs;
  }

  get owned(): number[] {
    return this.told.at(-1) ?? [];
  }

  async join(): Promise<this> {
    this.membership = await joinGroup({
      kafka: this.kafka,
      groupId: `${this.kafka.prefix}score`,
      topics: ['events'],
      prefixed: true,
      sessionTimeoutMs: this.sessionTimeoutMs,
      onAssigned: (assignment) => {
        expect(assignment.every(({ topic }) => topic === 'events')).toBe(true);
        this.told.push(numbers(assignment));
      },
    });
    onTestFinished(() => this.leave());
    return this;
  }

  leave(): Promise<void> {
    return this.membership?.leave() ?? Promise.resolve();
  }
}

/** Every partition has one owner among them, and nobody has two more than another. */
function settled(members: readonly { readonly owned: number[] }[]): boolean {
  const all = members.flatMap(({ owned }) => owned).sort((a, b) => a - b);
  const sizes = members.map(({ owned }) => owned.length);
  return all.join() === ALL.join() && Math.max(...sizes) - Math.min(...sizes) <= 1;
}

const settle = (members: readonly { readonly owned: number[] }[]) =>
  until(`${PARTITIONS} partitions owned by ${members.length}`, () => settled(members));

describeKafka('the membership of a group', (broker) => {
  const world = async (): Promise<KafkaOptions> => {
    const kafka = broker.options();
    await makeTopics(kafka, { events: PARTITIONS });
    return kafka;
  };
  const group = async (kafka: KafkaOptions, size: number, sessionTimeoutMs?: number): Promise<Member[]> => {
    const members: Member[] = [];
    for (let i = 0; i < size; i += 1) members.push(await new Member(kafka, sessionTimeoutMs).join());
    await settle(members);
    return members;
  };

  it.each([1, 2, 4])('of %i gives every partition one owner', async (size) => {
    const members = await group(await world(), size);
    for (const { membership } of members) expect(membership?.isMember()).toBe(true);
  });

  it('larger than the topic has members without a partition, who are told so', async () => {
    const members = await group(await world(), PARTITIONS + 1);
    const idle = members.filter(({ owned }) => owned.length === 0);
    expect(idle).toHaveLength(1);
    expect(idle[0].told.at(-1)).toEqual([]);
  });

  it('moves as few partitions as possible when one joins and when one leaves', async () => {
    const kafka = await world();
    const [a, b] = await group(kafka, 2);
    const before = [a.owned, b.owned];
    const c = await new Member(kafka).join();
    await settle([a, b, c]);
    const kept = [a, b].map(({ owned }, i) => owned.filter((partition) => before[i].includes(partition)).length);
    expect(kept).toEqual([a.owned.length, b.owned.length]);
    const between = [b.owned, c.owned];
    // Long before its session could run out.
    await a.leave();
    await settle([b, c]);
    for (const [i, { owned }] of [b, c].entries()) expect(owned).toEqual(expect.arrayContaining(between[i]));
    expect(a.membership?.isMember()).toBe(false);
  });

  it('hands over what a killed process owned when its session has run out', async () => {
    const kafka = await world();
    const [survivor] = await group(kafka, 1, 6_000);
    const groupId = `${kafka.prefix}score`;
    const child = startChild({ kind: 'member', kafka, groupId, topics: ['events'], sessionTimeoutMs: 6_000 });
    const childOwned = () => numbers((child.said.at(-1)?.['assignment'] ?? []) as GroupPartition[]);
    await until('the child to own its half', () => settled([survivor, { owned: childOwned() }]));
    const mine = survivor.owned;
    await child.kill();
    await settle([survivor]);
    expect(survivor.owned).toEqual(expect.arrayContaining(mine));
  });

  it('stays as it is while a process is busy for 2 s, twice', async () => {
    const kafka = await world();
    const members = await group(kafka, 2, 6_000);
    const told = members.map((member) => member.told.length);
    for (let turn = 0; turn < 2; turn += 1) {
      const busyUntil = performance.now() + 2_000;
      while (performance.now() < busyUntil) Math.sqrt(busyUntil);
      await sleep(100);
    }
    // Of the same generation still: the brokers refuse the offset of a member that they have dropped.
    for (const { owned, membership } of members) {
      await membership?.commit([{ topic: 'events', partition: owned[0], offset: 1 }]);
    }
    expect(members.map((member) => member.told.length)).toEqual(told);
  });

  it('commits plain offsets of what a member owns, for all to see', async () => {
    const kafka = await world();
    const [a, b] = await group(kafka, 2);
    const mine = a.owned.map((partition) => ({ topic: 'events', partition, offset: partition + 10 }));
    await a.membership?.commit(mine);
    const expected = new Map(a.owned.map((partition) => [partition, partition + 10]));
    expect(await b.membership?.committed('events')).toEqual(expected);
    await expect(b.membership?.commit(mine)).rejects.toThrow(code('kafka.fenced'));
    await a.leave();
    await expect(a.membership?.commit(mine)).rejects.toThrow(code('kafka.unreachable'));
    await settle([b]);
    expect(await b.membership?.committed('events')).toEqual(expected);
  });

  it('needs a topic that is there', async () => {
    const kafka = broker.options();
    await expect(new Member(kafka).join()).rejects.toThrow(code('kafka.missing-topic'));
  });

  it('needs a session as long as the brokers allow', async () => {
    await expect(new Member(await world(), 10).join()).rejects.toThrow(code('kafka.refused'));
  });

  it('can be left while the group waits for one that has died', async () => {
    const kafka = await world();
    const [a, b] = await group(kafka, 2, 15_000);
    const child = startChild({
      ...{ kind: 'member', kafka, groupId: `${kafka.prefix}score`, topics: ['events'], sessionTimeoutMs: 15_000 },
    });
    await until('three members', () => a.owned.length + b.owned.length < PARTITIONS && child.said.length > 0);
    await child.kill();
    // The newcomer makes everybody join again; the dead does not, so that for a while nobody is told anything.
    let joined = false;
    const joining = new Member(kafka, 15_000).join().finally(() => {
      joined = true;
    });
    await Promise.all([a.leave(), b.leave()]);
    expect(joined).toBe(false);
    expect([a, b].some(({ membership }) => membership?.isMember())).toBe(false);
    await settle([await joining]);
  });

  it('reports a fault of whoever is told, and goes on', async () => {
    const kafka = await world();
    const reports: string[] = [];
    const membership = await joinGroup({
      kafka: { ...kafka, report: (level, message) => reports.push(`${level}: ${message}`) },
      ...{ groupId: `${kafka.prefix}score`, topics: ['events'], prefixed: true, sessionTimeoutMs: NEVER_MS },
      onAssigned: () => {
        throw new Error('a fault');
      },
    });
    onTestFinished(() => membership.leave());
    expect(membership.isMember()).toBe(true);
    expect(reports.filter((line) => line.startsWith('error'))).toEqual([expect.stringContaining('a fault')]);
  });

  it('over, leaves nothing that keeps a process alive', async () => {
    const kafka = await world();
    const groupId = `${kafka.prefix}score`;
    const task = { kind: 'member', kafka, groupId, topics: ['events'], sessionTimeoutMs: NEVER_MS, leaves: true };
    const child = startChild(task);
    expect(await child.ended).toBe(0);
    expect(child.said.at(-1)).toEqual({ left: true });
  });
});

describeOutage('the membership of a group while the broker is away', () => {
  it(
    'comes back by itself after a restart and after a pause',
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'killdeer-kafka-data-'));
      onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
      const first = await startBroker({ dataDir });
      onTestFinished(() => first.stop());
      const kafka = kafkaOptions(first.brokers, { requestTimeoutMs: 3_000 });
      await makeTopics(kafka, { events: PARTITIONS });
      const members = [await new Member(kafka, 3_000).join(), await new Member(kafka, 3_000).join()];
      await settle(members);
      const offsets = (member: Member) => member.owned.map((partition) => ({ topic: 'events', partition, offset: 1 }));
      const heard = async () => {
        for (const member of members) await member.membership?.commit(offsets(member));
        return true;
      };
      const back = () => until('both to be members who may commit', () => heard().catch(() => false));
      await back();
      await first.kill();
      await until('both to know', () => members.every(({ membership }) => !membership?.isMember()));
      const second = await startBroker({ dataDir, port: first.port });
      onTestFinished(() => second.stop());
      await back();
      await settle(members);
      second.pause();
      await until('both to know', () => members.every(({ membership }) => !membership?.isMember()));
      second.resume();
      await back();
      await settle(members);
      expect(members[0].reports).toEqual(expect.arrayContaining([expect.stringMatching(/^warn: .*heartbeat/)]));
      expect(members[0].reports).toEqual(expect.arrayContaining([expect.stringMatching(/^info: .*a member again/)]));
      await Promise.all(members.map((member) => member.leave()));
    },
    OUTAGE_MS_MAX,
  );
});
