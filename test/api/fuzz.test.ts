/** Whatever is sent, the answer is never a fault of ours: below 500, JSON, and a problem detail where it is an error. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemAnswer } from '../../src/api/schema.js';
import { addAgent, createWorld, eventLine, type InjectAnswer } from './world.js';

const world = createWorld();
addAgent(world, 'clerk');
await world.app.ready();

function judge(answer: InjectAnswer): void {
  expect(answer.statusCode).toBeLessThan(500);
  if (answer.statusCode >= 400) expect(problemAnswer.parse(answer.json()).status).toBe(answer.statusCode);
}

const RUNS = { numRuns: 150, seed: 7 };
const TYPES = ['application/json', 'text/plain', 'application/x-ndjson', 'text/html', '', 'a/b;c="'];

describe('fuzzing', () => {
  it('bodies of events', async () => {
    const line = fc.oneof(
      fc.constant(eventLine()),
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .constantFrom('id', 'time', 'agent', 'operation', 'tenant', 'cost_usd', '__proto__')
        .chain((member) => fc.jsonValue().map((value) => eventLine({ [member]: value }))),
    );
    const body = fc.oneof(
      fc.array(line, { maxLength: 5 }).map((lines) => Buffer.from(lines.join('\n'))),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    const encoding = fc.constantFrom('gzip', 'identity', 'br', '');
    const call = fc.tuple(body, fc.constantFrom(...TYPES), encoding, fc.boolean());
    await fc.assert(
      fc.asyncProperty(call, async ([bytes, type, encoding, zipped]) => {
        const payload = zipped ? gzipSync(bytes) : bytes;
        const headers = { 'content-type': type, 'content-encoding': encoding };
        judge(await world.call('ingest', { method: 'POST', url: '/v1/events', payload, headers }));
      }),
      RUNS,
    );
  });

  it('bodies of every other route', async () => {
    const routes = world.app.routeTable.filter((row) => row.body !== null);
    const member = fc.constantFrom('agent', 'tenant', 'action', 'reason', 'for_ms', 'key', 'name', 'roles', 'labels');
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('suspend', 'throttle', 'clerk', ['admin'], 5, -0, 1e308));
    const payload = fc.oneof(
      fc.dictionary(member, value).map((body) => JSON.stringify(body)),
      fc.json(),
      fc.string({ unit: 'binary' }),
    );
    const call = fc.tuple(fc.constantFrom(...routes), payload, fc.constantFrom(...TYPES.slice(0, 2)));
    await fc.assert(
      fc.asyncProperty(call, async ([row, body, type]) => {
        const url = row.url.replace(':agent', 'clerk');
        const headers = { 'content-type': type };
        judge(await world.call('admin', { method: row.method as 'POST', url, payload: body, headers }));
      }),
      RUNS,
    );
  });

  it('paths, queries and methods', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }).map(encodeSafely),
      fc.constantFrom('v1', 'agents', 'findings', 'tokens', 'stop', '..', '%2e', '%00', '%', ':agent', '*'),
      fc.stringMatching(/^[!-~]{0,12}$/),
    );
    const method = fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD');
    const call = fc.tuple(method, fc.array(part, { maxLength: 5 }), fc.array(part, { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(call, async ([method, parts, query]) => {
        const url = `/${['v1', ...parts].join('/').replaceAll('?', '')}?${query.join('=')}`;
        const answer = await world.call('admin', { method: method as 'GET', url });
        if (method === 'HEAD') expect(answer.statusCode).toBeLessThan(500);
        else judge(answer);
      }),
      RUNS,
    );
  });

  it('authorization headers', async () => {
    const header = fc.oneof(fc.stringMatching(/^[ -~]{0,60}$/), fc.stringMatching(/^Bearer [ -~]{0,60}$/));
    await fc.assert(
      fc.asyncProperty(header, async (authorization) => {
        const answer = await world.app.inject({ method: 'GET', url: '/v1/agents', headers: { authorization } });
        expect(answer.statusCode).toBe(401);
      }),
      RUNS,
    );
  });
});

function encodeSafely(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '';
  }
}
