/** What agents used of what they may use: the question behind right-sizing and access reviews. */
import type { Store } from './store.js';

/** Of one agent and its sub-agents, in a stretch of time. */
export interface UsageRow {
  readonly tenant: string;
  readonly agent: string;
  readonly lastMs: number;
  /** Distinct, at most NAMES_MAX of each. */
  readonly scopes: readonly string[];
  readonly operations: readonly string[];
  readonly endpoints: readonly string[];
  readonly targets: readonly string[];
}

/** A longer list is cut here. */
export const NAMES_MAX = 1_000;

/** From `fromMs` on. An event counts for its agent and for the root of its tree. */
export async function usageSince(store: Store, fromMs: number): Promise<UsageRow[]> {
  const names = (of: string) => `arrayFilter(one -> one != '', groupUniqArray(${NAMES_MAX})(${of})) AS ${of}s`;
  const rows = await store.select<Omit<UsageRow, 'lastMs'> & { last_ms: string }>(
    `SELECT tenant, who AS agent, toUnixTimestamp64Milli(max(time)) AS last_ms,
       ${['scope', 'operation', 'endpoint', 'target'].map(names).join(', ')}
     FROM (SELECT tenant, arrayJoin(arrayDistinct([agent, root])) AS who, time, scope,
             toString(operation) AS operation, toString(endpoint) AS endpoint, target
           FROM ${store.database}.events WHERE time >= fromUnixTimestamp64Milli({fromMs:Int64}))
     GROUP BY tenant, who ORDER BY tenant, who`,
    { fromMs },
  );
  return rows.map(({ last_ms: lastMs, ...row }) => ({ ...row, lastMs: Number(lastMs) }));
}

/** When the oldest event that is kept was sent, ms; null: none is kept. */
export async function oldestEvent(store: Store): Promise<number | null> {
  const [row] = await store.select<{ events: string; first_ms: string }>(
    `SELECT count() AS events, toUnixTimestamp64Milli(min(time)) AS first_ms FROM ${store.database}.events`,
  );
  return row === undefined || Number(row.events) === 0 ? null : Number(row.first_ms);
}

/** Findings raised from `fromMs` on, by tenant and root of the tree. */
export async function findingCounts(
  store: Store,
  fromMs: number,
): Promise<readonly { readonly tenant: string; readonly root: string; readonly findings: number }[]> {
  const rows = await store.select<{ tenant: string; root: string; findings: string }>(
    `SELECT tenant, root, uniqExact(id) AS findings FROM ${store.database}.findings
     WHERE time >= fromUnixTimestamp64Milli({fromMs:Int64}) GROUP BY tenant, root`,
    { fromMs },
  );
  return rows.map(({ tenant, root, findings }) => ({ tenant, root, findings: Number(findings) }));
}
