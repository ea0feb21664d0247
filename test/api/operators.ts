/** The part for operators in memory: what the table of routes and the tests of single routes ask. */
import { AuditTrail } from '../../src/api/audit-trail.js';
import type { BudgetAdvicePort, ModelRow, OperationsPort } from '../../src/api/operations-contract.js';
import type { ReplayJob, ReplaysPort } from '../../src/api/replay-contract.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { finding } from './world.js';

const STOP: RegistryRecord = {
  ...{ type: 'stop', timeMs: 1, actor: 'person:ada', authority: 't1', parent: 'req-1', key: 'k' },
  ...{
    tenant: '',
    agent: 'clerk',
    action: 'suspend',
    reason: '=HYPERLINK("x")\u202e',
    forMs: null,
    callsPerMinute: null,
  },
};

const MODEL: ModelRow = {
  ...{ version: 'm1', origin: 'learned', writtenMs: 1, bytes: 10, cohorts: 1, agents: 2, bar: 1, card: null },
};

const ADVICE: BudgetAdvicePort = {
  proposals: () => [{ id: 'b-1', pagesPerAgentDay: 0.05, noticesPerAgentDay: 0.1, reasons: ['people can bear more'] }],
  pages: () => ({ perDay: 10, hours: [0, 1], today: 1 }),
  precision: () => [
    { detector: 'loop', truePositives: 1, falsePositives: 1, expected: 0, precision: 0.5, low: 0.1, high: 0.9 },
  ],
};

export function operatorsOf(over: Partial<OperationsPort> = {}): OperationsPort {
  const trail = new AuditTrail();
  const verdict = { effect: 'applied', reason: null, code: null, entry: null, expired: [] } as const;
  trail.take({ offset: 0, record: STOP, verdict });
  return {
    trail,
    records: async () => [{ offset: 0, record: STOP }],
    config: () => ({
      ...{ source: 'defaults', hash: 'h', settings: 'c-1', policyHash: null },
      values: [{ path: 'partitions', value: 1, from: 'default', withheld: false, live: false }],
    }),
    budget: () => ({ pagesPerAgentDay: 0.03, noticesPerAgentDay: 0.075 }),
    settings: () => null,
    modelChoice: () => null,
    models: {
      list: async () => ({ models: [MODEL], next: null }),
      prepare: async (version) => version === 'm1',
      active: () => [{ partition: 0, version: 'm1', sinceMs: null }],
      learns: true,
    },
    advice: ADVICE,
    replays: replaysOf(),
    ...over,
  };
}

function replaysOf(): ReplaysPort {
  const wish: ReplayJob['wish'] = {
    ...{
      name: 'n',
      recording: 'data' as const,
      fromMs: null,
      toMs: null,
      pagesPerAgentDay: null,
      noticesPerAgentDay: null,
    },
    ...{ policy: null, withoutVerdicts: false },
  };
  const job: ReplayJob = {
    ...{ id: 'f1', wish, state: 'done', actor: 'person:ada', askedMs: 1, startedMs: 1, endedMs: 2, progress: 1 },
    ...{ reason: null, result: null },
  };
  return {
    start: async (id, asked, actor) => ({ ...job, id, wish: asked, actor, state: 'queued' }),
    list: () => [job],
    get: (id) => (id === 'f1' ? job : null),
    findings: async () => ({ findings: [finding('f1')], cursor: null }),
    remove: async () => job,
  };
}
