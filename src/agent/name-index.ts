/**
 * From an agent's name to its slot, for one tenant. A Map of so many strings costs a chain of far reads for every event:
 * this is one flat array of hashes and slots, and the name is compared once. Exact: names whose hashes are the same are
 * told apart. May not know anything of agents but where their names stand.
 */
import { hash64 } from '../math/hash.js';

/** Places of a new index; a power of two, as every size. */
const PLACES = 16;
/** Words of a place: the name's hash, and the slot plus one; 0: empty. */
const WORDS = 2;

const hash = new Uint32Array(2);

/** 32 bits of a name: the half of hash64 that depends on both of its lanes. */
function hashOf(name: string, seed: number): number {
  hash64(name, seed, hash);
  return hash[1];
}

/** Slots by name; open addressing, at most half full. */
export class NameIndex {
  private places = new Uint32Array(PLACES * WORDS);
  private count = 0;

  /** `names` by slot is the caller's; `seed` keeps whoever does not know it from choosing names that collide. */
  constructor(
    private readonly names: readonly string[],
    private readonly seed: number,
  ) {}

  /** Slot of a name, or -1. */
  find(name: string): number {
    const at = this.placeOf(name);
    return at === -1 ? -1 : this.places[at + 1] - 1;
  }

  /** Enters a name that is not there; `names` holds it at `slot`. */
  add(name: string, slot: number): void {
    if ((this.count + 1) * 2 * WORDS > this.places.length) this.grow();
    this.count++;
    this.put(hashOf(name, this.seed), slot + 1);
  }

  /** Takes a name out while `names` still holds it. What it had displaced moves up, so that no place is lost. */
  remove(name: string): void {
    let hole = this.placeOf(name);
    if (hole === -1) return;
    this.count--;
    const { places } = this;
    const last = places.length - 1;
    for (let at = (hole + WORDS) & last; places[at + 1] !== 0; at = (at + WORDS) & last) {
      const home = (places[at] << 1) & last;
      // Only what was displaced by the hole may move there: its way from home leads past it.
      if (((at - home) & last) < ((at - hole) & last)) continue;
      places[hole] = places[at];
      places[hole + 1] = places[at + 1];
      hole = at;
    }
    places[hole] = 0;
    places[hole + 1] = 0;
  }

  private placeOf(name: string): number {
    const h = hashOf(name, this.seed);
    const { places, names } = this;
    const last = places.length - 1;
    for (let at = (h << 1) & last; places[at + 1] !== 0; at = (at + WORDS) & last) {
      if (places[at] === h && names[places[at + 1] - 1] === name) return at;
    }
    return -1;
  }

  private put(h: number, entry: number): void {
    const { places } = this;
    const last = places.length - 1;
    let at = (h << 1) & last;
    while (places[at + 1] !== 0) at = (at + WORDS) & last;
    places[at] = h;
    places[at + 1] = entry;
  }

  private grow(): void {
    const old = this.places;
    this.places = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) if (old[at + 1] !== 0) this.put(old[at], old[at + 1]);
  }
}
