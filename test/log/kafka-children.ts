/** Processes that write or hold partitions until they are killed, and what readers of committed records see of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { type FetchedRecord, openKafkaFetch } from '../../src/log/kafka-fetch.js';

const SCRIPT = fileURLToPath(new URL('./kafka-child.mjs', import.meta.url));
const POLL_MS = 20;
/** A condition that has not come true by then never will, ms. */
const PATIENCE_MS = 45_000;

export interface Child {
  /** Every line it has said, parsed. */
  readonly said: Record<string, unknown>[];
  /** Its exit code once it has ended; null: killed. */
  readonly ended: Promise<number | null>;
  kill(): Promise<void>;
}

/** Runs a task of kafka-child.mjs; killed when the test is over. */
export function startChild(task: {
  readonly kind: string;
  readonly kafka: KafkaOptions;
  [more: string]: unknown;
}): Child {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => said.push(JSON.parse(line)));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async () => stop(child, ended));
  return { said, ended, kill: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/** Waits for what will come about, however long it takes a busy machine. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never came about: ${what}`);
    await sleep(POLL_MS);
  }
}

export interface Seen {
  readonly records: readonly FetchedRecord[];
  /** Where the next record will be seen. */
  readonly end: number;
}

/** Every record of a partition that can be read now. */
export async function readPartition(
  kafka: KafkaOptions,
  topic: string,
  partition: number,
  { readCommitted } = { readCommitted: true },
): Promise<Seen> {
  const fetch = openKafkaFetch(kafka, { readCommitted });
  try {
    const { begin, end } = await fetch.range(kafka.prefix + topic, partition);
    const records: FetchedRecord[] = [];
    for (let at = begin; at < end; ) {
      const fetched = await fetch.fetch(kafka.prefix + topic, partition, at, { maxBytes: 4 * 1024 * 1024, waitMs: 0 });
      records.push(...fetched.records);
      at = fetched.next;
    }
    return { records, end };
  } finally {
    fetch.close();
  }
}

/**
 * Every committed record of a partition, once no transaction is open: of one that has just been committed or aborted
 * the brokers may still write the end.
 */
export async function readSettled(kafka: KafkaOptions, topic: string, partition: number): Promise<Seen> {
  let seen: Seen = { records: [], end: -1 };
  await until(`the end of every transaction in ${topic}/${partition}`, async () => {
    const { end } = await readPartition(kafka, topic, partition, { readCommitted: false });
    seen = await readPartition(kafka, topic, partition);
    return seen.end === end;
  });
  return seen;
}

/** The committed values of a partition as text, once no transaction is open. */
export async function valuesOf(kafka: KafkaOptions, topic: string, partition = 0): Promise<string[]> {
  return (await readSettled(kafka, topic, partition)).records.map(({ value }) => String(value));
}
