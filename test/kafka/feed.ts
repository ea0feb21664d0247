/**
 * Traffic for the topic `events` of an installation: a simulated fleet as ingest would write it, with ticks on the
 * recording's grid in every partition, and with what real senders add to it: events sent twice, late ones, junk.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '../../src/engine/partition.js';
import type { Log } from '../../src/log/log.js';
import { createRandom, type Random } from '../../src/math/random.js';
import { EVENTS_TOPIC } from '../../src/pipeline/layout.js';
import { encodeEvent, encodeRecord } from '../../src/pipeline/record-line.js';
import { RecordingClock } from '../../src/pipeline/recording-clock.js';
import { createSimulation, type SimulationOptions, simulationOptions } from '../../src/simulate/simulation.js';

/** One record and where it goes. */
export interface FedRecord {
  readonly partition: number;
  readonly line: string;
}

export interface TrafficOptions extends Partial<Pick<SimulationOptions, 'agents' | 'days'>> {
  readonly scenario: SimulationOptions['scenario'];
  readonly partitions: number;
  readonly seed: string;
}

/** Sent again at once or a while later: within the hour that an engine remembers, or beyond it. */
const AGAIN = 0.03;
const AGAIN_AFTER_MAX = 2_000;
const LATE = 0.01;
const LATE_AFTER_MAX = 400;
const JUNK = 0.01;
const UNBOUND = 0.05;
const JUNK_LINES: readonly string[] = [
  'no json',
  '{"type":"event","bound":true,"event":{"id":"x"}}',
  '{"type":"event","event":{}}',
  '{"type":"nonsense"}',
  'null',
  '[]',
];

/** The same options give the same records. */
export function trafficOf({ scenario, agents, days, partitions, seed }: TrafficOptions): FedRecord[] {
  const random = createRandom(seed);
  const shape = { ...(agents === undefined ? {} : { agents }), ...(days === undefined ? {} : { days }) };
  const events = Array.from(createSimulation(simulationOptions(scenario, shape)).events());
  const clock = new RecordingClock();
  const fed: FedRecord[] = [];
  for (const event of disordered(events, random)) {
    const timeMs = Date.parse(event.time);
    for (let at = clock.nextTick(timeMs); at !== null; at = clock.nextTick(timeMs)) {
      const line = encodeRecord({ type: 'tick', timeMs: at });
      for (let partition = 0; partition < partitions; partition++) fed.push({ partition, line });
    }
    clock.see(timeMs);
    const line = encodeEvent(JSON.stringify(event), random.next() >= UNBOUND);
    fed.push({ partition: partitionOf('', event.agent, partitions), line });
    if (random.next() < JUNK) fed.push({ partition: random.below(partitions), line: random.pick(JUNK_LINES) });
  }
  return fed;
}

/** Some come twice, some later than they happened. */
function disordered<T>(events: readonly T[], random: Random): T[] {
  const placed = events.flatMap((event, i) => {
    const late = random.next() < LATE ? random.below(LATE_AFTER_MAX) : 0;
    const first = { event, at: i + late };
    return random.next() < AGAIN ? [first, { event, at: i + late + random.below(AGAIN_AFTER_MAX) }] : [first];
  });
  return placed.sort((a, b) => a.at - b.at).map(({ event }) => event);
}

export interface FeedPace {
  /** The records are spread evenly over this time at least. */
  readonly leastMs: number;
  /** Some of them wait until this is true. Default: it is. */
  readonly until?: () => boolean;
  /** Told when an append fails; true: it is made again. Default: the feed fails of it. */
  readonly onFailure?: (error: unknown) => boolean;
}

const EVERY_MS = 50;
const AGAIN_MS = 250;
/** Of the records, that wait. */
const KEPT_BACK = 0.1;

/** Appends the records in order, paced. Whatever resolved is durable. */
export async function feed(log: Log, records: readonly FedRecord[], pace: FeedPace): Promise<void> {
  const { leastMs, until = () => true, onFailure = () => false } = pace;
  const startMs = performance.now();
  const waiting = Math.floor(records.length * KEPT_BACK);
  for (let sent = 0; sent < records.length; ) {
    const share = Math.min(1, (performance.now() - startMs) / leastMs);
    // What waits trickles, so that traffic goes on however long the rest takes.
    const trickle = Math.min(records.length, Math.max(sent, records.length - waiting) + 1);
    const most = until() ? records.length : trickle;
    const due = Math.min(Math.floor(share * records.length), most);
    if (due > sent) await append(log, records.slice(sent, due), onFailure);
    sent = due;
    if (sent < records.length) await sleep(EVERY_MS);
  }
}

async function append(log: Log, records: readonly FedRecord[], goOn: (error: unknown) => boolean): Promise<void> {
  const lines = new Map<number, string[]>();
  for (const { partition, line } of records) lines.set(partition, [...(lines.get(partition) ?? []), line]);
  const put = async (partition: number, values: readonly string[]): Promise<void> => {
    for (;;) {
      try {
        await log.append(EVENTS_TOPIC, partition, values);
        return;
      } catch (error) {
        if (!goOn(error)) throw error;
        await sleep(AGAIN_MS);
      }
    }
  };
  await Promise.all([...lines].map(([partition, values]) => put(partition, values)));
}
