/** The engine killed at any moment, again and again: it is started again, and every row is there once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  describeStore,
  eventLines,
  eventTotals,
  memoryLog,
  minuteSums,
  patiently,
  placeOf,
  project,
  projectorParts,
  until,
} from './world.js';

const KILLS = 10;
const ROUND = 40;
/** Each round starts a process, which takes what it takes. */
const TIMEOUT_MS = 180_000;

describeStore('the embedded engine', (engine) => {
  it(
    `stores every row once though it is killed ${KILLS} times in the middle of inserts`,
    async () => {
      const { child } = engine();
      const store = await engine().store();
      const log = memoryLog();
      const address = child.access.url;
      const { projector, end } = project({
        ...projectorParts(store, [placeOf(log, 'events', 'events')]),
        limits: { ageMs: 5, records: 10 },
      });
      let appended = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const before = projector.stats().places[0].next ?? 0;
        await log.append('events', 0, eventLines(appended, appended + ROUND));
        appended += ROUND;
        await until('rows move', () => (projector.stats().places[0].next ?? 0) > before);
        // Somewhere in the inserts that follow: each takes a few milliseconds.
        await sleep((kill * 7) % 23);
        if (child.pid !== null) process.kill(child.pid, 'SIGKILL');
        await until('it is started again', () => child.restarts > kill);
      }
      await until('all is stored', () => projector.stats().places[0].next === appended);
      await end();
      expect(child.restarts).toBe(KILLS);
      expect(child.access.url).toBe(address);
      expect(await patiently(() => eventTotals(store))).toEqual({
        rows: appended,
        distinct: appended,
        last: appended - 1,
      });
      const { minutes, events } = await patiently(() => minuteSums(store));
      expect(minutes).toEqual(events);
    },
    TIMEOUT_MS,
  );
});
