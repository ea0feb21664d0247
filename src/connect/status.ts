/** How connectors are, in plain words and numbers: nothing here ever holds a secret. */
import type { EffectState } from '../registry/registry.js';
import type { ConnectorKind } from './contract.js';

export type BreakerState = 'closed' | 'open' | 'half-open';

interface Trouble {
  readonly breaker: BreakerState;
  /** What is not done. */
  readonly backlog: number;
  readonly lastError: string | null;
  /** Wall clock, ms. */
  readonly lastErrorMs: number | null;
}

/** A place that enforces. */
export interface LaneStatus extends Trouble {
  readonly name: string;
  readonly kind: ConnectorKind;
  /** Stops that were proved and are read again from time to time. */
  readonly watched: number;
  /** Stops that people were told of as not in force. */
  readonly unverified: number;
  /** Since this process delivers. */
  readonly counts: Readonly<Record<EffectState, number>>;
}

/** Whoever is told: pages, or the owners of agents. */
export interface AddresseeStatus extends Trouble {
  readonly name: string;
  readonly kind: 'pages' | 'notify';
  /** Since this process delivers. */
  readonly sent: number;
  readonly dead: number;
}

/** A place that has to carry a suspension of one agent. */
export interface Carrier {
  readonly name: string;
  /** From the stop until people are told that it is not in force there, ms. */
  readonly verifyWithinMs: number;
}

export interface ConnectorsStatus {
  /** Whether this process is the one that delivers. */
  readonly active: boolean;
  readonly places: readonly LaneStatus[];
  readonly addressees: readonly AddresseeStatus[];
}
