/** The projector on the real engine: complete, once, in bounded memory, whatever the log and the store do. */
import { expect, it } from 'vitest';
import { createFold } from '../../src/registry/fold.js';
import { gapStatus } from '../../src/store/status.js';
import { openGate } from './gate.js';
import {
  describeStore,
  eventLine,
  eventLines,
  eventTotals,
  memoryLog,
  minuteSums,
  placeOf,
  project,
  projectorParts,
  storeAt,
  tickLine,
  until,
} from './world.js';

const once = (rows: number) => ({ rows, distinct: rows, last: rows - 1 });

describeStore('the projector', (engine) => {
  it('carries all topics into their tables, and goes on after a restart', async () => {
    const store = await engine().store();
    const log = memoryLog();
    const places = [
      placeOf(log, 'events', 'events', 0),
      placeOf(log, 'events', 'events', 1),
      placeOf(log, 'findings-0', 'findings'),
      placeOf(log, 'dead-letter-0', 'dead-letter'),
    ];
    await log.append('events', 0, [tickLine(0), ...eventLines(1, 50), tickLine(50)]);
    await log.append('dead-letter-0', 0, [
      JSON.stringify({ code: 'event.bad-json', reason: 'no', offset: 3, line: '{\ud83d' }),
    ]);
    const first = project(projectorParts(store, places));
    await until('the first events are there', async () => (await eventTotals(store)).rows === 49);
    await first.end();
    await log.append('events', 0, eventLines(51, 80));
    await log.append('events', 1, eventLines(0, 20));
    const second = project(projectorParts(store, places));
    await until(
      'all are there',
      async () => (await eventTotals(store)).rows === 78 && (await eventTotals(store, 1)).rows === 20,
    );
    await until('it keeps up', () => second.projector.stats().delayMs < 5_000 && second.projector.stats().held === 0);
    await second.end();
    expect(await eventTotals(store)).toEqual({ rows: 78, distinct: 78, last: 79 });
    const { minutes, events } = await minuteSums(store);
    expect(minutes).toEqual(events);
    const letters = await store.select(`SELECT code, source_offset, line FROM ${store.database}.dead_letters`);
    expect(letters).toEqual([{ code: 'event.bad-json', source_offset: '3', line: '{\ufffd' }]);
    expect(await gapStatus(store)).toEqual([]);
  });

  it('stores once what two projectors carry at the same time', async () => {
    const store = await engine().store();
    const log = memoryLog();
    const places = [placeOf(log, 'events', 'events')];
    const both = [10, 25].map((records) =>
      project({ ...projectorParts(store, places), limits: { ageMs: 5, records } }),
    );
    for (let from = 0; from < 90; from += 30) await log.append('events', 0, eventLines(from, from + 30));
    await until('both are done', () => both.every(({ projector }) => projector.stats().places[0].next === 90));
    for (const { end } of both) await end();
    expect(await eventTotals(store)).toEqual(once(90));
    const { minutes, events } = await minuteSums(store);
    expect(minutes).toEqual(events);
  });

  it('says what the registry made of each record, also after a restart', async () => {
    const store = await engine().store();
    const log = memoryLog();
    const places = [placeOf(log, 'registry', 'registry')];
    const by = { actor: 'person:ann', authority: 'token', parent: null };
    const stop = { ...by, type: 'stop', key: 'k1', tenant: 't', agent: 'a', action: 'suspend', reason: 'why' };
    const lines = [
      JSON.stringify({ ...by, type: 'register', timeMs: 1_000, tenant: 't', agent: 'a', ifVersion: null }),
      JSON.stringify({ ...stop, timeMs: 2_000, forMs: null, callsPerMinute: null }),
    ];
    const parts = { ...projectorParts(store, places), fold: () => createFold() };
    await log.append('registry', 0, lines);
    const rows = () =>
      store.select(`SELECT type, actor, agent, action, effect FROM ${store.database}.decisions ORDER BY offset`);
    const first = project(parts);
    await until('both are there', async () => (await rows()).length === 2);
    await first.end();
    await log.append('registry', 0, [lines[1]]);
    const second = project(parts);
    await until('the third is there', async () => (await rows()).length === 3);
    await second.end();
    const stopped = { type: 'stop', actor: 'person:ann', agent: 'a', action: 'suspend' };
    expect(await rows()).toEqual([
      { type: 'register', actor: 'person:ann', agent: 'a', action: '', effect: 'applied' },
      { ...stopped, effect: 'applied' },
      { ...stopped, effect: 'duplicate' },
    ]);
  });

  it('goes over malformed records and notes them, and notes what the log lost', async () => {
    const store = await engine().store();
    const log = memoryLog(60);
    const places = [placeOf(log, 'events', 'events')];
    await log.append('events', 0, [eventLine(0), '{"type":"event"}', 'junk', ...eventLines(3, 30)]);
    const first = project(projectorParts(store, places));
    await until('the events are there', async () => (await eventTotals(store)).rows === 28);
    await until('they are counted', () => first.projector.stats().places[0].skipped === 2);
    await first.end();
    await log.append('events', 0, eventLines(30, 130));
    const second = project(projectorParts(store, places));
    await until('the kept ones are there', async () => (await eventTotals(store)).last === 129);
    expect(second.projector.stats().places[0].missing).toBe(40);
    await second.end();
    const gaps = await gapStatus(store);
    expect(gaps.map(({ kind, first, next, records }) => [kind, first, next, records]).sort()).toEqual([
      ['malformed', 1, 3, 2],
      ['missing', 30, 70, 40],
    ]);
    expect(await eventTotals(store)).toEqual({ rows: 88, distinct: 88, last: 129 });
  });

  it('does not take ticks that the log forgot for lost events', async () => {
    const store = await engine().store();
    const log = memoryLog(40);
    const places = [placeOf(log, 'events', 'events')];
    const ticks = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => tickLine(from + i));
    await log.append('events', 0, [...eventLines(0, 10), ...ticks(10, 40)]);
    const first = project(projectorParts(store, places));
    await until('the ticks are read', () => first.projector.stats().places[0].next === 40);
    await first.end();
    await log.append('events', 0, ticks(40, 60));
    const second = project(projectorParts(store, places));
    await until('the rest is read', () => second.projector.stats().places[0].next === 60);
    expect(second.projector.stats().places[0].missing).toBe(0);
    await log.append('events', 0, eventLines(60, 65));
    await until('the next events are there', async () => (await eventTotals(store)).rows === 15);
    await second.end();
    expect(await gapStatus(store)).toEqual([]);
  });

  it('falls behind in bounded memory while the store is away, hung or slow, and loses nothing', async () => {
    const config = engine().config();
    const direct = await engine().store(config);
    const gate = await openGate(engine().child.access.url);
    gate.set('shut');
    const log = memoryLog();
    const parts = projectorParts(storeAt(config, { ...engine().child.access, url: gate.url }), [
      placeOf(log, 'events', 'events'),
    ]);
    const { projector, end } = project({ ...parts, limits: { ageMs: 20, records: 100 } });
    let held = 0;
    const watch = setInterval(() => {
      held = Math.max(held, projector.stats().held);
    }, 5);
    try {
      await log.append('events', 0, eventLines(0, 300));
      gate.set('open');
      await until('it catches up', async () => (await eventTotals(direct)).rows === 300);
      gate.set('hung');
      await log.append('events', 0, eventLines(300, 600));
      await until('it waits with a batch', () => projector.stats().held > 0);
      gate.set('shut');
      await until('it has failed', () => projector.stats().places[0].failures > 1);
      expect(projector.stats().places[0].next).toBeLessThanOrEqual(600);
      gate.set('slow');
      await until('it goes on', async () => (await eventTotals(direct)).rows > 300);
      gate.set('open');
      await until('it is done', () => projector.stats().places[0].next === 600);
    } finally {
      clearInterval(watch);
    }
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(100);
    expect(await eventTotals(direct)).toEqual(once(600));
    const { minutes, events } = await minuteSums(direct);
    expect(minutes).toEqual(events);
    await end();
  });

  it('ends although the store hangs, once that is closed', async () => {
    const config = engine().config();
    await engine().store(config);
    const gate = await openGate(engine().child.access.url);
    const log = memoryLog();
    const store = storeAt(config, { ...engine().child.access, url: gate.url });
    const { projector, end } = project(projectorParts(store, [placeOf(log, 'events', 'events')]));
    await log.append('events', 0, eventLines(0, 5));
    await until('they are there', () => projector.stats().places[0].next === 5);
    gate.set('hung');
    await log.append('events', 0, eventLines(5, 10));
    await until('it waits', () => projector.stats().held > 0);
    const ended = end();
    await store.close();
    await ended;
    expect(projector.stats().places[0].next).toBe(5);
  });

  it('does not touch a database of a newer schema', async () => {
    const config = engine().config();
    const store = await engine().store(config);
    await store.insert('migrations', [{ version: 99, name: 'n', checksum: 'c', layout: 'single' }], null);
    await expect(project(projectorParts(store, [])).end()).rejects.toMatchObject({ code: 'store.schema' });
  });

  it('refuses a log that is not the one it knows, and says so', async () => {
    const store = await engine().store();
    const log = memoryLog();
    await log.append('events', 0, eventLines(0, 20));
    const first = project(projectorParts(store, [placeOf(log, 'events', 'events')]));
    await until('they are there', async () => (await eventTotals(store)).rows === 20);
    await first.end();
    const other = memoryLog();
    await other.append('events', 0, eventLines(0, 5));
    const errors: unknown[] = [];
    const report = ({ error }: { error?: unknown }) => errors.push(error);
    const second = project({ ...projectorParts(store, [placeOf(other, 'events', 'events')]), report });
    await until('it says so', () => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: 'log.offset-out-of-range' });
    await second.end();
    expect(await eventTotals(store)).toEqual(once(20));
  });
});
