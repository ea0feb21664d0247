/**
 * Appends to partitions of Kafka, idempotent: a batch whose answer was lost is sent again under the same number, and a
 * broker that has it already keeps one. What comes in while a partition's batch is under way waits, and its next batch
 * takes it all: that is the group commit. One batch at a time keeps a partition's order.
 *
 * After a failure that nothing mended the numbers begin anew, under a new producer: a broker that has the records all
 * the same would take the next ones under the same numbers for repeats, and drop them. (kafkajs's own producer takes
 * numbers back and goes on, which is why it is not used.) So an append that failed may still be there: whoever repeats
 * it may write it twice, never not at all.
 */
import { KilldeerError } from '../errors.js';
import { compressionOf, type KafkaOptions, kafkaError } from './kafka-connection.js';
import { KafkaLine } from './kafka-line.js';
import { type Produced, produce } from './kafka-produce.js';
import type { RequestBroker } from './kafka-request.js';

/** Longest batch, bytes: what a broker takes by its own default, and a bit less. */
const BATCH_BYTES_MAX = 960 * 1024;
/** Longest request but for a single longer record, bytes. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;
/** Requests under way at once: one that is held up must not hold up the partitions of other leaders. */
const REQUESTS_MAX = 3;
/** Lengths, offset, time and header count of one record at their longest, and the batch's own header. */
const RECORD_OVERHEAD_BYTES = 24;
const BATCH_OVERHEAD_BYTES = 61;
const SEQUENCES = 2 ** 31;

export interface KafkaAppend {
  /** Resolves with the offset of the first. At least one value; `topic` by its whole name. */
  append(topic: string, partition: number, values: readonly Buffer[]): Promise<number>;
  /** Lets what was begun end, for at most the request timeout. */
  close(): Promise<void>;
}

interface Waiting {
  readonly values: readonly Buffer[];
  /** How many of them are in batches already. */
  sent: number;
  first: number | null;
  resolve(first: number): void;
  reject(error: unknown): void;
}

interface Queue {
  readonly topic: string;
  readonly partition: number;
  readonly waiting: Waiting[];
  /** A batch is under way. */
  busy: boolean;
}

/** What one request carries of one partition. */
interface Share {
  readonly queue: Queue;
  readonly values: readonly Buffer[];
  /** Whose they are, in order, and how many of each. */
  readonly parts: readonly { readonly append: Waiting; readonly count: number }[];
}

/** Who the brokers take us for, and the number of each partition's next record. */
interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequences: Map<Queue, number>;
}

interface Pinned {
  identity: Identity | null;
}

/** Connects with the first append. Throws 'kafka.codec'. */
export function createKafkaAppend(options: KafkaOptions, topics: readonly string[]): KafkaAppend {
  return new Appends(options, topics);
}

class Appends implements KafkaAppend {
  private readonly options: KafkaOptions;
  private readonly codec: number;
  private readonly line: KafkaLine;
  private readonly queues = new Map<string, Queue>();
  private readonly flights = new Set<Promise<void>>();
  private identity: Promise<Identity> | null = null;
  private scheduled = false;
  private closed = false;

  constructor(options: KafkaOptions, topics: readonly string[]) {
    this.options = options;
    this.codec = compressionOf(options.compression);
    this.line = new KafkaLine(options, topics);
  }

  append(topic: string, partition: number, values: readonly Buffer[]): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      if (this.closed) return reject(new KilldeerError('log.closed', `the log is closed: ${topic}/${partition}`));
      const name = `${topic}/${partition}`;
      const queue = this.queues.get(name) ?? { topic, partition, waiting: [], busy: false };
      this.queues.set(name, queue);
      queue.waiting.push({ values, sent: 0, first: null, resolve, reject });
      this.schedule();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.scheduled || this.flights.size > 0) await Promise.all(this.flights);
    this.line.close();
  }

  /** After the appends of this turn of the loop have come in: they share the first request. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      if (this.flights.size >= REQUESTS_MAX) return;
      const shares = take(this.queues);
      if (shares.length === 0) return;
      const flight = this.fly(shares).finally(() => {
        this.flights.delete(flight);
        this.schedule();
      });
      this.flights.add(flight);
    });
  }

  private async fly(shares: readonly Share[]): Promise<void> {
    const left = new Set(shares);
    // Every try under the same numbers, whatever becomes of other requests meanwhile.
    const pinned: Pinned = { identity: null };
    try {
      await this.line.ask(this.options.requestTimeoutMs, () => this.send(left, pinned));
    } catch (error) {
      this.identity = null;
      for (const share of left) this.fail(share, error);
      if (this.closed) this.giveUp();
    }
    for (const { queue } of shares) queue.busy = false;
  }

  /** Sends what is left; throws what another try may mend, and strikes out what arrived or was refused for good. */
  private async send(left: Set<Share>, pinned: Pinned): Promise<void> {
    const leaders = new Map<RequestBroker, Share[]>();
    for (const share of left) {
      const broker = (await this.line.leader(share.queue)) as unknown as RequestBroker;
      leaders.set(broker, [...(leaders.get(broker) ?? []), share]);
    }
    const identity = pinned.identity ?? (await this.identify([...leaders.keys()][0]));
    pinned.identity = identity;
    const answered = [...leaders].map(([broker, shares]) => this.sendTo(broker, shares, left, identity));
    const failed = (await Promise.allSettled(answered)).find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  private async sendTo(
    broker: RequestBroker,
    shares: readonly Share[],
    left: Set<Share>,
    identity: Identity,
  ): Promise<void> {
    const batches = shares.map(({ queue, values }) => ({
      topic: queue.topic,
      partition: queue.partition,
      values,
      identity: { ...identity, sequence: identity.sequences.get(queue) ?? 0 },
    }));
    const produced = await produce(broker, batches, this.codec, this.options.requestTimeoutMs);
    let retriable: Error | null = null;
    for (const [index, share] of shares.entries()) {
      const answer = produced[index];
      if ('error' in answer && answer.error.retriable) {
        retriable = answer.error;
        continue;
      }
      left.delete(share);
      this.finish(share, answer, identity);
    }
    if (retriable !== null) throw retriable;
  }

  private finish(share: Share, answer: Produced, identity: Identity): void {
    if ('error' in answer) {
      this.identity = null;
      this.fail(share, answer.error);
      return;
    }
    const { queue, values } = share;
    identity.sequences.set(queue, ((identity.sequences.get(queue) ?? 0) + values.length) % SEQUENCES);
    settle(share, answer.first);
  }

  private identify(broker: RequestBroker): Promise<Identity> {
    if (this.identity === null) {
      const asked = askIdentity(broker, this.options.requestTimeoutMs);
      this.identity = asked;
      asked.catch(() => {
        if (this.identity === asked) this.identity = null;
      });
    }
    return this.identity;
  }

  /** Once closed, what waits behind a failure is not tried any more. */
  private giveUp(): void {
    for (const { topic, partition, waiting } of this.queues.values()) {
      const failure = new KilldeerError('log.closed', `the log is closed: ${topic}/${partition}`);
      // An append of which a part is under way ends with that part.
      const begun = waiting.length > 0 && waiting[0].sent > 0 ? 1 : 0;
      for (const append of waiting.splice(begun)) append.reject(failure);
    }
  }

  /** What a failed batch carried has failed, with the append of which more was to come. */
  private fail({ queue, parts }: Share, error: unknown): void {
    const failure = kafkaError(error, `an append to ${queue.topic}/${queue.partition} failed`);
    for (const { append } of parts) {
      if (queue.waiting[0] === append) queue.waiting.shift();
      append.reject(failure);
    }
  }
}

async function askIdentity(broker: RequestBroker, transactionTimeout: number): Promise<Identity> {
  const { producerId, producerEpoch } = await broker.initProducerId({ transactionTimeout });
  return { producerId: BigInt(producerId), producerEpoch, sequences: new Map() };
}

/** As much of what waits as fits into a request. Those who have a share stand last in the next. */
function take(queues: Map<string, Queue>): Share[] {
  const shares: Share[] = [];
  let left = REQUEST_BYTES_MAX;
  for (const [name, queue] of [...queues]) {
    if (left <= 0) break;
    if (queue.busy || queue.waiting.length === 0) continue;
    queues.delete(name);
    queues.set(name, queue);
    queue.busy = true;
    const share = takeShare(queue, Math.min(left, BATCH_BYTES_MAX));
    shares.push(share);
    for (const value of share.values) left -= value.length + RECORD_OVERHEAD_BYTES;
  }
  return shares;
}

function takeShare(queue: Queue, bytesMax: number): Share {
  const values: Buffer[] = [];
  const parts: { append: Waiting; count: number }[] = [];
  let bytes = BATCH_OVERHEAD_BYTES;
  for (const append of queue.waiting) {
    const from = append.sent;
    while (append.sent < append.values.length) {
      const value = append.values[append.sent];
      bytes += value.length + RECORD_OVERHEAD_BYTES;
      if (bytes > bytesMax && values.length > 0) break;
      values.push(value);
      append.sent += 1;
    }
    if (append.sent > from) parts.push({ append, count: append.sent - from });
    if (!isSent(append)) break;
  }
  while (queue.waiting.length > 0 && isSent(queue.waiting[0])) queue.waiting.shift();
  return { queue, values, parts };
}

/** Tells each append its first offset, once its last record is there. */
function settle({ parts }: Share, first: number): void {
  let offset = first;
  for (const { append, count } of parts) {
    append.first ??= offset;
    offset += count;
    if (isSent(append)) append.resolve(append.first);
  }
}

function isSent(append: Waiting): boolean {
  return append.sent === append.values.length;
}
