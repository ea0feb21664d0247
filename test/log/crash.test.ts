/**
 * Machines that go down, processes that die, disks that fail and fill up, at points that a seed chooses: whatever was
 * acknowledged is there, in order, once; whatever was not is there whole or not at all.
 */
import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { type FileLog, openFileLog } from '../../src/log/file-log.js';
import { readAll } from '../contract/log.js';
import { CrashedError, FaultyFiles, seededRandom } from './faulty-files.js';

const SEEDS = 120;
const CYCLES = 5;
const PARTITIONS = 2;

/** One append that may be in the log. */
interface Attempt {
  readonly values: readonly string[];
  /** Acknowledged; where not, the log may hold it or not. */
  acknowledged: boolean;
}

class World {
  readonly files: FaultyFiles;
  readonly attempts: Attempt[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly seen = { repairs: 0, diskFull: 0, fsyncFailed: 0, crashesOnOpen: 0, segments: 0 };
  private readonly random: () => number;
  private serial = 0;

  constructor(seed: number) {
    this.files = new FaultyFiles(seed);
    this.random = seededRandom(seed + 1_000_000);
  }

  async run(): Promise<void> {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const log = await this.open();
      await this.check(log);
      await this.live(log);
      // An error of the log is no news to a process that is about to die.
      await log.close().catch(() => {});
      if (this.random() < 0.6) this.files.restart();
      else this.files.restartProcess();
    }
    const log = await this.open();
    await this.check(log);
    await log.close();
  }

  /** Opening may itself be cut short, again and again. */
  private async open(): Promise<FileLog> {
    for (;;) {
      if (this.random() < 0.3) this.files.callsUntilCrash = this.below(60);
      try {
        const log = await openFileLog({
          directory: '/data/log',
          topics: { events: PARTITIONS },
          files: this.files,
          segmentBytesMax: 1800,
          commitUnitsMax: 400,
          now: () => 1,
          salt: () => this.below(0xffffffff).toString(16).padStart(8, '0'),
        });
        this.files.callsUntilCrash = Number.POSITIVE_INFINITY;
        this.seen.repairs += log.repairs.length;
        return log;
      } catch (error) {
        if (!this.isCrash(error)) throw error;
        this.seen.crashesOnOpen += 1;
        this.files.restart();
      }
    }
  }

  /** Appends, some at once, while one kind of trouble lies in wait. */
  private async live(log: FileLog): Promise<void> {
    const trouble = this.below(4);
    if (trouble === 0) this.files.callsUntilCrash = this.below(80);
    const fsyncFailsAt = trouble === 1 ? this.below(12) : -1;
    for (let turn = 0; turn < 12; turn += 1) {
      if (turn === fsyncFailsAt) this.files.fsyncFailures = 1;
      if (trouble === 2) this.files.diskBytesMax = this.random() < 0.5 ? this.below(6000) : Number.POSITIVE_INFINITY;
      await Promise.all(Array.from({ length: 1 + this.below(4) }, () => this.append(log)));
    }
    this.files.fsyncFailures = 0;
    this.files.diskBytesMax = Number.POSITIVE_INFINITY;
    if (trouble === 3) this.files.callsUntilCrash = this.below(4);
    await Promise.all(Array.from({ length: 3 }, () => this.append(log)));
  }

  private async append(log: FileLog): Promise<void> {
    const partition = this.below(PARTITIONS);
    const attempt: Attempt = { values: this.values(), acknowledged: false };
    this.attempts[partition].push(attempt);
    try {
      await log.append('events', partition, attempt.values);
      attempt.acknowledged = true;
    } catch (error) {
      expect(error).toBeInstanceOf(KilldeerError);
      const { code } = error as KilldeerError;
      if (code === 'log.fsync-failed') this.seen.fsyncFailed += 1;
      if (code !== 'log.disk-full') return;
      // Nothing of it was kept: it must not turn up later.
      this.seen.diskFull += 1;
      this.attempts[partition].splice(this.attempts[partition].indexOf(attempt), 1);
    }
  }

  /** Compares the log with what was attempted; what turned out to be kept must stay from now on. */
  private async check(log: FileLog): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const found = await readAll(log, 'events', partition, 1 + this.below(20));
      const kept: Attempt[] = [];
      let at = 0;
      for (const attempt of this.attempts[partition]) {
        const here = found.slice(at, at + attempt.values.length);
        const isHere = here.length === attempt.values.length && here.every((value, i) => value === attempt.values[i]);
        if (!isHere && !attempt.acknowledged) continue;
        expect(here).toEqual(attempt.values);
        kept.push({ ...attempt, acknowledged: true });
        at += attempt.values.length;
      }
      expect(found.length).toBe(at);
      this.attempts[partition] = kept;
    }
    const names = (await this.files.readdir('/data/log/events/0')) ?? [];
    this.seen.segments = Math.max(this.seen.segments, names.length - 1);
  }

  /** Unlike any other record; some of them look like what stands between records. */
  private values(): string[] {
    return Array.from({ length: 1 + this.below(4) }, () => {
      this.serial += 1;
      const kind = this.below(4);
      if (kind === 0) return `${this.serial}`;
      if (kind === 1) return `{"killdeer":"commit","first":${this.below(50)},"count":1,"serial":${this.serial}}`;
      return `${this.serial} ${'\u00e9'.repeat(this.below(300))}`;
    });
  }

  private isCrash(error: unknown): boolean {
    return error instanceof CrashedError || (error instanceof KilldeerError && error.cause instanceof CrashedError);
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }
}

describe('a file log in a world of crashes', () => {
  it('keeps what it acknowledged, in order and once, and repairs torn tails', async () => {
    const total = { repairs: 0, diskFull: 0, fsyncFailed: 0, crashesOnOpen: 0, segments: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const world = new World(seed);
      try {
        await world.run();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += world.seen[key];
    }
    // The world was as bad as it was meant to be.
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(SEEDS / 10);
  }, 60_000);
});
