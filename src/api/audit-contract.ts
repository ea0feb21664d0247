/** What reports and access reviews need beside the registry itself; the wiring brings it. */
import type { Signer, Verifier } from '../custody/seal.js';
import type { Usage } from '../registry/report.js';

/** What history knows of a stretch of time; `usageOf` is null where it cannot tell, and `note` says why. */
export interface KnownUse {
  readonly usageOf: ((tenant: string, agent: string) => Usage | null) | null;
  /** Findings of the agent and its sub-agents. */
  readonly findingsOf: ((tenant: string, agent: string) => number) | null;
  readonly note: string | null;
}

/** The key that signs reviews, with its public part as a JWK. */
export interface AuditKey extends Signer, Verifier {
  readonly jwk: Readonly<Record<string, string>>;
}

export interface AuditPort {
  /** From `fromMs` until now. Never rejects: a history that is away is one that cannot tell. */
  usage(fromMs: number): Promise<KnownUse>;
  /** Made at first use. Rejects with 'custody.key'. */
  key(): Promise<AuditKey>;
}
