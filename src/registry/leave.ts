/**
 * Leave that people gave, as deciding uses it: which call has it, what was used of it and not yet recorded, and what is
 * still to be asked for. The log learns of a use with the next tick, so a process that dies in between forgets that
 * one, and another process lets the same call pass once within that second: that is all.
 */
import { callId, isForCall } from './approvals.js';
import type { FoldState } from './fold-state.js';
import type { ApprovalLimit } from './limit.js';
import type { Note, Question } from './registry.js';

/** Requests that wait to be written at once. */
const ASKED_MAX = 1_000;

interface Used {
  /** Not told to the log yet. */
  due: number;
  /** Told, and not folded yet. */
  told: number;
}

/** A call that waits for leave. */
interface Asked {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly limit: ApprovalLimit;
  readonly question: Question;
}

/** One process's use of the leave that the fold knows. */
export class Leave {
  private readonly state: FoldState;
  private readonly used = new Map<string, Used>();
  private readonly asked = new Map<string, Asked>();

  constructor(
    state: FoldState,
    private readonly onAsked: () => void,
  ) {
    this.state = state;
  }

  /** Id of the leave that lets the call pass now; null: there is none. */
  find(tenant: string, agent: string, limit: ApprovalLimit, question: Question, nowMs: number): string | null {
    const id = callId(tenant, agent, limit.name, question);
    const known = this.state.approvals.get(id);
    if (known?.state !== 'approved' || nowMs >= known.untilMs) return null;
    if (!isForCall(known, tenant, agent, limit.name, question)) return null;
    const { due, told } = this.used.get(id) ?? { due: 0, told: 0 };
    return known.usesLeft > due + told ? id : null;
  }

  /** One call passes by it. */
  use(id: string): void {
    const used = this.used.get(id) ?? { due: 0, told: 0 };
    used.due += 1;
    this.used.set(id, used);
  }

  /** Asks for leave; answers the id that people will see. */
  ask(tenant: string, agent: string, limit: ApprovalLimit, question: Question): string {
    const id = callId(tenant, agent, limit.name, question);
    const known = this.state.approvals.get(id);
    const isWaiting = known?.state === 'open' || known?.state === 'rejected';
    if (isWaiting || this.asked.has(id) || this.asked.size >= ASKED_MAX) return id;
    this.asked.set(id, { id, tenant, agent, limit, question });
    this.onAsked();
    return id;
  }

  /** To be told of every use that was folded. */
  folded(id: string): void {
    const used = this.used.get(id);
    if (used === undefined) return;
    used.told = 0;
    if (used.due === 0) this.used.delete(id);
  }

  /** Uses first: what is used up is to be asked for anew. */
  drain(): Note[] {
    const notes: Note[] = [];
    for (const [id, used] of this.used) {
      if (used.due === 0) continue;
      notes.push({ type: 'approval-use', id, count: used.due });
      used.told += used.due;
      used.due = 0;
    }
    for (const { id, tenant, agent, limit, question } of this.asked.values()) {
      const { operation = null, endpoint = null, target = null } = question;
      const subject = { kind: 'call', operation, endpoint, target, rule: limit.name } as const;
      notes.push({ type: 'approval-request', id, tenant, agent, subject, forMs: limit.asks.forMs });
    }
    this.asked.clear();
    return notes;
  }
}
