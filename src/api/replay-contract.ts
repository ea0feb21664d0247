/** Replays as the API needs them: recorded traffic through the same code again, with something changed. */
import type { Finding, Kind } from '../decide/finding.js';

export interface ReplayWish {
  readonly name: string;
  /** 'data': this server's own log; 'demo': the recording shipped. */
  readonly recording: 'data' | 'demo';
  /** What was found before is not counted, ms; null: from the beginning. */
  readonly fromMs: number | null;
  /** ms; null: to the end. */
  readonly toMs: number | null;
  /** Left out or null: what was in force. */
  readonly pagesPerAgentDay: number | null;
  readonly noticesPerAgentDay: number | null;
  /** One of the policies shipped; null: the one that was in force. */
  readonly policy: 'observe' | 'enforce' | null;
  readonly withoutVerdicts: boolean;
}

export const REPLAY_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type ReplayState = (typeof REPLAY_STATES)[number];

interface Pages {
  readonly tenant: string;
  readonly agent: string;
  readonly kind: Kind;
  readonly count: number;
}

/** A stop that was proposed. */
export interface ReplayedStop {
  readonly time: string;
  readonly tenant: string;
  readonly agent: string;
  readonly action: string;
  readonly reason: string;
  readonly finding: string | null;
}

export interface ReplayResult {
  readonly records: number;
  readonly events: number;
  readonly findings: number;
  readonly pages: number;
  /** Proposals of stops, all of them; the first of them are listed. */
  readonly stops: number;
  readonly firstStops: readonly ReplayedStop[];
  /** Against what was really found; null: the recording is not of this server. */
  readonly difference: {
    readonly realFindings: number;
    readonly realPages: number;
    readonly gained: readonly Pages[];
    readonly lost: readonly Pages[];
  } | null;
}

export interface ReplayJob {
  readonly id: string;
  readonly wish: ReplayWish;
  readonly state: ReplayState;
  readonly actor: string;
  /** ms. */
  readonly askedMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** Executed, [0, 1]. */
  readonly progress: number;
  /** Why it failed, in words. */
  readonly reason: string | null;
  readonly result: ReplayResult | null;
}

export interface ReplaysPort {
  /** The same id is the same replay. Rejects with 'registry.refused' where too many wait. */
  start(id: string, wish: ReplayWish, actor: string): Promise<ReplayJob>;
  /** Newest first. */
  list(): readonly ReplayJob[];
  get(id: string): ReplayJob | null;
  /** Lines of findings from `cursor` on, oldest first; null: there is no such replay, or it is not done. */
  findings(
    id: string,
    limit: number,
    cursor: number,
  ): Promise<{ readonly findings: readonly Finding[]; readonly cursor: number | null } | null>;
  /** Cancels one that waits or runs, takes away one that has ended; what it was. null: there is no such replay. */
  remove(id: string): Promise<ReplayJob | null>;
}
