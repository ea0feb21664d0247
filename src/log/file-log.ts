/**
 * The log on one machine's disk: a folder per topic, in it a folder per partition, in it segments of JSON Lines
 * (frame.ts says how, docs/decisions/0002-file-log.md says why).
 *
 * A topic has one writer at a time; several logs may be open on one directory, each writing its own topics, in other
 * threads too. Any number may read with `readOnly`, in this process or another. Who may write is settled by the
 * owner of the directory (lockDirectory), not here.
 */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { KilldeerError } from '../errors.js';
import { readWhole, writeAtomic } from './atomic-file.js';
import { type Files, isDiskFull, nodeFiles } from './files.js';
import { followPartition } from './followed-partition.js';
import { corrupt, PARTITIONS_MAX, TOPIC_PATTERN } from './frame.js';
import type { Log } from './log.js';
import type { LogHealth } from './partition-writer.js';
import type { Repair } from './recovery.js';
import { type FilePartition, openWrittenPartition } from './written-partition.js';

export interface FileLogOptions {
  readonly directory: string;
  /** Topics to open and how many partitions each has; the number is kept with the topic and never changes. */
  readonly topics: Readonly<Record<string, number>>;
  /** Follow what another log writes; append rejects. */
  readonly readOnly?: boolean;
  readonly files?: Files;
  /** Wall clock, ms; dates commits for retention by age. */
  readonly now?: () => number;
  /** Default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Waiting appends share a commit of up to this many characters. Default 1 Mi. */
  readonly commitUnitsMax?: number;
  /** Per partition, in whole segments. Default: no limit. */
  readonly retainBytesMax?: number;
  /** By the age of a segment's last commit. Default: no limit. */
  readonly retainAgeMs?: number;
  /** How often a reader that waits looks for a new end. Default 50 ms. */
  readonly pollMs?: number;
  /** Source of the segments' salts: 8 random hex digits each. */
  readonly salt?: () => string;
}

export interface FileLog extends Log {
  /** Torn tails cut off when the log was opened; what they held was never acknowledged. */
  readonly repairs: readonly Repair[];
  /** Tells a reader that everything below `end` is durable, sooner than it would see for itself. */
  setDurableEnd(topic: string, partition: number, end: number): void;
  /** Retention removes no record at or above `offset`, however old or many: the oldest that somebody still needs. */
  keepFrom(topic: string, partition: number, offset: number): void;
  /** Removes segments that are due, as happens after each new segment; resolves with how many went. */
  retain(): Promise<number>;
}

/**
 * Opens the log, repairing torn tails where it writes. Rejects with 'log.corrupt' where acknowledged records are
 * damaged or missing, 'config.invalid' where a topic exists with another number of partitions and 'log.disk-full'
 * where there is no space to open it.
 */
export async function openFileLog(options: FileLogOptions): Promise<FileLog> {
  const files = options.files ?? nodeFiles;
  const health: LogHealth = { failure: null };
  const topics = new Map<string, FilePartition[]>();
  const repairs: Repair[] = [];
  try {
    for (const [topic, count] of Object.entries(options.topics)) {
      const partitions: FilePartition[] = [];
      topics.set(topic, partitions);
      await openTopic(files, options, topic, count);
      for (let partition = 0; partition < count; partition += 1) {
        const directory = join(options.directory, topic, String(partition));
        const place = { files, directory, topic, partition };
        if (options.readOnly === true) {
          partitions.push(followPartition(place, options.pollMs ?? 50));
          continue;
        }
        await makeDirectory(files, directory);
        const opened = await openWrittenPartition(place, writerOptions(options), health);
        partitions.push(opened.partition);
        repairs.push(...opened.repairs);
      }
    }
  } catch (error) {
    await closeAll(topics);
    if (!isDiskFull(error) || error instanceof KilldeerError) throw error;
    throw new KilldeerError('log.disk-full', `no space to open the log in ${options.directory}`, error);
  }
  return createFileLog(topics, repairs);
}

function writerOptions(options: FileLogOptions) {
  return {
    segmentBytesMax: options.segmentBytesMax ?? 64 * 1024 * 1024,
    commitUnitsMax: options.commitUnitsMax ?? 1024 * 1024,
    retainBytesMax: options.retainBytesMax ?? Number.POSITIVE_INFINITY,
    retainAgeMs: options.retainAgeMs ?? Number.POSITIVE_INFINITY,
    now: options.now ?? Date.now,
    salt: options.salt ?? (() => randomBytes(4).toString('hex')),
  };
}

/** How many partitions a topic has on the disk; null: there is no such topic. */
export async function partitionsOf(directory: string, topic: string, files: Files = nodeFiles): Promise<number | null> {
  const path = join(directory, topic, 'topic.json');
  const bytes = await readWhole(files, path);
  if (bytes === null) return null;
  const match = /^\{"partitions":(\d+)\}\n$/.exec(Buffer.from(bytes).toString('latin1'));
  if (match === null) throw corrupt(path, 0, 'it does not say how many partitions the topic has');
  return Number(match[1]);
}

/** Checks the topic against what is on the disk; a writer makes it. */
async function openTopic(files: Files, options: FileLogOptions, topic: string, count: number): Promise<void> {
  if (!TOPIC_PATTERN.test(topic) || !Number.isInteger(count) || count < 1 || count > PARTITIONS_MAX) {
    const limits = `a topic is named by a-z, 0-9 and -, and has 1 to ${PARTITIONS_MAX} partitions`;
    throw new KilldeerError('config.invalid', `topic ${JSON.stringify(topic)} with ${count} partitions: ${limits}`);
  }
  const directory = join(options.directory, topic);
  if (options.readOnly !== true) {
    await makeDirectory(files, options.directory);
    await makeDirectory(files, directory);
  }
  const kept = await partitionsOf(options.directory, topic, files);
  if (kept === null) {
    if (options.readOnly === true) return;
    return writeAtomic(files, join(directory, 'topic.json'), Buffer.from(`{"partitions":${count}}\n`));
  }
  if (kept === count) return;
  throw new KilldeerError('config.invalid', `topic ${topic} has ${kept} partitions on disk, not ${count}`);
}

/** Synced even where it exists: a crash may have come between making it and syncing its name. */
async function makeDirectory(files: Files, directory: string): Promise<void> {
  const above = dirname(directory);
  if (above !== directory && (await files.readdir(above)) === null) await makeDirectory(files, above);
  await files.mkdir(directory);
  await files.fsyncDirectory(above);
}

function createFileLog(topics: ReadonlyMap<string, readonly FilePartition[]>, repairs: readonly Repair[]): FileLog {
  let closing: Promise<void> | null = null;
  const find = (topic: string, partition: number): FilePartition => {
    const found = topics.get(topic)?.[partition];
    if (found === undefined) {
      throw new KilldeerError('log.unknown-partition', `there is no partition ${partition} of topic ${topic}`);
    }
    return found;
  };
  const use = (topic: string, partition: number): FilePartition => {
    if (closing !== null) throw new KilldeerError('log.closed', `the log is closed: ${topic}/${partition}`);
    return find(topic, partition);
  };
  return {
    repairs,
    partitions: (topic) => {
      find(topic, 0);
      return topics.get(topic)?.length ?? 0;
    },
    append: async (topic, partition, values) => use(topic, partition).append(values),
    read: async (topic, partition, offset, max) => use(topic, partition).read(offset, max),
    begin: async (topic, partition) => use(topic, partition).begin(),
    end: async (topic, partition) => use(topic, partition).end(),
    wait: async (topic, partition, offset, timeoutMs) =>
      closing === null ? find(topic, partition).wait(offset, timeoutMs) : false,
    setDurableEnd: (topic, partition, end) => find(topic, partition).setDurableEnd(end),
    keepFrom: (topic, partition, offset) => find(topic, partition).keepFrom(offset),
    retain: async () => {
      let removed = 0;
      for (const partitions of topics.values()) {
        for (const partition of partitions) removed += await partition.retain();
      }
      return removed;
    },
    close: () => {
      closing ??= closeAll(topics);
      return closing;
    },
  };
}

async function closeAll(topics: ReadonlyMap<string, readonly FilePartition[]>): Promise<void> {
  await Promise.all([...topics.values()].flat().map((partition) => partition.close()));
}
