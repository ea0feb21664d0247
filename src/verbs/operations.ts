/** What operators look at and change, of one process: the audit trail from its start on, and the rest as it is asked. */
import { AuditTrail, type TrailChange } from '../api/audit-trail.js';
import type { ActiveModel, BudgetAdvicePort, ModelsPort, OperationsPort } from '../api/operations-contract.js';
import type { ReplaysPort } from '../api/replay-contract.js';
import type { PartitionStatus } from '../pipeline/live-partitions.js';
import type { Registry } from '../registry/journal.js';
import type { RegistryRecord } from '../registry/registry.js';
import { configHash, configValues, digestOf } from './config-values.js';
import type { ModelRows } from './model-rows.js';
import type { Setup } from './setup.js';

export interface OperationsParts {
  readonly registry: Registry;
  /** Of the live side: config, model and partitions among it. */
  readonly stats: () => Readonly<Record<string, unknown>>;
  readonly models: ModelRows;
  /** null: this server's data cannot be replayed here. */
  readonly replays: ReplaysPort | null;
  /** null: nobody advises here. */
  readonly advice: BudgetAdvicePort | null;
}

export class Operations {
  private readonly trail = new AuditTrail();

  constructor(private readonly setup: Setup) {}

  /** To be told every change of the registry, from the first one on. */
  note(change: TrailChange): void {
    this.trail.take(change);
  }

  port({ registry, stats, models, replays, advice }: OperationsParts): OperationsPort {
    const { config } = this.setup;
    const { pages_per_agent_day: pagesPerAgentDay, notices_per_agent_day: noticesPerAgentDay } = config.detection;
    return {
      trail: this.trail,
      records: (offset, max) => recordsOf(registry, offset, max),
      config: () => this.configOf(registry, stats),
      budget: () => ({ pagesPerAgentDay, noticesPerAgentDay }),
      settings: () => registry.view.settings(),
      modelChoice: () => registry.view.modelChoice(),
      models: { ...models, learns: config.learning.inline, active: () => activeOf(registry, stats) },
      advice,
      replays,
    };
  }

  private configOf(registry: Registry, stats: OperationsParts['stats']): ReturnType<OperationsPort['config']> {
    const { config, source, given } = this.setup;
    const values = configValues(config, given, registry.view.settings()?.settings ?? null);
    const policy = registry.view.policy();
    return {
      source,
      hash: configHash(values),
      values,
      settings: String(stats()['config'] ?? ''),
      policyHash: policy === null ? null : digestOf(policy),
    };
  }
}

/** As many as there are from `offset` on, at most `max`. */
async function recordsOf(registry: Registry, offset: number, max: number) {
  const found: { offset: number; record: RegistryRecord }[] = [];
  for (let at = offset; at < offset + max; ) {
    const { records, next } = await registry.records(at, offset + max - at);
    for (const one of records) found.push({ offset: one.offset, record: JSON.parse(one.value) as RegistryRecord });
    if (next === at) break;
    at = next;
  }
  return found;
}

/** Since when is known of a model that a person chose. */
function activeOf(registry: Registry, stats: OperationsParts['stats']): ReturnType<ModelsPort['active']> {
  const choice = registry.view.modelChoice();
  const partitions = (stats()['partitions'] ?? []) as readonly PartitionStatus[];
  return partitions.flatMap(({ partition, model }): ActiveModel[] => {
    if (model === null || model === undefined) return [];
    return [{ partition, version: model, sinceMs: choice?.version === model ? choice.sinceMs : null }];
  });
}
