/**
 * What an engine remembers of the fleet stage's records: which models are out, what a cohort has adopted together, and
 * the pages that wait for the stage to speak. Part of the snapshot, in plain JSON. Bounded: one outage a tenant,
 * DEPLOYS_MAX deploys, HELD_MAX pages; beyond it a page does not wait.
 */
import type { Finding } from '../decide/finding.js';
import type { DeployRecord, FleetRecord, OutageRecord } from './fleet-record.js';

const DEPLOYS_MAX = 1_024;
const TENANTS_MAX = 10_000;
const HELD_MAX = 1_024;
/** After this long the cohort's members have adopted what they use. */
const DEPLOY_KEPT_MS = 14 * 86_400_000;

/** A page that waits: its line as it would be written, with the severity that its evidence reached. */
export interface HeldPage {
  readonly finding: Finding;
  /** Of the agent, and the cause that the finding is known by. */
  readonly key: string;
  readonly cause: string;
  /** The model that failed. */
  readonly endpoint: string;
  /** Raised at the first tick from then on, unless an outage explains it, ms. */
  readonly untilMs: number;
}

type Held = readonly [at: string, page: HeldPage];

interface Outage {
  readonly finding: string;
  readonly endpoints: readonly string[];
  readonly isWide: boolean;
}

interface Deploy {
  readonly agents: number;
  readonly untilMs: number;
}

function byAgentAndP(
  [
    a,
    {
      key: keyA,
      finding: { p: pA },
    },
  ]: Held,
  [
    b,
    {
      key: keyB,
      finding: { p: pB },
    },
  ]: Held,
): number {
  if (keyA !== keyB) return keyA < keyB ? -1 : 1;
  return pA - pB || (a < b ? -1 : 1);
}

/** The memory in a snapshot. */
export interface FleetMemoryJson {
  readonly last: readonly [timeMs: number, n: number];
  readonly outages: readonly (readonly [tenant: string, outage: Outage])[];
  readonly deploys: readonly (readonly [key: string, deploy: Deploy])[];
  readonly held: readonly HeldPage[];
}

/** What the stage's records left behind. */
export class FleetMemory {
  private last: readonly [timeMs: number, n: number] = [0, -1];
  private readonly outages = new Map<string, Outage>();
  private readonly deploys = new Map<string, Deploy>();
  private readonly held = new Map<string, HeldPage>();

  /** Whether a record is a new one; one that was taken before comes again only after a crash of the stage. */
  admits({ timeMs, n }: FleetRecord): boolean {
    const [lastMs, lastN] = this.last;
    if (timeMs < lastMs || (timeMs === lastMs && n <= lastN)) return false;
    this.last = [timeMs, n];
    return true;
  }

  begin({ tenant, finding, endpoints, isWide }: OutageRecord): void {
    if (this.outages.size < TENANTS_MAX || this.outages.has(tenant))
      this.outages.set(tenant, { finding, endpoints, isWide });
  }

  end(tenant: string): void {
    this.outages.delete(tenant);
  }

  /** Finding of the outage that a model endpoint is part of; null: it should work. */
  outageOf(tenant: string, endpoint: string): string | null {
    const outage = this.outages.get(tenant);
    if (outage === undefined || !(outage.isWide || outage.endpoints.includes(endpoint))) return null;
    return outage.finding;
  }

  adopt({ cohort, hash, agents, timeMs }: DeployRecord): void {
    const key = `${cohort}\u0000${hash}`;
    this.deploys.delete(key);
    this.deploys.set(key, { agents, untilMs: timeMs + DEPLOY_KEPT_MS });
    if (this.deploys.size > DEPLOYS_MAX) this.deploys.delete(this.deploys.keys().next().value as string);
  }

  get hasDeploys(): boolean {
    return this.deploys.size > 0;
  }

  /** Members of a cohort known to have adopted an endpoint by a deploy; 0: none. */
  deployed(cohort: string, hash: string): number {
    return this.deploys.get(`${cohort}\u0000${hash}`)?.agents ?? 0;
  }

  /** Whether a page can be kept back. */
  hasRoom(key: string, cause: string): boolean {
    return this.held.size < HELD_MAX || this.held.has(`${key}\u0000${cause}`);
  }

  /** Keeps a page back; of several for one cause the worst, from the first of them on. */
  hold(page: HeldPage): void {
    const at = `${page.key}\u0000${page.cause}`;
    const before = this.held.get(at);
    if (before !== undefined && before.finding.p <= page.finding.p) return;
    this.held.set(at, { ...page, untilMs: before?.untilMs ?? page.untilMs });
  }

  /** A page that has to wait no longer. */
  drop(key: string, cause: string): void {
    if (this.held.size > 0) this.held.delete(`${key}\u0000${cause}`);
  }

  /** An agent that is forgotten has nothing that waits. */
  forget(key: string): void {
    for (const [at, page] of this.held) if (page.key === key) this.held.delete(at);
  }

  /**
   * Pages whose time has come, in the order of their agents and of each the worst first: it is the page, the others
   * are faces of it. Deploys that are over are forgotten.
   */
  due(timeMs: number): HeldPage[] {
    for (const [key, { untilMs }] of this.deploys) if (untilMs <= timeMs) this.deploys.delete(key);
    if (this.held.size === 0) return [];
    const due = [...this.held].filter(([, { untilMs }]) => untilMs <= timeMs).sort(byAgentAndP);
    for (const [at] of due) this.held.delete(at);
    return due.map(([, page]) => page);
  }

  snapshot(): FleetMemoryJson {
    const { last, outages, deploys, held } = this;
    return { last, outages: [...outages], deploys: [...deploys], held: [...held.values()] };
  }

  restore({ last, outages, deploys, held }: FleetMemoryJson): void {
    this.last = last;
    for (const [tenant, outage] of outages) this.outages.set(tenant, outage);
    for (const [key, deploy] of deploys) this.deploys.set(key, deploy);
    for (const page of held) this.held.set(`${page.key}\u0000${page.cause}`, page);
  }
}
