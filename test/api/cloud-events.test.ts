/** CloudEvents over a server that really listens, and out of Kafka messages, made by the CloudEvents SDK. */
import { CloudEvent, HTTP, Kafka, type Message } from 'cloudevents';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allRejectedAnswer } from '../../src/api/schema.js';
import { decodeSource } from '../../src/event/source-format.js';
import type { SourceItem } from '../../src/event/source-item.js';
import { NO_PRICES } from '../event/wire.js';
import { createWorld, eventLine, type World } from './world.js';

let world: World;
let url: string;
beforeEach(async () => {
  world = createWorld();
  url = `${await world.app.listen({ host: '127.0.0.1', port: 0 })}/v1/events`;
});
afterEach(() => world.app.close());

const step = { operation: 'execute_tool', endpoint: 'refund', note: 'kept' };
const envelope = { type: 'com.example.step', source: '/agents/b-1', time: '2025-06-02T11:00:00Z' };

function cloudEvent(over: object = {}) {
  return new CloudEvent({ id: 'ce-1', subject: 'clerk', ...envelope, data: step, ...over });
}

async function post(message: Pick<Message, 'headers' | 'body'>) {
  const headers = { ...(message.headers as Record<string, string>), authorization: 'Bearer ingest' };
  const response = await fetch(url, { method: 'POST', headers, body: textOf(message.body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function eventsOf(): Record<string, unknown>[] {
  return world.events.flat().map((record) => JSON.parse(record).event as Record<string, unknown>);
}

const FILLED = { ...step, id: 'ce-1', agent: 'clerk', time: '2025-06-02T11:00:00.000Z' };

describe('POST /v1/events', () => {
  it('takes an event of the SDK in structured mode', async () => {
    expect(await post(HTTP.structured(cloudEvent()))).toEqual({
      status: 202,
      body: { accepted: 1, duplicates: 0, rejected: 0, rejections: [] },
    });
    expect(eventsOf()).toEqual([FILLED]);
  });

  it('takes an event of the SDK in binary mode', async () => {
    expect(await post(HTTP.binary(cloudEvent()))).toMatchObject({ status: 202 });
    expect(eventsOf()).toEqual([FILLED]);
  });

  it('takes a batch, counts its events from 1, and refuses each alone', async () => {
    const batch = [cloudEvent(), cloudEvent({ data: { ...step, endpoint: '' } }), cloudEvent({ id: 'ce-3' })];
    const body = `[${batch.map((event) => event.toString()).join(',')}]`;
    const answer = await post({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body });
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 2, rejected: 1, rejections: [{ line: 2, code: 'event.invalid' }] },
    });
    expect(eventsOf().map(({ id }) => id)).toEqual(['ce-1', 'ce-3']);
  });

  it('refuses an empty batch, and says so where all events are refused', async () => {
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    expect(await post({ headers, body: '[]' })).toMatchObject({ status: 400, body: { code: 'api.invalid' } });
    const answer = await post({ headers, body: '[7, {"specversion":"0.3"}]' });
    expect(answer.status).toBe(400);
    expect(allRejectedAnswer.parse(answer.body)).toMatchObject({ code: 'event.all-rejected', rejected: 2 });
  });

  it('takes plain events of the same types as before', async () => {
    const headers = { 'content-type': 'application/json' };
    expect(await post({ headers, body: eventLine() })).toMatchObject({ status: 202 });
    expect(eventsOf()).toEqual([JSON.parse(eventLine())]);
  });

  it('holds a token to its agents whatever the envelope says', async () => {
    const { headers, body } = HTTP.structured(cloudEvent());
    const answer = await world.call('bound-ingest', {
      method: 'POST',
      url: '/v1/events',
      headers: headers as Record<string, string>,
      payload: textOf(body),
    });
    expect(answer.json()).toMatchObject({ rejections: [{ code: 'event.not-bound' }] });
    expect(eventsOf()).toEqual([]);
  });
});

describe('a Kafka message of the SDK', () => {
  function decode(message: { headers: unknown; value: unknown }): SourceItem[] {
    const headers = message.headers as Record<string, string>;
    const value = Buffer.from(textOf(message.value));
    return decodeSource('cloudevents', { value, headers }, { tenant: 'acme', prices: NO_PRICES });
  }

  it('in structured mode', () => {
    expect(decode(Kafka.structured(cloudEvent()) as never)).toMatchObject([
      { event: { tenant: 'acme', agent: 'clerk' } },
    ]);
  });

  it('in binary mode, its attributes in ce_ headers', () => {
    const message = Kafka.binary(cloudEvent({ subject: undefined, partitionkey: 'clerk' })) as never;
    expect(decode(message)).toMatchObject([
      { event: { tenant: 'acme', agent: '/agents/b-1', id: 'ce-1', endpoint: 'refund' }, position: 0 },
    ]);
  });
});
