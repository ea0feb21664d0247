/** What every run of a partition on transactions is held against, and how to read what is on its log. */
import { expect } from 'vitest';
import { settingsOf } from '../../src/config.js';
import { encodeEvent } from '../../src/pipeline/record-line.js';
import { type Brokers, KeyedWorld, models, NARROW, variedRecords } from './keyed-world.js';
import { HOUR_MS, linesOf, PartitionWorld, policyOf, talkative } from './live-world.js';

export const RECORDS = variedRecords(5, 3);

/** Room for everybody. */
export const WIDE = settingsOf(talkative(), policyOf('observe'));

/** One event of each agent after the other, round and round, and junk among them. */
export function wideRecords(agents: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    if (i % 300 === 299) return `junk ${i}`;
    const time = new Date(Date.UTC(2025, 5, 2) + i * 1_000).toISOString();
    const event = { id: `${i}`, time, agent: `a-${i % agents}`, operation: 'chat', endpoint: `m-${i % 7}` };
    return encodeEvent(JSON.stringify(event), true);
  });
}

export interface Truth {
  readonly findings: readonly string[];
  readonly deadLetter: readonly string[];
  readonly samples: readonly string[];
}

export const outputsOf = ({ findings, deadLetter, samples }: Brokers): Truth => ({ findings, deadLetter, samples });
export const keysOf = (proposals: readonly { readonly key: string }[]): string[] =>
  [...new Set(proposals.map(({ key }) => key))].sort();

/** What the ledger of files makes of the same records: another way to the same truth. */
export async function onFiles(records: readonly string[], settings = NARROW) {
  const world = new PartitionWorld();
  await world.log.append('events', 0, records);
  const { progress } = await world.finish({
    genesis: { settings, model: 'neutral' },
    models,
    samples: { place: world.samples, everyMs: 36 * HOUR_MS },
  });
  return {
    outputs: {
      findings: await linesOf(world.findings),
      deadLetter: await linesOf(world.deadLetter),
      samples: await linesOf(world.samples),
    },
    counts: progress.counts,
    proposals: world.proposals.map(({ key }) => key),
    sightings: world.sightings.map(({ agent }) => agent),
  };
}

let made: ReturnType<typeof onFiles> | null = null;

export function truthOf(): ReturnType<typeof onFiles> {
  made ??= onFiles(RECORDS);
  return made;
}

/** Passages of failpoints, and transactions, of a run that nothing disturbs. */
export async function undisturbed(): Promise<{ world: KeyedWorld; passages: number; counts: unknown }> {
  const world = await KeyedWorld.of(RECORDS);
  let passages = 0;
  const { partition } = await world.finish({
    pass: () => {
      passages += 1;
    },
  });
  return { world, passages, counts: partition.progress.counts };
}

export async function expectTruth(world: KeyedWorld): Promise<void> {
  const truth = await truthOf();
  expect(outputsOf(world.brokers)).toEqual(truth.outputs);
  expect(keysOf(world.proposals)).toEqual([...new Set(truth.proposals)].sort());
  expect(new Set(world.sightings.map(({ agent }) => agent))).toEqual(new Set(truth.sightings));
  expect(world.early).toEqual([]);
  expect(world.unreadable).toEqual([]);
}

export function positionsOf({ state }: Brokers): Brokers['state'][number][] {
  return state.filter(({ key }) => key === 'position');
}

/** Of the snapshot on the log; -1: there is none. */
export function headerOffset({ remembered }: Brokers): number {
  const header = remembered.get('header');
  return header === undefined ? -1 : (JSON.parse(Buffer.from(header).toString()).offset as number);
}
