/** A registry on a log in memory with connectors before it, as a process has them. */
import { type Connectors, openConnectors } from '../../src/connect/connectors.js';
import { connectorsSchema } from '../../src/connect/section.js';
import type { Finding } from '../../src/decide/finding.js';
import type { ResponderRecord } from '../../src/engine/record.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { createRandom } from '../../src/math/random.js';
import { openRegistry, REGISTRY_TOPIC, type Registry } from '../../src/registry/journal.js';
import type { Effect } from '../../src/registry/registry.js';

export interface Desk {
  readonly registry: Registry;
  readonly connectors: Connectors;
  /** What people are to be told. */
  readonly alarms: ResponderRecord[];
  readonly faults: unknown[];
  stop(agent: string, action?: 'throttle' | 'restrict' | 'suspend' | 'revoke', forMs?: number | null): Promise<void>;
  release(agent: string): Promise<void>;
  register(agent: string, rest?: object): Promise<void>;
  /** States that the log holds of a place's effects on an agent, in order. */
  effects(agent: string, place: string): Promise<string[]>;
  last(agent: string, place: string): Effect | null;
  /** As a crash: what is under way is not waited for by anybody. */
  close(): Promise<void>;
}

export const memoryLog = (): Log => createMemoryLog({ topics: { [REGISTRY_TOPIC]: 1 } });

const PERSON = { actor: 'person:ada', authority: 't1', parent: null };
const YES = { answer: 'approve', comment: null, actor: 'person:bob', authority: 't2', parent: null } as const;
let keys = 0;

export interface DeskOptions {
  readonly log?: Log;
  readonly findings?: readonly Finding[];
  readonly now?: () => number;
  /** False: it follows and does not deliver. */
  readonly active?: boolean;
}

/** Short times, so that tests do not wait for the real ones; what must be proved has time enough on a busy machine. */
export const QUICK = {
  ...{ timeout: 400, verify_within: 20_000, reread_every: 60, retry_first: 10, retry_most: 40, breaker_rest: 20 },
  breaker_failures: 3,
};

export async function openDesk(config: readonly object[], options: DeskOptions = {}): Promise<Desk> {
  const { log = memoryLog(), findings = [], now = Date.now, active = true } = options;
  const alarms: ResponderRecord[] = [];
  const faults: unknown[] = [];
  const connectors = await openConnectors({
    config: connectorsSchema.parse(config),
    folder: '.',
    now,
    draw: createRandom(7).next,
    onFault: (error) => faults.push(error),
    gatherMs: 30,
  });
  const registry = await openRegistry({
    log,
    clock: now,
    policy: null,
    tickEveryMs: 20,
    onChange: (change) => connectors.note(change),
  });
  for (const finding of findings) connectors.finding(finding);
  const ports = {
    write: registry.write.bind(registry),
    effects: (tenant: string, agent: string) => registry.view.effects(tenant, agent),
    control: async (record: ResponderRecord) => {
      alarms.push(record);
    },
  };
  if (active) await connectors.setActive(ports);
  return {
    ...{ registry, connectors, alarms, faults },
    stop: async (agent, action = 'suspend', forMs = null) => {
      const callsPerMinute = action === 'throttle' ? 6 : null;
      const wish = { action, reason: 'asked to', forMs, callsPerMinute };
      const asked = { type: 'stop', key: `s${keys++}`, tenant: '', agent, ...wish, ...PERSON } as const;
      const { approval: id } = await registry.write(asked);
      // A revocation takes two people.
      if (id !== undefined) await registry.write({ type: 'approval-answer', id, ...YES });
    },
    release: async (agent) => {
      await registry.write({
        type: 'release',
        key: `r${keys++}`,
        tenant: '',
        agent,
        reason: 'fine',
        role: 'admin',
        ...PERSON,
      });
    },
    register: async (agent, rest = {}) => {
      await registry.write({ type: 'register', tenant: '', agent, ifVersion: null, ...rest, ...PERSON });
    },
    effects: async (agent, place) => {
      const { records } = await log.read(REGISTRY_TOPIC, 0, await log.begin(REGISTRY_TOPIC, 0), 100_000);
      return records
        .map(({ value }) => JSON.parse(value) as Record<string, unknown>)
        .filter((record) => record['type'] === 'effect' && record['agent'] === agent && record['place'] === place)
        .map((record) => String(record['state']));
    },
    last: (agent, place) => registry.view.effects('', agent).find((effect) => effect.place === place) ?? null,
    close: async () => {
      await connectors.setActive(null);
      await registry.close();
    },
  };
}
