import { describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import type { Log } from '../../src/log/log.js';
import { wire } from '../event/wire.js';
import { drained, good, JUNK, MemoryFeed, until, world } from './source-world.js';

const AWAY = new KilldeerError('kafka.unreachable', 'no broker');

describe('a source', () => {
  it('turns every record into an event, a dead letter or nothing, and counts each', async () => {
    const { source, feed, letters, ids } = world();
    feed.put(...good(3), JUNK, null, good(2, 3).join('\n'), `${JUNK}\n${good(1, 5)[0]}\n{}`, ...good(1, 2));
    await source.assign([0]);
    await drained(source, [feed]);
    expect(await ids()).toEqual(['e-0', 'e-1', 'e-2', 'e-3', 'e-4', 'e-5']);
    const common = { source: 'crm', partition: 0 };
    expect(await letters()).toEqual([
      { ...common, offset: 3, item: 0, code: 'event.bad-json', reason: expect.stringContaining(JUNK), line: JUNK },
      {
        ...common,
        offset: 6,
        item: 0,
        code: 'event.bad-json',
        reason: expect.any(String),
        line: expect.stringMatching(/^this is.*\n.*\n\{\}$/),
      },
      { ...common, offset: 6, item: 2, code: 'event.invalid', reason: expect.any(String), line: '' },
    ]);
    expect(source.status()).toMatchObject({
      ...{ source: 'crm', records: 8, events: 6, duplicates: 1, skipped: 1, lost: 0, refusals: 0, isRefused: false },
      rejected: { 'event.bad-json': 2, 'event.invalid': 1 },
      bytes: feed.records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0),
    });
    expect(feed.commits.at(-1)).toBe(8);
  });

  it('speaks only about what it is bound to, and vouches only there', async () => {
    const { source, feed, letters, records } = world({
      source: { binding: { tenants: ['acme'], agents: ['clerk'] }, tenant: 'acme' },
    });
    feed.put(
      wire({ id: 'own', agent: 'clerk' }),
      wire({ id: 'sub', agent: 'clerk/a', parent: 'clerk' }),
      wire({ id: 'other-tenant', agent: 'clerk', tenant: 'globex' }),
      wire({ id: 'other-agent', agent: 'chief' }),
    );
    await source.assign([0]);
    await drained(source, [feed]);
    expect((await records()).map((one) => one.type === 'event' && [one.event.id, one.event.tenant, one.bound])).toEqual(
      [
        ['own', 'acme', true],
        ['sub', 'acme', true],
      ],
    );
    expect((await letters()).map(({ code, reason, line }) => [code, reason, JSON.parse(line).id])).toEqual([
      ['event.not-bound', 'the source is not bound to globex/clerk', 'other-tenant'],
      ['event.not-bound', 'the source is not bound to acme/chief', 'other-agent'],
    ]);
  });

  it('without a binding may speak about everybody and vouches for nobody', async () => {
    const { source, feed, records } = world();
    feed.put(...good(2));
    await source.assign([0]);
    await drained(source, [feed]);
    expect((await records()).map((one) => one.type === 'event' && one.bound)).toEqual([false, false]);
  });

  it('may not speak of what is yet to come', async () => {
    const { source, feed, letters, ids } = world();
    feed.put(
      wire({ id: 'now', time: '2025-06-02T00:10:00.000Z' }),
      wire({ id: 'later', time: '2025-06-02T00:10:00.001Z' }),
    );
    await source.assign([0]);
    await drained(source, [feed]);
    expect(await ids()).toEqual(['now']);
    expect((await letters()).map(({ code }) => code)).toEqual(['event.time-ahead']);
  });

  it('goes on where it was committed, over gaps between records', async () => {
    const feed = new MemoryFeed(2);
    feed.put(...good(3));
    feed.leaveGap(5);
    feed.put(...good(1, 3));
    feed.leaveGap(2);
    const { source, ids } = world({ feeds: [feed] });
    await source.assign([0]);
    await until(() => source.status().partitions[0].position === 11);
    await source.stop();
    expect(await ids()).toEqual(['e-2', 'e-3']);
    expect(feed.commits.at(-1)).toBe(11);
  });

  it('commits about once a second, not with every record', async () => {
    const { source, feed, clock } = world();
    await source.assign([0]);
    for (let at = 0; at < 50; at++) {
      feed.put(...good(1, at));
      await until(() => source.status().partitions[0]?.position === at + 1);
      clock.nowMs += 100;
    }
    await source.stop();
    expect(feed.commits.length).toBeLessThanOrEqual(7);
    expect(feed.commits.at(-1)).toBe(50);
  });

  it('reads a bounded part at a time, however much there is', async () => {
    let largest = 0;
    const watched = (log: Log): Log => ({
      ...log,
      append: (topic, partition, values) => {
        largest = Math.max(
          largest,
          values.reduce((sum, value) => sum + value.length, 0),
        );
        return log.append(topic, partition, values);
      },
    });
    const { source, feed } = world({ log: watched });
    for (let at = 0; at < 60; at++) feed.put(good(100, at * 100, { task: 'x'.repeat(900) }).join('\n'));
    await source.assign([0]);
    await drained(source, [feed]);
    expect(source.status().events).toBe(6_000);
    expect(feed.readMax).toBeLessThanOrEqual(1024 * 1024);
    expect(largest).toBeLessThan(3 * 1024 * 1024);
  });

  it('says how much went before it could read it, and goes on', async () => {
    const feed = new MemoryFeed(1);
    feed.put(...good(10));
    feed.forgetBefore(6);
    const { source, ids, reports } = world({ feeds: [feed] });
    await source.assign([0]);
    await drained(source, [feed]);
    expect(await ids()).toEqual(['e-6', 'e-7', 'e-8', 'e-9']);
    expect(source.status().lost).toBe(5);
    expect(reports.join()).toContain('5 records went before they were read; goes on at 6');
  });

  it('takes up and gives up partitions as it is told', async () => {
    const feeds = [new MemoryFeed(), new MemoryFeed(), new MemoryFeed()];
    for (const [at, feed] of feeds.entries()) feed.put(...good(4, at * 10));
    const { source, ids } = world({ feeds });
    await source.assign([0, 2]);
    await until(() => source.status().partitions.every(({ position }) => position === 4));
    await source.assign([1, 2]);
    expect(feeds[0].commits).toEqual([4]);
    expect(source.status().partitions.map(({ partition }) => partition)).toEqual([2, 1]);
    feeds[0].put(...good(1, 99));
    await until(() => source.status().partitions.every(({ position }) => position === 4));
    await source.stop();
    expect(source.status().partitions).toEqual([]);
    expect((await ids()).sort()).toEqual(
      [0, 10, 20].flatMap((from) => [0, 1, 2, 3].map((at) => `e-${from + at}`)).sort(),
    );
  });
});

describe('a log that is away', () => {
  it('makes a source wait: nothing is committed that is not durable, and nothing lost', async () => {
    const { source, feed, fault, clock, ids, letters, reports } = world();
    feed.put(...good(20), JUNK);
    fault.error = AWAY;
    await source.assign([0]);
    await until(() => fault.failures > 12);
    expect(feed.commits).toEqual([]);
    expect(source.status().partitions).toEqual([{ partition: 0, position: 0, lag: 21 }]);
    expect(clock.pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(Math.max(...clock.pauses)).toBe(10_000);
    fault.error = null;
    await drained(source, [feed]);
    expect(await ids()).toHaveLength(20);
    expect(await letters()).toHaveLength(1);
    expect(feed.commits.at(-1)).toBe(21);
    expect(reports).toEqual([expect.stringContaining('is tried again'), expect.stringContaining('works again')]);
  });

  it('does not keep it from ending; what was under way is read again by the next', async () => {
    const first = world();
    first.feed.put(...good(5));
    first.fault.error = AWAY;
    await first.source.assign([0]);
    await until(() => first.fault.failures > 2);
    await first.source.stop();
    expect(first.feed.commits).toEqual([]);
    const second = world({ feeds: first.feeds, memory: first.memory });
    await second.source.assign([0]);
    await drained(second.source, first.feeds);
    expect(await second.ids()).toHaveLength(5);
  });

  it('ends the reader where no retry helps, and says so', async () => {
    const error = new KilldeerError('kafka.missing-topic', 'no topic');
    const { source, feed, fault, faults } = world({ faults: [error] });
    feed.put(...good(1));
    fault.error = error;
    await source.assign([0]);
    await until(() => faults.length > 0);
    expect(faults).toEqual([error]);
    expect(feed.commits).toEqual([]);
  });

  it('reads on where it was once it is assigned again, for what ended the reader may be over', async () => {
    const error = new KilldeerError('kafka.refused', 'no right to write');
    const one = world({ faults: [error] });
    one.feed.put(...good(3));
    one.fault.error = error;
    await one.source.assign([0]);
    await until(() => one.faults.length > 0);
    one.fault.error = null;
    await one.source.assign([0]);
    await drained(one.source, one.feeds);
    expect(await one.ids()).toEqual(['e-0', 'e-1', 'e-2']);
  });

  it('that refuses one line gets all the others, and the line a dead letter', async () => {
    const picky = (log: Log): Log => ({
      ...log,
      append: async (topic, partition, values) => {
        const isPoisoned = topic === 'events' && values.some((value) => value.includes('"e-13"'));
        if (isPoisoned) throw new KilldeerError('log.bad-record', 'cannot be a record');
        return log.append(topic, partition, values);
      },
    });
    const { source, feed, ids, letters } = world({ log: picky });
    feed.put(...good(40));
    await source.assign([0]);
    await drained(source, [feed]);
    expect(new Set(await ids())).toEqual(
      new Set(Array.from({ length: 40 }, (_, at) => `e-${at}`).filter((id) => id !== 'e-13')),
    );
    expect(await letters()).toMatchObject([{ offset: 13, code: 'log.bad-record', reason: 'cannot be a record' }]);
    expect(source.status().events).toBe(39);
  });
});
