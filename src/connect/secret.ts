/** Secrets of connectors: from the environment or a file, read when they are needed, and never shown. */
import { readFileSync } from 'node:fs';
import { KilldeerError } from '../errors.js';

export interface SecretPlace {
  /** Name of an environment variable; wins over the file. */
  readonly env: string | null;
  readonly file: string | null;
}

/** Reads it anew each time, so that one that was rotated in its file is taken without a restart. */
export type Secret = () => string;

/** Throws 'config.invalid' where there is none; so does every later reading that finds none any more. */
export function openSecret(name: string, { env, file }: SecretPlace, section = 'connectors'): Secret {
  const read = (): string => {
    const found =
      (env === null ? undefined : process.env[env]) ??
      (file === null ? undefined : contentOf(`${section}.${name}`, file));
    const text = found?.trim() ?? '';
    if (text !== '') return text;
    const where = [env === null ? '' : `the environment variable ${env}`, file ?? ''].filter((one) => one !== '');
    throw new KilldeerError('config.invalid', `${section}.${name}: no secret in ${where.join(' or ') || 'any place'}`);
  };
  read();
  return read;
}

function contentOf(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KilldeerError('config.invalid', `${name}: ${file} cannot be read (${code})`);
  }
}
