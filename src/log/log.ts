/**
 * Room log/: ordered, durable partitions of records: the one abstraction everything else is built on.
 *
 * A record is one line of text (JSON without a line break). An offset is always the NEXT record to read: the first
 * record has offset 0, `end` is the offset that the next append will get. FileLog, MemoryLog and KafkaLog pass one
 * contract suite (test/contract/log.ts).
 *
 * A caller may not assume that two appends are one commit, that a record is visible before its append resolved, or
 * that a record below the retention horizon can still be read. Where a topic is written in transactions (Kafka), their
 * markers take offsets too: a read may give no record although `offset` is below `end`; `next` is then beyond `offset`.
 */

export interface LogRecord {
  /** The record's own offset. */
  readonly offset: number;
  readonly value: string;
}

export interface LogBatch {
  readonly records: readonly LogRecord[];
  /** Where to read on: the offset after the last record returned (or the one asked for, when there was none). */
  readonly next: number;
}

export interface Log {
  /** Partitions of a topic; fixed when the topic is first opened. */
  partitions(topic: string): number;

  /**
   * Appends records in order to one partition. Resolves once they are durable, with the offset of the first.
   * Concurrent appends share one group commit. Rejects with a KilldeerError where nothing was written and a retry may
   * help (disk full) or the records are not lines of text ('log.bad-record', 'log.too-long'); a failed fsync is fatal
   * for the log: this and every later append reject with 'log.fsync-failed' (or 'log.write-failed').
   */
  append(topic: string, partition: number, values: readonly string[]): Promise<number>;

  /**
   * Reads up to `max` durable records from `offset`: at least one where `offset` is below `end` (but for gaps, above),
   * perhaps fewer than there are (long records, the end of a batch). Rejects with 'log.offset-out-of-range' (begin and end in the
   * message) below `begin` or above `end`, and with 'log.corrupt' at damage; never skips silently.
   */
  read(topic: string, partition: number, offset: number, max: number): Promise<LogBatch>;

  /** First offset still kept. */
  begin(topic: string, partition: number): Promise<number>;

  /** Next offset to be written; everything below it is durable and visible. */
  end(topic: string, partition: number): Promise<number>;

  /** Resolves true as soon as `end` is beyond `offset`, or false after `timeoutMs` or on close. */
  wait(topic: string, partition: number, offset: number, timeoutMs: number): Promise<boolean>;

  close(): Promise<void>;
}
