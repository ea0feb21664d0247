import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CALL_BYTES_MAX } from '../../src/api/ingest.js';
import { allRejectedAnswer } from '../../src/api/schema.js';
import { KilldeerError } from '../../src/errors.js';
import { createWorld, eventLine, type World } from './world.js';

function send(world: World, payload: string | Buffer, headers: Record<string, string> = {}) {
  const all = { 'content-type': 'application/x-ndjson', ...headers };
  return world.call('ingest', { method: 'POST', url: '/v1/events', payload, headers: all });
}

describe('POST /v1/events', () => {
  it.each([['application/x-ndjson'], ['application/jsonl'], ['text/plain; charset=utf-8'], ['application/json']])(
    'takes lines as %s',
    async (type) => {
      const world = createWorld();
      const answer = await send(world, `${eventLine()}\n${eventLine({ id: 'e2' })}\n`, { 'content-type': type });
      expect(answer.statusCode).toBe(202);
      expect(answer.json()).toEqual({ accepted: 2, duplicates: 0, rejected: 0, rejections: [] });
      expect(world.events.flat()).toHaveLength(2);
    },
  );

  it('takes one JSON object over several lines as application/json', async () => {
    const world = createWorld();
    const pretty = JSON.stringify(JSON.parse(eventLine()), null, 2);
    const answer = await send(world, pretty, { 'content-type': 'application/json' });
    expect(answer.json()).toEqual({ accepted: 1, duplicates: 0, rejected: 0, rejections: [] });
    expect(JSON.parse(world.events.flat()[0] ?? '').event).toEqual(JSON.parse(eventLine()));
  });

  it('takes gzip, and says so where it is none', async () => {
    const world = createWorld();
    const gzip = { 'content-encoding': 'gzip' };
    expect((await send(world, gzipSync(`${eventLine()}\n`), gzip)).statusCode).toBe(202);
    const broken = await send(world, eventLine(), gzip);
    expect(broken.statusCode).toBe(400);
    expect(broken.json().code).toBe('api.invalid');
    const brotli = await send(world, eventLine(), { 'content-encoding': 'br' });
    expect(brotli.statusCode).toBe(415);
    expect(brotli.json().code).toBe('api.unsupported-media');
  });

  it('stops a decompression bomb at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(CALL_BYTES_MAX * 4, ' '));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await send(createWorld(), bomb, { 'content-encoding': 'gzip' });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ code: 'api.too-large', status: 413, retry: false });
  });

  it('refuses more than 8 MiB and more than 10,000 lines', async () => {
    const world = createWorld();
    expect((await send(world, Buffer.alloc(CALL_BYTES_MAX + 1, ' '))).statusCode).toBe(413);
    expect((await send(world, `${eventLine()}\n`.repeat(10_001))).statusCode).toBe(413);
    expect(world.events.flat()).toEqual([]);
  });

  it('answers 400 with the rejections and the problem where all lines are bad', async () => {
    const answer = await send(createWorld(), 'junk\n{"id":1}\n');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const body = allRejectedAnswer.parse(answer.json());
    expect(body).toMatchObject({ code: 'event.all-rejected', accepted: 0, rejected: 2, status: 400 });
    expect(body.rejections.map(({ line }) => line)).toEqual([1, 2]);
  });

  it('refuses an empty body and an unknown type', async () => {
    const world = createWorld();
    expect((await send(world, '')).json().code).toBe('api.invalid');
    expect((await world.call('ingest', { method: 'POST', url: '/v1/events' })).json().code).toBe('api.invalid');
    expect((await send(world, eventLine(), { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(
      415,
    );
  });

  it('says when to come again: disk full 503, behind 429', async () => {
    const world = createWorld();
    world.mood.appendError = new KilldeerError('log.disk-full', 'no space left for 300 bytes');
    const full = await send(world, eventLine());
    expect(full.statusCode).toBe(503);
    expect(Number(full.headers['retry-after'])).toBeGreaterThan(0);
    expect(full.json()).toMatchObject({ code: 'log.disk-full', retry: true });
    world.mood.appendError = null;
    world.mood.behind = 1001;
    const behind = await send(world, eventLine());
    expect(behind.statusCode).toBe(429);
    expect(Number(behind.headers['retry-after'])).toBeGreaterThan(0);
    expect(behind.json().code).toBe('api.behind');
  });

  it('frees the place of a call when it is over, however it ended', async () => {
    const world = createWorld();
    for (let i = 0; i < 40; i++) {
      const answer = await send(
        world,
        i % 2 === 0 ? eventLine() : 'junk',
        i % 3 === 0 ? { 'content-encoding': 'br' } : {},
      );
      expect(answer.statusCode).not.toBe(429);
    }
  });

  it('refuses calls beyond those that memory is kept for', async () => {
    const world = createWorld();
    await world.app.ready();
    let open = () => {};
    world.mood.appendGate = new Promise((resolve) => {
      open = resolve;
    });
    const calls = Array.from({ length: 17 }, () => send(world, eventLine()));
    const first = await Promise.race(calls);
    expect(first.statusCode).toBe(429);
    expect(first.json().code).toBe('api.behind');
    open();
    const statuses = (await Promise.all(calls)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 202)).toHaveLength(16);
    expect((await send(world, eventLine())).statusCode).toBe(202);
  });
});
