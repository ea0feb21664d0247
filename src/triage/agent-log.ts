/** What was done to agents, for timelines: the newest of each, and of the agents those that something was done to last. */
import type { TimelineEntry } from './triage.js';

/** Of one agent. */
const ENTRIES_MAX = 200;

/** Names that no agent can have: events and routes refuse control characters. */
const EVERYBODY = '\u0000';

export class AgentLog {
  /** The agent that something was done to last at the end. */
  private readonly logs = new Map<string, TimelineEntry[]>();
  private count = 0;

  constructor(private readonly entriesMax: number) {}

  /** `agent` null: everybody of the tenant; `tenant` null: everybody. */
  add(tenant: string | null, agent: string | null, entry: TimelineEntry): void {
    const key = keyOf(tenant, agent);
    const log = this.logs.get(key) ?? [];
    this.logs.delete(key);
    this.logs.set(key, log);
    log.push(entry);
    this.count += 1;
    if (log.length > ENTRIES_MAX) {
      log.shift();
      this.count -= 1;
    }
    while (this.count > this.entriesMax && this.logs.size > 1) this.forgetOldest();
  }

  /** Of the agents, and of everybody, in the order in which it was done; an entry of several of them once. */
  of(tenant: string, agents: Iterable<string>): TimelineEntry[] {
    const keys = new Set([keyOf(null, null), keyOf(tenant, null)]);
    for (const agent of agents) keys.add(keyOf(tenant, agent));
    return [...keys].flatMap((key) => this.logs.get(key) ?? []);
  }

  private forgetOldest(): void {
    const [key, log] = this.logs.entries().next().value as [string, TimelineEntry[]];
    this.logs.delete(key);
    this.count -= log.length;
  }
}

function keyOf(tenant: string | null, agent: string | null): string {
  return `${tenant ?? EVERYBODY}\u0000${agent ?? EVERYBODY}`;
}
