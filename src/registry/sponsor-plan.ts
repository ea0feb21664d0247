/** What follows where somebody who answers for agents leaves. */

/** Somebody who answered for agents and has left, as the sponsor feed says. */
export interface Leaver {
  readonly successor: string | null;
  readonly sinceMs: number;
  /** Whether what the policy wants has been done: it is done once. */
  readonly isDone: boolean;
}

/** What follows for one agent, as the registry has it, from a word of the sponsor feed. */
export interface SponsorStepOf<Entry> {
  readonly entry: Entry;
  readonly follows: 'suspend' | 'reassign' | 'keep';
  /** Afterwards. */
  readonly owner: string | null;
  readonly reason: string;
}

/** What the fold would make of a word of the sponsor feed. */
export interface SponsorPlanOf<Entry> {
  readonly effect: 'applied' | 'observed' | 'duplicate' | 'refused';
  readonly reason: string | null;
  readonly steps: readonly SponsorStepOf<Entry>[];
}
