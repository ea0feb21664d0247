/** What the fold says of one record, before it is told what the record's time ended. */
import type { Held } from './inventory.js';
import type { Verdict } from './registry.js';

export type Judgement = Omit<Verdict, 'expired'>;

/** A refusal with its code and reason. */
export function refuse(code: Verdict['code'], reason: string, held: Held | undefined): Judgement {
  return { effect: 'refused', reason, code, entry: held?.entry ?? null };
}

/** A refusal because the writer had read another version. */
export function conflict(held: Held | undefined, ifVersion: number): Judgement {
  return refuse('registry.conflict', `version ${ifVersion} was read, it is ${held?.entry.version ?? 0} now`, held);
}

/** What was judged before is not judged again. */
export function duplicate(held: Held | undefined): Judgement {
  return { effect: 'duplicate', reason: 'judged before', code: null, entry: held?.entry ?? null };
}
