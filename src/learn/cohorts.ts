/**
 * Who is like whom. An agent's cohort is its role where people gave one; else the group of agents whose adopted
 * endpoints resemble its own most (Jaccard, leader clustering in name order). A cohort knows how many of its members
 * have adopted which endpoint and which target: new for me, but normal for my role, is milder.
 */
import { roleCohort } from '../detect/model.js';

/** Likeness from which an agent joins a group. */
const LIKENESS_MIN = 0.4;
/** Endpoints and pairs remembered per agent. */
const ITEMS_MAX = 256;

interface Member {
  role: string | null;
  readonly endpoints: Set<string>;
  readonly pairs: Set<string>;
}

/** What an agent without a role is compared with; a group of a role has none. */
interface Leader {
  readonly tenant: string;
  readonly endpoints: Set<string>;
}

/** A cohort in the making. */
export interface Group {
  readonly id: string;
  readonly members: string[];
  readonly adopters: Map<string, number>;
}

export type CohortsJson = readonly [string, string | null, string[], string[]][];

/** Members of all cohorts and what they have adopted. */
export class Cohorts {
  private readonly agents = new Map<string, Member>();
  private readonly agentsMax: number;
  private changed = true;
  private groups: Group[] = [];

  /** Beyond `agentsMax` agents, the one that was met first is forgotten. */
  constructor(agentsMax: number) {
    this.agentsMax = agentsMax;
  }

  adopt(agent: string, what: 'endpoint' | 'pair', hash: string): void {
    const member = this.member(agent);
    const set = what === 'endpoint' ? member.endpoints : member.pairs;
    if (set.has(hash)) return;
    set.add(hash);
    if (set.size > ITEMS_MAX) {
      for (const oldest of set) {
        set.delete(oldest);
        break;
      }
    }
    this.changed = true;
  }

  assign(agent: string, role: string | null): void {
    this.member(agent).role = role;
    this.changed = true;
  }

  meet(agent: string): void {
    this.member(agent);
  }

  /** Groups in a stable order; the same object as before where nothing has changed. */
  group(): readonly Group[] {
    if (!this.changed) return this.groups;
    this.changed = false;
    const groups: Group[] = [];
    const leaders: (Leader | null)[] = [];
    for (const key of [...this.agents.keys()].sort()) {
      const member = this.agents.get(key) as Member;
      const tenant = key.slice(0, key.indexOf('\u0000'));
      const id = member.role === null ? null : roleCohort(tenant, member.role);
      let at = id === null ? nearest(leaders, tenant, member.endpoints) : groups.findIndex((g) => g.id === id);
      if (at === -1) {
        at = groups.length;
        groups.push({ id: id ?? `like:${key.replace('\u0000', ':')}`, members: [], adopters: new Map() });
        leaders.push(id === null ? { tenant, endpoints: new Set(member.endpoints) } : null);
      } else if (id === null) {
        for (const endpoint of member.endpoints) leaders[at]?.endpoints.add(endpoint);
      }
      groups[at].members.push(key);
      for (const set of [member.endpoints, member.pairs]) {
        for (const hash of set) groups[at].adopters.set(hash, (groups[at].adopters.get(hash) ?? 0) + 1);
      }
    }
    this.groups = groups;
    return groups;
  }

  snapshot(): CohortsJson {
    return [...this.agents].map(([key, m]) => [key, m.role, [...m.endpoints], [...m.pairs]]);
  }

  restore(json: CohortsJson): void {
    for (const [key, role, endpoints, pairs] of json) {
      this.agents.set(key, { role, endpoints: new Set(endpoints), pairs: new Set(pairs) });
    }
  }

  private member(agent: string): Member {
    let member = this.agents.get(agent);
    if (member === undefined) {
      if (this.agents.size >= this.agentsMax) {
        for (const oldest of this.agents.keys()) {
          this.agents.delete(oldest);
          break;
        }
      }
      member = { role: null, endpoints: new Set(), pairs: new Set() };
      this.agents.set(agent, member);
      this.changed = true;
    }
    return member;
  }
}

/** The leader of the tenant most like a set of endpoints, or -1; agents without tools are alike. */
function nearest(leaders: readonly (Leader | null)[], tenant: string, endpoints: ReadonlySet<string>): number {
  let best = -1;
  let most = LIKENESS_MIN;
  for (let i = 0; i < leaders.length; i++) {
    const leader = leaders[i];
    if (leader === null || leader.tenant !== tenant) continue;
    const likeness = jaccard(leader.endpoints, endpoints);
    if (likeness >= most) {
      most = likeness;
      best = i;
      if (likeness === 1) break;
    }
  }
  return best;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 && b.size === 0) return 1;
  let both = 0;
  for (const item of b) if (a.has(item)) both++;
  return both / (a.size + b.size - both);
}
