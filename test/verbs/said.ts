/** A terminal that remembers what was said to it. */
import { Writable } from 'node:stream';
import { createTerminal, type Terminal } from '../../src/verbs/terminal.js';

export interface Said {
  readonly terminal: Terminal;
  /** What stood on stdout and on stderr so far. */
  out(): string;
  err(): string;
}

/** `rich`: as if a person looked at it, 100 columns wide; without colours, wherever it runs, unless they are asked for. */
export function createSaid(rich = false, isColoured = false): Said {
  const texts = { out: '', err: '' };
  const stream = (name: 'out' | 'err') =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const out = Object.assign(stream('out'), rich ? { isTTY: true, columns: 100 } : {});
  return {
    terminal: createTerminal({ out, err: stream('err'), isColoured }),
    out: () => texts.out,
    err: () => texts.err,
  };
}

/** Lines of JSON as values. */
export function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
