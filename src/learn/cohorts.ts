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
  readonly targets: Set<string>;
  readonly models: Set<string>;
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

/** Agents that have adopted an endpoint or a model, by tenant and hash. */
type Users = ReadonlyMap<string, ReadonlyMap<string, number>>;

export type Adopted = 'endpoint' | 'pair' | 'target' | 'model';

/** A member: its key and role, and the endpoints, pairs, targets and models that it has adopted. */
export type CohortsJson = readonly (readonly [
  key: string,
  role: string | null,
  endpoints: readonly string[],
  pairs: readonly string[],
  targets: readonly string[],
  models: readonly string[],
])[];

/** Members of all cohorts and what they have adopted. */
export class Cohorts {
  private readonly agents = new Map<string, Member>();
  private readonly agentsMax: number;
  private changed = true;
  private groups: Group[] = [];
  private known: ReadonlyMap<string, ReadonlySet<string>> | null = null;
  private counted: Users = new Map();

  /** Beyond `agentsMax` agents, the one that was met first is forgotten. */
  constructor(agentsMax: number) {
    this.agentsMax = agentsMax;
  }

  adopt(agent: string, what: Adopted, hash: string): void {
    const set = setOf(this.member(agent), what);
    if (set.has(hash)) return;
    set.add(hash);
    if (set.size > ITEMS_MAX) {
      for (const oldest of set) {
        set.delete(oldest);
        break;
      }
    }
    this.changed = true;
    this.known = null;
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
      const tenant = tenantOf(key);
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
    this.counted = countUsers(this.agents);
    return groups;
  }

  /** By tenant, what any of its agents has adopted as a target; the same object as before where nothing has changed. */
  targets(): ReadonlyMap<string, ReadonlySet<string>> {
    if (this.known !== null) return this.known;
    const known = new Map<string, Set<string>>();
    for (const key of [...this.agents.keys()].sort()) {
      const tenant = tenantOf(key);
      const ours = known.get(tenant) ?? new Set();
      known.set(tenant, ours);
      for (const hash of (this.agents.get(key) as Member).targets) ours.add(hash);
    }
    this.known = known;
    return known;
  }

  /** How many agents have adopted each endpoint and model, by tenant; the same object as before where nothing changed. */
  users(): Users {
    this.group();
    return this.counted;
  }

  snapshot(): CohortsJson {
    return [...this.agents].map(([key, m]) => [
      key,
      m.role,
      ...([[...m.endpoints], [...m.pairs], [...m.targets], [...m.models]] as const),
    ]);
  }

  restore(json: CohortsJson): void {
    for (const [key, role, endpoints, pairs, targets, models] of json) {
      this.agents.set(key, {
        role,
        endpoints: new Set(endpoints),
        pairs: new Set(pairs),
        targets: new Set(targets),
        models: new Set(models),
      });
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
      member = {
        role: null,
        ...{ endpoints: new Set(), pairs: new Set(), targets: new Set(), models: new Set() },
      };
      this.agents.set(agent, member);
      this.changed = true;
      this.known = null;
    }
    return member;
  }
}

function tenantOf(key: string): string {
  return key.slice(0, key.indexOf('\u0000'));
}

function setOf(member: Member, what: Adopted): Set<string> {
  switch (what) {
    case 'endpoint':
      return member.endpoints;
    case 'pair':
      return member.pairs;
    case 'target':
      return member.targets;
    case 'model':
      return member.models;
  }
}

/** Counts in name order, so that the model file is the same whatever order agents were met in. */
function countUsers(agents: ReadonlyMap<string, Member>): Users {
  const users = new Map<string, Map<string, number>>();
  for (const key of [...agents.keys()].sort()) {
    const { endpoints, models } = agents.get(key) as Member;
    const tenant = tenantOf(key);
    const counts = users.get(tenant) ?? new Map<string, number>();
    users.set(tenant, counts);
    for (const set of [endpoints, models]) for (const hash of set) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return users;
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
