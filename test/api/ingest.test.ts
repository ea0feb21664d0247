import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/api/contract.js';
import { CALL_BYTES_MAX, CALL_LINES_MAX, createIngest } from '../../src/api/ingest.js';
import { partitionOf } from '../../src/engine/partition.js';
import { KilldeerError } from '../../src/errors.js';
import { createPriceTable } from '../../src/event/prices.js';
import type { Log } from '../../src/log/log.js';
import { createIntake } from '../../src/pipeline/intake.js';
import { eventLine, IDENTITIES, NOW_MS, PARTITIONS } from './world.js';

function setUp(over: { append?: Log['append']; behind?: number; edges?: boolean } = {}) {
  const appended: { topic: string; partition: number; values: readonly string[] }[] = [];
  const append: Log['append'] = async (topic, partition, values) => {
    appended.push({ topic, partition, values });
    return 0;
  };
  const log = { partitions: () => PARTITIONS, append: over.append ?? append };
  const memory = { dedupeMs: 600_000, idsMax: 1_000_000, seed: 1 };
  const ingest = createIngest({
    intake: createIntake({ log, clock: () => NOW_MS, ...memory, edges: over.edges ?? false }),
    prices: createPriceTable([]),
    clock: () => NOW_MS,
    behind: () => over.behind ?? 0,
    behindMax: 1000,
    skewMaxMs: 60_000,
  });
  const identityOf = (bindings: Bindings) => ({ id: 't', actor: 'person:t', roles: ['ingest' as const], bindings });
  const accept = (lines: string[] | Uint8Array, bindings: Bindings = { tenants: null, agents: null }) =>
    ingest.accept(lines instanceof Uint8Array ? lines : Buffer.from(lines.join('\n')), identityOf(bindings));
  return { ingest, accept, appended };
}

describe('ingest', () => {
  it("keeps the sender's line unchanged, in the agent's partition and in order", async () => {
    const { accept, appended } = setUp();
    const lines = ['a', 'b', 'a/sub', 'a'].map((agent, i) =>
      eventLine({ id: `e${i}`, agent, note: 'ünknown  member' }),
    );
    expect(await accept(lines)).toEqual({ accepted: 4, duplicates: 0, rejected: 0, rejections: [] });
    const of = (agent: string) => appended.find(({ partition }) => partition === partitionOf('', agent, PARTITIONS));
    expect(of('a')?.values.filter((value) => !value.includes('"agent":"b"'))).toEqual(
      [0, 2, 3].map((i) => `{"type":"event","bound":false,"event":${lines[i]}}`),
    );
    expect(of('b')?.values).toContain(`{"type":"event","bound":false,"event":${lines[1]}}`);
  });

  it('takes the good lines of a mixed call and numbers the bad ones from 1, blank lines counted', async () => {
    const { accept, ingest } = setUp();
    const lines = [eventLine(), '', '{"id":', eventLine({ operation: 'dance' }), '  ', eventLine({ id: 'e2' })];
    const bytes = Buffer.byteLength(lines.join('\n'));
    const answer = await accept(lines);
    expect(answer.accepted).toBe(2);
    expect(answer.rejected).toBe(2);
    expect(answer.rejections.map(({ line, code }) => ({ line, code }))).toEqual([
      { line: 3, code: 'event.bad-json' },
      { line: 4, code: 'event.invalid' },
    ]);
    expect(answer.rejections[1]?.reason).toContain('operation');
    expect(ingest.counts).toEqual({
      ...{ accepted: 2, duplicates: 0, rejected: 2, skipped: 0, bytes },
      rejected_by: { 'event.bad-json': 1, 'event.invalid': 1 },
    });
  });

  it('reads CR LF, a byte order mark and a last line without an end', async () => {
    const { accept, appended } = setUp();
    const answer = await accept(Buffer.from(`\ufeff${eventLine()}\r\n${eventLine({ id: 'e2' })}`));
    expect(answer).toEqual({ accepted: 2, duplicates: 0, rejected: 0, rejections: [] });
    for (const { values } of appended) for (const value of values) expect(JSON.parse(value).type).toBe('event');
  });

  it('makes one line of an event whose tokens are parted by carriage returns', async () => {
    const { accept, appended } = setUp();
    expect((await accept([eventLine().replace(',', ',\r')])).accepted).toBe(1);
    expect(appended[0]?.values[0]).not.toMatch(/[\r\n]/);
  });

  it('cannot be talked into a record of another kind', async () => {
    const { accept, appended } = setUp();
    const line = `${eventLine()},"bound":true,"x":{}`;
    expect((await accept([line])).rejections[0]?.code).toBe('event.bad-json');
    expect((await accept([eventLine({ type: 'tick', bound: true })])).accepted).toBe(1);
    expect(JSON.parse(appended[0]?.values[0] ?? '')).toMatchObject({ type: 'event', bound: false });
  });

  it('refuses bytes that are not UTF-8, that line alone', async () => {
    const { accept } = setUp();
    const bad = Buffer.concat([
      Buffer.from(`${eventLine()}\n`),
      Buffer.from([0x7b, 0xff, 0x0a]),
      Buffer.from(eventLine()),
    ]);
    const answer = await accept(bad);
    expect(answer).toMatchObject({ accepted: 2, rejected: 1, rejections: [{ line: 2 }] });
  });

  it('refuses times further ahead than the skew, not at it', async () => {
    const { accept } = setUp();
    const at = (ms: number) => eventLine({ time: new Date(NOW_MS + ms).toISOString() });
    const answer = await accept([at(60_000), at(60_001), at(-1e9)]);
    expect(answer).toMatchObject({ accepted: 2, rejections: [{ line: 2, code: 'event.time-ahead' }] });
  });

  it('accepts what is sent again, and writes it once', async () => {
    const { accept, appended, ingest } = setUp();
    const other = eventLine({ id: 'e2' });
    expect(await accept([eventLine(), eventLine()])).toMatchObject({ accepted: 2, duplicates: 1, rejected: 0 });
    expect(await accept([eventLine(), other])).toMatchObject({ accepted: 2, duplicates: 1, rejected: 0 });
    expect(await accept([eventLine()])).toMatchObject({ accepted: 1, duplicates: 1, rejected: 0 });
    expect(appended.flatMap(({ values }) => values)).toHaveLength(2);
    expect(ingest.counts).toMatchObject({ accepted: 5, duplicates: 3, rejected: 0 });
  });

  it('takes an id from a bound sender though an unbound one has used it', async () => {
    const { accept, appended } = setUp();
    const line = eventLine({ tenant: 'acme' });
    await accept([line]);
    const bindings = IDENTITIES['bound-ingest']?.bindings as Bindings;
    expect(await accept([line], bindings)).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(await accept([line], bindings)).toMatchObject({ accepted: 1, duplicates: 1 });
    const bound = appended.flatMap(({ values }) => values.map((value) => JSON.parse(value).bound));
    expect(bound).toEqual([false, true]);
  });

  it('writes what could not be written when it is sent again', async () => {
    let isFull = true;
    const written: string[] = [];
    const { accept, ingest } = setUp({
      append: async (_topic, _partition, values) => {
        if (isFull) throw new KilldeerError('log.disk-full', 'no space left');
        return written.push(...values);
      },
    });
    await expect(accept([eventLine()])).rejects.toMatchObject({ code: 'log.disk-full' });
    isFull = false;
    expect(await accept([eventLine()])).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(written).toHaveLength(1);
    expect(ingest.counts).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it('tells who works for whom where the log has a place for it', async () => {
    const { accept, appended } = setUp({ edges: true });
    await accept([eventLine({ parent: 'boss' }), eventLine({ id: 'e2', parent: 'boss' })]);
    const edges = appended.filter(({ topic }) => topic === 'signals').flatMap(({ values }) => values);
    expect(edges.map((line) => JSON.parse(line))).toMatchObject([{ by: 'parent', key: 'boss', agent: 'clerk' }]);
  });

  it('holds a bound token to its tenants and agents and marks what it sends as bound', async () => {
    const { accept, appended } = setUp();
    const bindings = IDENTITIES['bound-ingest']?.bindings as Bindings;
    const answer = await accept(
      [
        eventLine({ tenant: 'acme', agent: 'clerk' }),
        eventLine({ tenant: 'acme', agent: 'clerk/sub' }),
        eventLine({ tenant: 'acme', agent: 'bot-9' }),
        eventLine({ tenant: 'acme', agent: 'clerk2' }),
        eventLine({ tenant: 'other', agent: 'clerk' }),
        eventLine({ agent: 'clerk' }),
      ],
      bindings,
    );
    expect(answer.accepted).toBe(3);
    expect(answer.rejections.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '4 event.not-bound',
      '5 event.not-bound',
      '6 event.not-bound',
    ]);
    for (const { values } of appended) for (const value of values) expect(JSON.parse(value).bound).toBe(true);
  });

  it('lists 100 rejections and counts them all', async () => {
    const { accept, appended } = setUp();
    const answer = await accept(new Array<string>(250).fill('junk'));
    expect(answer).toMatchObject({ accepted: 0, rejected: 250 });
    expect(answer.rejections).toHaveLength(100);
    expect(appended).toEqual([]);
  });

  it('takes 10,000 lines and not one more, and keeps nothing of a call that is too large', async () => {
    const { accept, appended } = setUp();
    const lines = Array.from({ length: CALL_LINES_MAX }, (_, i) => eventLine({ id: `e${i}` }));
    expect(await accept(lines)).toMatchObject({ accepted: CALL_LINES_MAX, duplicates: 0 });
    appended.length = 0;
    await expect(accept([...lines, eventLine({ id: 'one more' })])).rejects.toMatchObject({ code: 'api.too-large' });
    await expect(accept(new Uint8Array(CALL_BYTES_MAX + 1))).rejects.toMatchObject({ code: 'api.too-large' });
    expect(appended).toEqual([]);
  });

  it('refuses a call without any line, however many blanks it has', async () => {
    const { accept } = setUp();
    await expect(accept([])).rejects.toMatchObject({ code: 'api.invalid' });
    await expect(accept(new Uint8Array(200_000).fill(0x0a))).rejects.toMatchObject({ code: 'api.invalid' });
  });

  it('refuses calls only while the scorer is behind by more than the limit', async () => {
    expect((await setUp({ behind: 1000 }).accept([eventLine()])).accepted).toBe(1);
    await expect(setUp({ behind: 1001 }).accept([eventLine()])).rejects.toMatchObject({ code: 'api.behind' });
  });

  it('answers only after every append is durable, and hands a failed one on after all have ended', async () => {
    const waiting: { resolve: (offset: number) => void; reject: (error: Error) => void }[] = [];
    const { accept, ingest } = setUp({
      append: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    });
    let settled = false;
    const lines = Array.from({ length: 40 }, (_, i) => eventLine({ agent: `a${i}` }));
    const call = accept(lines).finally(() => {
      settled = true;
    });
    call.catch(() => {});
    await new Promise(setImmediate);
    expect(waiting).toHaveLength(PARTITIONS);
    waiting[0]?.reject(new KilldeerError('log.disk-full', 'no space left'));
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    for (const { resolve } of waiting.slice(1)) resolve(0);
    await expect(call).rejects.toMatchObject({ code: 'log.disk-full' });
    expect(ingest.counts.accepted).toBe(0);
  });
});
