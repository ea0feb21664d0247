/**
 * Edge records of `log:signals`: who works for whom and who uses which credential. They are what the fleet stage joins
 * agents by, across partitions. An edge is written when it is first seen, and again after one to two hours if it is
 * still in use: never twice within an hour, as far as memory reaches.
 */
import { rootOf } from '../agent/lineage.js';
import { SeenIds } from '../engine/dedupe.js';
import type { EdgeRecord } from '../engine/signal.js';
import type { AgentEvent } from '../event/event.js';
import { hash64 } from '../math/hash.js';
import { FreshHashes } from './recent-ids.js';

const HOUR_MS = 3_600_000;
/** Edges remembered; beyond it the oldest are forgotten and written again. */
const EDGES_MAX = 262_144;

const NONE: readonly string[] = [];

/** The edges of one call. */
export interface EdgeRound {
  note(event: AgentEvent, bound: boolean): void;
  /** What is to be written. */
  readonly lines: readonly string[];
  /** The lines are durable. */
  keep(): void;
}

/** The edges that are remembered, as words of hashes. */
export interface EdgesJson {
  readonly turnedMs: number;
  readonly current: readonly number[];
  readonly previous: readonly number[];
}

export class Edges {
  private readonly seen: SeenIds;
  private readonly hash = new Uint32Array(2);

  /** @param seed of the hashes; a secret one, as for ids */
  constructor(
    private readonly seed: number,
    edgesMax = EDGES_MAX,
    json?: EdgesJson,
  ) {
    this.seen = new SeenIds(Math.max(1, Math.floor(edgesMax / 2)), HOUR_MS);
    if (json !== undefined)
      this.seen.restore(json.turnedMs, Uint32Array.from(json.current), Uint32Array.from(json.previous));
  }

  /** For whoever must write the same edges again after a cut. */
  snapshot(): EdgesJson {
    const { turnedMs, current, previous } = this.seen.snapshot();
    return { turnedMs, current: Array.from(current), previous: Array.from(previous) };
  }

  /** One event's edges, remembered at once: for whoever has no call that could fail. Most events show none. */
  shown(event: AgentEvent, bound: boolean, nowMs: number): readonly string[] {
    if (event.parent === null && event.credential === null) return NONE;
    const round = this.begin(nowMs);
    round.note(event, bound);
    round.keep();
    return round.lines;
  }

  begin(nowMs: number): EdgeRound {
    this.seen.advance(nowMs);
    const lines: string[] = [];
    const fresh = new FreshHashes(this.seen);
    const see = (by: EdgeRecord['by'], key: string, event: AgentEvent, bound: boolean): void => {
      const { tenant, agent, timeMs } = event;
      if (!fresh.admit(this.identity(by, key, tenant, agent, bound))) return;
      const root = rootOf(agent, event.parent);
      lines.push(JSON.stringify({ type: 'edge', by, tenant, key, agent, root, timeMs, bound } satisfies EdgeRecord));
    };
    return {
      lines,
      note(event, bound) {
        const { parent, credential } = event;
        if (parent !== null && parent !== event.agent) see('parent', parent, event, bound);
        if (credential !== null) see('credential', credential, event, bound);
      },
      keep: () => fresh.keep(),
    };
  }

  /** Each part is hashed with the one before as its seed, so that nothing can move from one to the other. */
  private identity(by: EdgeRecord['by'], key: string, tenant: string, agent: string, bound: boolean): Uint32Array {
    const { hash } = this;
    const kind = (by === 'parent' ? 1 : 2) + (bound ? 4 : 0);
    hash64(key, this.seed ^ kind, hash);
    const keyHi = hash[0];
    hash64(agent, hash[1], hash);
    const hi = hash[0];
    hash64(tenant, hash[1] ^ keyHi, hash);
    hash[0] ^= hi;
    return hash;
  }
}
