import { describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config.js';
import type { Finding } from '../../src/decide/finding.js';
import { KilldeerError } from '../../src/errors.js';
import { createPriceTable } from '../../src/event/prices.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { type Cluster, startCluster } from '../../src/pipeline/cluster.js';
import type { ClusterObserver } from '../../src/pipeline/cluster-parts.js';
import { modelRecord } from '../../src/pipeline/keyed-models.js';
import type { LiveReport } from '../../src/pipeline/live-parts.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { policy } from '../registry/records.js';

const TOPICS = { events: 1, registry: 1, cluster: 1, signals: 1, rejected: 1, findings: 1 };
const SYSTEM = { actor: 'system', authority: 'system', parent: null };
const observer: ClusterObserver = {
  ...{ assigned: () => {}, restoring: () => {}, restored: () => {}, progress: () => {}, batch: () => {} },
  ...{ committed: () => {}, died: () => {}, ticked: () => {}, lag: () => {} },
  ...{ learned: () => {}, activated: () => {}, registry: () => {}, finding: () => {} },
};

/** Brokers that can be away: every call then fails, but a wait, which ends in vain. */
function createBrokers() {
  const inner = createMemoryLog({ topics: TOPICS });
  const brokers = { error: null as KilldeerError | null, inner, log: null as unknown as Log };
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    if (brokers.error !== null) throw brokers.error;
    return call();
  };
  brokers.log = {
    ...inner,
    append: (...given) => ask(() => inner.append(...given)),
    read: (...given) => ask(() => inner.read(...given)),
    begin: (...given) => ask(() => inner.begin(...given)),
    end: (...given) => ask(() => inner.end(...given)),
    wait: (topic, partition, offset, timeoutMs) => inner.wait(topic, partition, offset, Math.min(timeoutMs, 20)),
    close: async () => undefined,
  };
  return brokers;
}

/** A process that serves, and nothing else. */
async function serving(brokers: ReturnType<typeof createBrokers>) {
  const reports: LiveReport[] = [];
  const findings: Finding[] = [];
  const none = (): Promise<never> => Promise.reject(new Error('no part of this test'));
  const { key, value } = modelRecord(neutralModel());
  const cluster: Cluster<Registry> = await startCluster<Registry>({
    config: parseConfig({ partitions: 1, log: { kind: 'kafka' }, kafka: { brokers: ['127.0.0.1:1'] } }, 'test'),
    roles: ['serve'],
    policy: policy('enforce').policy,
    startModel: neutralModel(),
    prices: createPriceTable([]),
    adapters: {
      openLog: async () => brokers.log,
      openRegistry,
      readModels: async (take) => take(key as string, Buffer.from(value as string)),
      ...{ openTransactions: none, join: none, spawnOwner: none, spawnLearner: none },
    },
    scratch: '/nowhere',
    findings: { add: (finding) => findings.push(finding) },
    observer,
    report: (report) => reports.push(report),
  });
  return { cluster, reports, findings };
}

const away = () => new KilldeerError('kafka.unreachable', 'no broker answered');

describe('a process among several', () => {
  it('says how stale it is while the brokers are away, and goes on when they are back', async () => {
    const brokers = createBrokers();
    const { cluster, reports } = await serving(brokers);
    brokers.error = away();
    await vi.waitFor(() => expect(cluster.staleMs()).toBeGreaterThan(200), 5_000);
    expect(cluster.status.health()).toEqual({ ok: true, reason: null });
    expect(reports.filter(({ level }) => level !== 'info').length).toBeGreaterThan(0);
    brokers.error = null;
    await vi.waitFor(() => expect(cluster.staleMs()).toBeLessThan(100), 10_000);
    await expect(cluster.registry.write({ type: 'time', ...SYSTEM })).resolves.toMatchObject({ effect: 'none' });
    await cluster.stop();
  });

  it('outlives a topic that brokers which have just started do not know yet', async () => {
    const brokers = createBrokers();
    const { cluster } = await serving(brokers);
    brokers.error = new KilldeerError('kafka.missing-topic', 'no such topic');
    await vi.waitFor(() => expect(cluster.staleMs()).toBeGreaterThan(100), 5_000);
    brokers.error = null;
    await vi.waitFor(() => expect(cluster.staleMs()).toBeLessThan(100), 10_000);
    expect(cluster.status.health()).toEqual({ ok: true, reason: null });
    await cluster.stop();
  });

  it('grows staler for ever once following the registry has ended, and says that it cannot go on', async () => {
    const brokers = createBrokers();
    const { cluster, reports } = await serving(brokers);
    await brokers.inner.append('registry', 0, ['no record']);
    await vi.waitFor(() => expect(cluster.status.health()).toEqual({ ok: false, reason: 'a log failed' }), 5_000);
    expect(reports.map(({ message }) => message)).toEqual(['this process cannot go on']);
    await vi.waitFor(() => expect(cluster.staleMs()).toBeGreaterThan(500), 5_000);
    await cluster.stop();
  });

  it('stops while the brokers are away, and calls that no fault', async () => {
    const brokers = createBrokers();
    const { cluster, reports } = await serving(brokers);
    brokers.error = away();
    await vi.waitFor(() => expect(cluster.staleMs()).toBeGreaterThan(100), 5_000);
    cluster.beginStop();
    expect(cluster.status.ready()).toEqual({ process: { ok: false, reason: 'stopping' } });
    await cluster.stop();
    expect(reports.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
