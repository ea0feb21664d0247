/** What an engine obeys; a configuration record carries exactly this. config.ts checks it and fills the defaults. */
import type { Adoption } from '../agent/known.js';
import type { Policy } from '../decide/policy.js';

/** Settings of an engine. */
export interface Settings {
  /** Alert budget: false pages per agent-day that the operator accepts, (0, 1). */
  readonly pagesPerAgentDay: number;
  /** The same for notices. */
  readonly noticesPerAgentDay: number;
  readonly agentsMax: number;
  readonly sessionsMax: number;
  /** Event ids remembered per generation against duplicates. */
  readonly idsMax: number;
  /** Profiles kept on the shelf after eviction; the oldest beyond it are forgotten. */
  readonly shelvedMax: number;
  /** An event this much older than its agent's latest one is scored without windows, ms. */
  readonly latenessMs: number;
  /** A session without events for this long has ended, ms. */
  readonly sessionIdleMs: number;
  /** A finding closes after this long without new evidence, ms. */
  readonly closeAfterMs: number;
  /** After a stop, calls of this much later were not in flight when it was made, ms; left out: 10 s. */
  readonly stopGraceMs?: number;
  /** When a new endpoint or target is adopted. */
  readonly adoption: Adoption;
  /** Seed of the hashes of names; a secret one keeps senders from crafting collisions. */
  readonly hashSeed: number;
  readonly policy: Policy;
}
