/**
 * A file of JSON Lines that only grows until it is set aside. Lines are durable once `append` resolved; a line that a
 * crash left torn is cut off when the file is opened again. One writer at a time.
 */
import { dirname } from 'node:path';
import type { Files, OpenFile } from '../log/files.js';
import { isMissing } from '../log/files.js';

export interface LineFileOptions {
  readonly files: Files;
  readonly path: string;
  /** Grown to this, it is set aside before the next lines. */
  readonly bytesMax: number;
  /** Files set aside that are kept: PATH.1 is the newest. */
  readonly keep: number;
}

const NEW_LINE = 0x0a;
const TAIL_BYTES = 65_536;

export class LineFile {
  private file: OpenFile | null = null;
  private bytes = 0;

  constructor(private readonly options: LineFileOptions) {}

  /** Of the file that is written; 0 before the first line of this process. */
  get size(): number {
    return this.bytes;
  }

  /** Rejects with what the file system says; the file is then opened anew by the next call. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const content = Buffer.from(`${lines.join('\n')}\n`);
    try {
      this.file ??= await this.open();
      if (this.bytes > 0 && this.bytes + content.length > this.options.bytesMax)
        this.file = await this.rotate(this.file);
      await this.file.write([content], this.bytes);
      await this.file.fsync();
      this.bytes += content.length;
    } catch (error) {
      const broken = this.file;
      this.file = null;
      await broken?.close().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.file;
    this.file = null;
    await open?.close();
  }

  private async open(): Promise<OpenFile> {
    const { files, path } = this.options;
    await files.mkdir(dirname(path));
    const file = await openOrCreate(files, path);
    const end = await file.bytes();
    this.bytes = await endOfLines(file, end);
    if (this.bytes < end) await file.truncate(this.bytes);
    await files.fsyncDirectory(dirname(path));
    return file;
  }

  private async rotate(open: OpenFile): Promise<OpenFile> {
    const { files, path, keep } = this.options;
    await open.close();
    for (let i = keep; i >= 1; i--) {
      const from = i === 1 ? path : `${path}.${i - 1}`;
      await files.rename(from, `${path}.${i}`).catch((error) => {
        if (!isMissing(error)) throw error;
      });
    }
    if (keep === 0) await files.unlink(path);
    return this.open();
  }
}

async function openOrCreate(files: Files, path: string): Promise<OpenFile> {
  try {
    return await files.open(path, 'write');
  } catch (error) {
    if (!isMissing(error)) throw error;
    return files.open(path, 'create');
  }
}

/** Behind the last whole line. */
async function endOfLines(file: OpenFile, end: number): Promise<number> {
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - TAIL_BYTES);
    const tail = Buffer.alloc(to - from);
    await file.read(tail, from);
    const at = tail.lastIndexOf(NEW_LINE);
    if (at >= 0) return from + at + 1;
    to = from;
  }
  return 0;
}
