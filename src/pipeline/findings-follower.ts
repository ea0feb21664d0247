/** Reads what the partitions write to their findings logs: the recent ones first, then each new line, once. */
import type { Finding } from '../decide/finding.js';
import type { LogPlace } from './output.js';

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
    /** Lines of each partition that are read again at the start. */
    private readonly recentMax: number,
  ) {}

  /** Hands on the recent lines of all partitions by their time, then follows. */
  async start(): Promise<void> {
    const recent: Finding[] = [];
    for (const [i, { log, topic, partition }] of this.places.entries()) {
      const end = await log.end(topic, partition);
      this.positions[i] = Math.max(await log.begin(topic, partition), end - this.recentMax);
      while (this.positions[i] < end) recent.push(...(await this.read(i)));
    }
    recent.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const finding of recent) this.take(finding, false);
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
