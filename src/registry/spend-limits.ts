/**
 * The budgets that a reservation is held to: an agent's own, and those of every permission about it that is enforced.
 * What is only observed or recommended holds nobody here; the engines still tell of it. Pure.
 */
import { budgetsOf, type Described, type Permission } from '../decide/intent.js';
import type { Policy } from '../decide/policy.js';
import type { Budgets } from '../engine/record.js';
import { milder } from './ladder.js';
import { NO_REGISTRATION, type RegistryEntry, type RegistryFold } from './registry.js';

/** Of an agent: whom it works for and what it may spend. */
export interface Payer {
  readonly parent: string | null;
  readonly budgets: Budgets;
}

const NONE: Budgets = Object.freeze({ sessionUsd: null, dayUsd: null });

/** One process's reading of what the fold knows; entries are replaced and never changed, so each is read once. */
export class SpendLimits {
  private policy: Policy | null = null;
  private mode: Policy['mode'] = 'observe';
  private permissions: readonly Permission[] = [];
  private known = new WeakMap<RegistryEntry, Payer>();

  constructor(private readonly view: Pick<RegistryFold, 'entry' | 'policy' | 'mode'>) {}

  /** `isActing`: it makes the call itself. Such a one has the budgets of permissions before it was ever seen. */
  of(tenant: string, agent: string, isActing: boolean): Payer | null {
    this.refresh();
    const entry = this.view.entry(tenant, agent);
    if (entry === null) return isActing && this.permissions.length > 0 ? this.unknown(agent) : null;
    if (this.permissions.length === 0) return entry;
    let payer = this.known.get(entry);
    if (payer === undefined) {
      payer = { parent: entry.parent, budgets: budgetsOf(this.permissions, entry) };
      this.known.set(entry, payer);
    }
    return payer;
  }

  private unknown(agent: string): Payer {
    const nobody: Described = {
      ...{ agent, registered: false, role: null, labels: [], budgets: NONE },
      registration: NO_REGISTRATION,
    };
    return { parent: null, budgets: budgetsOf(this.permissions, nobody) };
  }

  private refresh(): void {
    const policy = this.view.policy();
    const mode = this.view.mode();
    if (policy === this.policy && mode === this.mode) return;
    this.policy = policy;
    this.mode = mode;
    this.known = new WeakMap();
    this.permissions = (policy?.permissions ?? []).filter(
      ({ budgets, mode: own }) =>
        (budgets.sessionUsd !== null || budgets.dayUsd !== null) &&
        (own === null ? mode : milder(own, mode)) === 'enforce',
    );
  }
}
