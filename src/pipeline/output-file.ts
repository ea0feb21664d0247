/**
 * A file of lines that a run writes and a resumed run goes on with: what was written after the checkpoint is cut off
 * and written again. Lines are buffered; the caller says when they are written and when they must be durable.
 */
import { dirname } from 'node:path';
import { KilldeerError } from '../errors.js';
import { type Files, isDiskFull, type OpenFile } from '../log/files.js';

export class OutputFile {
  private lines: string[] = [];
  private waitingChars = 0;
  private written: number;

  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private readonly file: OpenFile,
    written: number,
  ) {
    this.written = written;
  }

  /**
   * Opens `path` anew, or to go on after its first `keepBytes` bytes. Rejects with 'log.disk-full' or
   * 'log.write-failed', and with 'checkpoint.mismatch' where the file is shorter than `keepBytes`.
   */
  static async open(files: Files, path: string, keepBytes: number | null): Promise<OutputFile> {
    const file = await guard(path, 'opened', () => files.open(path, keepBytes === null ? 'replace' : 'write'));
    if (keepBytes === null) return new OutputFile(files, path, file, 0);
    try {
      const bytes = await guard(path, 'read', () => file.bytes());
      if (bytes < keepBytes) {
        throw new KilldeerError('checkpoint.mismatch', `${path} has ${bytes} bytes, its checkpoint has ${keepBytes}`);
      }
      await guard(path, 'truncated', () => file.truncate(keepBytes));
      return new OutputFile(files, path, file, keepBytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Takes one line, without its ending. */
  add(line: string): void {
    this.lines.push(line);
    this.waitingChars += line.length + 1;
  }

  /** Characters that wait to be written. */
  get waiting(): number {
    return this.waitingChars;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.written;
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    if (this.lines.length === 0) return;
    const bytes = new TextEncoder().encode(`${this.lines.join('\n')}\n`);
    await guard(this.path, 'written', () => this.file.write([bytes], this.written));
    this.written += bytes.length;
    this.lines = [];
    this.waitingChars = 0;
  }

  /** Writes what waits and makes it durable, the file's name included. */
  async sync(): Promise<void> {
    await this.flush();
    await guard(this.path, 'synced', async () => {
      await this.file.fsync();
      await this.files.fsyncDirectory(dirname(this.path));
    });
  }

  /** Drops what waits; a run that failed has nothing more to say. */
  async close(): Promise<void> {
    await this.file.close();
  }
}

async function guard<T>(path: string, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof KilldeerError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const code = isDiskFull(error) ? 'log.disk-full' : what === 'synced' ? 'log.fsync-failed' : 'log.write-failed';
    throw new KilldeerError(code, `${path} could not be ${what}: ${reason}`, error);
  }
}
