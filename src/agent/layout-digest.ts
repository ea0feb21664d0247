/** What tells two layouts of a profile apart: bytes written under one mean something else under another. */
import { hash64, hex64 } from '../math/hash.js';
import { LAYOUT, PROFILE_BYTES, WINDOW_MS } from './layout.js';

const SEED = 0x6c61796f;
const hash = new Uint32Array(2);

function digest(): string {
  const fields = LAYOUT.map(({ name, view, count, byte, step }) => [name, view, count, byte, step]);
  hash64(JSON.stringify([PROFILE_BYTES, fields, WINDOW_MS]), SEED, hash);
  return hex64(hash[0], hash[1]);
}

/** 16 hex digits: of the fields' names, views, counts, places and steps, and of how long each window is. */
export const LAYOUT_DIGEST: string = digest();
