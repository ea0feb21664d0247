/** Asks a person before something is done that cannot be taken back by itself. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { KilldeerError } from '../errors.js';

/** What a person types, and where the question is written. */
export interface Asked {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/** Resolves where the person says yes. Throws 'usage' where they do not, or where nobody is there to be asked. */
export async function confirm(
  question: string,
  isSaid: boolean,
  { input, output }: Asked = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (isSaid) return;
  if (input.isTTY !== true) throw new KilldeerError('usage', `${question} Nobody is there to say yes: add --yes`);
  const line = createInterface({ input, output });
  try {
    // Whoever closes the terminal has not said yes.
    const closed = once(line, 'close').then(() => '');
    const said = await Promise.race([line.question(`${question} [y/N] `), closed]);
    if (/^y(es)?$/i.test(said.trim())) return;
  } finally {
    line.close();
  }
  throw new KilldeerError('usage', 'nothing was done');
}
