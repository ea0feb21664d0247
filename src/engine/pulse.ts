/**
 * Gathers an engine's signals between two ticks. An event costs a comparison unless it is the agent's first model call
 * of a minute, a model that failed, or an endpoint nobody had. Unbound senders say nothing here: what the fleet stage
 * concludes makes other agents' findings milder, and nobody may do that under names that are not theirs.
 */
import { F } from '../agent/layout.js';
import type { Observation } from '../agent/observation.js';
import type { TableEntry } from '../agent/table.js';
import type { CohortModel } from '../detect/model.js';
import type { AgentEvent } from '../event/event.js';
import { hex64 } from '../math/hash.js';
import type { Outcome } from './outcome.js';
import { type FailedModel, FRESH_MAX, type FreshEndpoint, MODELS_MAX } from './signal.js';

const MINUTE_MS = 60_000;
const TEN_MINUTES = 10;
/** Closed days after which an endpoint that an agent never met says something. */
const SETTLED_DAYS = 2;
/** Agents that say something between two ticks; those beyond it say it with their next failure. */
const AGENTS_MAX = 10_000;
/** Tenants counted apart; what is beyond counts with nobody. */
const TENANTS_MAX = 10_000;

interface Use {
  minutes: number;
  agents: number;
}

interface Agent {
  readonly tenant: string;
  readonly agent: string;
  failedMs: number;
  readonly failed: { endpoint: string; failures: number }[];
  cohort: string;
  members: number;
  readonly fresh: FreshEndpoint[];
}

/** The pulse in a snapshot. */
export interface PulseJson {
  readonly uses: readonly (readonly [tenant: string, minutes: number, agents: number])[];
  readonly agents: readonly (readonly [key: string, agent: Agent])[];
}

/** Whether a call goes to a model: whose failing is its provider's before it is the agent's. */
export function isModelCall(event: AgentEvent): boolean {
  return event.operation === 'chat';
}

/** What happened since the last tick, as far as the fleet stage needs it. */
export class Pulse {
  private readonly uses = new Map<string, Use>();
  private readonly agents = new Map<string, Agent>();

  /** Notes the event under test, of a bound sender, before the profile learns it. Late ones belong to a tick long gone. */
  note(o: Observation, event: AgentEvent, who: TableEntry, model: CohortModel): void {
    if (o.isLate) return;
    const p = o.profile;
    if (isModelCall(event)) {
      const minute = Math.floor(o.timeMs / MINUTE_MS);
      const at = p.at4 + F.modelMinute;
      if (minute !== p.u32[at]) {
        this.use(event.tenant, Math.floor(minute / TEN_MINUTES) !== Math.floor(p.u32[at] / TEN_MINUTES));
        p.u32[at] = minute;
      }
      if (event.status === 'error') this.fail(o, event, who);
    }
    if (o.endpointFirst && p.u32[p.at4 + F.days] >= SETTLED_DAYS) this.meet(o, event, who, model);
  }

  /** Hands everything on, in the order of keys, and begins anew. */
  emit(partition: number, timeMs: number, outcome: Outcome): void {
    const { uses, agents } = this;
    if (agents.size > 0) {
      for (const key of [...agents.keys()].sort()) {
        outcome.signals.push({ type: 'signal', partition, timeMs, ...(agents.get(key) as Agent) });
      }
      agents.clear();
    }
    const models = [...uses]
      .sort(byName)
      .map(([tenant, { minutes, agents: count }]) => ({ tenant, minutes, agents: count }));
    outcome.signals.push({ type: 'turn', partition, timeMs, models });
    uses.clear();
  }

  snapshot(): PulseJson {
    return {
      uses: [...this.uses].sort(byName).map(([tenant, { minutes, agents }]) => [tenant, minutes, agents]),
      agents: [...this.agents].sort(byName).map(([key, agent]) => [key, structuredCopy(agent)]),
    };
  }

  restore(json: PulseJson): void {
    for (const [tenant, minutes, agents] of json.uses) this.uses.set(tenant, { minutes, agents });
    for (const [key, agent] of json.agents) this.agents.set(key, structuredCopy(agent));
  }

  private use(tenant: string, isFirstOfTen: boolean): void {
    let use = this.uses.get(tenant);
    if (use === undefined) {
      if (this.uses.size >= TENANTS_MAX) return;
      use = { minutes: 0, agents: 0 };
      this.uses.set(tenant, use);
    }
    use.minutes++;
    if (isFirstOfTen) use.agents++;
  }

  private fail(o: Observation, { endpoint }: AgentEvent, who: TableEntry): void {
    const agent = this.agent(who);
    if (agent === null) return;
    if (agent.failedMs === 0) agent.failedMs = o.timeMs;
    const known = agent.failed.find((one) => one.endpoint === endpoint);
    if (known !== undefined) known.failures++;
    else if (agent.failed.length < MODELS_MAX) agent.failed.push({ endpoint, failures: 1 });
  }

  private meet(o: Observation, { endpoint }: AgentEvent, who: TableEntry, model: CohortModel): void {
    const cohort = cohortOf(model, o.profile.u32[o.profile.at4 + F.role]);
    const hash = hex64(o.endpointHigh, o.endpointLow);
    if (cohort === null || cohort.adopters.has(hash)) return;
    const agent = this.agent(who);
    if (agent === null || agent.fresh.length >= FRESH_MAX) return;
    agent.cohort = cohort.id;
    agent.members = cohort.members;
    agent.fresh.push({ endpoint, hash, timeMs: o.timeMs });
  }

  private agent({ tenant, name, key }: TableEntry): Agent | null {
    const known = this.agents.get(key);
    if (known !== undefined) return known;
    if (this.agents.size >= AGENTS_MAX) return null;
    const agent: Agent = { tenant, agent: name, failedMs: 0, failed: [], cohort: '', members: 0, fresh: [] };
    this.agents.set(key, agent);
    return agent;
  }
}

function cohortOf(model: CohortModel, role: number): CohortModel['cohorts'][number] | null {
  return role === 0 ? null : model.cohorts[role - 1];
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function structuredCopy(agent: Agent): Agent {
  const failed: FailedModel[] = agent.failed.map((one) => ({ ...one }));
  return { ...agent, failed: failed as Agent['failed'], fresh: [...agent.fresh] };
}
