/** A server with a real engine behind its profiles and a real board behind its risks; history as the test says. */
import type { HistoryPort, InsightPort } from '../../src/api/insight-contract.js';
import { bandRows } from '../../src/engine/bands.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import { KilldeerError } from '../../src/errors.js';
import { createBoard } from '../../src/triage/board.js';
import type { TriageBoard } from '../../src/triage/triage.js';

const away = (): Promise<never> => Promise.reject(new KilldeerError('store.unreachable', 'the store is away'));
export const AWAY: HistoryPort = { events: away, activity: away, names: away, decisions: away };

export const EMPTY: HistoryPort = {
  events: async () => ({ rows: [], cursor: null }),
  activity: async () => [],
  names: async () => ({ names: [], total: 0, sinceMs: 0 }),
  decisions: async () => ({ rows: [], cursor: null }),
};

export function insightWith(engine: PartitionEngine, parts: Partial<InsightPort> = {}): InsightPort {
  return {
    history: EMPTY,
    inspect: { inspect: async (tenant, root) => engine.inspect(tenant, root), bands: bandRows },
    explain: { explain: async () => ({ state: 'stored', why: 'no log stands behind this test' }) },
    ...parts,
  };
}

export function boardOf(): TriageBoard {
  const hourMs = 3_600_000;
  const kept = { findingsMax: 100_000, casePauseMs: hourMs, causeWithinMs: hourMs, decayMs: hourMs };
  return createBoard({ ...kept, pagesPerDay: null });
}
