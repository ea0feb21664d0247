import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/config.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import {
  announceModel,
  announceSettings,
  type Genesis,
  openClusterMemory,
  readClusterMemory,
} from '../../src/pipeline/cluster-state.js';
import { CLUSTER_TOPIC } from '../../src/pipeline/topics.js';
import { policyOf, talkative } from './live-world.js';

const OBSERVE = settingsOf(talkative(), policyOf('observe'));
const ENFORCE = settingsOf(talkative(), policyOf('enforce'));
const first = (model: string): Genesis => ({ settings: OBSERVE, model, partitions: 4 });
const freshLog = (): Log => createMemoryLog({ topics: { [CLUSTER_TOPIC]: 1 } });

describe('what an installation has in common', () => {
  it('is nothing before its genesis', async () => {
    const log = freshLog();
    expect(await readClusterMemory(log)).toBeNull();
    await announceSettings(log, ENFORCE, 1);
    expect(await readClusterMemory(log)).toBeNull();
  });

  it('begins once, whoever else begins at the same moment', async () => {
    const log = freshLog();
    // Both have read that there is nothing before either of them writes.
    const opened = await Promise.all([
      openClusterMemory(log, () => first('one'), 4),
      openClusterMemory(log, () => first('two'), 4),
    ]);
    expect(await log.end(CLUSTER_TOPIC, 0)).toBe(2);
    expect(opened[0]).toEqual(opened[1]);
    expect(opened[0].genesis).toEqual(first('one'));
    expect(await openClusterMemory(log, () => first('three'), 4)).toEqual(opened[0]);
    expect(await log.end(CLUSTER_TOPIC, 0)).toBe(2);
  });

  it('asks for a genesis only where there is none', async () => {
    const log = freshLog();
    await openClusterMemory(log, () => first('one'), 4);
    const unasked = (): Genesis => {
      throw new Error('asked');
    };
    expect((await openClusterMemory(log, unasked, 4)).model).toBe('one');
  });

  it('follows what was announced last, and keeps its genesis', async () => {
    const log = freshLog();
    await openClusterMemory(log, () => first('one'), 4);
    await announceSettings(log, ENFORCE, 1);
    await announceModel(log, 'two', 2);
    await announceModel(log, 'three', 3);
    expect(await readClusterMemory(log)).toEqual({ genesis: first('one'), settings: ENFORCE, model: 'three' });
  });

  it('is read beyond one batch', async () => {
    const log = freshLog();
    await openClusterMemory(log, () => first('one'), 4);
    for (let i = 0; i < 1_500; i++) await announceModel(log, `m-${i}`, i);
    expect((await readClusterMemory(log))?.model).toBe('m-1499');
  });

  it('refuses another number of partitions', async () => {
    const log = freshLog();
    await openClusterMemory(log, () => first('one'), 4);
    await expect(openClusterMemory(log, () => first('one'), 8)).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('began with 4 partitions, not 8'),
    });
  });

  it.each([
    'no json',
    'null',
    '[]',
    '7',
    '{"type":"model"}',
    '{"type":"model","model":7}',
    '{"type":"settings","settings":{}}',
    JSON.stringify({ type: 'genesis', settings: OBSERVE, model: 'one' }),
    JSON.stringify({ type: 'genesis', settings: OBSERVE, partitions: 4 }),
    JSON.stringify({ type: 'unheard-of', settings: OBSERVE, model: 'one' }),
  ])('refuses a damaged record, and names it: %s', async (line) => {
    const log = freshLog();
    await openClusterMemory(log, () => first('one'), 4);
    await log.append(CLUSTER_TOPIC, 0, [line]);
    await expect(openClusterMemory(log, () => first('one'), 4)).rejects.toMatchObject({
      code: 'log.corrupt',
      message: expect.stringContaining('record 1 '),
    });
  });
});
