/**
 * The way of every event into the log, wherever it comes from: repeated ids are dropped, the rest goes into its agent's
 * partition of `log:events`, and what it shows of the fleet into `log:signals`.
 *
 * Promises: a call resolves once all of it is durable; events of one agent keep their order, within a call and from one
 * call to the next; what failed is not remembered, so that the same call may be repeated. It may not judge: whoever
 * calls has decoded, checked the binding and knows whether the sender vouches for the agent.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { partitionOf } from '../engine/partition.js';
import type { AgentEvent } from '../event/event.js';
import type { Log } from '../log/log.js';
import { Edges } from './edges.js';
import { EVENTS_TOPIC } from './layout.js';
import { RecentIds } from './recent-ids.js';
import { encodeEvent } from './record-line.js';
import { SIGNALS_TOPIC } from './topics.js';

/** Items after which others get their turn: about 1 ms of work. */
const TURN_ITEMS = 512;

/** An event, and the line of JSON that it was decoded from or that says the same. */
export interface IntakeItem {
  readonly line: string;
  readonly event: AgentEvent;
}

export interface IntakeAnswer {
  /** Durable now, by this call. */
  readonly written: number;
  /** Durable before: dropped. */
  readonly duplicates: number;
}

/** Running totals since the start, for telemetry. */
export interface IntakeCounts {
  written: number;
  duplicates: number;
  edges: number;
  /** How often ids were forgotten before their time. */
  earlyTurns: number;
}

export interface IntakeOptions {
  readonly log: Pick<Log, 'partitions' | 'append'>;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** An id seen again within this time is dropped, ms. */
  readonly dedupeMs: number;
  /** Ids remembered for that at most. */
  readonly idsMax: number;
  /** Of the hashes of ids: secret, drawn by whoever starts the process. */
  readonly seed: number;
  /** False: nothing follows the fleet, so no edges are written. */
  readonly edges: boolean;
}

export interface Intake {
  readonly counts: Readonly<IntakeCounts>;
  /** Rejects with the log's error: some of it may be durable then, and repeating all of it is safe. */
  accept(items: readonly IntakeItem[], sender: { bound(event: AgentEvent): boolean }): Promise<IntakeAnswer>;
}

export function createIntake({ log, clock, dedupeMs, idsMax, seed, edges: hasEdges }: IntakeOptions): Intake {
  const ids = new RecentIds({ keepMs: dedupeMs, idsMax, seed });
  const edges = hasEdges ? new Edges(seed) : null;
  const counts: IntakeCounts = { written: 0, duplicates: 0, edges: 0, earlyTurns: 0 };

  return {
    counts,
    async accept(items, sender) {
      const nowMs = clock();
      const round = ids.begin(nowMs);
      const shown = edges?.begin(nowMs);
      const partitions = log.partitions(EVENTS_TOPIC);
      const batches = new Map<number, string[]>();
      let duplicates = 0;
      for (const [i, { line, event }] of items.entries()) {
        // Decisions are answered by the same thread.
        if (i % TURN_ITEMS === TURN_ITEMS - 1) await nextTurn();
        const bound = sender.bound(event);
        if (!round.admit(event, bound)) {
          duplicates += 1;
          continue;
        }
        shown?.note(event, bound);
        put(batches, partitionOf(event.tenant, event.agent, partitions), encodeEvent(line, bound));
      }
      const edgeLines = shown?.lines ?? [];
      await appendAll(log, batches, edgeLines);
      // Only now: whatever part failed, the whole call may come again, edges included.
      round.keep();
      shown?.keep();
      const written = items.length - duplicates;
      counts.written += written;
      counts.duplicates += duplicates;
      counts.edges += edgeLines.length;
      counts.earlyTurns = ids.earlyTurns;
      return { written, duplicates };
    },
  };
}

function put(batches: Map<number, string[]>, partition: number, line: string): void {
  const batch = batches.get(partition);
  if (batch === undefined) batches.set(partition, [line]);
  else batch.push(line);
}

/** Waits for all appends, also after one failed: nothing may still be under way when the sender tries again. */
async function appendAll(
  log: IntakeOptions['log'],
  batches: ReadonlyMap<number, readonly string[]>,
  edgeLines: readonly string[],
): Promise<void> {
  const appends = [...batches].map(([partition, lines]) => log.append(EVENTS_TOPIC, partition, lines));
  if (edgeLines.length > 0) appends.push(log.append(SIGNALS_TOPIC, 0, edgeLines));
  for (const settled of await Promise.allSettled(appends)) {
    if (settled.status === 'rejected') throw settled.reason;
  }
}
