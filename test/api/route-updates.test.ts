/** What changes on the board over a real socket: who is told what, and where a page goes on that was away. */
import { afterEach, describe, expect, it } from 'vitest';
import { createSseReader, type SseMessage } from '../../src/api/sse.js';
import { createTriageWorld, minutesAgo, OF_ONE, type TriageWorld } from './triage-world.js';

let triage: TriageWorld;
afterEach(() => triage.close());

async function serve(parts = {}): Promise<string> {
  triage = await createTriageWorld(parts);
  return triage.world.app.listen({ port: 0, host: '127.0.0.1' });
}

interface Reading {
  readonly token?: string;
  readonly lastId?: string;
  readonly from?: string;
  /** Called once the stream is open. */
  readonly meanwhile?: () => unknown;
}

/** The messages up to `wanted` that are no heartbeat; heartbeats count where they alone are wanted. */
async function read(address: string, wanted: number, { token = 'viewer', lastId, from, meanwhile }: Reading = {}) {
  const ending = new AbortController();
  const place = from === undefined ? '' : `&from=${from}`;
  const response = await fetch(`${address}/v1/updates?for_ms=5000${place}`, {
    signal: ending.signal,
    headers: { authorization: `Bearer ${token}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
  });
  const reader = createSseReader();
  const messages: SseMessage[] = [];
  let isOpen = false;
  for await (const bytes of response.body ?? []) {
    messages.push(...reader.push(bytes));
    if (!isOpen && messages.length > 0) {
      isOpen = true;
      await meanwhile?.();
    }
    if (messages.filter(({ type }) => type !== 'heartbeat').length >= wanted) break;
  }
  ending.abort();
  const told = messages.filter(({ type }) => type !== 'heartbeat');
  return { response, messages, told, data: told.map(({ data }) => JSON.parse(data) as Record<string, unknown>) };
}

const placeOf = async () => (await triage.get('viewer', '/v1/findings')).json().updates as string;

describe('GET /v1/updates', () => {
  it('tells of findings and agents as they change, a finding with all that a row shows', async () => {
    const address = await serve();
    const { response, told, data } = await read(address, 2, {
      meanwhile: async () => {
        triage.raise('f-1', { time: minutesAgo(3), title: 'clerk floods Käfer' });
        await triage.write({ type: 'register', agent: 'clerk', ifVersion: null, owner: 'ada' });
      },
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(told.map(({ type }) => type)).toEqual(['finding', 'agent']);
    expect(data).toMatchObject([
      {
        id: 'f-1',
        title: 'clerk floods Käfer',
        severity: 'high',
        status: 'new',
        assignee: null,
        agent: 'clerk',
        case: 'c-1',
      },
      { tenant: '', agent: 'clerk' },
    ]);
  });

  it('goes on behind the id that was seen last, and where a list was made', async () => {
    const address = await serve();
    triage.raise('f-0', { time: minutesAgo(9) });
    const place = await placeOf();
    for (const id of ['f-1', 'f-2', 'f-3']) triage.raise(id, { time: minutesAgo(3) });
    const { told, data } = await read(address, 3, { from: place });
    expect(data.map(({ id }) => id)).toEqual(['f-1', 'f-2', 'f-3']);
    const later = await read(address, 2, { lastId: String(told[0]?.id), from: place });
    expect(later.data.map(({ id }) => id)).toEqual(['f-2', 'f-3']);
    const last = await read(address, 1, {
      lastId: String(told[2]?.id),
      meanwhile: () => triage.raise('f-4', { time: minutesAgo(1) }),
    });
    expect(last.data.map(({ id }) => id)).toEqual(['f-4']);
  });

  it('tells a finding that changed often while nobody read once, as it is now', async () => {
    const address = await serve();
    const place = await placeOf();
    for (const severity of ['low', 'medium', 'critical'] as const) triage.raise('f-1', { severity });
    triage.raise('f-2');
    const { data } = await read(address, 2, { from: place });
    expect(data).toMatchObject([{ id: 'f-1', severity: 'critical' }, { id: 'f-2' }]);
  });

  it.each(['0123456789ab-3', 'nonsense', '-1'])('says reset to a place of another process: %s', async (lastId) => {
    const address = await serve();
    triage.raise('f-1');
    const { told, data } = await read(address, 1, { lastId });
    expect(told.map(({ type }) => type)).toEqual(['reset']);
    expect(data).toEqual([{ updates: await placeOf() }]);
  });

  it('says reset to a place that is not remembered any more, and goes on from now', async () => {
    const address = await serve();
    triage.raise('f-1');
    const place = await placeOf();
    const board = triage.board;
    while (board.since(1, 1) !== null) triage.raise('f-1');
    const { told } = await read(address, 2, { lastId: place, meanwhile: () => triage.raise('f-2') });
    expect(told.map(({ type, data }) => `${type} ${JSON.parse(data).id ?? ''}`)).toEqual(['reset ', 'finding f-2']);
  });

  it('tells a token nothing of what it does not see', async () => {
    const address = await serve();
    const place = await placeOf();
    triage.raise('f-1');
    await triage.write({ type: 'register', agent: 'clerk', ifVersion: null, owner: 'ada' });
    await triage.write({ type: 'register', agent: 'lone', ifVersion: null, owner: 'ada' });
    triage.raise('f-2', { agent: 'lone', root: 'lone' });
    const { data } = await read(address, 2, { from: place, token: OF_ONE });
    expect(data).toMatchObject([{ agent: 'lone' }, { id: 'f-2' }]);
  });

  it('is refused where as many are open as may be', async () => {
    const address = await serve({ streams: { streamsMax: 1 } });
    const headers = { authorization: 'Bearer viewer' };
    const first = await fetch(`${address}/v1/updates`, { headers });
    const second = await fetch(`${address}/v1/updates`, { headers });
    expect([first.status, second.status, second.headers.get('retry-after')]).toEqual([200, 429, '5']);
    await first.body?.cancel();
    await second.body?.cancel();
  });
});
