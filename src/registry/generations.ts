/**
 * A map of bounded size that forgets what was not asked for longest, in two generations: what is found in the old one
 * moves to the new, and when the new one is full, the old is forgotten at once. No entry is taken out for itself, because
 * a map with many holes at its beginning is slow to read from there.
 */
/** Values by key, at most `max` of them beside those that are needed. */
export class Generations<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private readonly half: number;

  /** `isNeeded` says what may not be forgotten yet, whatever the bound. */
  constructor(
    max: number,
    private readonly isNeeded: (value: V) => boolean = () => false,
  ) {
    this.half = Math.max(1, Math.floor(max / 2));
  }

  get(key: string): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const before = this.old.get(key);
    if (before === undefined) return undefined;
    this.old.delete(key);
    this.set(key, before);
    return before;
  }

  set(key: string, value: V): void {
    if (this.young.size >= this.half) this.turn();
    this.young.set(key, value);
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }

  *entries(): IterableIterator<[string, V]> {
    yield* this.old;
    yield* this.young;
  }

  private turn(): void {
    const needed = [...this.old].filter(([, value]) => this.isNeeded(value));
    this.old = this.young;
    this.young = new Map(needed);
  }
}
