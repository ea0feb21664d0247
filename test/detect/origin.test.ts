import { describe, expect, it } from 'vitest';
import {
  AFTER_TASK_FEATURE,
  NEW_ENVIRONMENT_FEATURE,
  NEW_SOURCE_FEATURE,
  TWO_SOURCES_FEATURE,
} from '../../src/detect/origin.js';
import { HOUR_MS, MINUTE_MS } from '../engine/world.js';
import { featureOf, say, worked } from './worker.js';

const HOME = { source: '10.0.0.1', environment: 'production' };
const call = { endpoint: 'tool-0' };

describe('origin', () => {
  it('says nothing where events carry nothing of it', () => {
    const stage = worked();
    expect(say(stage, 'origin', 0, call)).toBe(0);
    expect(say(stage, 'origin', HOUR_MS, { ...call, ...HOME, credential: 'c', task: 't' })).toBe(0);
  });

  it('says nothing of what the agent is always called from and with', () => {
    const stage = worked(() => ({ ...HOME, credential: 'c', task: 't' }));
    expect(say(stage, 'origin', 0, { ...call, ...HOME, credential: 'c', task: 't' })).toBe(0);
  });

  it('hears a source and an environment that were never seen before, once each', () => {
    const stage = worked(() => HOME);
    expect(say(stage, 'origin', 0, { ...call, ...HOME, source: '203.0.113.9' })).toBeGreaterThan(3);
    expect(featureOf(stage, 'origin')).toBe(NEW_SOURCE_FEATURE);
    expect(say(stage, 'origin', HOUR_MS, { ...call, ...HOME, source: '203.0.113.9' })).toBe(0);
    expect(say(stage, 'origin', 2 * HOUR_MS, { ...call, ...HOME, environment: 'staging' })).toBeGreaterThan(3);
    expect(featureOf(stage, 'origin')).toBe(NEW_ENVIRONMENT_FEATURE);
    expect(say(stage, 'origin', 3 * HOUR_MS, { ...call, ...HOME, environment: 'staging' })).toBe(0);
  });

  it('says nothing of a new source to an agent that has a new one for every session', () => {
    const stage = worked((session) => ({ source: `10.1.0.${session}` }));
    expect(say(stage, 'origin', 0, { ...call, source: '10.2.0.1' })).toBe(0);
  });

  it('tells two sources that take turns from one that moves', () => {
    const moved = worked(() => HOME);
    say(moved, 'origin', 0, { ...call, source: '10.0.0.1' });
    say(moved, 'origin', MINUTE_MS, { ...call, source: '203.0.113.9' });
    expect(say(moved, 'origin', 2 * MINUTE_MS, { ...call, source: '203.0.113.9' })).toBe(0);
    const shared = worked(() => HOME);
    say(shared, 'origin', 0, { ...call, source: '10.0.0.1' });
    say(shared, 'origin', MINUTE_MS, { ...call, source: '203.0.113.9' });
    expect(say(shared, 'origin', 2 * MINUTE_MS, { ...call, source: '10.0.0.1' })).toBeGreaterThan(3);
    expect(featureOf(shared, 'origin')).toBe(TWO_SOURCES_FEATURE);
  });

  it('says nothing of sources that have always taken turns', () => {
    let calls = 0;
    const stage = worked(() => ({ source: `10.0.0.${calls++ % 2}` }));
    say(stage, 'origin', 0, { ...call, source: '10.0.0.0' });
    say(stage, 'origin', MINUTE_MS, { ...call, source: '10.0.0.1' });
    expect(say(stage, 'origin', 2 * MINUTE_MS, { ...call, source: '10.0.0.0' })).toBe(0);
  });

  it('hears a credential that is used again after its task was over', () => {
    const habit = (session: number) => ({ credential: `c-${session}`, task: `t-${session}` });
    const stage = worked(habit);
    const last = 6 * 72 - 1;
    expect(say(stage, 'origin', HOUR_MS, { ...call, credential: 'c-new', task: 't-new' })).toBe(0);
    expect(say(stage, 'origin', 2 * HOUR_MS, { ...call, credential: `c-${last}`, task: 't-other' })).toBeGreaterThan(3);
    expect(featureOf(stage, 'origin')).toBe(AFTER_TASK_FEATURE);
  });

  it('does not take a pause for an end, nor one credential of all tasks for a stale one', () => {
    const resumed = worked((session) => ({ credential: `c-${session}`, task: `t-${session}` }));
    const last = 6 * 72 - 1;
    expect(say(resumed, 'origin', 5 * HOUR_MS, { ...call, credential: `c-${last}`, task: `t-${last}` })).toBe(0);
    const single = worked((session) => ({ credential: 'key', task: `t-${session}` }));
    expect(say(single, 'origin', 5 * HOUR_MS, { ...call, credential: 'key', task: 't-0' })).toBe(0);
  });

  it('says nothing of two long-lived credentials that are used in turn', () => {
    const stage = worked((session) => ({ credential: `key-${Math.floor(session / 3) % 2}`, task: `t-${session}` }));
    expect(say(stage, 'origin', HOUR_MS, { ...call, credential: 'key-0', task: 't' })).toBeLessThan(2);
    expect(say(stage, 'origin', 3 * HOUR_MS, { ...call, credential: 'key-1', task: 'u' })).toBeLessThan(2);
  });
});
