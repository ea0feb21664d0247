/**
 * Drills that a server holds by itself, from time to time: through the registry of this process, as the API would.
 * The server may stop and release nobody but a canary, so nothing that goes wrong here can stop real work.
 */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DrillSubject, holdDrill } from '../api/drill-course.js';
import { type DrillStop, isProved, slowestProofMs } from '../api/drill-proof.js';
import type { Config } from '../config.js';
import type { Connectors } from '../connect/connectors.js';
import { KilldeerError } from '../errors.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { CANARY_LABEL } from '../registry/drill.js';
import type { Registry } from '../registry/journal.js';
import type { Verdict } from '../registry/registry.js';
import { notACanary } from './drill.js';

type Subject = Pick<Registry, 'view' | 'write'>;
type Places = Pick<Connectors, 'carriers'>;

const SYSTEM = { actor: 'system', authority: 'drill', parent: null } as const;

/** Holds drills until told to stop, and then waits for the one that is going on. */
export function scheduleDrills(
  registry: Subject,
  places: Places,
  config: Config['drill'],
  report: (report: LiveReport) => void,
): { stop(): Promise<void> } {
  if (config.every === null) return { stop: async () => undefined };
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= holdScheduledDrill(registry, places, config)
      .catch((error) => report({ level: 'error', message: 'a scheduled drill could not be held', error }))
      .finally(() => {
        running = null;
      });
  }, config.every);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/** One drill; its result is in the registry's log when it resolves. */
export async function holdScheduledDrill(registry: Subject, places: Places, config: Config['drill']): Promise<void> {
  const { canary, children, rounds, patience: patienceMs } = config;
  const result = await holdDrill(subjectOf(registry, places), {
    ...{ id: `d-${randomUUID()}`, canary, children, rounds, patienceMs },
    ...{ clock: Date.now, now: () => performance.now(), sleep: (ms: number) => sleep(ms) },
  });
  await registry.write({ type: 'drill', ...SYSTEM, drill: result });
}

function subjectOf(registry: Subject, places: Places): DrillSubject {
  let stop: DrillStop | null = null;
  return {
    way: 'process',
    prepare: async (canary) => {
      const entry = registry.view.entry('', canary);
      if (entry?.labels.includes(CANARY_LABEL) === true) return;
      if (entry?.registered === true) throw notACanary(canary);
      const labels = [CANARY_LABEL];
      const draft = { agent: canary, tenant: '', ifVersion: null, owner: 'killdeer', labels } as const;
      requireApplied(await registry.write({ type: 'register', ...SYSTEM, ...draft }));
    },
    stop: async (canary, forMs) => {
      const wish = { action: 'suspend', reason: 'a drill', forMs, callsPerMinute: null } as const;
      const draft = { key: randomUUID(), tenant: '', agent: canary, ...wish };
      stop = null;
      const verdict = await registry.write({ type: 'stop', ...SYSTEM, ...draft });
      requireApplied(verdict);
      stop = { canary, version: verdict.entry?.version ?? 0 };
    },
    release: async (canary) => {
      const draft = { key: randomUUID(), tenant: '', agent: canary, reason: 'the drill is over' };
      requireApplied(await registry.write({ type: 'release', ...SYSTEM, ...draft }));
    },
    isAllowed: async (agent) => registry.view.decide('', agent, Date.now()).allow,
    proofMs: async (canary) => slowestProofMs(places.carriers('', canary)),
    isConfirmed: async (agent) => {
      // Places are told of agents that the registry knows.
      if (registry.view.entry('', agent) === null) return null;
      const names = places.carriers('', agent).map(({ name }) => name);
      return isProved(stop, agent, { places: names, effects: registry.view.effects('', agent) });
    },
  };
}

function requireApplied({ effect, reason }: Verdict): void {
  if (effect !== 'applied') throw new KilldeerError('registry.refused', reason ?? effect);
}
