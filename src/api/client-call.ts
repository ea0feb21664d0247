/** One call of the client: what it is made of. */
import type { RowFormat } from './row-file.js';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** A file of rows as it is. */
export interface RowFile {
  readonly bytes: Uint8Array;
  readonly format: RowFormat;
}

export interface CallParts {
  readonly query?: Query;
  readonly body?: unknown;
  /** Events; a body of JSON Lines. */
  readonly lines?: readonly string[];
  readonly file?: RowFile;
  /** The answer is text, not JSON. */
  readonly isText?: boolean;
}

/** One call, answered with what the server answered. */
export type Call = <T>(method: string, path: string, parts?: CallParts) => Promise<T>;
