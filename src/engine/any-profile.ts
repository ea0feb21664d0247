/** A profile wherever it is: in its agent's seat, or on the shelf, where what was changed is put anew. */
import { PROFILE_BYTES, Profile } from '../agent/layout.js';
import { agentKey } from '../agent/table.js';
import type { EngineState } from './state.js';

/** A profile by the name of its agent; unbound senders fill profiles of their own. */
export interface Whom {
  readonly tenant: string;
  readonly name: string;
  readonly bound: boolean;
}

const cursor = new Profile();

/** Works on a profile; false where the partition has none of that name. The profile is not to be kept. */
export function onProfile(state: EngineState, { tenant, name, bound }: Whom, work: (p: Profile) => void): boolean {
  const { table, shelf, shelved } = state;
  const slot = table.find(tenant, name, bound);
  if (slot !== -1) {
    table.aim(cursor, slot);
    work(cursor);
    return true;
  }
  const key = agentKey(tenant, name, bound);
  const position = shelved.get(key);
  if (position === undefined) return false;
  const bytes = shelf.read(position).slice();
  const profile = bytes.slice(0, PROFILE_BYTES);
  cursor.aim(profile.buffer, 0);
  work(cursor);
  // Running sessions stand behind it and stay.
  bytes.set(profile);
  shelved.set(key, shelf.append(bytes));
  return true;
}
