import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileLog } from '../../src/log/file-log.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { type LogUnderTest, logContract } from '../contract/log.js';
import { FaultyFiles } from './faulty-files.js';

const topics = { events: 3, findings: 1 };
const RETAIN_AGE_MS = 60_000;

/** A clock that only the test moves. */
function createClock() {
  const clock = { ms: 1_000_000, now: () => clock.ms };
  return clock;
}

/** Fills segments, lets them grow old and appends more, so that only the last segment is young. */
async function forgetByAge(log: Log & { retain(): Promise<number> }, clock: { ms: number }): Promise<void> {
  for (let i = 0; i < 20; i += 1) await log.append('events', 1, [`${i}`.repeat(500)]);
  clock.ms += RETAIN_AGE_MS + 1;
  await log.append('events', 1, ['young']);
  await log.retain();
}

logContract('MemoryLog', async () => {
  const log = createMemoryLog({ topics, retainRecordsMax: 1000 });
  const forget = async () => {
    await log.append(
      'events',
      1,
      Array.from({ length: 1001 }, (_, i) => `${i}`),
    );
  };
  return { log, forget, dispose: () => log.close() };
});

logContract('FileLog', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killdeer-log-'));
  const clock = createClock();
  return underTest(await openFileLog({ ...options(clock), directory }), clock, directory);
});

logContract('FileLog with one segment a commit', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killdeer-log-'));
  const clock = createClock();
  const log = await openFileLog({ ...options(clock), directory, segmentBytesMax: 1, commitUnitsMax: 1 });
  return underTest(log, clock, directory);
});

logContract('FileLog on a disk in memory', async () => {
  const clock = createClock();
  return underTest(
    await openFileLog({ ...options(clock), directory: '/data', files: new FaultyFiles(1) }),
    clock,
    null,
  );
});

logContract('FileLog read from elsewhere', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killdeer-log-'));
  const clock = createClock();
  const writer = await openFileLog({ ...options(clock), directory });
  const reader = await openFileLog({ directory, topics, readOnly: true, pollMs: 1 });
  const close = () => reader.close().then(() => writer.close());
  return underTest({ ...reader, append: writer.append, retain: writer.retain, close }, clock, directory);
});

function options(clock: { now: () => number }) {
  return { topics, segmentBytesMax: 4096, retainAgeMs: RETAIN_AGE_MS, now: clock.now };
}

function underTest(
  log: Log & { retain(): Promise<number> },
  clock: { ms: number },
  directory: string | null,
): LogUnderTest {
  return {
    log,
    forget: () => forgetByAge(log, clock),
    dispose: async () => {
      await log.close();
      if (directory !== null) await rm(directory, { recursive: true });
    },
  };
}
