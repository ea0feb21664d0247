/** A page of a file of lines, by the byte where it begins: no file is read whole. */
import { open } from 'node:fs/promises';

export interface LinePage {
  readonly lines: readonly string[];
  /** Where the next page begins; null at the end. */
  readonly next: number | null;
}

const CHUNK = 262_144;
const BREAK = 0x0a;

/** Up to `limit` whole lines from `at` on, which must be the beginning of one. A file that is not there has none. */
export async function readLinesAt(path: string, at: number, limit: number): Promise<LinePage> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return { lines: [], next: null };
  try {
    const { size } = await file.stat();
    const lines: string[] = [];
    let rest: Buffer = Buffer.alloc(0);
    let from = Math.min(at, size);
    let begin = from;
    while (lines.length < limit && from < size) {
      const chunk = Buffer.alloc(Math.min(CHUNK, size - from));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, from);
      if (bytesRead === 0) break;
      from += bytesRead;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(BREAK); end >= 0 && lines.length < limit; end = rest.indexOf(BREAK)) {
        lines.push(rest.toString('utf8', 0, end));
        begin += end + 1;
        rest = rest.subarray(end + 1);
      }
    }
    return { lines, next: begin < size && lines.length > 0 ? begin : null };
  } finally {
    await file.close();
  }
}
