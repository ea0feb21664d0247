/**
 * Calls that were refused for want of money, as records: at most one per agent and minute, with the count. Kept outside
 * the fold, which only sees the records. Pure: time is the caller's.
 */
import type { Question, RegistryEntry, RegistryRecord, TrailStep } from './registry.js';
import { chargeLine } from './spend-line.js';

const EVERY_MS = 60_000;
/** Agents counted at once; those beyond are refused all the same, and not recorded. */
const OPEN_MAX = 1_000;

/** A record before the registry gives it its time. */
export type BudgetDenial = Omit<Extract<RegistryRecord, { type: 'denied' }>, 'timeMs'>;

interface Counted {
  readonly tenant: string;
  readonly agent: string;
  question: Question;
  count: number;
  drainedMs: number | null;
}

/** Refused calls that no record tells of yet. */
export class BudgetDenials {
  private readonly open = new Map<string, Counted>();

  constructor(private readonly entryOf: (tenant: string, agent: string) => RegistryEntry | null) {}

  note(tenant: string, agent: string, question: Question): void {
    const key = `${tenant}\u0000${agent}`;
    const counted = this.open.get(key);
    if (counted !== undefined) {
      counted.question = question;
      counted.count += 1;
    } else if (this.open.size < OPEN_MAX) this.open.set(key, { tenant, agent, question, count: 1, drainedMs: null });
  }

  /** What is due. Who was silent for a minute is forgotten. */
  drain(nowMs: number): BudgetDenial[] {
    const due: BudgetDenial[] = [];
    for (const [key, counted] of this.open) {
      if (counted.drainedMs !== null && nowMs - counted.drainedMs < EVERY_MS) continue;
      if (counted.count === 0) this.open.delete(key);
      else due.push(this.recordOf(counted));
      counted.count = 0;
      counted.drainedMs = nowMs;
    }
    return due;
  }

  private recordOf({ tenant, agent, question, count }: Counted): BudgetDenial {
    const line = chargeLine((name) => this.entryOf(tenant, name), agent, question.parent ?? null);
    const trail = line.map((charge) => stepOf(charge.agent, this.entryOf(tenant, charge.agent)));
    const by = { actor: 'system', authority: 'system', parent: null } as const;
    return {
      type: 'denied',
      ...by,
      tenant,
      agent,
      denial: 'budget',
      enforced: true,
      count,
      question,
      rule: null,
      trail,
    };
  }
}

function stepOf(agent: string, entry: RegistryEntry | null): TrailStep {
  const { operations = null, endpoints = null, targets = null, trust = null } = entry?.registration ?? {};
  const step = { agent, parent: entry?.parent ?? null, operations, endpoints, targets, trust };
  return step;
}
