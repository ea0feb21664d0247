/** Numbers what changes and tells who follows; remembers the newest, for those who were away. */
import type { TriageEvent } from './triage.js';

export class Bell {
  private readonly events: TriageEvent[] = [];
  private readonly listeners = new Set<() => void>();
  seq = 0;

  constructor(private readonly eventsMax = 10_000) {}

  ring(event: Omit<TriageEvent, 'seq'>): void {
    this.seq += 1;
    this.events.push({ seq: this.seq, ...event });
    // Twice as many for a while: taking one out at a time would move all the others.
    if (this.events.length >= 2 * this.eventsMax) this.events.splice(0, this.eventsMax);
    for (const listener of this.listeners) listener();
  }

  /** Those behind a number, at most `max`; null: some of them are forgotten, or it was never reached. */
  since(seq: number, max: number): readonly TriageEvent[] | null {
    const floor = this.seq - this.events.length;
    if (seq < floor || seq > this.seq) return null;
    return this.events.slice(seq - floor, seq - floor + max);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
