/** What a sink has to tell, read from where it stopped: the findings first, then what the registry's changes mean. */
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import type { FindingState, TriageInput } from '../triage/triage.js';
import type { FindingsPlace, SinkItem, StateOf } from './contract.js';
import { isAction, wantsAction, wantsFinding } from './filter.js';
import type { ChangeMemory } from './memory.js';
import type { Place } from './position.js';
import type { SinkConfig } from './section.js';

/** Lines of one partition that are read at once. */
const LINES = 500;

/** A stretch of the logs, and what of it the sink wants. */
export interface Stretch {
  readonly items: readonly SinkItem[];
  /** Where to go on. */
  readonly to: Place;
  /** It ended for want of room, not of news. */
  readonly isFull: boolean;
  /** Places where something was forgotten before it was read. */
  readonly missed: number;
}

export interface SourceOptions {
  readonly places: readonly FindingsPlace[];
  readonly memory: ChangeMemory;
  readonly config: Pick<SinkConfig, 'filter' | 'updates' | 'actions'>;
  readonly stateOf: StateOf;
}

export class Source {
  private turn = 0;

  constructor(private readonly options: SourceOptions) {}

  /** Behind everything that there is. */
  async end(): Promise<Place> {
    const { places, memory } = this.options;
    const ends = places.map(({ log, topic, partition }) => log.end(topic, partition));
    return { findings: await Promise.all(ends), registry: memory.next };
  }

  /** Lines of findings behind `at`. */
  async backlog(at: Place): Promise<number> {
    const { findings } = await this.end();
    return findings.reduce((sum, end, i) => sum + Math.max(0, end - (at.findings[i] ?? 0)), 0);
  }

  /**
   * At most `max` items from `at` on. What people said of a finding comes after every line of findings that there was:
   * so it never comes before the finding itself.
   */
  async read(at: Place, max: number): Promise<Stretch> {
    const { places } = this.options;
    const findings = [...at.findings];
    const items: SinkItem[] = [];
    let missed = 0;
    // Not always the same first: a partition that is never done must not hide the others.
    const first = this.turn++ % places.length;
    for (let i = 0; i < places.length && items.length < max; i++) {
      const p = (first + i) % places.length;
      const read = await this.findings(p, findings[p], Number.POSITIVE_INFINITY, max - items.length);
      items.push(...read.items);
      findings[p] = read.next;
      missed += read.missed;
    }
    if (items.length >= max) return { items, to: { findings, registry: at.registry }, isFull: true, missed };
    const changes = this.changes(at.registry, Number.POSITIVE_INFINITY, max - items.length);
    items.push(...changes.items);
    return {
      items,
      to: { findings, registry: changes.next },
      isFull: items.length >= max,
      missed: missed + changes.missed,
    };
  }

  /** Everything between two places: what was just sent when the process ended. */
  async between(at: Place, to: Place): Promise<readonly SinkItem[]> {
    const items: SinkItem[] = [];
    for (const [p, end] of to.findings.entries()) {
      const read = await this.findings(p, at.findings[p], end, Number.POSITIVE_INFINITY);
      items.push(...read.items);
    }
    return [...items, ...this.changes(at.registry, to.registry, Number.POSITIVE_INFINITY).items];
  }

  /** Resolves once there may be something new behind `at`, or the time is over. */
  async wait(at: Place, ms: number): Promise<void> {
    const { places, memory } = this.options;
    if (memory.next > at.registry) return;
    let release = (): void => {};
    const news = new Promise<void>((resolve, reject) => {
      release = memory.subscribe(resolve);
      const waits = places.map(async ({ log, topic, partition }, p) => {
        if (await waitFor(log.wait(topic, partition, at.findings[p], ms))) resolve();
      });
      Promise.all(waits).then(() => resolve(), reject);
    });
    try {
      await news;
    } finally {
      release();
    }
  }

  private async findings(p: number, from: number, below: number, max: number) {
    const { log, topic, partition } = this.options.places[p];
    const items: SinkItem[] = [];
    let next = from;
    let missed = 0;
    while (items.length < max && next < below && (await log.wait(topic, partition, next, 0))) {
      const begin = await log.begin(topic, partition);
      if (begin > next) {
        missed += 1;
        next = begin;
      }
      const batch = await log.read(topic, partition, next, Math.min(LINES, below - next));
      let taken = batch.next;
      for (const { offset, value } of batch.records) {
        const item = offset < below ? this.itemOf(value) : null;
        if (item !== null) items.push(item);
        if (items.length < max) continue;
        taken = offset + 1;
        break;
      }
      next = taken;
    }
    return { items, next, missed };
  }

  private itemOf(line: string): SinkItem | null {
    const finding = JSON.parse(line) as Finding;
    const { config, stateOf } = this.options;
    if (!wantsFinding(config, finding, stateOf(finding.id))) return null;
    const { id, severity, time } = finding;
    const timeMs = Date.parse(time);
    return { kind: 'finding', key: `${id}/${severity}/${timeMs}`, timeMs, finding };
  }

  private changes(from: number, below: number, max: number) {
    const items: SinkItem[] = [];
    const { changes, next, missed } = this.options.memory.from(from, max, below);
    for (const change of changes) items.push(...this.itemsOf(change));
    return { items, next, missed: missed ? 1 : 0 };
  }

  private itemsOf(change: TriageInput): SinkItem[] {
    const { config, memory, stateOf } = this.options;
    const { timeMs } = change.record;
    const items: SinkItem[] = [];
    if (config.updates) {
      for (const id of memory.findingsOf(change)) {
        const state = stateOf(id);
        if (state === null || !wantsUpdate(config, state)) continue;
        items.push({ kind: 'update', key: `${id}/said/${change.offset}`, timeMs, id, change });
      }
    }
    if (isAction(change) && wantsAction(config, change)) {
      items.push({ kind: 'action', key: `action/${change.offset}`, timeMs, change });
    }
    return items;
  }
}

/** A finding that was sent is told of further, though a verdict made a notice of it since. */
function wantsUpdate({ filter }: Pick<SinkConfig, 'filter'>, state: FindingState): boolean {
  const { mutedBy: _, ...finding } = state.finding;
  return wantsFinding(
    { filter: { ...filter, suppressed: true, notices: filter.notices || state.suppressed } },
    finding,
    state,
  );
}

/** A log that is away or closed says so when it is read; here it is only that there is no news. */
async function waitFor(wait: Promise<boolean>): Promise<boolean> {
  try {
    return await wait;
  } catch (error) {
    if (error instanceof KilldeerError) return false;
    throw error;
  }
}
