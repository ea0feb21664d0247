/** The sinks of the server that runs, for `killdeer check`. */
import type { SinksAnswer } from '../api/sink-schema.js';
import type { Look } from './look-at-topics.js';

/** One row each; where another process delivers, or none is configured, there is none to look at. */
export function lookAtSinks({ sinks }: SinksAnswer): Look[] {
  return sinks.map(({ name, kind, format, breaker, backlog, dead, held_count: held, last_error: error }) => {
    const waiting = backlog === null ? 'backlog not known' : `${backlog} lines behind`;
    const parts = [
      `${format} to ${kind}`,
      `breaker ${breaker}`,
      waiting,
      ...(held === 0 ? [] : [`${held} held for the digest`]),
      ...(dead === 0 ? [] : [`${dead} dead letters`]),
    ];
    const trouble = error === null ? '' : `; last error: ${error}`;
    return { what: `sink ${name}`, ok: breaker === 'closed' && dead === 0, words: `${parts.join(', ')}${trouble}` };
  });
}
