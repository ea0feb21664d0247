/** What no sender should send and no disk should hold: refused in words, and what stands beside it is scored. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/math/random.js';
import { freshDirectory, MAIN, run, valuesOf } from './program.js';
import { type Reply, Server } from './server.js';
import { callOf, timeOf } from './traffic.js';

const MIB = 1_048_576;
/** Tells on standard error how much memory the process had at most, bytes. The system's own maximum begins with its parent's. */
const WATCH = `
  let most = 0;
  const look = () => { most = Math.max(most, process.memoryUsage.rss()); };
  setInterval(look, 5).unref();
  process.on('exit', () => { look(); console.error(most); });
`;

function junkBytes(length: number): Buffer {
  const random = createRandom('junk');
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

/** Lines that are no event, with the code that each is refused with. */
function badLines(): [line: string | Buffer, code: string][] {
  const bad = (more: Record<string, unknown>) => JSON.stringify(callOf('bad', 'crm', more));
  return [
    ['not json', 'event.bad-json'],
    ['{"id":"cut","time":', 'event.bad-json'],
    [Buffer.from([0x7b, 0xc3, 0x28, 0xff, 0x7d]), 'event.bad-utf8'],
    ['x'.repeat(MIB), 'event.too-long'],
    [bad({ target: 'x'.repeat(MIB) }), 'event.too-long'],
    ['null', 'event.invalid'],
    ['[]', 'event.invalid'],
    ['"text"', 'event.invalid'],
    [bad({ input_tokens: '12' }), 'event.invalid'],
    [bad({ latency_ms: -1 }), 'event.invalid'],
    [bad({ on_behalf_of: 'me' }), 'event.invalid'],
    [bad({ agent: { name: 'crm' } }), 'event.invalid'],
    [bad({ agent: 'a'.repeat(10_000) }), 'event.invalid'],
    [bad({ operation: 'explode' }), 'event.invalid'],
    [bad({ time: '1970-01-01T00:00:00.000Z' }), 'event.invalid'],
    [bad({ time: '2100-01-01T00:00:00.000Z' }), 'event.invalid'],
    [bad({ time: 'yesterday' }), 'event.invalid'],
    [bad({ time: timeOf(3_600_000) }), 'event.time-ahead'],
  ];
}

/**
 * A server that refuses a body by its length answers and hangs up while the client may still be sending; fetch then
 * sometimes sees the broken pipe before the answer (RFC 9112, 9.6). Such a call is made again; an answer is an answer.
 */
async function answered(call: () => Promise<Reply>): Promise<Reply> {
  for (let left = 5; ; left--) {
    try {
      return await call();
    } catch (error) {
      const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
      if (left === 0 || !['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(cause?.code ?? '')) throw error;
    }
  }
}

describe('over HTTP', () => {
  it('refuses each bad line with its code and scores the good ones around it', async () => {
    const server = await Server.start();
    const { pid } = server.program;
    const bad = badLines();
    for (const [i, [line, code]] of bad.entries()) {
      const good = (side: string) => JSON.stringify(callOf(`good-${i}-${side}`, 'crm'));
      const body = Buffer.concat([good('before'), '\n', line, '\n', good('after')].map((part) => Buffer.from(part)));
      const { status, body: answer } = await server.post(body);
      expect([i, status, answer.accepted, answer.rejected]).toEqual([i, 202, 2, 1]);
      expect(answer.rejections).toMatchObject([{ line: 2, code, reason: expect.any(String) }]);
      expect(answer.rejections[0].reason.length).toBeLessThanOrEqual(300);
    }
    const counts = await server.settled();
    expect(counts).toMatchObject({ events: bad.length * 2, scored: bad.length * 2, duplicates: 0, notAdmitted: 0 });
    expect(server.program.pid).toBe(pid);
    const { partitions, ingest } = await server.status();
    expect(partitions).toMatchObject([{ state: 'running', restarts: 0, dead_lettered: 0 }]);
    expect(ingest).toMatchObject({ accepted: bad.length * 2, duplicates: 0, rejected: bad.length, skipped: 0 });
    expect(Object.values(ingest.rejected_by).reduce((sum, count) => sum + count, 0)).toBe(bad.length);
    expect(await server.program.stop()).toMatchObject({ code: 0 });
  });

  it('refuses a call that is too much as a whole, keeps nothing of it and goes on', async () => {
    const server = await Server.start();
    const line = (id: string) => JSON.stringify(callOf(id, 'crm'));
    const gzip = { 'content-encoding': 'gzip' };
    const whole = gzipSync(line('cut'));
    const calls: [bytes: string | Uint8Array, headers: Record<string, string>, status: number, code: string][] = [
      [junkBytes(20_000), {}, 400, 'event.all-rejected'],
      [junkBytes(20_000), gzip, 400, 'api.invalid'],
      [whole.subarray(0, whole.length - 9), gzip, 400, 'api.invalid'],
      [gzipSync(Buffer.alloc(256 * MIB, 0x61)), gzip, 413, 'api.too-large'],
      [Buffer.alloc(9 * MIB, 0x61), {}, 413, 'api.too-large'],
      [Array.from({ length: 10_001 }, (_, i) => line(`many-${i}`)).join('\n'), {}, 413, 'api.too-large'],
      [line('br'), { 'content-encoding': 'br' }, 415, 'api.unsupported-media'],
      [line('xml'), { 'content-type': 'application/xml' }, 415, 'api.unsupported-media'],
      ['\n\n\n', {}, 400, 'api.invalid'],
    ];
    for (const [i, [bytes, headers, status, code]] of calls.entries()) {
      const reply = await answered(() => server.post(bytes, headers));
      expect([i, reply.status, reply.body.code]).toEqual([i, status, code]);
      expect(await server.post(line(`good-${i}`))).toMatchObject({ status: 202, body: { accepted: 1, rejected: 0 } });
    }
    expect(await server.settled()).toMatchObject({ events: calls.length, scored: calls.length });
    expect((await server.post(line('nobody'), {}, 'kd_000000000000_nonsense')).status).toBe(401);
  });

  it('accepts what comes twice or late, and scores it once', async () => {
    const server = await Server.start();
    const once = Array.from({ length: 20 }, (_, i) => callOf(`e-${i}`, 'crm', { time: timeOf(i - 20) }));
    const answer = (accepted: number, duplicates: number) => ({
      status: 202,
      body: { accepted, duplicates, rejected: 0 },
    });
    expect(await server.send([...once, ...once])).toMatchObject(answer(40, 20));
    expect(await server.send(once)).toMatchObject(answer(20, 20));
    // The same id of another agent is another event.
    await server.send([callOf('e-0', 'sales')]);
    const late = Array.from({ length: 5 }, (_, i) =>
      callOf(`late-${i}`, 'crm', { time: timeOf(-3_600_000 * (i + 1)) }),
    );
    expect(await server.send(late)).toMatchObject({ status: 202, body: { accepted: 5 } });
    expect(await server.settled()).toMatchObject({ events: 26, scored: 26, duplicates: 0, late: 5 });
    // Another process does not know what this one has written; the engine does.
    await server.killAndRestart();
    expect(await server.send(once)).toMatchObject(answer(20, 0));
    expect(await server.settled()).toMatchObject({ events: 46, scored: 26, duplicates: 20, late: 5 });
  });
});

describe('on a recording', () => {
  const START_MS = Date.UTC(2025, 5, 2);
  const good = (i: number) =>
    JSON.stringify(callOf(`g-${i}`, 'crm', { time: new Date(START_MS + i * 60_000).toISOString() }));

  /** Replays and answers with the summary, the rejected lines and the most memory that it took, bytes. */
  async function replayed(file: string) {
    const dead = join(freshDirectory(), 'dead.jsonl');
    const command = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(WATCH)}`, MAIN];
    const { code, out, err } = await run(['replay', file, '--dead-letter', dead], { command });
    expect(code).toBe(0);
    const [summary] = valuesOf(out);
    return { summary, dead: valuesOf(readFileSync(dead, 'utf8')), memoryBytes: Number(err.trim()) };
  }

  it('puts each bad line into the dead letter, with its number, and scores the others', async () => {
    const bad = badLines();
    const parts: Buffer[] = [];
    for (const [i, [line]] of bad.entries())
      parts.push(Buffer.from(`${good(i)}\n`), Buffer.from(line), Buffer.from('\n'));
    parts.push(Buffer.from(`${good(bad.length)}\n${good(bad.length)}\n${good(0)}\n`));
    const file = join(freshDirectory(), 'events.jsonl');
    writeFileSync(file, Buffer.concat(parts));
    const { summary, dead } = await replayed(file);
    // Lines, not calls: of one sender's clock a recording knows nothing, but what runs far ahead must be confirmed.
    expect(dead.map(({ position, code }) => [position, code])).toEqual(bad.map(([, code], i) => [2 * i + 1, code]));
    expect(summary).toMatchObject({ lines: 2 * bad.length + 3, events: bad.length + 3, duplicates: 2 });
  });

  it('reads a compressed one that was cut up to the cut, and says so', async () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => good(i));
    const bytes = gzipSync(`${lines.join('\n')}\n`);
    const file = join(freshDirectory(), 'events.jsonl.gz');
    writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
    const { summary, dead } = await replayed(file);
    expect(summary['events']).toBeGreaterThan(1_000);
    expect(summary['events']).toBeLessThan(5_000);
    expect(dead.at(-1)).toMatchObject({ code: 'recording.truncated', reason: expect.stringContaining(file) });
  });

  it('takes no more memory for a compressed line of 512 MiB than for any other', async () => {
    const file = join(freshDirectory(), 'events.jsonl.gz');
    const bomb = Buffer.alloc(512 * MIB, 0x61);
    writeFileSync(
      file,
      Buffer.concat([gzipSync(`${good(0)}\n`), gzipSync(bomb), gzipSync(`\n${good(1)}\n${good(2)}\n`)]),
    );
    const { summary, memoryBytes } = await replayed(file);
    expect(summary).toMatchObject({ events: 3, rejections: { 'event.too-long': 1 } });
    expect(memoryBytes).toBeGreaterThan(16 * MIB);
    expect(memoryBytes).toBeLessThan(384 * MIB);
  });
});
