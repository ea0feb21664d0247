/**
 * What sinks remember of the registry's changes: those that some sink may have to tell, and what was done about each
 * finding. Bounded; the oldest go first, and what goes before a sink has told it is counted.
 */
import type { Taken } from '../render/taken.js';
import type { TriageInput } from '../triage/triage.js';
import { findingsOf, isAction } from './filter.js';
import { type Position, parsePosition, placeNameOf } from './position.js';

const CHANGES_MAX = 20_000;
/** Findings, and verdicts, that something is remembered of. */
const KEYS_MAX = 20_000;

export class ChangeMemory {
  private readonly changes: TriageInput[] = [];
  private readonly taken = new Map<string, Taken>();
  private readonly positions = new Map<string, Position>();
  /** Which finding a verdict was about, for when it is undone. */
  private readonly judged = new Map<string, string>();
  private readonly listeners = new Set<() => void>();
  /** Changes below this offset are forgotten. */
  private forgotten = 0;
  /** Behind the last change. */
  next = 0;

  /** Every change of the registry, from the first one of its log. */
  note(change: TriageInput): void {
    const { record, offset } = change;
    this.next = offset + 1;
    if (record.type === 'told') {
      const position = record.place.startsWith(placeNameOf('')) ? parsePosition(record.keys[0] ?? '') : null;
      if (position !== null) this.positions.set(record.place, position);
      return;
    }
    this.noteTaken(change);
    if (record.type === 'verdict' && record.verdict.finding !== null) {
      remember(this.judged, record.verdict.id, record.verdict.finding);
    }
    if (this.findingsOf(change).length === 0 && !isAction(change)) return;
    this.changes.push(change);
    if (this.changes.length > CHANGES_MAX) {
      this.forgotten = this.changes[this.changes.length - CHANGES_MAX - 1].offset + 1;
      this.changes.splice(0, this.changes.length - CHANGES_MAX);
    }
    for (const listener of this.listeners) listener();
  }

  /** Changes from `offset` on, at most `max`, and where to go on. `missed`: some were forgotten. */
  from(
    offset: number,
    max: number,
    below = Number.POSITIVE_INFINITY,
  ): { changes: readonly TriageInput[]; next: number; missed: boolean } {
    const found: TriageInput[] = [];
    for (let i = this.indexOf(offset); i < this.changes.length && found.length < max; i++) {
      if (this.changes[i].offset >= below) break;
      found.push(this.changes[i]);
    }
    const last = found.at(-1);
    const next = found.length === max && last !== undefined ? last.offset + 1 : Math.min(below, this.next);
    return { changes: found, next: Math.max(offset, next), missed: offset < this.forgotten };
  }

  /** Findings that people said something of with this change. */
  findingsOf(change: TriageInput): readonly string[] {
    const { record, verdict } = change;
    if (record.type !== 'verdict-undo') return findingsOf(change);
    const finding = this.judged.get(record.id);
    return verdict.effect === 'refused' || finding === undefined ? [] : [finding];
  }

  takenOf(finding: string): Taken | null {
    return this.taken.get(finding) ?? null;
  }

  /** As the registry's log has it; null: it does not. */
  positionOf(name: string): Position | null {
    return this.positions.get(placeNameOf(name)) ?? null;
  }

  /** Called after each change that may matter, until the function returned is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private noteTaken({ record, verdict }: TriageInput): void {
    if (record.type !== 'proposal') return;
    const { effect } = verdict;
    if (effect === 'duplicate' || effect === 'none') return;
    const { finding, action } = record.proposal;
    const untilMs = effect === 'applied' ? (verdict.entry?.untilMs ?? null) : null;
    // What was done is not undone by a later wish that was held back.
    if (effect !== 'applied' && this.taken.get(finding)?.effect === 'applied') return;
    remember(this.taken, finding, { action, effect, untilMs });
  }

  /** Of the first change at or above the offset. */
  private indexOf(offset: number): number {
    let low = 0;
    let high = this.changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.changes[middle].offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEYS_MAX) map.delete(map.keys().next().value as string);
}
