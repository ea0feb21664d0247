/**
 * Named points at which a test kills the process, to prove that what was running goes on exactly. The environment
 * variable KILLDEER_FAILPOINT='name:n' ends the process by SIGKILL at the n-th passage (from 1) of that point; without
 * it a passage costs a call of an empty function.
 */
import { kill, pid } from 'node:process';
import { KilldeerError } from '../errors.js';

export const FAILPOINTS = [
  /** An event was taken out of the input and is about to be stepped. */
  'event',
  /** What is needed of the shelf was written into a new file, which no checkpoint names yet. */
  'shelf-moved',
  /** Nothing of the checkpoint is on disk yet. */
  'checkpoint-begin',
  /** The checkpoint is written and synced under its temporary name. */
  'checkpoint-written',
  /** The checkpoint stands under its own name. */
  'checkpoint-renamed',
  /** Shelves that no checkpoint names any more are gone. */
  'shelf-removed',
  /** Findings are about to be written. */
  'findings-write',
  /** Findings are written, not yet covered by a checkpoint. */
  'findings-written',
  /** A registry record is about to be written. */
  'registry-write',
  /** A registry record is written. */
  'registry-written',
] as const;
export type FailpointName = (typeof FAILPOINTS)[number];
export type Failpoint = (name: FailpointName) => void;

/**
 * A failpoint from its text; undefined: none. `die` is what happens at the n-th passage. Throws 'usage' where the text
 * names no point: a test that kills nothing proves nothing.
 */
export function createFailpoint(text: string | undefined, die: () => void): Failpoint {
  if (text === undefined || text === '') return () => {};
  const [name, count] = text.split(':');
  if (!FAILPOINTS.some((known) => known === name) || !/^[1-9]\d*$/.test(count ?? '')) {
    throw new KilldeerError(
      'usage',
      `KILLDEER_FAILPOINT=${text}: not NAME:COUNT with a name of ${FAILPOINTS.join(', ')}`,
    );
  }
  let left = Number(count);
  return (passed) => {
    if (passed === name && --left === 0) die();
  };
}

/** The process's own. */
export const failpoint: Failpoint = createFailpoint(process.env['KILLDEER_FAILPOINT'], () => {
  kill(pid, 'SIGKILL');
});
