/** What the live side remembers of itself between two lives: one small file, whole or not there. */
import type { Settings } from '../engine/settings.js';
import { KilldeerError } from '../errors.js';
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';
import { parseStoredSettings } from './stored-settings.js';

const FORMAT = 1;

export interface LiveMemory {
  readonly format: typeof FORMAT;
  /** Of the last owner; every thread that owns a partition gets a larger one. */
  readonly epoch: number;
  /** What partitions without a checkpoint begin with, whatever was configured later. */
  readonly genesis: { readonly settings: Settings; readonly model: string };
  /** Digest of the settings last written to the partitions. */
  readonly config: string;
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
    const bytes = await readWhole(files, path);
    if (bytes !== null) return new LiveState(files, path, decode(path, bytes));
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
  const whole = memory?.format === FORMAT && parseStoredSettings(memory.genesis?.settings) !== null;
  if (!whole)
    throw new KilldeerError('checkpoint.corrupt', `${path} is not the memory of a live side, format ${FORMAT}`);
  return memory as LiveMemory;
}
