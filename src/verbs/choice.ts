/** Options that take one word of a few. */
import { KilldeerError } from '../errors.js';

/** Reads an option as one of the words. Throws 'usage', which names the option and the words. */
export function oneOf<T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw new KilldeerError('usage', `${option} ${text}: not one of ${words.join(', ')}`);
  };
}
