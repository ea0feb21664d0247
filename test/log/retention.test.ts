import { describe, expect, it } from 'vitest';
import { readAll } from '../contract/log.js';
import { FaultyFiles } from './faulty-files.js';
import { HEADER_BYTES, ONE_COMMIT, open, writtenBefore } from './written-log.js';

describe('retention', () => {
  /** One record a segment. */
  const small = { segmentBytesMax: 1 };
  const segmentBytes = HEADER_BYTES + ONE_COMMIT;

  it('by size removes the oldest segments after a new one is begun', async () => {
    const files = await writtenBefore(9, { ...small, retainBytesMax: 3 * segmentBytes });
    const log = await open(files, { ...small, retainBytesMax: 3 * segmentBytes });
    expect(await log.retain()).toBe(0);
    expect(await readAll(log, 'events', 0)).toEqual(['record 6', 'record 7', 'record 8']);
    await log.close();
  });

  it('by age goes by the last commit of a segment, on a reopened log as well, and spares the last segment', async () => {
    const clock = { ms: 1000 };
    const options = { ...small, retainAgeMs: 100, now: () => clock.ms };
    const files = new FaultyFiles(1);
    const log = await open(files, options);
    for (let i = 0; i < 5; i += 1) {
      await log.append('events', 0, [`record ${i}`]);
      clock.ms += 10;
    }
    await log.close();
    const again = await open(files, options);
    clock.ms = 1121;
    expect(await again.retain()).toBe(3);
    expect(await again.begin('events', 0)).toBe(3);
    clock.ms = 9999;
    expect(await again.retain()).toBe(1);
    expect(await readAll(again, 'events', 0)).toEqual(['record 4']);
    await again.close();
  });

  it('never removes what somebody still needs', async () => {
    const files = await writtenBefore(6, small);
    const log = await open(files, { ...small, retainBytesMax: 0 });
    log.keepFrom('events', 0, 2);
    expect(await log.retain()).toBe(2);
    expect(await log.begin('events', 0)).toBe(2);
    log.keepFrom('events', 0, 4);
    expect(await log.retain()).toBe(2);
    expect(await readAll(log, 'events', 0)).toEqual(['record 4', 'record 5']);
    await log.close();
  });

  it('cut short by a crash leaves no gap', async () => {
    for (let calls = 0; calls < 12; calls += 1) {
      const files = await writtenBefore(6, small);
      files.restart();
      const log = await open(files, { ...small, retainBytesMax: segmentBytes });
      files.callsUntilCrash = calls;
      await log.retain().catch(() => {});
      files.restart();
      const again = await open(files, small);
      const kept = await readAll(again, 'events', 0);
      expect(kept).toEqual(
        ['record 0', 'record 1', 'record 2', 'record 3', 'record 4', 'record 5'].slice(-kept.length),
      );
      await again.close();
    }
  });
});
