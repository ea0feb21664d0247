import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { FindingsFollower } from '../../src/pipeline/findings-follower.js';
import { readRecent } from '../../src/pipeline/recent-findings.js';

const TOPIC = 'findings';
const START_MS = Date.UTC(2026, 0, 1);
const SECOND_MS = 1_000;

function line(id: string, second: number): string {
  return JSON.stringify({ id, time: new Date(START_MS + second * SECOND_MS).toISOString() });
}

/** A log with these lines; each partition's are one apart, the last of them at `last` seconds. */
async function written(partitions: readonly { count: number; last: number }[]): Promise<Log> {
  const log = createMemoryLog({ topics: { [TOPIC]: partitions.length } });
  for (const [p, { count, last }] of partitions.entries()) {
    const lines = Array.from({ length: count }, (_, i) => line(`${p}-${i}`, last - (count - 1 - i)));
    await log.append(TOPIC, p, lines);
  }
  return log;
}

const placesOf = (log: Log) =>
  Array.from({ length: log.partitions(TOPIC) }, (_, partition) => ({ log, topic: TOPIC, partition }));
const idsOf = (findings: readonly Finding[]): string[] => findings.map(({ id }) => id);
const tally = (findings: readonly Finding[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { id } of findings) counts[id.slice(0, 1)] = (counts[id.slice(0, 1)] ?? 0) + 1;
  return counts;
};

describe('the newest findings of several partitions', () => {
  it('are all of them where they fit, in the order of their times', async () => {
    const log = await written([
      { count: 3, last: 10 },
      { count: 0, last: 0 },
      { count: 2, last: 9 },
    ]);
    const { findings, ends } = await readRecent(placesOf(log), 100);
    expect(idsOf(findings)).toEqual(['0-0', '2-0', '0-1', '2-1', '0-2']);
    expect(ends).toEqual([3, 0, 2]);
  });

  it('are no more together than one partition may have alone, but for one piece', async () => {
    const even = Array.from({ length: 8 }, () => ({ count: 5_000, last: 5_000 }));
    const { findings, ends } = await readRecent(placesOf(await written(even)), 4_000);
    expect(findings.length).toBeGreaterThanOrEqual(4_000);
    expect(findings.length).toBeLessThanOrEqual(4_000 + 4_000 / 8);
    expect(ends).toEqual(even.map(({ count }) => count));
    // Each is asked as far back as the others.
    for (const count of Object.values(tally(findings))) expect(count).toBeGreaterThanOrEqual(500);
  });

  it('are those of the partition that said most of late, however much another said before', async () => {
    const log = await written([
      { count: 10_000, last: 10_000 },
      { count: 2_000, last: 20_000 },
    ]);
    const { findings } = await readRecent(placesOf(log), 2_400);
    const newest = findings.slice(-2_000);
    expect(tally(newest)).toEqual({ 1: 2_000 });
    expect(findings.length).toBeLessThanOrEqual(2_400 + 1_000);
  });

  it('keep their places where they were said at one time', async () => {
    const log = createMemoryLog({ topics: { [TOPIC]: 2 } });
    const ids = Array.from({ length: 3_000 }, (_, i) => `0-${i}`);
    await log.append(
      TOPIC,
      0,
      ids.map((id) => line(id, 1)),
    );
    const { findings } = await readRecent(placesOf(log), 10_000);
    expect(idsOf(findings)).toEqual(ids);
  });

  it('begin where retention has left something', async () => {
    const log = createMemoryLog({ topics: { [TOPIC]: 1 }, retainRecordsMax: 4 });
    await log.append(
      TOPIC,
      0,
      Array.from({ length: 10 }, (_, i) => line(`0-${i}`, i)),
    );
    const { findings } = await readRecent(placesOf(log), 100);
    expect(idsOf(findings)).toEqual(['0-6', '0-7', '0-8', '0-9']);
  });

  it('are handed on before what is followed, and nothing twice or not at all', async () => {
    const log = await written([
      { count: 20, last: 20 },
      { count: 20, last: 40 },
    ]);
    const taken: [string, boolean][] = [];
    const faults: unknown[] = [];
    const follower = new FindingsFollower(
      placesOf(log),
      ({ id }, isNew) => taken.push([id, isNew]),
      (error) => faults.push(error),
      10,
    );
    await follower.start();
    const before = taken.length;
    expect(before).toBeGreaterThanOrEqual(10);
    expect(before).toBeLessThanOrEqual(15);
    expect(taken.every(([, isNew]) => !isNew)).toBe(true);
    expect(taken[before - 1]).toEqual(['1-19', false]);
    expect(follower.hasReached([20, 20])).toBe(true);
    await log.append(TOPIC, 0, [line('0-new', 50)]);
    await log.append(TOPIC, 1, [line('1-new', 51)]);
    while (!follower.hasReached([21, 21])) await log.wait(TOPIC, 0, 21, 5);
    expect(taken.slice(before).sort()).toEqual([
      ['0-new', true],
      ['1-new', true],
    ]);
    follower.stop();
    await log.close();
    await follower.ended();
    expect(faults).toEqual([]);
  });
});
