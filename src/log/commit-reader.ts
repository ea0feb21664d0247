/** Reads commits of one segment file and judges them: whole, or damaged and how. */

import type { OpenFile } from './files.js';
import { COMMIT_HEADER_BYTES, type CommitHeader, checksum, decodeCommitHeader } from './frame.js';

/** Why the bytes at a position are not the commit that belongs there. */
export interface Damage {
  readonly damage: string;
  /** Where the damaged commit says it ends, bytes; null where not even its header can be believed. */
  readonly claimedEnd: number | null;
}

export interface Commit {
  readonly header: CommitHeader;
  /** The records' lines; valid until the next call. */
  readonly body: Buffer;
}

export function isDamage(value: Commit | CommitHeader | Damage): value is Damage {
  return 'damage' in value;
}

/** One file, read through a window that is kept between calls. */
export class CommitReader {
  readonly file: OpenFile;
  readonly salt: string;
  private readonly windowBytes: number;
  private window: Buffer = Buffer.alloc(0);
  private windowStart = 0;
  private windowLength = 0;

  constructor(file: OpenFile, salt: string, windowBytes: number) {
    this.file = file;
    this.salt = salt;
    this.windowBytes = windowBytes;
  }

  /** Bytes held between calls. */
  get heldBytes(): number {
    return this.window.length;
  }

  /** Forgets what was read: the writer may have gone on behind it. */
  drop(): void {
    this.windowLength = 0;
  }

  /** The header at byte `position`, which must begin with offset `first`. */
  async header(position: number, first: number): Promise<CommitHeader | Damage> {
    const bytes = await this.view(position, COMMIT_HEADER_BYTES);
    if (bytes.length === 0) return { damage: 'the file ends', claimedEnd: position };
    const header = decodeCommitHeader(bytes, this.salt);
    if (header === null) return { damage: 'no commit begins here', claimedEnd: null };
    if (header.position !== position || header.first !== first) {
      const found = `offset ${header.first} of byte ${header.position}`;
      return { damage: `the commit here is that of ${found}, not of offset ${first}`, claimedEnd: null };
    }
    return header;
  }

  /** The whole commit at byte `position`, its checksum verified. */
  async commit(position: number, first: number): Promise<Commit | Damage> {
    const header = await this.header(position, first);
    if (isDamage(header)) return header;
    const start = position + COMMIT_HEADER_BYTES;
    const body = await this.view(start, header.bytes);
    const claimedEnd = start + header.bytes;
    if (body.length < header.bytes) return { damage: 'the file ends inside this commit', claimedEnd };
    if (checksum(body) !== header.checksum) return { damage: 'the checksum does not match', claimedEnd };
    return { header, body };
  }

  /** Up to `bytes` bytes from `position`, fewer at the end of the file; valid until the next call. */
  async view(position: number, bytes: number): Promise<Buffer> {
    const offset = position - this.windowStart;
    if (offset >= 0 && offset + bytes <= this.windowLength) return this.window.subarray(offset, offset + bytes);
    // What the window already holds of the wanted bytes is moved to its front, so that nothing is read twice.
    const kept = offset >= 0 && offset < this.windowLength ? this.windowLength - offset : 0;
    const wanted = Math.max(bytes, this.windowBytes);
    const window = this.window.length < wanted ? Buffer.allocUnsafe(wanted) : this.window;
    if (kept > 0) this.window.copy(window, 0, offset, this.windowLength);
    this.window = window;
    this.windowLength = 0;
    const length = kept + (await this.file.read(window.subarray(kept), position + kept));
    this.windowStart = position;
    this.windowLength = length;
    return window.subarray(0, Math.min(bytes, length));
  }
}
