/** Entries of the registry, as tests need them. */
import { NO_REGISTRATION, type RegistryEntry } from '../../src/registry/registry.js';

export function entryOf(agent: string, over: Partial<RegistryEntry> = {}): RegistryEntry {
  return {
    tenant: '',
    agent,
    registered: true,
    parent: null,
    version: 1,
    owner: null,
    role: null,
    labels: [],
    scopes: [],
    budgets: { sessionUsd: null, dayUsd: null },
    protected: false,
    registration: NO_REGISTRATION,
    agentVersions: [],
    status: 'active',
    untilMs: null,
    callsPerMinute: null,
    reason: null,
    attempts: 0,
    firstSeenMs: 0,
    lastChangeMs: 0,
    ...over,
  };
}
