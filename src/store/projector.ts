/**
 * The project role: carries the log into the store, all places side by side. It can be killed anywhere and started
 * anywhere, more than once at a time: the tables say how far they are, and no record comes into them twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineRecord } from '../engine/record.js';
import { KilldeerError } from '../errors.js';
import type { Rejection } from '../event/event.js';
import type { RegistryFold } from '../registry/registry.js';
import type { Telemetry } from '../telemetry.js';
import type { BatchLimits, ProjectedPlace, ProjectedTopic } from './batch.js';
import { Chain } from './chain.js';
import { decisionReader, eventReader, type Item, type Read, readDeadLetter, readFinding } from './item.js';
import { createNotes } from './notes.js';
import { PlaceFollower, type PlaceStats } from './place-follower.js';
import { DEAD_LETTERS_FEED, DECISIONS_FEED, EVENTS_FEED, type Feed, FINDINGS_FEED, MINUTES_FEED } from './row.js';
import type { Store } from './store.js';

export interface ProjectorReport {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly error?: unknown;
}

export interface ProjectorParts {
  readonly places: readonly ProjectedPlace[];
  /** Need not be reachable, nor have its tables, when the projector starts. Closed by its owner. */
  readonly store: Store;
  /** Of `log:events`, as the pipeline decodes it. */
  readonly decode: (line: string, offset: number) => EngineRecord | Rejection;
  /** Root of an agent's delegation tree, as the engine sees it. */
  readonly rootOf: (agent: string, parent: string | null) => string;
  /** Makes an empty fold: decisions then carry what the registry made of each record. Left out: they do not. */
  readonly fold?: () => Pick<RegistryFold, 'apply'>;
  readonly report: (report: ProjectorReport) => void;
  readonly telemetry?: Telemetry;
  /** Wall clock, ms. */
  readonly clock?: () => number;
  readonly limits?: Partial<BatchLimits>;
}

export interface ProjectorStats {
  readonly places: readonly PlaceStats[];
  /** The longest of the places', ms. */
  readonly delayMs: number;
  /** Records in memory, at most one batch for each place. */
  readonly held: number;
}

export interface Projector {
  /** Resolves after `stop`; rejects with 'store.schema' where the database must not be used. */
  run(): Promise<void>;
  /** Ends after the batch at hand, or its failure. */
  stop(): void;
  stats(): ProjectorStats;
}

export const BATCH_LIMITS: BatchLimits = { records: 50_000, bytes: 8 * 1024 * 1024, ageMs: 1_000 };

const FEEDS: Readonly<Record<ProjectedTopic, readonly Feed[]>> = {
  'events': [EVENTS_FEED, MINUTES_FEED],
  'findings': [FINDINGS_FEED],
  'registry': [DECISIONS_FEED],
  'dead-letter': [DEAD_LETTERS_FEED],
};
/** Between two tries to bring the schema up to date. */
const PAUSE_MS = 250;
const PAUSE_MAX_MS = 10_000;

export function createProjector(parts: ProjectorParts): Projector {
  const followers = parts.places.map((place) => createFollower(parts, place));
  const stopping = new AbortController();
  const stats = (): ProjectorStats => {
    const places = followers.map((follower) => follower.stats);
    return {
      places,
      delayMs: places.reduce((most, place) => Math.max(most, place.delayMs), 0),
      held: places.reduce((sum, place) => sum + place.held, 0),
    };
  };
  const forget = parts.telemetry?.beforeRead(() =>
    tellDelays(parts.telemetry, followers, ({ stats }) => stats.delayMs),
  );
  const stop = (): void => {
    stopping.abort();
    for (const follower of followers) follower.stop();
  };
  return {
    run: async () => {
      try {
        await prepare(parts, stopping.signal);
        const runs = followers.map((follower) => follower.run().finally(stop));
        for (const ended of await Promise.allSettled(runs)) if (ended.status === 'rejected') throw ended.reason;
        // Whoever carries the places on says how late they are; where nobody can, the delay goes on growing.
        forget?.();
        tellDelays(parts.telemetry, followers, () => 0);
      } finally {
        stop();
      }
    },
    stop,
    stats,
  };
}

function createFollower(parts: ProjectorParts, place: ProjectedPlace): PlaceFollower {
  const { store, report, telemetry, clock = Date.now } = parts;
  const { topic, partition } = place.as;
  const chains = (onRefused: (item: Item, error: unknown) => Promise<void>) =>
    FEEDS[topic].map((feed) => {
      const { table } = feed;
      const onInsert = (rows: number, seconds: number): void => {
        telemetry?.count('killdeer_store_rows_total', { table }, rows);
        telemetry?.observe('killdeer_store_insert_seconds', { table }, seconds);
      };
      return new Chain({ store, feed, topic, partition, clock, onInsert, onRefused });
    });
  return new PlaceFollower({
    place,
    reader: () => readerOf(parts, topic),
    fromBegin: topic === 'registry' && parts.fold !== undefined,
    chains,
    notes: createNotes(store, clock),
    limits: { ...BATCH_LIMITS, ...parts.limits },
    clock,
    report,
    onFailure: (table) => telemetry?.count('killdeer_store_failures_total', { table }),
  });
}

function readerOf({ decode, rootOf, fold }: ProjectorParts, topic: ProjectedTopic): Read<object> {
  if (topic === 'events') return eventReader(decode, rootOf);
  if (topic === 'findings') return readFinding;
  if (topic === 'dead-letter') return readDeadLetter;
  return decisionReader(fold?.() ?? null);
}

/** Tries until the schema is up to date, or it is stopped. */
async function prepare({ store, report }: ProjectorParts, signal: AbortSignal): Promise<void> {
  for (let pauseMs = PAUSE_MS; !signal.aborted; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
    try {
      await store.prepare();
      return;
    } catch (error) {
      if (error instanceof KilldeerError && error.code === 'store.schema') throw error;
      if (pauseMs === PAUSE_MS) report({ level: 'warn', message: `history waits for ${store.name}`, error });
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function tellDelays(
  telemetry: Telemetry | undefined,
  followers: readonly PlaceFollower[],
  delayOf: (follower: PlaceFollower) => number,
): void {
  const delays = new Map<string, number>();
  for (const follower of followers) {
    for (const table of follower.tables) delays.set(table, Math.max(delays.get(table) ?? 0, delayOf(follower)));
  }
  for (const [table, ms] of delays) telemetry?.set('killdeer_store_delay_seconds', { table }, ms / 1000);
}
