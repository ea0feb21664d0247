/** The ledger of budgets of a process that decides: fed by the log, asked by the API. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpendPort } from '../api/budget-port.js';
import type { PriceTable } from '../event/prices.js';
import type { Log } from '../log/log.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { SpendFollower } from '../pipeline/spend-follower.js';
import { BudgetDenials } from '../registry/budget-denials.js';
import type { Registry } from '../registry/journal.js';
import { type AccountRow, SpendLedger } from '../registry/spend.js';
import { SpendLimits } from '../registry/spend-limits.js';
import { type Charge, chargeLine, hasBudget } from '../registry/spend-line.js';

const SPEND_FILE = 'spend.jsonl';
/** Longest wait for a log that has to be read again; what is left is read while calls are answered. */
const START_MS = 10_000;
const RECORD_EVERY_MS = 1_000;

export interface SpendOptions {
  readonly log: Pick<Log, 'partitions' | 'read' | 'begin' | 'end' | 'wait'>;
  readonly registry: Pick<Registry, 'view' | 'write'>;
  readonly prices: PriceTable;
  readonly clock: () => number;
  /** Data directory. */
  readonly dir: string;
  readonly reserveForMs: number;
  readonly report: (report: LiveReport) => void;
}

export interface Spend {
  readonly port: SpendPort;
  /** Records of the log that are not counted yet. */
  behind(): number;
  /** false: it broke off, and what is spent is counted no more. */
  isFollowed(): boolean;
  stop(): Promise<void>;
}

export async function openSpend(options: SpendOptions): Promise<Spend> {
  const { log, registry, prices, clock, dir, report } = options;
  const { view } = registry;
  // Processes that decide for the same agents must not name two reservations alike, nor may anybody guess the next one.
  const prefix = `rsv-${randomBytes(8).toString('hex')}`;
  const limits = new SpendLimits(view);
  const ledger = new SpendLedger({ reserveForMs: options.reserveForMs, prefix });
  const follower = new SpendFollower({
    ...{ log, prices, clock, report, path: join(dir, SPEND_FILE) },
    taker: {
      marker: prefix,
      take: (event) => ledger.note(event, payersOf(limits, event.tenant, event.agent, null)),
      rows: () => ledger.rows(),
      restore: (row) => ledger.restore(row as unknown as AccountRow),
    },
  });
  const waiting = new AbortController();
  const starting = follower.start();
  try {
    await Promise.race([starting, sleep(START_MS, undefined, { signal: waiting.signal })]);
  } finally {
    waiting.abort();
  }
  // Here it has begun, or still reads; then nobody else hears of its end.
  starting.catch((error) => report({ level: 'error', message: 'what is spent cannot be followed', error }));
  const denials = new BudgetDenials((tenant, agent) => view.entry(tenant, agent));
  const timer = setInterval(() => {
    for (const denial of denials.drain(clock())) registry.write(denial).catch(() => undefined);
  }, RECORD_EVERY_MS);
  timer.unref();
  return {
    port: {
      ...spendPortOf(ledger, limits),
      refused: (tenant, agent, question) => denials.note(tenant, agent, question),
    },
    behind: () => follower.behind(),
    isFollowed: () => !follower.hasBroken,
    stop: async () => {
      clearInterval(timer);
      await follower.stop();
    },
  };
}

/** The ledger as the API sees it. */
export function spendPortOf(ledger: SpendLedger, limits: Pick<SpendLimits, 'of'>): SpendPort {
  return {
    reserve: (tenant, agent, { parent = null, session = null }, estimateUsd, nowMs) => {
      const line = payersOf(limits, tenant, agent, parent);
      return hasBudget(line) ? ledger.reserve(tenant, line, session, estimateUsd, nowMs) : null;
    },
    find: (id, nowMs) => ledger.reservation(id, nowMs),
    settle: (id, costUsd, nowMs) => ledger.settle(id, costUsd, nowMs),
  };
}

function payersOf(limits: Pick<SpendLimits, 'of'>, tenant: string, agent: string, parent: string | null): Charge[] {
  return chargeLine((name) => limits.of(tenant, name, name === agent), agent, parent);
}
