/** What stands behind reports and access reviews: history, where it runs, and the key that signs. */
import { join } from 'node:path';
import type { AuditPort, KnownUse } from '../api/audit-contract.js';
import type { Config } from '../config.js';
import { openSigningKey, type SigningKey } from '../custody/signing-key.js';
import type { Usage } from '../registry/report.js';
import { createStore, type Store } from '../store/store.js';
import { findingCounts, NAMES_MAX, oldestEvent, type UsageRow, usageSince } from '../store/usage.js';
import { filledStore } from './store-access.js';

const KEY_FILE = 'signing-key.pem';
const HISTORY_OFF = 'history is off: what agents used is not known';

export function createAudit(config: Config, dir: string): AuditPort {
  const { key_env: name, key_file: file } = config.custody;
  let opening: Promise<SigningKey> | null = null;
  return {
    usage: async (fromMs) => {
      const access = await filledStore(config, dir);
      if (access === null) return unknown(HISTORY_OFF);
      const store = createStore(config.store, access);
      try {
        return await usageOf(store, fromMs);
      } catch (error) {
        return unknown(`history does not answer: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        await store.close();
      }
    },
    key: async () => {
      opening ??= openSigningKey({ path: file ?? join(dir, KEY_FILE), text: process.env[name] });
      // A key that could not be read is looked for again.
      const { jwk, ...key } = await opening.catch((error) => {
        opening = null;
        throw error;
      });
      return { ...key, jwk: { ...jwk } };
    },
  };
}

function unknown(note: string): KnownUse {
  return { usageOf: null, findingsOf: null, note };
}

/** Of a stretch that history does not hold whole nothing is said: what it has not seen may have been used. */
export async function usageOf(store: Store, fromMs: number): Promise<KnownUse> {
  const oldestMs = await oldestEvent(store);
  if (oldestMs === null || oldestMs > fromMs) {
    const since = oldestMs === null ? 'holds no event yet' : `goes back to ${new Date(oldestMs).toISOString()} only`;
    return unknown(`history ${since}: name fewer days`);
  }
  const used = new Map((await usageSince(store, fromMs)).map((row) => [keyOf(row.tenant, row.agent), usageOfRow(row)]));
  const counts = await findingCounts(store, fromMs);
  const findings = new Map(counts.map(({ tenant, root, findings: number }) => [keyOf(tenant, root), number]));
  return {
    usageOf: (tenant, agent) => used.get(keyOf(tenant, agent)) ?? null,
    findingsOf: (tenant, agent) => findings.get(keyOf(tenant, agent)) ?? 0,
    note: null,
  };
}

function usageOfRow({ lastMs, scopes, operations, endpoints, targets }: UsageRow): Usage {
  const whole = (names: readonly string[]) => (names.length < NAMES_MAX ? names : null);
  // An event may carry several scopes in one text, as OAuth does.
  const single = [...new Set(scopes.flatMap((one) => [one, ...one.split(' ')]))];
  const names = { scopes: scopes.length < NAMES_MAX ? single : null };
  return {
    lastMs,
    names: { ...names, operations: whole(operations), endpoints: whole(endpoints), targets: whole(targets) },
  };
}

function keyOf(tenant: string, agent: string): string {
  return JSON.stringify([tenant, agent]);
}
