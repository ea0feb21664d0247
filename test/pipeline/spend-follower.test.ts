/** What was spent is what the log says, once, whatever the process went through. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { createPriceTable } from '../../src/event/prices.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { encodeEvent } from '../../src/pipeline/record-line.js';
import { SpendFollower } from '../../src/pipeline/spend-follower.js';
import { type AccountRow, SpendLedger } from '../../src/registry/spend.js';

const NOW_MS = Date.UTC(2025, 5, 2, 12);
const HOUR_MS = 3_600_000;
const LINE = [{ agent: 'clerk', budgets: { sessionUsd: 100, dayUsd: null } }];

let dir: string;
let log: Log;
const running: SpendFollower[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'killdeer-spend-'));
  log = createMemoryLog({ topics: { events: 2 } });
});
afterEach(async () => {
  for (const follower of running.splice(0)) await follower.stop();
  await log.close();
  await rm(dir, { recursive: true, force: true });
});

const line = (id: string, over: Record<string, unknown> = {}, bound = true): string =>
  encodeEvent(
    JSON.stringify({
      ...{ id, time: new Date(NOW_MS).toISOString(), agent: 'clerk', operation: 'chat', endpoint: 'model' },
      ...{ session: 's1', cost_usd: 1, ...over },
    }),
    bound,
  );

function open(read: Pick<Log, 'partitions' | 'read' | 'begin' | 'end' | 'wait'> = log) {
  const ledger = new SpendLedger({ reserveForMs: 60_000, prefix: 'rsv' });
  const reports: string[] = [];
  const follower = new SpendFollower({
    ...{ log: read, prices: createPriceTable([]), clock: () => NOW_MS, path: join(dir, 'spend.jsonl') },
    taker: {
      marker: 'rsv',
      take: (event) => ledger.note(event, LINE),
      rows: () => ledger.rows(),
      restore: (row) => ledger.restore(row as unknown as AccountRow),
    },
    report: ({ message }) => void reports.push(message),
    retryMs: 2,
  });
  running.push(follower);
  const spent = (session: string | null = 's1') => ledger.standing('', 'clerk', session, NOW_MS).spentUsd;
  return { ledger, follower, reports, spent };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe('SpendFollower', () => {
  it('takes what is there and what comes, of senders that vouch for the agent alone', async () => {
    await log.append('events', 0, [
      line('e1'),
      line('e2', {}, false),
      '{"type":"tick","timeMs":1748865600000}',
      'no record',
    ]);
    await log.append('events', 1, [line('e3', { cost_usd: 2 })]);
    const { follower, spent } = open();
    await follower.start();
    expect(spent()).toBe(3);
    expect(follower.behind()).toBe(0);
    await log.append('events', 0, [line('e4', { cost_usd: 4 })]);
    await until(() => spent() === 7);
  });

  it('sees a cost whose name is written with escapes, and a settling event that costs nothing', async () => {
    const { follower, ledger, spent } = open();
    await follower.start();
    const { id } = ledger.reserve('', LINE, 's1', 5, NOW_MS);
    await log.append('events', 0, [
      line('e1').replace('cost_usd', 'cost_\\u0075sd'),
      line(id as string, { cost_usd: undefined }),
    ]);
    await until(() => ledger.inFlight === 0);
    expect(spent()).toBe(1);
  });

  it('says that it broke off where the log cannot be read any more', async () => {
    let isGone = false;
    const read: Log['read'] = (...asked) => (isGone ? Promise.reject(new Error('gone')) : log.read(...asked));
    const { follower, reports } = open(Object.assign(Object.create(log) as Log, { read }));
    await log.append('events', 0, [line('e1')]);
    await follower.start();
    expect(follower.hasBroken).toBe(false);
    isGone = true;
    await log.append('events', 0, [line('e2')]);
    await until(() => follower.hasBroken);
    expect(reports).toEqual(['what is spent is followed no more']);
    const second = open(Object.assign(Object.create(log) as Log, { read }));
    await expect(second.follower.start()).rejects.toThrow('gone');
    expect(second.follower.hasBroken).toBe(true);
  });

  it('goes on where it stood once a log that failed can be read again, and loses nothing', async () => {
    let failures = 0;
    const read: Log['read'] = (...asked) =>
      failures-- > 0 ? Promise.reject(new KilldeerError('kafka.unreachable', 'away')) : log.read(...asked);
    const { follower, reports, spent } = open(Object.assign(Object.create(log) as Log, { read }));
    await follower.start();
    failures = 5;
    await log.append('events', 1, [line('e1'), line('e2', { cost_usd: 2 })]);
    await until(() => follower.hasBroken);
    await until(() => spent() === 3);
    await until(() => !follower.hasBroken);
    expect(reports).toEqual(['what is spent in partition 1 cannot be read, it is tried again']);
  });

  it('goes on from its checkpoint as if it had never ended, also where it was killed after it', async () => {
    await log.append('events', 0, [line('e1')]);
    const first = open();
    await first.follower.start();
    await first.follower.checkpoint();
    await log.append('events', 1, [line('e2', { cost_usd: 2 })]);
    await until(() => first.spent() === 3);
    // A second one of the same file stands for a process that never wrote its last checkpoint.
    const second = open();
    await second.follower.start();
    expect(second.spent()).toBe(3);
    await second.follower.stop();
    const third = open();
    await third.follower.start();
    expect(third.spent()).toBe(3);
  });

  it('reads a day back where there is no checkpoint, or none that can be used', async () => {
    const at = (hours: number) => ({ time: new Date(NOW_MS - hours * HOUR_MS).toISOString() });
    const old = Array.from({ length: 40 }, (_, i) => line(`o${i}`, at(30)));
    const fresh = Array.from({ length: 5 }, (_, i) => line(`f${i}`, at(23 - i)));
    await log.append('events', 0, [...old, ...fresh]);
    await writeFile(join(dir, 'spend.jsonl'), 'nonsense\n');
    const { follower, reports, spent } = open();
    await follower.start();
    expect(spent()).toBe(5);
    expect(reports).toEqual([expect.stringContaining('cannot be used')]);
    await follower.checkpoint();
    expect(JSON.parse((await readFile(join(dir, 'spend.jsonl'), 'utf8')).split('\n')[0])).toEqual({
      ...{ format: 1, positions: [45, 0] },
    });
  });
});
