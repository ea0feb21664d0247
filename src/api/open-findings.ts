/**
 * Risk and open findings of many agents at once. A list of ten thousand agents must not ask for the findings of each:
 * all open ones are counted in one go, and again only once something about a finding has changed.
 */
import { rootOf } from '../agent/lineage.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { RiskPort } from './insight-contract.js';

export interface Standing {
  /** 0 to 100, of its tree where it is a root, else of the tree that it works in. */
  readonly risk: number;
  /** Findings that are not closed: of itself, and where it is a root of its tree. */
  readonly open: number;
}

type Named = Pick<RegistryEntry, 'tenant' | 'agent' | 'parent'>;

export class OpenFindings {
  private readonly counts = new Map<string, number>();
  private countedSeq = -1;

  constructor(private readonly board: RiskPort) {}

  of({ tenant, agent, parent }: Named, nowMs: number): Standing {
    const { board } = this;
    this.count(board);
    const open = this.counts.get(keyOf(tenant, agent)) ?? 0;
    return { risk: board.risk(tenant, rootOf(agent, parent), nowMs), open };
  }

  /** As of any time. */
  riskOf({ tenant, agent, parent }: Named, atMs: number): number {
    return this.board.risk(tenant, rootOf(agent, parent), atMs);
  }

  private count(board: RiskPort): void {
    if (board.seq === this.countedSeq) return;
    this.countedSeq = board.seq;
    this.counts.clear();
    board.eachOpen(({ tenant, agent, root }) => {
      this.add(keyOf(tenant, agent));
      if (root !== agent) this.add(keyOf(tenant, root));
    });
  }

  private add(key: string): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

function keyOf(tenant: string, agent: string): string {
  return `${tenant}\u0000${agent}`;
}
