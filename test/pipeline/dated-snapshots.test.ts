import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROFILE_BYTES } from '../../src/agent/layout.js';
import { LAYOUT_DIGEST } from '../../src/agent/layout-digest.js';
import { isFit, packProfile } from '../../src/engine/dated-profile.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { nodeFiles } from '../../src/log/files.js';
import { datedProfile } from '../../src/pipeline/dated-snapshots.js';
import { partitionLayout } from '../../src/pipeline/layout.js';
import { NumberedShelf } from '../../src/pipeline/numbered-shelf.js';
import { belongsTo, firstHeader, PartitionState } from '../../src/pipeline/partition-state.js';
import { ordinary, profileOf, timeline } from '../engine/verdict-of.js';
import { DAY_MS, engineOf, eventOf, outcomeOf, recordOf, START_MS, settingsOf } from '../engine/world.js';
import { freshDirectory } from './live-world.js';

const DAY = (days: number): string => new Date(START_MS + days * DAY_MS).toISOString().slice(0, 10);

/** The daily copies of a partition whose table holds one agent: the others wait on the shelf. */
async function kept(days: readonly number[]) {
  const directory = freshDirectory();
  const { directory: own, checkpoint, daily } = partitionLayout(directory, 0);
  mkdirSync(own, { recursive: true });
  const shelf = new NumberedShelf({ directory: own }, { number: 0, bytes: 0, profiles: 0 });
  const engine = engineOf({ settings: { agentsMax: 1 }, shelf });
  const state = new PartitionState(
    { files: nodeFiles, path: checkpoint, dailyDirectory: daily, dailyMax: 9 },
    belongsTo(0),
  );
  await state.read();
  const records = timeline(ordinary('clerk', 5));
  const profiles = new Map<number, Uint8Array>();
  let from = 0;
  for (const day of days) {
    const nowMs = START_MS + day * DAY_MS;
    const until = records.findIndex((record) => record.type === 'tick' && record.timeMs > nowMs);
    outcomeOf(engine, records.slice(from, until), from);
    from = until;
    profiles.set(day, profileOf(engine, 'clerk'));
    if (day === days.at(-1)) {
      const other = eventOf({ agent: 'other', timeMs: nowMs + 3_600_000 });
      outcomeOf(
        engine,
        Array.from({ length: 9 }, (_, at) => recordOf({ ...other, id: `o-${at}` })),
      );
    }
    const header = { ...firstHeader(settingsOf(), neutralModel().version), nowMs, shelf: await shelf.mark() };
    await state.write(header, engine.snapshot());
  }
  shelf.close();
  return { directory, profiles, daily, engine };
}

describe('a dated profile', () => {
  it('is that of the newest dated snapshot at or before the time, from a seat or from the shelf', async () => {
    const { directory, profiles, engine } = await kept([1, 2, 4]);
    expect(engine.inside.table.find('', 'clerk', true)).toBe(-1);
    const at = (time: string) => datedProfile(directory, 1, '', 'clerk', Date.parse(time));
    const fit = { layout: LAYOUT_DIGEST, unbound: null };
    for (const [asked, day] of [
      [1, 1],
      [3, 2],
      [4, 4],
      [9, 4],
    ] as const) {
      const found = await at(`${DAY(asked)}T23:59:59Z`);
      const bound = packProfile(profiles.get(day) as Uint8Array);
      expect(found).toEqual({ ...fit, timeMs: START_MS + day * DAY_MS, bound });
      expect(found !== null && isFit(found)).toBe(true);
    }
    expect(Buffer.from((await at(DAY(9)))?.bound ?? '', 'base64')).toHaveLength(PROFILE_BYTES);
  });

  it('is null before the first of them, for an agent that was not known, and where none are kept', async () => {
    const { directory } = await kept([1, 2]);
    const late = START_MS + 9 * DAY_MS;
    expect(await datedProfile(directory, 1, '', 'clerk', START_MS)).toBe(null);
    expect(await datedProfile(directory, 1, '', 'nobody', late)).toBe(null);
    expect(await datedProfile(join(directory, 'elsewhere'), 1, '', 'clerk', late)).toBe(null);
  });
});
