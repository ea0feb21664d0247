/** Reads what the partitions write to their findings logs: the recent ones first, then each new line, once. */
import type { Finding } from '../decide/finding.js';
import type { LogPlace } from './output.js';
import { readRecent } from './recent-findings.js';

const BATCH = 1_000;
const WAIT_MS = 1_000;

export class FindingsFollower {
  private readonly positions: number[] = [];
  private isStopping = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly places: readonly LogPlace[],
    private readonly take: (finding: Finding, isNew: boolean) => void,
    private readonly onFault: (error: unknown) => void,
    /** Lines of all partitions together that are read again at the start, about. */
    private readonly recentMax: number,
  ) {}

  /** Hands on the newest lines of all partitions by their time, then follows. */
  async start(): Promise<void> {
    const { findings, ends } = await readRecent(this.places, this.recentMax);
    for (const finding of findings) this.take(finding, false);
    this.positions.push(...ends);
    this.running = Promise.all(this.places.map((_, i) => this.follow(i))).catch(this.onFault);
  }

  /** Whether everything below these ends, by partition, was handed on. */
  hasReached(ends: readonly number[]): boolean {
    return ends.every((end, i) => this.positions[i] >= end);
  }

  /** To be called before the logs are closed. */
  stop(): void {
    this.isStopping = true;
  }

  /** Resolves once nothing is read any more, which closing the logs hastens. */
  async ended(): Promise<void> {
    await this.running;
  }

  private async follow(i: number): Promise<void> {
    const { log, topic, partition } = this.places[i];
    while (!this.isStopping) {
      if (!(await log.wait(topic, partition, this.positions[i], WAIT_MS)) || this.isStopping) continue;
      for (const finding of await this.read(i)) this.take(finding, true);
    }
  }

  private async read(i: number): Promise<Finding[]> {
    const { log, topic, partition } = this.places[i];
    const { records, next } = await log.read(topic, partition, this.positions[i], BATCH);
    this.positions[i] = next;
    return records.map(({ value }) => JSON.parse(value) as Finding);
  }
}
