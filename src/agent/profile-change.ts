/**
 * What a person's word changed in a profile, kept so that it can be put back: every element that differs, with its
 * value before and after, in words of 32 bits. Elements are those of the layout's own table, so a new field needs
 * nothing here. A slot of a known set is one thing: it is kept, and put back, whole.
 */
import { clearKnown, ENDPOINTS, findKnown, type KnownSet, PAIRS } from './known.js';
import { F, LAYOUT, PROFILE_BYTES, type Profile } from './layout.js';

/** Triples of word index in the profile, word before, word after; ascending by index. */
export type ProfileChange = number[];

const WORDS = PROFILE_BYTES / 4;
const TRIPLE = 3;

/** Words by slot, for the two sets. */
interface Slot {
  readonly set: KnownSet;
  readonly slot: number;
  readonly low: number;
  readonly high: number;
  readonly words: readonly number[];
}

const SLOTS: readonly Slot[] = [...slotsOf(ENDPOINTS), ...slotsOf(PAIRS)];

function slotsOf(set: KnownSet): Slot[] {
  return Array.from({ length: set.slots }, (_, slot) => {
    const row = set.step * slot;
    const low = set.low + slot;
    const high = set.high + row;
    const words = [low, high, set.minute + row, set.state + row, set.count + slot];
    if (set === ENDPOINTS) words.push(F.endpointNewTarget + row);
    return { set, slot, low, high, words };
  });
}

/** A copy of a profile's words, to be compared with later. */
export function copyWords(p: Profile): Uint32Array {
  return p.u32.slice(p.at4, p.at4 + WORDS);
}

/** What differs from `before`. */
export function changeSince(before: Uint32Array, p: Profile): ProfileChange {
  const touched = new Set<number>();
  for (const { view, count, byte, step } of LAYOUT) {
    const width = view === 'f64' ? 2 : 1;
    for (let word = byte / 4; word < (byte + count * step) / 4; word += step / 4) {
      if (!differs(before, p, word, width)) continue;
      for (let i = 0; i < width; i++) touched.add(word + i);
    }
  }
  for (const { words } of SLOTS) {
    if (words.some((word) => touched.has(word))) for (const word of words) touched.add(word);
  }
  const sorted = [...touched].sort((a, b) => a - b);
  return sorted.flatMap((word) => [word, before[word], p.u32[p.at4 + word]]);
}

function differs(before: Uint32Array, p: Profile, word: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (before[word + i] !== p.u32[p.at4 + word + i]) return true;
  return false;
}

/**
 * Puts the words of `change` back as they were before it. Where a later change in force stands on the same word, that
 * one's word before becomes this one's: the profile keeps what the later one made of it until it is put back itself.
 * A slot that has since been given to something else is left alone.
 */
export function putBack(change: ProfileChange, p: Profile, later: readonly ProfileChange[]): void {
  const places = later.map(placesOf);
  const own = placesOf(change);
  /** The later change that stands on a word, and its place in it. */
  const holderOf = (word: number): { change: ProfileChange; at: number } | null => {
    for (let i = 0; i < later.length; i++) {
      const at = places[i].get(word);
      if (at !== undefined) return { change: later[i], at };
    }
    return null;
  };
  const nowOf = (word: number): number => {
    const holder = holderOf(word);
    return holder === null ? p.u32[p.at4 + word] : holder.change[holder.at + 1];
  };
  const touched = SLOTS.filter(({ low }) => own.has(low));
  const isOurs = ({ low, high }: Slot): boolean =>
    [low, high].every((word) => nowOf(word) === change[(own.get(word) as number) + 2]);
  const taken = new Set(touched.filter((slot) => !isOurs(slot)).flatMap(({ words }) => words));
  for (const [word, at] of own) {
    if (taken.has(word)) continue;
    const holder = holderOf(word);
    if (holder === null) p.u32[p.at4 + word] = change[at + 1];
    else holder.change[holder.at + 1] = change[at + 1];
  }
  for (const slot of touched) if (!taken.has(slot.low)) dropSecond(slot, p);
}

function placesOf(change: ProfileChange): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (let at = 0; at < change.length; at += TRIPLE) places.set(change[at], at);
  return places;
}

/** What made room may have come back meanwhile, in another slot, and has learned more there. */
function dropSecond({ set, slot, low, high }: Slot, p: Profile): void {
  const [lowHash, highHash] = [p.u32[p.at4 + low], p.u32[p.at4 + high]];
  if (lowHash === 0 && highHash === 0) return;
  const first = findKnown(p, set, lowHash, highHash);
  if (first !== slot) {
    clearKnown(p, set, slot);
    return;
  }
  p.u32[p.at4 + low] = 0;
  const isTwice = findKnown(p, set, lowHash, highHash) !== -1;
  p.u32[p.at4 + low] = lowHash;
  if (isTwice) clearKnown(p, set, slot);
}
