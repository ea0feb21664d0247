/**
 * The fleet stage: what can only be seen with many agents in view. Signals and edges in, control records out; these go
 * into the partitions like any other record, so that an engine's scores still depend on nothing but its own records.
 * Pure: the same snapshot and the same turns give the same records. It may not score, and it stops nobody.
 */
import { hash64, hex64 } from '../math/hash.js';
import { type CredentialsJson, CredentialWatch, type SharingNews } from './fleet-credential.js';
import { type DeployNews, type DeploysJson, DeployWatch } from './fleet-deploy.js';
import { type OutageNews, type OutagesJson, OutageWatch, type TenantTurn } from './fleet-outage.js';
import type { FleetRecord } from './fleet-record.js';
import { type TreeNews, type TreesJson, TreeWatch } from './fleet-trees.js';
import type { AgentSignal, EdgeRecord, Signal } from './signal.js';

const ID_SEED = 0x666c6565;
/** Of one kind and turn; what is beyond would bury what a person could read. */
const RECORDS_MAX = 64;

/** What a stage goes on from: plain JSON. */
export interface FleetJson {
  readonly outages: OutagesJson;
  readonly deploys: DeploysJson;
  readonly credentials: CredentialsJson;
  readonly trees: TreesJson;
}

/** The stage; one for the whole installation. */
export class FleetStage {
  private readonly outages: OutageWatch;
  private readonly deploys: DeployWatch;
  private readonly credentials: CredentialWatch;
  private readonly trees: TreeWatch;

  constructor(json?: FleetJson) {
    this.outages = new OutageWatch(json?.outages);
    this.deploys = new DeployWatch(json?.deploys);
    this.credentials = new CredentialWatch(json?.credentials);
    this.trees = new TreeWatch(json?.trees);
  }

  /**
   * Takes everything of one turn of the clock: the signals of every partition, and the edges that came meanwhile. Their
   * order does not matter. The records are to be written to the partitions in their order, and carry it.
   */
  turn(timeMs: number, signals: readonly Signal[], edges: readonly EdgeRecord[]): FleetRecord[] {
    const agents = signals.filter((signal) => signal.type === 'signal').sort(byAgent);
    const records: FleetRecord[] = [];
    const add = (all: readonly Draft[]): void => {
      for (const draft of all.slice(0, RECORDS_MAX))
        records.push({ type: 'fleet', timeMs, n: records.length, ...draft });
    };
    add(this.outages.turn(timeMs, turnsOf(signals, agents)).map(outageDraft));
    add(this.deploys.turn(timeMs, agents).map(deployDraft));
    const { sharing, trees } = this.follow(edges);
    add(sharing.map(sharingDraft));
    add(trees.map(treeDraft));
    return records;
  }

  snapshot(): FleetJson {
    const { outages, deploys, credentials, trees } = this;
    return {
      outages: outages.snapshot(),
      deploys: deploys.snapshot(),
      credentials: credentials.snapshot(),
      trees: trees.snapshot(),
    };
  }

  /** Trees first: an agent that works for another may use its credential. */
  private follow(edges: readonly EdgeRecord[]): { sharing: SharingNews[]; trees: TreeNews[] } {
    if (edges.length === 0) return { sharing: [], trees: [] };
    const ordered = [...edges].sort(byEdge);
    const trees = ordered.filter(({ by }) => by === 'parent').flatMap((edge) => this.trees.take(edge));
    const areKin = (tenant: string, a: string, b: string): boolean => this.trees.areKin(tenant, a, b);
    const sharing = ordered
      .filter(({ by }) => by === 'credential')
      .flatMap((edge) => this.credentials.take(edge, areKin) ?? []);
    return { sharing, trees };
  }
}

type Draft = FleetRecord extends infer R ? (R extends unknown ? Omit<R, 'type' | 'timeMs' | 'n'> : never) : never;

function turnsOf(signals: readonly Signal[], agents: readonly AgentSignal[]): ReadonlyMap<string, TenantTurn> {
  const turns = new Map<string, { minutes: number; agents: number; signals: AgentSignal[] }>();
  const of = (tenant: string) => {
    const known = turns.get(tenant) ?? { minutes: 0, agents: 0, signals: [] };
    turns.set(tenant, known);
    return known;
  };
  for (const signal of signals) {
    if (signal.type !== 'turn') continue;
    for (const { tenant, minutes, agents: count } of signal.models) {
      const turn = of(tenant);
      turn.minutes += minutes;
      turn.agents += count;
    }
  }
  for (const signal of agents) if (signal.failedMs > 0) of(signal.tenant).signals.push(signal);
  return turns;
}

function outageDraft({ state, tenant, fromMs, endpoints, isWide, agents, active, p }: OutageNews): Draft {
  const finding = idOf(['provider-outage', tenant, fromMs]);
  if (state === 'over') return { state, tenant, finding, fromMs };
  return { state, tenant, finding, fromMs, endpoints, isWide, agents, active, p };
}

function deployDraft({ fromMs, ...news }: DeployNews): Draft {
  return { state: 'deploy', finding: idOf(['deploy', news.cohort, news.hash, fromMs]), fromMs, ...news };
}

function sharingDraft(news: SharingNews): Draft {
  const { tenant, root, credential, seenMs } = news;
  return { state: 'shared-credential', finding: idOf(['credential', tenant, root, credential, seenMs]), ...news };
}

function treeDraft(news: TreeNews): Draft {
  const { tenant, agent, how, seenMs } = news;
  return { state: 'delegation-tree', finding: idOf(['tree', tenant, agent, how, seenMs]), ...news };
}

const words = new Uint32Array(2);

/** Id of the finding that a record leads to: every engine can name it, whichever of them writes its line. */
function idOf(parts: readonly (string | number)[]): string {
  hash64(parts.join('\u0000'), ID_SEED, words);
  return `f-${hex64(words[0], words[1])}`;
}

function byAgent(a: AgentSignal, b: AgentSignal): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.agent !== b.agent) return a.agent < b.agent ? -1 : 1;
  return a.timeMs - b.timeMs || a.partition - b.partition;
}

function byEdge(a: EdgeRecord, b: EdgeRecord): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  const x = `${a.by}\u0000${a.tenant}\u0000${a.key}\u0000${a.agent}\u0000${a.bound}`;
  const y = `${b.by}\u0000${b.tenant}\u0000${b.key}\u0000${b.agent}\u0000${b.bound}`;
  return x < y ? -1 : x > y ? 1 : 0;
}
