/**
 * Which acting agents, in which versions, were reported to the inventory already. What decides is a bounded Map; beside
 * it each slot of the table has a mark, so that an event of an agent in a version that was reported reads one word and
 * no Map. Marks are no state: without them the answer is the same, and later.
 */
import type { AgentEvent } from '../event/event.js';

/** Acting agents whose sighting is remembered. */
const SIGHTED_MAX = 200_000;
/** Versions of one agent that are remembered as reported. */
const VERSIONS_MAX = 16;
/** Versions that marks tell apart; others are looked up every time. */
const MARKED_VERSIONS_MAX = 65_536;
/** Marks: nothing is known; the agent was reported, in no version that is told. Greater ones stand for versions. */
const UNKNOWN = 0;
const UNVERSIONED = 1;

/** Sightings reported so far, newest last. */
export class Sightings {
  private readonly known = new Map<string, string[]>();
  /** By slot of an agent: what was reported under the name that the slot stands for. */
  private marks = new Uint32Array(64);
  private readonly markOf = new Map<string, number>();
  private lastVersion = '';
  private lastMark = UNKNOWN;

  /**
   * Notes a sighting; true where it is to be reported. `slot` is that of the profile that the event belongs to, and
   * `isRoot` says that the acting agent is the one whose name it has.
   */
  note({ tenant, agent, version }: AgentEvent, slot: number, isRoot: boolean): boolean {
    if (isRoot && this.isMarked(slot, version)) return false;
    const isNew = this.take(tenant === '' ? agent : `${tenant}\u0000${agent}`, version);
    if (isRoot) this.mark(slot, version);
    return isNew;
  }

  /** To be called when a slot is given to another agent. */
  forgetSlot(slot: number): void {
    if (slot < this.marks.length) this.marks[slot] = UNKNOWN;
  }

  snapshot(): [key: string, versions: string[]][] {
    return [...this.known];
  }

  restore(json: readonly (readonly [string, string[]])[]): void {
    for (const [key, versions] of json) this.known.set(key, [...versions]);
  }

  private isMarked(slot: number, version: string | null): boolean {
    const mark = slot < this.marks.length ? this.marks[slot] : UNKNOWN;
    return mark !== UNKNOWN && (version === null || mark === this.versionMark(version));
  }

  private mark(slot: number, version: string | null): void {
    if (slot >= this.marks.length) {
      const larger = new Uint32Array(2 * slot);
      larger.set(this.marks);
      this.marks = larger;
    }
    this.marks[slot] = version === null ? UNVERSIONED : this.versionMark(version);
  }

  /** Mark of a version; UNKNOWN where there are too many. */
  private versionMark(version: string): number {
    if (version === this.lastVersion) return this.lastMark;
    let mark = this.markOf.get(version);
    if (mark === undefined) {
      if (this.markOf.size >= MARKED_VERSIONS_MAX) return UNKNOWN;
      mark = UNVERSIONED + 1 + this.markOf.size;
      this.markOf.set(version, mark);
    }
    this.lastVersion = version;
    this.lastMark = mark;
    return mark;
  }

  private take(key: string, version: string | null): boolean {
    const { known } = this;
    const before = known.get(key);
    if (before !== undefined && (version === null || before.includes(version))) return false;
    const versions = before ?? [];
    if (version !== null && versions.push(version) > VERSIONS_MAX) {
      versions.shift();
      this.marks.fill(UNKNOWN);
    }
    known.delete(key);
    known.set(key, versions);
    if (known.size > SIGHTED_MAX) {
      for (const oldest of known.keys()) {
        known.delete(oldest);
        break;
      }
      this.marks.fill(UNKNOWN);
    }
    return true;
  }
}
