import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../engine/world.js';
import { featureOf, say, USUAL_BYTES, worked } from './worker.js';

const NEW = { endpoint: 'tool-1', target: 'dl.example.net' };
const KNOWN = { endpoint: 'tool-1', target: 'file/1' };
const MUCH = 30 * USUAL_BYTES;

describe('egress', () => {
  it('adds up what a new target is sent beyond the usual, a little at a time', () => {
    const stage = worked();
    const list = Array.from({ length: 8 }, (_, at) =>
      say(stage, 'egress', at * 2 * HOUR_MS, { ...NEW, bytesOut: MUCH }),
    );
    expect(list[0]).toBeGreaterThan(0);
    for (let at = 1; at < list.length; at++) expect(list[at]).toBeGreaterThan(list[at - 1]);
  });

  it('says nothing of what a new target is sent like every other, however often', () => {
    const stage = worked();
    for (let at = 0; at < 50; at++)
      expect(say(stage, 'egress', at * HOUR_MS, { ...NEW, bytesOut: 3 * USUAL_BYTES })).toBe(0);
  });

  it('says nothing of models, of calls without bytes, and of a new endpoint that names no target', () => {
    const stage = worked();
    const quiet = [
      { ...NEW, operation: 'chat' as const, bytesOut: MUCH },
      { ...NEW, bytesOut: null },
      { ...NEW, endpoint: 'tool-9', target: null, bytesOut: MUCH },
    ];
    for (const event of quiet) expect(say(stage, 'egress', 0, event), JSON.stringify(event)).toBe(0);
  });

  it('looks on after the target was adopted, and until it is three days old', () => {
    const stage = worked();
    for (let at = 0; at < 30; at++) say(stage, 'egress', at * HOUR_MS, { ...NEW, bytesOut: MUCH });
    expect(stage.observation.pairNovel).toBe(false);
    expect(say(stage, 'egress', 2 * DAY_MS, { ...NEW, bytesOut: MUCH })).toBeGreaterThan(0);
    expect(say(stage, 'egress', 3 * DAY_MS, { ...NEW, bytesOut: MUCH })).toBe(0);
  });

  it('does not take a single huge call for the new usual', () => {
    const stage = worked();
    say(stage, 'egress', 0, { ...KNOWN, bytesOut: 1e9 });
    expect(say(stage, 'egress', HOUR_MS, { ...NEW, bytesOut: MUCH })).toBeGreaterThan(0);
    expect(say(stage, 'egress', 2 * HOUR_MS, { ...KNOWN, bytesOut: MUCH })).toBeGreaterThan(0);
  });

  it('sees a call to a known target that carries more than twice the largest so far', () => {
    const stage = worked();
    const largest = 2 * USUAL_BYTES;
    expect(say(stage, 'egress', 0, { ...KNOWN, bytesOut: 1.9 * largest })).toBe(0);
    const some = say(stage, 'egress', HOUR_MS, { ...KNOWN, bytesOut: 4 * largest });
    expect(some).toBeGreaterThan(0);
    expect(featureOf(stage, 'egress')).toBe(1);
    expect(say(stage, 'egress', HOUR_MS, { ...KNOWN, target: null, bytesOut: 4 * largest })).toBeGreaterThan(0);
    expect(say(stage, 'egress', 2 * HOUR_MS, { ...KNOWN, bytesOut: 100 * largest })).toBeGreaterThan(some);
  });

  it('takes what goes on for usual, after many calls', () => {
    const stage = worked();
    const list = Array.from({ length: 12 }, (_, at) =>
      say(stage, 'egress', at * HOUR_MS, { ...KNOWN, bytesOut: MUCH }),
    );
    for (let at = 1; at < list.length; at++) expect(list[at]).toBeLessThanOrEqual(list[at - 1]);
    expect(list[4]).toBeGreaterThan(0);
    expect(list[11]).toBe(0);
  });

  it('knows no largest call of an agent that has hardly sent anything', () => {
    const stage = worked(() => ({ bytesOut: null }));
    for (let at = 0; at < 50; at++) say(stage, 'egress', at * MINUTE_MS, { ...KNOWN, bytesOut: USUAL_BYTES });
    expect(say(stage, 'egress', HOUR_MS, { ...KNOWN, bytesOut: 100 * MUCH })).toBe(0);
  });

  it('fades with a half-life of three days', () => {
    const stage = worked();
    const first = say(stage, 'egress', 0, { ...NEW, bytesOut: 100 * MUCH });
    const later = say(stage, 'egress', 12 * DAY_MS, { ...NEW, target: 'other.example.net', bytesOut: MUCH });
    expect(later).toBeGreaterThan(0);
    expect(later).toBeLessThan(first);
  });
});
