/**
 * What the registry's log holds, as an index in memory: which record stands where, who wrote it, about whom, and what
 * the fold made of it. Filters look here, the records themselves are read from the log. Memory is bounded: the newest
 * are kept, and what people did apart from what machines reported, so that traffic pushes no person's act out.
 */
import type { RegistryRecord, Verdict } from '../registry/registry.js';

/** A record of the registry with what the fold made of it. */
export interface TrailChange {
  readonly offset: number;
  readonly record: RegistryRecord;
  readonly verdict: Verdict;
}

export interface TrailEntry {
  /** Of the record in the log. */
  readonly offset: number;
  /** Registry clock, ms. */
  readonly timeMs: number;
  readonly type: RegistryRecord['type'];
  readonly actor: string;
  /** null: it is about no tenant. */
  readonly tenant: string | null;
  /** null: it is about no single agent. */
  readonly agent: string | null;
  readonly effect: Verdict['effect'];
  readonly reason: string | null;
}

/** What is left out does not filter. */
export interface TrailFilter {
  readonly tenant?: string | undefined;
  readonly agent?: string | undefined;
  readonly actor?: string | undefined;
  readonly type?: string | undefined;
  /** At or after, ms. */
  readonly fromMs?: number | undefined;
  /** Before, ms. */
  readonly toMs?: number | undefined;
  /** Written by people alone. */
  readonly people?: boolean | undefined;
  readonly visible?: ((entry: TrailEntry) => boolean) | undefined;
}

export interface TrailPage {
  /** Newest first. */
  readonly entries: readonly TrailEntry[];
  /** Records before this offset come next; null: these were the last. */
  readonly before: number | null;
}

/** The newest of one kind of writer; twice as many for a while, since taking one out at a time would move all others. */
class Lane {
  readonly entries: TrailEntry[] = [];
  hasForgotten = false;

  constructor(private readonly max: number) {}

  add(entry: TrailEntry): void {
    this.entries.push(entry);
    if (this.entries.length < 2 * this.max) return;
    this.entries.splice(0, this.max);
    this.hasForgotten = true;
  }
}

export class AuditTrail {
  private readonly people: Lane;
  private readonly machines: Lane;
  /** One string for every name that comes again. */
  private readonly names = new Map<string, string>();

  constructor(peopleMax = 100_000, machinesMax = 50_000) {
    this.people = new Lane(peopleMax);
    this.machines = new Lane(machinesMax);
  }

  /** Takes every record in order, from the first one on. */
  take({ offset, record, verdict }: TrailChange): void {
    const { tenant, agent } = subjectOf(record, verdict);
    const lane = record.actor.startsWith('person:') ? this.people : this.machines;
    lane.add({
      ...{ offset, timeMs: record.timeMs, type: record.type, actor: this.name(record.actor) },
      tenant: tenant === null ? null : this.name(tenant),
      agent: agent === null ? null : this.name(agent),
      ...{ effect: verdict.effect, reason: verdict.reason },
    });
  }

  /** Whether older records stand in the log that are not listed any more. */
  get hasForgotten(): boolean {
    return this.people.hasForgotten || this.machines.hasForgotten;
  }

  page(filter: TrailFilter, limit: number, before: number | null): TrailPage {
    const entries: TrailEntry[] = [];
    for (const entry of this.backwards(before ?? Number.POSITIVE_INFINITY, filter.people === true)) {
      if (!matches(entry, filter)) continue;
      // Only where one more follows is there a next page.
      if (entries.length === limit) return { entries, before: entries[limit - 1].offset };
      entries.push(entry);
    }
    return { entries, before: null };
  }

  private *backwards(before: number, peopleAlone: boolean): Generator<TrailEntry> {
    const lanes = peopleAlone ? [this.people] : [this.people, this.machines];
    const places = lanes.map(({ entries }) => firstAtOrBehind(entries, before) - 1);
    for (;;) {
      let newest = -1;
      for (const [i, lane] of lanes.entries()) {
        const entry = lane.entries[places[i]];
        const held = newest < 0 ? undefined : lanes[newest].entries[places[newest]];
        if (entry !== undefined && (held === undefined || entry.offset > held.offset)) newest = i;
      }
      if (newest < 0) return;
      yield lanes[newest].entries[places[newest]];
      places[newest] -= 1;
    }
  }

  private name(text: string): string {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    // A fleet's names are few; those of a flood are not worth remembering.
    if (this.names.size < 200_000) this.names.set(text, text);
    return text;
  }
}

/** Place of the first entry whose offset is at or behind `offset`. */
function firstAtOrBehind(entries: readonly TrailEntry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle].offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matches(entry: TrailEntry, filter: TrailFilter): boolean {
  const { tenant, agent, actor, type, fromMs, toMs, visible } = filter;
  if (type !== undefined && entry.type !== type) return false;
  if (actor !== undefined && entry.actor !== actor) return false;
  if (tenant !== undefined && entry.tenant !== tenant) return false;
  if (agent !== undefined && entry.agent !== agent) return false;
  if (fromMs !== undefined && entry.timeMs < fromMs) return false;
  if (toMs !== undefined && entry.timeMs >= toMs) return false;
  return visible === undefined || visible(entry);
}

/** Whom a record is about, as far as it is about one. */
function subjectOf(record: RegistryRecord, { entry }: Verdict): { tenant: string | null; agent: string | null } {
  if (record.type === 'proposal') return record.proposal;
  if (record.type === 'verdict') {
    const { tenant, scope } = record.verdict;
    return { tenant, agent: 'agent' in scope ? scope.agent : null };
  }
  if (record.type === 'halt' || record.type === 'recover') return { tenant: record.tenant, agent: null };
  if ('tenant' in record && 'agent' in record) return { tenant: record.tenant, agent: record.agent };
  return { tenant: entry?.tenant ?? null, agent: entry?.agent ?? null };
}
