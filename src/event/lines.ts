/**
 * From bytes to lines. Memory is bounded by one line's limit however long a line turns out to be, and every line,
 * refused or not, takes one place in the output, so that positions stay line numbers.
 */
import { rejection } from './decode.js';
import type { Rejection } from './event.js';
import { LIMITS } from './schema.js';
import { printableText } from './text.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Bytes of a refused line that its reason may need; each makes at least one printed character. */
const SHOWN_BYTES = 80;
/** A held piece starts this large and doubles. */
const HELD_BYTES_MIN = 4096;

/** A line without its ending ('' for an empty one, which is the caller's to judge), or why there is none. */
export type Line = string | Rejection;

/** Both have defaults. */
export interface LineSplitterOptions {
  /** Most bytes of a line, its ending not counted; LIMITS.lineBytes where absent. */
  readonly lineBytesMax?: number;
  /** Line number of the first line; 0 where absent. A reader that resumes inside a file gives the number it left at. */
  readonly position?: number;
}

/** Splits a stream of bytes into lines; one per stream. */
export interface LineSplitter {
  /** The lines that this chunk completes. The chunk's memory may be used again after the call. */
  push(chunk: Uint8Array): Line[];
  /** The last line, where it has no ending; the splitter is at its end. */
  end(): Line[];
}

/**
 * Lines end with LF or CR LF; the last may lack it. A byte order mark before line 0 is dropped. A line that is not
 * UTF-8 is refused ('event.bad-utf8') rather than mended: a mended name would be another agent. A line over the limit
 * is refused ('event.too-long') when its end is seen, and its bytes are not kept until then.
 */
export function createLineSplitter(options: LineSplitterOptions = {}): LineSplitter {
  return new Splitter(options.lineBytesMax ?? LIMITS.lineBytes, options.position ?? 0);
}

class Splitter implements LineSplitter {
  private readonly strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private readonly lenient = new TextDecoder('utf-8', { ignoreBOM: true });
  /** The line that is not complete yet, up to `heldMax` bytes of it. */
  private held = new Uint8Array(HELD_BYTES_MIN);
  private heldBytes = 0;
  /** One more than the limit, because the last byte may be the CR of the ending. */
  private readonly heldMax: number;
  /** The held line has more bytes than are kept of it. */
  private overflowed = false;

  constructor(
    private readonly lineBytesMax: number,
    private position: number,
  ) {
    this.heldMax = lineBytesMax + 1;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    let end = chunk.indexOf(LINE_FEED);
    if (end >= 0 && (this.heldBytes > 0 || this.overflowed)) {
      this.hold(chunk.subarray(0, end));
      lines.push(this.release());
      start = end + 1;
      end = chunk.indexOf(LINE_FEED, start);
    }
    while (end >= 0) {
      lines.push(this.line(chunk.subarray(start, end)));
      start = end + 1;
      end = chunk.indexOf(LINE_FEED, start);
    }
    this.hold(chunk.subarray(start));
    return lines;
  }

  end(): Line[] {
    return this.heldBytes > 0 ? [this.release()] : [];
  }

  private hold(bytes: Uint8Array): void {
    const room = this.heldMax - this.heldBytes;
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, room);
    if (bytes.length > room) this.overflowed = true;
    const needed = this.heldBytes + kept.length;
    if (needed > this.held.length) {
      const grown = new Uint8Array(Math.min(this.heldMax, Math.max(needed, this.held.length * 2)));
      grown.set(this.held.subarray(0, this.heldBytes));
      this.held = grown;
    }
    this.held.set(kept, this.heldBytes);
    this.heldBytes = needed;
  }

  private release(): Line {
    const bytes = this.held.subarray(0, this.heldBytes);
    const line = this.overflowed ? this.refuse(bytes) : this.line(bytes);
    this.heldBytes = 0;
    this.overflowed = false;
    return line;
  }

  /** One complete line without its LF. */
  private line(bytes: Uint8Array): Line {
    let end = bytes.length;
    if (end > 0 && bytes[end - 1] === CARRIAGE_RETURN) end--;
    if (end > this.lineBytesMax) return this.refuse(bytes);
    const start = this.position === 0 && hasMark(bytes) ? 3 : 0;
    try {
      const text = this.strict.decode(bytes.subarray(start, end));
      this.position++;
      return text;
    } catch {
      return rejection('event.bad-utf8', `line is not UTF-8: ${this.shown(bytes.subarray(0, end))}`, this.position++);
    }
  }

  private refuse(bytes: Uint8Array): Rejection {
    const reason = `line is longer than ${this.lineBytesMax} bytes: ${this.shown(bytes)}`;
    return rejection('event.too-long', reason, this.position++);
  }

  private shown(bytes: Uint8Array): string {
    // Never more than the limit, so that the words are the same wherever the stream was cut.
    return printableText(this.lenient.decode(bytes.subarray(0, Math.min(SHOWN_BYTES + 1, this.lineBytesMax))));
  }
}

/** Whether the bytes begin with UTF-8's byte order mark. */
function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}
