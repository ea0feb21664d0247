/** What the live side remembers of itself between two lives: one small file, whole or not there. */
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';
import { parseStoredSettings } from './stored-settings.js';

const FORMAT = 2;

export interface LiveMemory {
  readonly format: typeof FORMAT;
  /** Of the last owner; every thread that owns a partition gets a larger one. */
  readonly epoch: number;
  /** What partitions without a checkpoint begin with, whatever was configured later. */
  readonly genesis: { readonly settings: Settings; readonly model: string };
  /** Last written to the partitions; the seed among them is a secret. */
  readonly settings: Settings;
  /** Version of the model last activated. */
  readonly model: string;
  /** Changes of `log:registry` before it were told to the engines. */
  readonly told: number;
}

export class LiveState {
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private memory: LiveMemory,
  ) {}

  /** Reads it, or begins it with `first`. Rejects with 'checkpoint.corrupt'. */
  static async open(files: Files, path: string, first: Omit<LiveMemory, 'format'>): Promise<LiveState> {
    const memory = await readLiveMemory(files, path);
    if (memory !== null) return new LiveState(files, path, memory);
    const state = new LiveState(files, path, { format: FORMAT, ...first });
    await state.save({});
    return state;
  }

  get now(): LiveMemory {
    return this.memory;
  }

  /** Durable once resolved. */
  save(change: Partial<Omit<LiveMemory, 'format' | 'genesis'>>): Promise<void> {
    this.memory = { ...this.memory, ...change };
    const next = this.saving.then(() => writeAtomic(this.files, this.path, encode(this.memory)));
    this.saving = next.catch(() => undefined);
    return next;
  }
}

/** null where there is none. Rejects with 'checkpoint.corrupt'. */
export async function readLiveMemory(files: Files, path: string): Promise<LiveMemory | null> {
  const bytes = await readWhole(files, path);
  return bytes === null ? null : decode(path, bytes);
}

function encode(memory: LiveMemory): Uint8Array {
  return Buffer.from(`${JSON.stringify(memory)}\n`);
}

function decode(path: string, bytes: Uint8Array): LiveMemory {
  let memory: Partial<LiveMemory> | null = null;
  try {
    memory = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<LiveMemory> | null;
  } catch {
    // Told below.
  }
  const stored = [memory?.genesis?.settings, memory?.settings];
  const whole = memory?.format === FORMAT && stored.every((settings) => parseStoredSettings(settings) !== null);
  if (!whole)
    throw new KilldeerError('checkpoint.corrupt', `${path} is not the memory of a live side, format ${FORMAT}`);
  return memory as LiveMemory;
}
