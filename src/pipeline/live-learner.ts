/**
 * Learning beside the stream. Partitions write their samples, window by window, to logs of their own; once every
 * partition has passed the end of a window its samples are learned, the next model gets its file and is activated by a
 * record in every partition. What is remembered is written last: after a crash the same samples make the same model of
 * the same version again, and activating it twice changes nothing.
 */
import type { CohortModel } from '../detect/model.js';
import type { Sample } from '../engine/outcome.js';
import { KilldeerError } from '../errors.js';
import { Learner } from '../learn/learner.js';
import type { LogPlace } from './output.js';
import type { ClosedWindow } from './protocol.js';
import { decodeSample } from './sample-line.js';
import { WindowSamples } from './window-samples.js';

const FORMAT = 1;
const BATCH = 1_000;
const PAUSE_MS = 200;

/** Where the learner keeps what it remembers, and the models that it makes. */
export interface LearnerStore {
  /** Names it in errors. */
  readonly name: string;
  /** null: nothing was kept yet. */
  read(): Promise<Uint8Array | null>;
  /** Whole or not at all; durable once resolved. */
  write(bytes: Uint8Array): Promise<void>;
  storeModel(model: CohortModel): Promise<void>;
}

export interface LiveLearnerParts {
  /** Samples of each partition. */
  readonly samples: readonly LogPlace[];
  /** Learning started from it. */
  readonly start: CohortModel;
  readonly pagesPerAgentDay: number;
  readonly store: LearnerStore;
  /** Resolves once the activation is durable in every partition. */
  readonly activate: (version: string, timeMs: number) => Promise<void>;
  /** A window is closed and remembered. */
  readonly onClosed: (closed: ClosedWindow) => void;
}

export interface LiveLearner {
  /** Runs until stopped. Rejects where a fault of ours made it stop. */
  run(): Promise<void>;
  stop(): void;
  /** The next window is learned under it. */
  setBudget(pagesPerAgentDay: number): void;
  readonly closed: ClosedWindow;
}

interface StateJson {
  readonly format: typeof FORMAT;
  readonly closed: ClosedWindow;
  readonly learner: unknown;
}

export async function createLiveLearner(parts: LiveLearnerParts): Promise<LiveLearner> {
  const state = await readState(parts);
  const { start, pagesPerAgentDay } = parts;
  const learner = new Learner({ start, pagesPerAgentDay }, state?.learner);
  if (state !== null) return new Loop(parts, learner, state.closed);
  const positions = await Promise.all(parts.samples.map(({ log, topic, partition }) => log.begin(topic, partition)));
  return new Loop(parts, learner, { endMs: 0, positions });
}

async function readState({ store, samples }: LiveLearnerParts): Promise<StateJson | null> {
  const bytes = await store.read();
  if (bytes === null) return null;
  let state: Partial<StateJson> | null = null;
  try {
    state = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<StateJson> | null;
  } catch {
    // Told below.
  }
  if (state?.format === FORMAT && state.closed?.positions.length === samples.length) return state as StateJson;
  throw new KilldeerError('checkpoint.corrupt', `${store.name} holds no learner of ${samples.length} partitions`);
}

/** One partition's part in the window that is being gathered. */
interface Gathered {
  readonly place: LogPlace;
  /** Next sample to read. */
  position: number;
  /** The last end of a window that was read; 0: none since the last close. */
  endMs: number;
}

class Loop implements LiveLearner {
  closed: ClosedWindow;
  private readonly parts: LiveLearnerParts;
  private readonly learner: Learner;
  private readonly gathered: readonly Gathered[];
  private window = new WindowSamples();
  private isStopping = false;
  private wake: () => void = () => {};
  private readonly woken: Promise<void>;

  constructor(parts: LiveLearnerParts, learner: Learner, closed: ClosedWindow) {
    this.parts = parts;
    this.learner = learner;
    this.closed = closed;
    this.gathered = parts.samples.map((place, i) => ({ place, position: closed.positions[i], endMs: 0 }));
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  async run(): Promise<void> {
    while (!this.isStopping) {
      const targetMs = Math.max(...this.gathered.map(({ endMs }) => endMs));
      // A partition that jumped over ends takes the others along to where it is.
      const lacking = this.gathered.filter(({ endMs }) => endMs === 0 || endMs < targetMs);
      if (lacking.length === 0) {
        await this.close(targetMs);
        continue;
      }
      let read = 0;
      for (const one of lacking) read += await this.gather(one);
      if (read === 0 && !this.isStopping) await this.pause(lacking);
    }
  }

  setBudget(pagesPerAgentDay: number): void {
    this.learner.setBudget(pagesPerAgentDay);
  }

  stop(): void {
    this.isStopping = true;
    this.wake();
  }

  /** Reads on to the next end of a window; returns how many lines it met. */
  private async gather(one: Gathered): Promise<number> {
    const { log, topic, partition } = one.place;
    const { records, next } = await log.read(topic, partition, one.position, BATCH);
    const from = one.position;
    for (const { offset, value } of records) {
      const sample = decodeSample(value, `${topic}/${partition} ${offset}`);
      if (sample.kind === 'window') {
        one.endMs = sample.endMs;
        one.position = offset + 1;
        return one.position - from;
      }
      this.window.add(sample as Sample);
    }
    // Beyond the last record where offsets have gaps.
    one.position = next;
    return next - from;
  }

  private async pause(lacking: readonly Gathered[]): Promise<void> {
    const waits = lacking.map(({ place, position }) =>
      place.log.wait(place.topic, place.partition, position, PAUSE_MS),
    );
    await Promise.race([...waits, this.woken]);
  }

  private async close(endMs: number): Promise<void> {
    const { store, activate, onClosed } = this.parts;
    const model = this.learner.close(endMs, this.window.take());
    if (model !== null) {
      await store.storeModel(model);
      await activate(model.version, endMs);
    }
    const closed: ClosedWindow = { endMs, positions: this.gathered.map(({ position }) => position) };
    const state: StateJson = { format: FORMAT, closed, learner: this.learner.snapshot() };
    await store.write(Buffer.from(`${JSON.stringify(state)}\n`));
    for (const one of this.gathered) one.endMs = 0;
    this.closed = closed;
    onClosed(closed);
  }
}
