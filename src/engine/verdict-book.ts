/**
 * What people said of findings, as the engine remembers it: the verdicts in force, what each of them touched in which
 * profile, and how high each measurement stood in the findings of late, so that a verdict on a finding covers all of
 * it and not only its last line. Bounded; nothing here changes a threshold.
 */
import type { ProfileChange } from '../agent/profile-change.js';
import type { Kind } from '../decide/finding.js';
import { NAMES_ENDPOINT, NAMES_TARGET, UNMUTABLE } from '../decide/verdict-kinds.js';
import { rememberDone } from './done-ids.js';
import type { Level, Names } from './level.js';
import type { VerdictRecord } from './record.js';

/** Verdicts in force in one partition; more are passed over. The registry refuses before this one has to. */
export const VERDICTS_MAX = 1_024;
/** Findings whose levels are remembered, and levels of each. */
const EPISODES_MAX = 1_024;
const LEVELS_MAX = 8;
/** A finding this many times as far out as the verdict's is a new thing. */
const TWICE = 2;

/** A profile that a verdict touched. */
export interface Taught {
  readonly tenant: string;
  readonly name: string;
  readonly bound: boolean;
  readonly change: ProfileChange;
}

/** A verdict in force. */
export interface Held {
  readonly record: VerdictRecord;
  /** null: the finding rests on a tick. */
  readonly names: Names | null;
  readonly levels: readonly Level[];
  taught: readonly Taught[];
}

/** A finding's measurements at their highest, and when it was raised. */
interface Episode {
  readonly firstMs: number;
  readonly levels: Level[];
}

/** Plain JSON. */
export interface VerdictJson {
  readonly held: readonly Held[];
  readonly done: readonly string[];
  readonly episodes: readonly (readonly [string, Episode])[];
}

/** Verdicts of one partition. */
export class VerdictBook {
  /** In the order of their records. */
  private held: Held[] = [];
  private readonly done = new Set<string>();
  private readonly episodes = new Map<string, Episode>();

  get size(): number {
    return this.held.length;
  }

  /** In the order of their records. */
  get all(): readonly Held[] {
    return this.held;
  }

  /** Whether a verdict was taken in before, be it in force or not any more. */
  knows(id: string): boolean {
    return this.done.has(id) || this.held.some(({ record }) => record.id === id);
  }

  find(id: string): Held | undefined {
    return this.held.find(({ record }) => record.id === id);
  }

  add(held: Held): void {
    this.held.push(held);
  }

  /** Drops a verdict for good: told again it does nothing. */
  drop(id: string): void {
    this.held = this.held.filter(({ record }) => record.id !== id);
    rememberDone(this.done, id);
  }

  /** Drops what has run out by `timeMs`. */
  expire(timeMs: number): void {
    if (this.held.some(({ record }) => record.untilMs <= timeMs)) {
      this.held = this.held.filter(({ record }) => record.untilMs > timeMs);
    }
  }

  /** Keeps the highest level of each measurement of a finding while it is raised again and again. */
  note(finding: string, detector: string, feature: string, level: number, timeMs: number): void {
    let episode = this.episodes.get(finding);
    if (episode === undefined) {
      episode = { firstMs: timeMs, levels: [] };
      this.episodes.set(finding, episode);
      if (this.episodes.size > EPISODES_MAX) {
        for (const oldest of this.episodes.keys()) {
          this.episodes.delete(oldest);
          break;
        }
      }
    }
    const { levels } = episode;
    for (let i = 0; i < levels.length; i++) {
      if (levels[i].feature !== feature || levels[i].detector !== detector) continue;
      if (Math.abs(level) > Math.abs(levels[i].level)) levels[i] = { detector, feature, level };
      return;
    }
    if (levels.length < LEVELS_MAX) levels.push({ detector, feature, level });
  }

  /** What is remembered of a finding. */
  episode(finding: string | null): Readonly<Episode> | undefined {
    return finding === null ? undefined : this.episodes.get(finding);
  }

  snapshot(): VerdictJson {
    return {
      held: this.held.map((one) => ({ ...one, taught: one.taught.map((t) => ({ ...t, change: [...t.change] })) })),
      done: [...this.done],
      episodes: Array.from(this.episodes, ([id, { firstMs, levels }]) => [id, { firstMs, levels: [...levels] }]),
    };
  }

  restore({ held, done, episodes }: VerdictJson): void {
    this.held = [...held];
    for (const id of done) this.done.add(id);
    for (const [id, episode] of episodes) this.episodes.set(id, episode);
  }
}

/** Whether two findings, or a finding and a verdict, are the like of each other by what they name. */
export function namesAlike(kind: Kind, a: Names | null, b: Names | null): boolean {
  if (!NAMES_ENDPOINT.has(kind)) return true;
  if (a === null || b === null || !isSame(a.endpoint, b.endpoint)) return false;
  if (!NAMES_TARGET.has(kind)) return true;
  return a.pair === null ? b.pair === null : b.pair !== null && isSame(a.pair, b.pair);
}

function isSame(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** Whether a verdict mutes at all: what confirms a finding does not, nor does one on a kind that is never muted. */
export function isMute({ verdict, kind }: VerdictRecord): boolean {
  return verdict !== 'true-positive' && !UNMUTABLE.has(kind);
}

/**
 * Whether a measurement stays below twice a verdict's level. A count is held against shorter windows too: what a longer
 * one holds is never less, so where it is below twice the level of a shorter one, that one is. `windows`: features of
 * the detector that count in windows, shortest first.
 */
export function isCovered(
  { levels }: Held,
  { detector, feature, level: observed }: Level,
  windows: readonly string[],
): boolean {
  const window = windows.indexOf(feature);
  for (const { detector: of, feature: known, level } of levels) {
    if (of !== detector) continue;
    const shorter = window === -1 ? -1 : windows.indexOf(known);
    if (known !== feature && (shorter === -1 || shorter > window)) continue;
    if (level < 0 ? observed > TWICE * level : observed < TWICE * level) return true;
  }
  return false;
}
