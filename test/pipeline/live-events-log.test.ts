import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { KilldeerError } from '../../src/errors.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { EventsLog } from '../../src/pipeline/events-log.js';
import { encodeRecord } from '../../src/pipeline/record-line.js';
import { linesOf } from './live-world.js';

const tick = (timeMs: number): string => encodeRecord({ type: 'tick', timeMs });
const event = (i: number): string =>
  `{"type":"event","bound":true,"event":{"id":"${i}","x":"{\\"type\\":\\"tick\\","}}`;

describe('the log of events as its writer sees it', () => {
  it('finds the last tick behind many events, and never goes back behind it', async () => {
    const log = createMemoryLog({ topics: { events: 2 } });
    await log.append('events', 0, [tick(100), tick(500), ...Array.from({ length: 2_500 }, (_, i) => event(i))]);
    await log.append('events', 1, [tick(100)]);
    const events = await EventsLog.open(log, 2);
    expect(events.lastTickMs).toBe(500);
    expect(events.ends).toEqual([2_502, 1]);
    for (const timeMs of [400, 500, 501, 450]) await events.tick(timeMs);
    expect(await linesOf({ log, topic: 'events', partition: 1 })).toEqual([tick(100), tick(501)]);
    expect(events.ends).toEqual([2_503, 2]);
    expect((await EventsLog.open(log, 2)).lastTickMs).toBe(501);
  });

  it('knows of no tick where there is none', async () => {
    const log = createMemoryLog({ topics: { events: 1 } });
    expect((await EventsLog.open(log, 1)).lastTickMs).toBe(0);
    await log.append('events', 0, [event(1)]);
    expect((await EventsLog.open(log, 1)).lastTickMs).toBe(0);
  });

  it('writes what names an agent into its partition, all else into every one', async () => {
    const log = createMemoryLog({ topics: { events: 3 } });
    const events = await EventsLog.open(log, 3);
    const told: string[] = [];
    events.onAppend = (partition, end) => told.push(`${partition}:${end}`);
    await events.control({ type: 'reset', timeMs: 1, tenant: 't', agent: 'crew/a', actor: 'person:ann' });
    await events.control({ type: 'model', timeMs: 1, version: 'm' });
    const own = partitionOf('t', 'crew', 3);
    for (const partition of [0, 1, 2]) {
      const types = (await linesOf({ log, topic: 'events', partition })).map((line) => JSON.parse(line).type);
      expect(types).toEqual(partition === own ? ['reset', 'model'] : ['model']);
    }
    expect(told[0]).toBe(`${own}:1`);
    expect(told).toHaveLength(4);
  });

  it('says when the log takes nothing more, and only then', async () => {
    const log = createMemoryLog({ topics: { events: 1 } });
    let code: 'log.disk-full' | 'log.fsync-failed' = 'log.disk-full';
    const append = async (): Promise<number> => {
      throw new KilldeerError(code, 'no');
    };
    const events = await EventsLog.open({ ...log, append }, 1);
    const faults: unknown[] = [];
    events.onFault = (error) => faults.push(error);
    await expect(events.tick(5)).rejects.toMatchObject({ code });
    expect(faults).toEqual([]);
    code = 'log.fsync-failed';
    await expect(events.tick(6)).rejects.toMatchObject({ code });
    expect(faults).toHaveLength(1);
  });
});
