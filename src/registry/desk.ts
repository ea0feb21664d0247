/**
 * What deciding works with beside the fold's state: what it looked up, and what it has to tell the log. Nothing of it is
 * in a snapshot; a restart loses at most a minute's counts.
 */
import { judgeAnswer, judgeRequest, judgeUse } from './approvals.js';
import { DenialBook, keepDenied } from './denials.js';
import type { FoldState } from './fold-state.js';
import type { Held } from './inventory.js';
import type { Judgement } from './judgement.js';
import { judgeLadder } from './ladder.js';
import { Leave } from './leave.js';
import type { Attempts, Note, RegistryRecord } from './registry.js';
import { Standings } from './standing.js';

/** Between two 'attempt' records of one agent. */
const ATTEMPTS_EVERY_MS = 60_000;

/** One reader's desk. */
export class Desk {
  readonly state: FoldState;
  /** Stopped agents with refused calls that no record tells of yet. */
  readonly refused = new Set<Held>();
  readonly standings: Standings;
  readonly denials = new DenialBook();
  readonly leave: Leave;

  /** `onAsked`: told when somebody is to be asked for leave. */
  constructor(state: FoldState, onAsked: () => void = () => undefined) {
    this.state = state;
    this.standings = new Standings(state);
    this.leave = new Leave(state, onAsked);
  }

  /** Judges the records that answer to what deciding asked and told; null: it is none of them. */
  judge(record: RegistryRecord): Judgement | null {
    switch (record.type) {
      case 'approval-request':
        return judgeRequest(this.state, record);
      case 'approval-answer':
        return judgeAnswer(this.state, record);
      case 'approval-use':
        this.leave.folded(record.id);
        return judgeUse(this.state, record);
      case 'denied':
        return keepDenied(this.state, record);
      case 'ladder':
        return judgeLadder(this.state, record);
      default:
        return null;
    }
  }

  /** Refused calls since the last drain, each stopped agent at most once a minute. */
  drainAttempts(nowMs: number): Attempts[] {
    const drained: Attempts[] = [];
    for (const held of this.refused) {
      if (held.drainedMs !== null && nowMs - held.drainedMs < ATTEMPTS_EVERY_MS) continue;
      drained.push({ tenant: held.entry.tenant, agent: held.entry.agent, count: held.refused });
      held.refused = 0;
      held.drainedMs = nowMs;
      this.refused.delete(held);
    }
    return drained;
  }

  /** What is due to be written, in this order. */
  drain(nowMs: number): Note[] {
    return [...this.leave.drain(), ...this.denials.drain(nowMs)];
  }
}
