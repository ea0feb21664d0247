/** Every row once, whoever writes it and however often: on the real engine. */
import { expect, it } from 'vitest';
import { Chain } from '../../src/store/chain.js';
import { eventReader, type Item, isMalformed, type StoredEvent } from '../../src/store/item.js';
import { EVENTS_FEED, type Feed, MINUTES_FEED } from '../../src/store/row.js';
import type { Store } from '../../src/store/store.js';
import { BUCKET_OFFSETS } from '../../src/store/tables.js';
import { describeStore, eventLine, eventTotals, minuteSums, projectorParts } from './world.js';

function items(from: number, to: number): Item[] {
  const parts = projectorParts({} as Store, []);
  const read = eventReader(parts.decode, parts.rootOf);
  return Array.from({ length: to - from }, (_, i) => {
    const offset = from + i;
    const value = read({ offset, value: eventLine(offset) });
    if (value === null || isMalformed(value)) throw new Error('the sample is an event');
    return { offset, value };
  });
}

const refusedOffsets: number[] = [];

function chain(store: Store, feed: Feed = EVENTS_FEED): Chain {
  return new Chain({
    store,
    feed,
    topic: 'events',
    partition: 0,
    clock: Date.now,
    onInsert: () => undefined,
    onRefused: async ({ offset }) => {
      refusedOffsets.push(offset);
    },
  });
}

const once = (rows: number) => ({ rows, distinct: rows, last: rows - 1 });

describeStore('the chain of a table', (engine) => {
  it('stores repeated and overlapping batches once, and their minutes', async () => {
    const store = await engine().store();
    for (const feed of [EVENTS_FEED, MINUTES_FEED]) {
      const one = chain(store, feed);
      await one.write(items(0, 50));
      await one.write(items(0, 50));
      await one.write(items(20, 90));
      // Another process that begins with what the log still has.
      await chain(store, feed).write(items(0, 120));
      await chain(store, feed).write(items(60, 100));
    }
    expect(await eventTotals(store)).toEqual(once(120));
    const { minutes, events } = await minuteSums(store);
    expect(minutes).toEqual(events);
  });

  it('stores once what many write at once, each its own cut of the log', async () => {
    const store = await engine().store();
    const cuts = [11, 23, 60];
    for (const feed of [EVENTS_FEED, MINUTES_FEED]) {
      const writers = cuts.map(async (size) => {
        const one = chain(store, feed);
        for (let from = 0; from < 120; from += size) await one.write(items(from, Math.min(120, from + size)));
      });
      await Promise.all(writers);
    }
    expect(await eventTotals(store)).toEqual(once(120));
    const { minutes, events } = await minuteSums(store);
    expect(minutes).toEqual(events);
  });

  it('drops what a writer sends that was held up since long ago', async () => {
    const store = await engine().store();
    const late = chain(store);
    await late.write(items(0, 10));
    await chain(store).write(items(0, 40));
    // It still believes that the table ends at 10.
    await late.write(items(10, 25));
    expect(await eventTotals(store)).toEqual(once(40));
  });

  it('goes on where a token was noted and its rows are not there', async () => {
    const store = await engine().store();
    await chain(store).write(items(0, 10));
    await chain(store).write(items(0, 20));
    await engine().command(`ALTER TABLE ${store.database}.events DELETE WHERE offset >= 10`, { mutations_sync: 2 });
    expect(await eventTotals(store)).toEqual(once(10));
    await Promise.all([chain(store).write(items(0, 20)), chain(store).write(items(0, 25))]);
    await chain(store).write(items(0, 25));
    expect(await eventTotals(store)).toEqual(once(25));
  });

  it('leaves out a row that the engine refuses, says which, and stores the others', async () => {
    const store = await engine().store();
    const batch = items(0, 20);
    const whole = batch[7].value as StoredEvent;
    batch[7] = { offset: 7, value: { ...whole, event: { ...whole.event, timeMs: Number.NaN } } };
    refusedOffsets.length = 0;
    await chain(store).write(batch);
    expect(refusedOffsets).toEqual([7]);
    expect(await eventTotals(store)).toEqual({ rows: 19, distinct: 19, last: 19 });
  });

  it('never makes two parts of one insert', async () => {
    const store = await engine().store();
    const edge = BUCKET_OFFSETS - 5;
    await chain(store).write(items(edge, edge + 10));
    await chain(store).write(items(edge, edge + 10));
    expect((await eventTotals(store)).rows).toBe(10);
    const large = items(BUCKET_OFFSETS + 5, BUCKET_OFFSETS + 5 + 12_000);
    await chain(store).write(large);
    const parts = await store.select<{ rows: string }>(
      `SELECT rows FROM system.parts WHERE database = {database:String} AND table = 'events' AND level = 0
       ORDER BY rows DESC LIMIT 1`,
      { database: store.database },
    );
    expect(Number(parts[0].rows)).toBe(12_000);
  });

  it('says where a table lost rows that it had', async () => {
    const store = await engine().store();
    const one = chain(store);
    await one.write(items(0, 10));
    await engine().command(`ALTER TABLE ${store.database}.events DELETE WHERE 1`, { mutations_sync: 2 });
    one.forget();
    await expect(one.write(items(10, 20))).rejects.toMatchObject({ code: 'log.offset-out-of-range' });
    await one.open();
    await one.write(items(0, 20));
    expect(await eventTotals(store)).toEqual(once(20));
  });
});
