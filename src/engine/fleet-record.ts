/**
 * What the fleet stage writes into the partitions. Records about many agents go into every partition, and the first one
 * tells people; records about one agent go into its own, which tells. (timeMs, n) grows from record to record: one that
 * comes again after a crash is known by it.
 */

interface FleetHead {
  readonly type: 'fleet';
  /** Of the turn that led to it. */
  readonly timeMs: number;
  /** Number within its turn. */
  readonly n: number;
  readonly tenant: string;
  /** Id of the finding that it leads to. */
  readonly finding: string;
}

/** Models fail on many agents of a tenant; comes again where more endpoints turn out to be part of it. */
export interface OutageRecord extends FleetHead {
  readonly state: 'outage';
  readonly fromMs: number;
  readonly endpoints: readonly string[];
  /** No endpoint stands out: every model is doubted. */
  readonly isWide: boolean;
  readonly agents: number;
  readonly active: number;
  readonly p: number;
}

/** Its calls succeed again. */
export interface OutageOverRecord extends FleetHead {
  readonly state: 'over';
  readonly fromMs: number;
}

/** Half of a cohort met the same new endpoint within a day. */
export interface DeployRecord extends FleetHead {
  readonly state: 'deploy';
  readonly fromMs: number;
  readonly cohort: string;
  readonly members: number;
  readonly endpoint: string;
  readonly hash: string;
  readonly agents: number;
}

/** A root uses a credential that others used before it. */
export interface SharingRecord extends FleetHead {
  readonly state: 'shared-credential';
  readonly agent: string;
  readonly root: string;
  readonly credential: string;
  readonly others: readonly string[];
  readonly bound: boolean;
  readonly seenMs: number;
}

/** A delegation tree grew, or two of them share an agent. */
export interface TreeRecord extends FleetHead {
  readonly state: 'delegation-tree';
  readonly how: 'broader' | 'deeper' | 'shared';
  readonly agent: string;
  readonly observed: number;
  readonly expected: number;
  readonly other: string | null;
  readonly bound: boolean;
  readonly seenMs: number;
}

export type FleetRecord = OutageRecord | OutageOverRecord | DeployRecord | SharingRecord | TreeRecord;

/** The agent whose partition a record belongs to; null: it belongs to all. */
export function agentOfFleet(record: FleetRecord): string | null {
  if (record.state === 'shared-credential') return record.root;
  return record.state === 'delegation-tree' ? record.agent : null;
}
