import { describe, expect, it } from 'vitest';
import { LAYOUT } from '../../src/agent/layout.js';
import { LAYOUT_DIGEST } from '../../src/agent/layout-digest.js';
import { packProfile } from '../../src/engine/dated-profile.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { DatedProfile, ResetRecord } from '../../src/engine/record.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';
import { found, loop, numbersOf, ordinary, profileOf, timeline } from './verdict-of.js';
import { DAY_MS, engineOf, HOUR_MS, linesOf, outcomeOf, START_MS } from './world.js';

const THEN = START_MS + 14 * DAY_MS;
const NOW = START_MS + 18 * DAY_MS + 13 * HOUR_MS;
const calm = ordinary('clerk', 20);
const attack = [1, 2, 3].flatMap((day) => loop('clerk', THEN + day * DAY_MS, 300));
const records = timeline([...calm.filter(({ event }) => event.timeMs < NOW), ...attack]);
const positionOfThen = records.findIndex((record) => record.type === 'tick' && record.timeMs >= THEN);

/** An engine with its first records behind it. */
function after(count: number): PartitionEngine {
  const engine = engineOf();
  outcomeOf(engine, records.slice(0, count));
  return engine;
}

const then = profileOf(after(positionOfThen), 'clerk');
const dated: DatedProfile = { timeMs: THEN, layout: LAYOUT_DIGEST, bound: packProfile(then), unbound: null };
const reset: ResetRecord = { type: 'reset', timeMs: NOW, tenant: '', agent: 'clerk', actor: 'person:ann' };

/** An engine at its end, reset or not. */
function ended(record?: ResetRecord): PartitionEngine {
  const engine = after(records.length);
  if (record !== undefined) outcomeOf(engine, [record]);
  return engine;
}

/** Bytes of a field. */
function fieldOf(profile: Uint8Array, name: string): Uint8Array {
  const field = LAYOUT.find((one) => one.name === name);
  if (field === undefined) throw new Error(`no field ${name}`);
  const { byte, count, step, view } = field;
  const values = Array.from({ length: count }, (_, i) => [
    ...profile.slice(byte + i * step, byte + i * step + (view === 'f64' ? 8 : 4)),
  ]);
  return Uint8Array.from(values.flat());
}

describe('a reset to a dated profile', () => {
  const now = profileOf(ended(), 'clerk');
  const back = profileOf(ended({ ...reset, dated }), 'clerk');

  it('knows again what was known then', () => {
    for (const name of ['windowMean', 'sessionLnMean', 'errorAgain', 'endpointLow', 'pairState', 'dayMean', 'days']) {
      expect(fieldOf(back, name), name).toEqual(fieldOf(then, name));
    }
    expect(fieldOf(now, 'windowMean')).not.toEqual(fieldOf(then, 'windowMean'));
  });

  it('goes on with what is running now', () => {
    for (const name of ['lastMs', 'daySpend', 'windowIndex', 'windowCurrent', 'spendIndex', 'day', 'flags', 'events']) {
      expect(fieldOf(back, name), name).toEqual(fieldOf(now, name));
    }
    expect(numbersOf(back, 'dayMax', 'f32', 4)).toEqual([0, 0, 0, 0]);
  });

  it('finds at once what the attack had made usual', () => {
    const rest = timeline([
      ...calm.filter(({ event }) => event.timeMs >= NOW),
      ...loop('clerk', THEN + 5 * DAY_MS + HOUR_MS, 60),
    ]);
    const loops = (engine: PartitionEngine) => found(engine, rest).filter(({ kind }) => kind === 'retry-loop');
    const first = (engine: PartitionEngine) => loops(engine)[0]?.time ?? 'never';
    expect(first(ended({ ...reset, dated })) < first(ended())).toBe(true);
  });

  it('is nothing but its record: cut anywhere, it gives the same bytes', () => {
    const whole = ended({ ...reset, dated });
    const cut = engineOf({ snapshot: ended().snapshot() });
    expect(linesOf(cut, [{ ...reset, dated }])).toEqual(['']);
    expect(profileOf(cut, 'clerk')).toEqual(profileOf(whole, 'clerk'));
  });

  it('leaves all as it is where the bytes are of another layout', () => {
    for (const wrong of [{ layout: 'another' }, { bound: 'AAAA' }]) {
      const record = { ...reset, dated: { ...dated, ...wrong } };
      expect(profileOf(ended(record), 'clerk')).toEqual(now);
      expect(decodeRecord(encodeRecord(record), 0, new Map() as never)).toMatchObject({ code: 'record.invalid' });
    }
    expect(decodeRecord(encodeRecord({ ...reset, dated }), 0, new Map() as never)).toEqual({ ...reset, dated });
  });

  it('forgets all where the agent was not known then', () => {
    expect(profileOf(ended({ ...reset, dated: { ...dated, bound: null } }), 'clerk')).toEqual(
      profileOf(ended(reset), 'clerk'),
    );
  });
});
