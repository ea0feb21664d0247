/** What every verb is handed, and how a wrong word of the command line is told. */
import { KilldeerError } from '../errors.js';
import type { Terminal } from './terminal.js';

export interface VerbContext {
  readonly terminal: Terminal;
  /** The verb did what was asked, and the answer is no: exit code 1 without an error. */
  failed(): void;
}

/** Reads an option as a whole number. Throws 'usage', which names the option and the value. */
export function wholeNumber(option: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new KilldeerError('usage', `${option} ${text}: not a whole number from ${least} to ${most}`);
  };
}

/** Collects an option that may be given several times, and several values at once. */
export function several(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Waits for SIGINT or SIGTERM; a second one ends the process at once. */
export async function untilStopped(): Promise<string> {
  return await new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        done(signal);
      });
    }
  });
}
