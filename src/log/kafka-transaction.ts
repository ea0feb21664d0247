/**
 * The one writer of a partition, by transactions. Whoever opens it fences the one before, whose open transaction is
 * aborted and who cannot write any more. What it commits is visible to readers of committed records whole or not at
 * all, in order, once.
 *
 * It speaks the requests itself, because a producer of kafkajs takes a sequence number back when an answer is lost:
 * the brokers may then take the next transaction's records for repeats and drop them. Readers of kafkajs let aborted
 * records through where two writers abort in one partition, so a partition that is written in transactions has one
 * writer at a time: partition p of every topic belongs to the owner of p.
 */
import type { KilldeerError as Failure } from '../errors.js';
import { KilldeerError } from '../errors.js';
import { compressionOf, type KafkaOptions, kafkaError, kafkaErrorType } from './kafka-connection.js';
import type { KafkaBroker, ProducerIdentity } from './kafka-inner.js';
import { COORDINATOR, KafkaLine } from './kafka-line.js';
import { type Batch, batchKey, packRecords, Sequences, type TransactionRecord } from './kafka-packing.js';

export type { TransactionRecord } from './kafka-packing.js';

export interface TransactionalWriterOptions {
  readonly kafka: KafkaOptions;
  /** Whole, with the installation's prefix. Two writers of one id are one writer: the younger. */
  readonly transactionalId: string;
  /**
   * After this long the brokers abort a transaction that nobody ended, and so its writer. A commit gives up sending
   * after half of it. Default 60 s.
   */
  readonly timeoutMs?: number;
  /** Topics to be written, without the prefix: spares the brokers from describing all they have. */
  readonly topics?: readonly string[];
}

export interface TransactionalWriter {
  /** Why it will never commit again; null: it may. */
  readonly failure: Failure | null;
  /**
   * One transaction; concurrent calls follow each other. Resolves once it is decided: readers see it a moment later,
   * when the brokers have told every partition; `readKeyed`, a writer opened afterwards and its readers see it in any
   * case. Rejects with 'kafka.fenced' (somebody else owns the id, or
   * the brokers aborted a transaction that took too long), with 'kafka.commit-unknown' (the records may be visible or
   * not) or with what kept them from being written ('kafka.unreachable', 'kafka.missing-topic', 'log.too-long'): then
   * they never will be visible. Where `failure` is null afterwards the same call may be made again; where it is not,
   * the way on is a new writer and a restore from the log, for another writer may have been there in between.
   */
  commit(records: readonly TransactionRecord[]): Promise<void>;
  /** Ends it; a commit under way has a moment to finish. Leaves no socket and no timer. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 60_000;
const ABORT_MS_MAX = 5_000;
const CLOSE_MS_MAX = 5_000;
const PRODUCE_MS_MAX = 30_000;

/**
 * Opens the writer of an id and fences the one before: once this resolves, nothing that another writer of the id had
 * not committed will ever be visible. Rejects with 'kafka.unreachable' or 'kafka.refused'.
 */
export async function openTransactionalWriter(options: TransactionalWriterOptions): Promise<TransactionalWriter> {
  const writer = new Writer(options);
  try {
    await writer.open();
    return writer;
  } catch (error) {
    await writer.close();
    throw kafkaError(error, `opening the writer ${options.transactionalId}`);
  }
}

class Writer implements TransactionalWriter {
  failure: Failure | null = null;
  private readonly id: string;
  private readonly prefix: string;
  private readonly timeoutMs: number;
  private readonly compression: number;
  private readonly line: KafkaLine;
  private identity: ProducerIdentity = { producerId: '-1', producerEpoch: -1 };
  private readonly sequences = new Sequences();
  /** The brokers may still hold a transaction open in which nothing was sent. */
  private abortDue = false;
  private turn: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | null = null;

  constructor({ kafka, transactionalId, timeoutMs, topics }: TransactionalWriterOptions) {
    this.id = transactionalId;
    this.prefix = kafka.prefix;
    this.timeoutMs = timeoutMs ?? TIMEOUT_MS;
    this.compression = compressionOf(kafka.compression);
    this.line = new KafkaLine(
      kafka,
      (topics ?? []).map((topic) => kafka.prefix + topic),
    );
  }

  async open(): Promise<void> {
    this.identity = await this.atCoordinator(this.timeoutMs, (coordinator) =>
      coordinator.initProducerId({ transactionalId: this.id, transactionTimeout: this.timeoutMs }),
    );
  }

  commit(records: readonly TransactionRecord[]): Promise<void> {
    const done = this.turn.then(() => this.transact(records));
    this.turn = done.catch(() => {});
    return done;
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.failure ??= new KilldeerError('log.closed', `the writer ${this.id} is closed`);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS_MAX);
    });
    await Promise.race([this.turn, limit]);
    clearTimeout(timer);
    this.line.close();
  }

  private async transact(records: readonly TransactionRecord[]): Promise<void> {
    if (this.failure !== null) throw this.failure;
    if (records.length === 0) return;
    const startMs = performance.now();
    const leftMs = (share: number) => Math.max(0, this.timeoutMs * share - (performance.now() - startMs));
    let sent = false;
    try {
      if (this.abortDue) await this.abort(leftMs(0.5));
      const requests = packRecords(records, this.prefix);
      this.abortDue = true;
      await this.addPartitions(requests, leftMs(0.5));
      for (const batches of requests) {
        sent = true;
        await this.line.ask(leftMs(0.5), () => this.produce(batches));
        this.sequences.advance(batches);
      }
    } catch (error) {
      throw await this.giveUp(error, sent);
    }
    try {
      await this.endTransaction(true, leftMs(1));
      this.abortDue = false;
    } catch (error) {
      throw this.die(isFenced(error) ? 'kafka.fenced' : 'kafka.commit-unknown', error, 'ending a transaction');
    }
  }

  /**
   * After a failure before the end. What was sent may have arrived or not, so the next sequence numbers are not
   * known; with nothing sent they are, and the writer lives on.
   */
  private async giveUp(error: unknown, sent: boolean): Promise<Failure> {
    if (isFenced(error)) return this.die('kafka.fenced', error, 'writing in a transaction');
    const found = kafkaError(error, `writing in a transaction of ${this.id}`);
    if (sent) this.failure ??= found;
    // Readers wait for a transaction's end: without an abort they would until the brokers lose patience.
    await this.abort(Math.min(ABORT_MS_MAX, this.timeoutMs / 4)).catch((reason: unknown) => {
      if (isFenced(reason)) this.failure = kafkaError(reason, `aborting a transaction of ${this.id}`);
    });
    return found;
  }

  private die(code: 'kafka.fenced' | 'kafka.commit-unknown', error: unknown, what: string): Failure {
    const { message } = kafkaError(error, `${what} of ${this.id}`);
    this.failure = new KilldeerError(code, message, error);
    return this.failure;
  }

  private async addPartitions(requests: readonly (readonly Batch[])[], limitMs: number): Promise<void> {
    const batches = new Map(requests.flat().map((batch) => [batchKey(batch), batch]));
    const topics = byTopic([...batches.values()], ({ partition }) => partition);
    await this.line.ask(limitMs, async () => {
      // Found first, so that a topic or partition that is missing is named.
      for (const batch of batches.values()) await this.line.leader(batch);
      const coordinator = await this.line.coordinator(COORDINATOR.transaction, this.id);
      await coordinator.addPartitionsToTxn({ transactionalId: this.id, ...this.identity, topics });
    });
  }

  /** Sends one request to each leader. Repeated as it is, the brokers know the batches that they have. */
  private async produce(batches: readonly Batch[]): Promise<void> {
    const leaders = new Map<KafkaBroker, Batch[]>();
    for (const batch of batches) {
      const leader = await this.line.leader(batch);
      const led = leaders.get(leader);
      if (led === undefined) leaders.set(leader, [batch]);
      else led.push(batch);
    }
    await Promise.all([...leaders].map(([leader, led]) => this.produceTo(leader, led)));
  }

  private async produceTo(leader: KafkaBroker, batches: readonly Batch[]): Promise<void> {
    const topicData = byTopic(batches, (batch) => ({
      partition: batch.partition,
      firstSequence: this.sequences.next(batch),
      messages: batch.messages,
    }));
    const settings = { transactionalId: this.id, timeout: PRODUCE_MS_MAX, compression: this.compression };
    await leader.produce({ ...settings, ...this.identity, topicData });
  }

  private async abort(limitMs: number): Promise<void> {
    try {
      await this.endTransaction(false, limitMs);
    } catch (error) {
      // There is none: the brokers never heard of this one.
      if (kafkaErrorType(error) !== 'INVALID_TXN_STATE') throw error;
    }
    this.abortDue = false;
  }

  /** May be asked again after a lost answer: the coordinator says yes again to what it has done. */
  private async endTransaction(transactionResult: boolean, limitMs: number): Promise<void> {
    await this.atCoordinator(limitMs, (coordinator) =>
      coordinator.endTxn({ transactionalId: this.id, ...this.identity, transactionResult }),
    );
  }

  private atCoordinator<T>(limitMs: number, send: (coordinator: KafkaBroker) => Promise<T>): Promise<T> {
    return this.line.ask(limitMs, async () => send(await this.line.coordinator(COORDINATOR.transaction, this.id)));
  }
}

/** An id whose mapping changed has a new owner too, one that came after the brokers had forgotten the old. */
function isFenced(error: unknown): boolean {
  return kafkaErrorType(error) === 'INVALID_PRODUCER_ID_MAPPING' || kafkaError(error, '').code === 'kafka.fenced';
}

function byTopic<P>(
  batches: readonly Batch[],
  part: (batch: Batch) => P,
): { readonly topic: string; readonly partitions: P[] }[] {
  const topics = new Map<string, P[]>();
  for (const batch of batches) {
    const parts = topics.get(batch.topic);
    if (parts === undefined) topics.set(batch.topic, [part(batch)]);
    else parts.push(part(batch));
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
