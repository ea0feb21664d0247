/**
 * What people would have said of a replay's findings, and in advance of them, at their time: each word becomes the record that the API would
 * have made of it. A finding must have been raised before something is said of it. Plain state, so that a run resumes.
 */
import type { Finding } from '../decide/finding.js';
import type {
  SuppressionRecord,
  SuppressionUndoRecord,
  VerdictRecord,
  VerdictScope,
  VerdictUndoRecord,
  VerdictWord,
} from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { AgentEvent } from '../event/event.js';

/** One word about a finding of this replay. */
export interface ReplayVerdict {
  readonly timeMs: number;
  readonly id: string;
  readonly finding: string;
  readonly verdict: VerdictWord;
  readonly forMs: number;
  /** For every agent of the agent's role. */
  readonly role: boolean;
  readonly comment: string | null;
}

/** A word in advance; `suppress.timeMs` is the same time. */
export interface ReplaySuppression {
  readonly timeMs: number;
  readonly suppress: SuppressionRecord;
}

/** A word taken back. */
export interface ReplayUndo {
  readonly timeMs: number;
  /** Id of the verdict or suppression. */
  readonly undo: string;
}

export type ReplayWord = ReplayVerdict | ReplaySuppression | ReplayUndo;

/** What the engine is told of a word. */
export type ReplaySaid = VerdictRecord | VerdictUndoRecord | SuppressionRecord | SuppressionUndoRecord;

/** A finding's last line so far, and what its event was about. */
interface Known {
  readonly finding: Finding;
  readonly endpoint: string | null;
  readonly target: string | null;
}

export interface ReplayWordsJson {
  readonly next: number;
  readonly known: readonly (readonly [string, Known])[];
}

/** Who says it. */
export const ACTOR = 'person:replay';

export class ReplayWords {
  private next: number;
  private readonly words: readonly ReplayWord[];
  private readonly wanted: ReadonlySet<string>;
  /** Ids of suppressions. */
  private readonly suppressions: ReadonlySet<string>;
  private readonly known: Map<string, Known>;

  /** `words` in any order; of one time in the order given. */
  constructor(words: readonly ReplayWord[], json?: ReplayWordsJson) {
    this.words = [...words].sort((a, b) => a.timeMs - b.timeMs);
    this.wanted = new Set(words.flatMap((word) => ('finding' in word ? [word.finding] : [])));
    this.suppressions = new Set(words.flatMap((word) => ('suppress' in word ? [word.suppress.id] : [])));
    this.next = json?.next ?? 0;
    this.known = new Map(json?.known);
  }

  get size(): number {
    return this.words.length;
  }

  /** Notes a finding's line, raised by `event`, or by a tick. */
  note(finding: Finding, event: AgentEvent | null): void {
    if (!this.wanted.has(finding.id)) return;
    this.known.set(finding.id, { finding, endpoint: event?.endpoint ?? null, target: event?.target ?? null });
  }

  /** The next record that is due by `timeMs`; null: none. `roleOf`: as people described the agent. */
  due(timeMs: number, roleOf: (tenant: string, agent: string) => string | null): ReplaySaid | null {
    const word = this.words[this.next];
    if (word === undefined || word.timeMs > timeMs) return null;
    this.next += 1;
    if ('suppress' in word) return word.suppress;
    if ('undo' in word) {
      const type = this.suppressions.has(word.undo) ? 'suppress-undo' : 'verdict-undo';
      return { type, timeMs: word.timeMs, id: word.undo, actor: ACTOR };
    }
    const known = this.known.get(word.finding);
    if (known !== undefined) return recordOf(word, known, roleOf(known.finding.tenant, known.finding.root));
    const at = new Date(word.timeMs).toISOString();
    throw new KilldeerError('usage', `verdict ${word.id} is about ${word.finding}, which was not raised before ${at}`);
  }

  snapshot(): ReplayWordsJson {
    return { next: this.next, known: [...this.known] };
  }
}

function recordOf(word: ReplayVerdict, { finding, endpoint, target }: Known, role: string | null): VerdictRecord {
  const { timeMs, id, verdict, forMs, comment } = word;
  const [top] = finding.attribution;
  if (word.role && role === null) {
    throw new KilldeerError('usage', `verdict ${id}: nobody has said which role ${finding.root} has`);
  }
  const scope: VerdictScope = word.role && role !== null ? { role } : { agent: finding.root };
  return {
    type: 'verdict',
    ...{ timeMs, id, tenant: finding.tenant, scope, verdict, kind: finding.kind },
    ...{ detector: top.detector, feature: top.feature, endpoint, target, session: finding.session },
    ...{ direction: 'up', level: top.observed, sinceMs: Date.parse(finding.time), untilMs: timeMs + forMs },
    ...{ actor: ACTOR, comment, finding: finding.id },
  };
}
