/**
 * The fleet stage at work beside the partitions: it reads their signals and the edges of ingest, turn by turn, and has
 * what follows written into the partitions. What it remembers is kept last: after a crash the same turns lead to the
 * same records again, which an engine knows by their time and number.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type FleetJson, FleetStage } from '../engine/fleet.js';
import type { FleetRecord } from '../engine/fleet-record.js';
import { KilldeerError } from '../errors.js';
import type { LogPlace } from './output.js';
import { decodeSignal, type GatherJson, SignalGather } from './signal-gather.js';

const FORMAT = 1;
const BATCH = 1_000;
const PAUSE_MS = 500;
/** Between two tries after a fault, ms. */
const RETRY_MS = 2_000;
/** What is remembered is kept at least so often while something happens, ms. */
const KEEP_EVERY_MS = 60_000;

/** Where the stage keeps what it remembers. */
export interface FleetStore {
  /** Names it in errors. */
  readonly name: string;
  /** null: nothing was kept yet. */
  read(): Promise<Uint8Array | null>;
  /** Whole or not at all; durable once resolved. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface FleetLoopParts {
  readonly partitions: number;
  /** Logs of signals and edges; a line says itself what it is and of which partition. */
  readonly places: readonly LogPlace[];
  readonly store: FleetStore;
  /** Resolves once the record is durable in the partitions that it belongs to. */
  readonly write: (record: FleetRecord) => Promise<void>;
  /** Paces alone, ms. */
  readonly clock: () => number;
  readonly onFault: (error: unknown) => void;
  readonly retryMs?: number;
}

interface StateJson {
  readonly format: typeof FORMAT;
  /** Next line to be read, by place. */
  readonly positions: readonly number[];
  readonly gather: GatherJson;
  readonly stage: FleetJson;
}

/** What a life of the loop works on. */
interface Life {
  readonly stage: FleetStage;
  readonly gather: SignalGather;
  readonly positions: number[];
}

export class FleetLoop {
  private life: Life | null = null;
  private isStopping = false;
  private isIdle = false;
  private wake: () => void = () => {};
  private readonly woken: Promise<void>;
  private running: Promise<void> | null = null;

  constructor(private readonly parts: FleetLoopParts) {
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Whether everything below these ends, by place, was read, and what followed from it is durable. */
  hasReached(ends: readonly number[]): boolean {
    return this.isIdle && this.life !== null && ends.every((end, i) => (this.life?.positions[i] ?? 0) >= end);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      try {
        this.life = await this.begin();
        await this.work(this.life);
      } catch (error) {
        if (this.isStopping) return;
        // It goes on from what it kept: the stage is not part of any partition and must not stop one.
        this.parts.onFault(error);
        await Promise.race([sleep(this.parts.retryMs ?? RETRY_MS), this.woken]);
      }
    }
  }

  private async begin(): Promise<Life> {
    const { store, partitions, places } = this.parts;
    const state = stateOf(await store.read(), store.name, places.length);
    // What retention took meanwhile is lost to the stage, and to nobody else.
    const positions = await Promise.all(
      places.map(async ({ log, topic, partition }, i) => {
        const at = Math.max(await log.begin(topic, partition), state?.positions[i] ?? 0);
        return Math.min(at, await log.end(topic, partition));
      }),
    );
    return { stage: new FleetStage(state?.stage), gather: new SignalGather(partitions, state?.gather), positions };
  }

  private async work(life: Life): Promise<void> {
    let keptMs = this.parts.clock();
    let isKept = true;
    while (!this.isStopping) {
      this.isIdle = false;
      let read = 0;
      for (let i = 0; i < this.parts.places.length; i++) read += await this.read(life, i);
      if (read > 0) isKept = false;
      const hasWritten = await this.turns(life);
      if (!isKept && (hasWritten || this.parts.clock() - keptMs >= KEEP_EVERY_MS)) {
        await this.keep(life);
        keptMs = this.parts.clock();
        isKept = true;
      }
      if (read > 0) continue;
      this.isIdle = true;
      await this.pause(life);
    }
    if (!isKept) await this.keep(life);
  }

  private async read(life: Life, i: number): Promise<number> {
    const { log, topic, partition } = this.parts.places[i];
    const { records, next } = await log.read(topic, partition, life.positions[i], BATCH);
    for (const { offset, value } of records) life.gather.take(decodeSignal(value, `${topic}/${partition} ${offset}`));
    const read = next - life.positions[i];
    life.positions[i] = next;
    return read;
  }

  private async turns({ stage, gather }: Life): Promise<boolean> {
    let hasWritten = false;
    for (let turn = gather.next(); turn !== null; turn = gather.next()) {
      for (const record of stage.turn(turn.timeMs, turn.signals, turn.edges)) {
        await this.parts.write(record);
        hasWritten = true;
      }
    }
    return hasWritten;
  }

  private async keep({ stage, gather, positions }: Life): Promise<void> {
    const state: StateJson = { format: FORMAT, positions, gather: gather.snapshot(), stage: stage.snapshot() };
    // Names repeat: a tenth of it is left, and a record of a log has its limit.
    await this.parts.store.write(gzipSync(JSON.stringify(state)));
  }

  private async pause({ positions }: Life): Promise<void> {
    const waits = this.parts.places.map(({ log, topic, partition }, i) =>
      log.wait(topic, partition, positions[i], PAUSE_MS),
    );
    await Promise.race([...waits, this.woken]);
  }
}

function stateOf(bytes: Uint8Array | null, name: string, places: number): StateJson | null {
  if (bytes === null) return null;
  let state: Partial<StateJson> | null = null;
  try {
    state = JSON.parse(gunzipSync(bytes).toString('utf8')) as Partial<StateJson> | null;
  } catch {
    // Told below.
  }
  if (state?.format === FORMAT && state.positions?.length === places) return state as StateJson;
  throw new KilldeerError('checkpoint.corrupt', `${name} holds no fleet stage that follows ${places} logs`);
}
