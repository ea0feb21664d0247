/**
 * Calls that limits refused, or would have. Deciding counts them here, outside the fold, at most one record an agent, a
 * denial and a minute; what was recorded is kept in the fold for people to read.
 */
import type { FoldState } from './fold-state.js';
import type { Judgement } from './judgement.js';
import type { Denial, DeniedRecord, Note, Question, TrailStep } from './registry.js';

/** Records kept for people, newest. */
export const DENIALS_MAX = 1_000;
/** Between two records of one agent and denial. */
const EVERY_MS = 60_000;
/** Agents and denials counted at once; what is beyond is refused all the same, and not recorded. */
const OPEN_MAX = 1_000;
/** Records at one drain: the log is for everybody. */
const DRAIN_MAX = 100;

/** Keeps a record for people. */
export function keepDenied(state: FoldState, record: DeniedRecord): Judgement {
  state.denials.push(record);
  if (state.denials.length > DENIALS_MAX) state.denials.splice(0, state.denials.length - DENIALS_MAX);
  const held = state.inventory.get(record.tenant, record.agent);
  return { effect: 'applied', reason: null, code: null, entry: held?.entry ?? null };
}

/** A refused call, as deciding knows it. */
export interface Refusal {
  readonly tenant: string;
  readonly agent: string;
  readonly denial: Denial;
  readonly enforced: boolean;
  readonly rule: string | null;
  readonly question: Question;
}

interface Counted {
  last: Refusal;
  trail: readonly TrailStep[];
  count: number;
  drainedMs: number | null;
}

/** Refused calls that no record tells of yet. */
export class DenialBook {
  private readonly open = new Map<string, Counted>();

  /** Counts one; `trailOf` is asked at the first since the last record alone. */
  note(refusal: Refusal, trailOf: () => readonly TrailStep[]): void {
    const { tenant, agent, denial, enforced, rule } = refusal;
    const key = `${tenant}\u0000${agent}\u0000${denial}\u0000${enforced}\u0000${rule ?? ''}`;
    const counted = this.open.get(key);
    if (counted === undefined) {
      if (this.open.size >= OPEN_MAX) return;
      this.open.set(key, { last: refusal, trail: trailOf(), count: 1, drainedMs: null });
      return;
    }
    if (counted.count === 0) counted.trail = trailOf();
    counted.count += 1;
    counted.last = refusal;
  }

  /** What is due, and forgets what has been silent for a minute. */
  drain(nowMs: number): Note[] {
    const notes: Note[] = [];
    for (const [key, counted] of this.open) {
      const { last, trail, count, drainedMs } = counted;
      if (drainedMs !== null && nowMs - drainedMs < EVERY_MS) continue;
      if (count === 0) this.open.delete(key);
      else if (notes.length < DRAIN_MAX) {
        notes.push({ type: 'denied', ...last, question: wholeQuestion(last.question), count, trail });
        counted.count = 0;
        counted.drainedMs = nowMs;
      }
    }
    return notes;
  }
}

/** Every member, so that records of one kind have one shape. */
function wholeQuestion(asked: Question): Question {
  const { operation = null, endpoint = null, target = null, session = null } = asked;
  const { dataClass = null, parent = null, approval = null } = asked;
  return { operation, endpoint, target, session, dataClass, parent, approval };
}
