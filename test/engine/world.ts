/** What engine tests are made of: settings, events, a shelf in memory, and an engine whose outcome is read as lines. */
import type { Policy, PolicyRule } from '../../src/decide/policy.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { Shelf } from '../../src/engine/contract.js';
import { PartitionEngine } from '../../src/engine/engine.js';
import { clearOutcome, createOutcome, type Outcome } from '../../src/engine/outcome.js';
import type { AgentRecord, Budgets, EngineRecord, EventRecord } from '../../src/engine/record.js';
import type { Settings } from '../../src/engine/settings.js';
import type { AgentEvent } from '../../src/event/event.js';
import { neutralModel } from '../../src/learn/neutral-model.js';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** A UTC midnight. */
export const START_MS = Date.UTC(2025, 5, 2);

export const RULE: PolicyRule = {
  name: 'stop',
  kinds: [],
  severity: 'low',
  pMax: 1,
  observedMin: 0,
  ratioMin: 0,
  mode: null,
  roles: [],
  labels: [],
  action: 'suspend',
  forMs: HOUR_MS,
  callsPerMinute: null,
};

export function policyOf(rules: readonly PolicyRule[]): Policy {
  return {
    name: 'test',
    mode: 'enforce',
    brakes: { stopsMax: 5, intervalMs: HOUR_MS, cooldownMs: HOUR_MS },
    rules,
    protectedAgents: [],
  };
}

export function settingsOf(changes: Partial<Settings> = {}): Settings {
  return {
    pagesPerAgentDay: 0.03,
    noticesPerAgentDay: 0.1,
    agentsMax: 1000,
    sessionsMax: 5000,
    idsMax: 1 << 16,
    shelvedMax: 10_000,
    latenessMs: MINUTE_MS,
    sessionIdleMs: 30 * MINUTE_MS,
    closeAfterMs: 12 * HOUR_MS,
    adoption: { sessions: 3, ageMs: DAY_MS },
    hashSeed: 1,
    policy: policyOf([]),
    ...changes,
  };
}

let made = 0;

/** An event with an id of its own unless it is given one. */
export function eventOf(changes: Partial<AgentEvent> & { readonly timeMs: number }): AgentEvent {
  return {
    id: `made-${made++}`,
    agent: 'clerk',
    operation: 'execute_tool',
    endpoint: 'crm.read',
    tenant: '',
    parent: null,
    session: 's-1',
    target: null,
    status: 'ok',
    errorType: null,
    latencyMs: 100,
    inputTokens: null,
    outputTokens: null,
    costUsd: null,
    bytesOut: null,
    model: null,
    version: '1.0.0',
    credential: null,
    source: null,
    environment: null,
    scope: null,
    task: null,
    initiator: null,
    onBehalfOf: null,
    approval: null,
    dataClass: null,
    trace: null,
    signature: null,
    ...changes,
  };
}

export function recordOf(event: AgentEvent, bound = true): EventRecord {
  return { type: 'event', event, bound };
}

export function agentRecord(agent: string, timeMs: number, budgets: Partial<Budgets>): AgentRecord {
  const all: Budgets = { sessionUsd: null, dayUsd: null, ...budgets };
  return { type: 'agent', timeMs, tenant: '', agent, role: null, labels: [], budgets: all };
}

export class ListShelf implements Shelf {
  private readonly list: Uint8Array[] = [];

  append(bytes: Uint8Array): number {
    return this.list.push(bytes) - 1;
  }

  read(position: number): Uint8Array {
    return this.list[position];
  }

  size(): number {
    return this.list.length;
  }
}

export interface WorldOptions {
  readonly settings?: Partial<Settings>;
  /** Digest of the settings. */
  readonly config?: string;
  readonly model?: CohortModel;
  readonly models?: readonly CohortModel[];
  readonly shelf?: Shelf;
  readonly snapshot?: Uint8Array;
}

/** Accepts a configuration record's settings as they are. */
function takeSettings(settings: unknown): { settings: Settings; config: string } {
  return { settings: settings as Settings, config: 'changed' };
}

export function engineOf(options: WorldOptions = {}): PartitionEngine {
  const known = options.models ?? [];
  return new PartitionEngine(
    {
      settings: settingsOf(options.settings),
      config: options.config ?? 'first',
      model: options.model ?? neutralModel(),
      place: { partition: 3, epoch: 7 },
      shelf: options.shelf ?? new ListShelf(),
      models: (version) => known.find((model) => model.version === version) ?? null,
      parseSettings: takeSettings,
    },
    options.snapshot,
  );
}

/** Feeds records from position `from` on; what each of them led to as one line of JSON, '' for nothing. */
export function linesOf(engine: PartitionEngine, records: readonly EngineRecord[], from = 0): string[] {
  const outcome = createOutcome();
  return records.map((record, at) => {
    engine.step(record, from + at, outcome);
    const { findings, proposals, sightings, samples } = outcome;
    const silent = findings.length + proposals.length + sightings.length + samples.length === 0;
    const line = silent ? '' : JSON.stringify(outcome);
    clearOutcome(outcome);
    return line;
  });
}

/** Feeds records from position `from` on; everything that they led to together. */
export function outcomeOf(engine: PartitionEngine, records: readonly EngineRecord[], from = 0): Outcome {
  const outcome = createOutcome();
  for (const [at, record] of records.entries()) engine.step(record, from + at, outcome);
  return outcome;
}

/** Events in the order given, with a tick at every minute that they pass; the first tick comes before the first event. */
export function withTicks(events: readonly EventRecord[], everyMs = MINUTE_MS): EngineRecord[] {
  const records: EngineRecord[] = [];
  let grid = Math.floor((events[0]?.event.timeMs ?? 0) / everyMs) - 1;
  for (const record of events) {
    const now = Math.floor(record.event.timeMs / everyMs);
    while (grid < now) records.push({ type: 'tick', timeMs: ++grid * everyMs });
    records.push(record);
  }
  return records;
}

/** Ticks every minute over a stretch of time, ends included. */
export function ticks(fromMs: number, toMs: number): EngineRecord[] {
  const list: EngineRecord[] = [];
  for (let timeMs = fromMs; timeMs <= toMs; timeMs += MINUTE_MS) list.push({ type: 'tick', timeMs });
  return list;
}
