/** What tests of the fleet stage are made of: a stage that is turned minute by minute, and what agents say to it. */
import { type FleetJson, FleetStage } from '../../src/engine/fleet.js';
import type { FleetRecord } from '../../src/engine/fleet-record.js';
import type { AgentSignal, EdgeRecord, FreshEndpoint, Signal } from '../../src/engine/signal.js';
import { MINUTE_MS, START_MS } from './world.js';

/** What happens in one minute. */
export interface Minute {
  /** Agent-minutes with a model call. */
  readonly calls?: number;
  /** Agents whose model fails, each with its endpoints. */
  readonly failing?: Readonly<Record<string, readonly string[]>>;
  readonly signals?: readonly Signal[];
  readonly edges?: readonly EdgeRecord[];
  readonly tenant?: string;
}

/** An agent that met endpoints nobody of its cohort had. */
export function meeting(
  agent: string,
  names: readonly string[],
  timeMs: number,
  changes: Partial<AgentSignal> = {},
): AgentSignal {
  const fresh = names.map((endpoint): FreshEndpoint => ({ endpoint, hash: hashOf(endpoint), timeMs }));
  const common = { type: 'signal', partition: 0, timeMs, tenant: '', agent, failedMs: 0, failed: [] } as const;
  return { ...common, cohort: 'role::clerk', members: 6, fresh, ...changes };
}

/** Sixteen hex digits that only this name has. */
export function hashOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(16, '0').slice(0, 16);
}

/** An agent whose models failed. */
export function failing(agent: string, endpoints: readonly string[], timeMs: number, tenant = ''): AgentSignal {
  const failed = endpoints.map((endpoint) => ({ endpoint, failures: 1 }));
  return { ...meeting(agent, [], timeMs), tenant, failedMs: timeMs, failed };
}

export function edgeOf(changes: Partial<EdgeRecord> & Pick<EdgeRecord, 'by' | 'key' | 'agent' | 'timeMs'>): EdgeRecord {
  return { type: 'edge', tenant: '', root: changes.agent, bound: true, ...changes };
}

/** A stage and its clock. */
export class FleetWorld {
  nowMs = START_MS;
  readonly records: FleetRecord[] = [];
  private readonly stage: FleetStage;

  constructor(json?: FleetJson) {
    this.stage = new FleetStage(json);
  }

  /** Goes through minutes; the records that they led to. */
  run(minutes: readonly Minute[]): FleetRecord[] {
    const from = this.records.length;
    for (const minute of minutes) this.minute(minute);
    return this.records.slice(from);
  }

  /** So many ordinary minutes, in each of which so many agents call a model. */
  calm(minutes: number, calls = 4): FleetRecord[] {
    return this.run(Array.from({ length: minutes }, () => ({ calls })));
  }

  snapshot(): FleetJson {
    return JSON.parse(JSON.stringify(this.stage.snapshot())) as FleetJson;
  }

  private minute({ calls = 0, failing: agents = {}, signals = [], edges = [], tenant = '' }: Minute): void {
    this.nowMs += MINUTE_MS;
    const failed = Object.entries(agents).map(([agent, endpoints]) =>
      failing(agent, endpoints, this.nowMs - MINUTE_MS / 2, tenant),
    );
    const models = calls === 0 ? [] : [{ tenant, minutes: calls, agents: calls }];
    const turn: Signal = { type: 'turn', partition: 0, timeMs: this.nowMs, models };
    this.records.push(...this.stage.turn(this.nowMs, [...signals, ...failed, turn], edges));
  }
}
