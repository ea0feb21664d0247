/** OTLP/HTTP over a server that really listens, driven by OpenTelemetry's own exporters; and what they never send. */
import { gzipSync } from 'node:zlib';
import { DiagLogLevel, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { CALL_BYTES_MAX, CALL_LINES_MAX } from '../../src/api/ingest.js';
import { problemAnswer } from '../../src/api/schema.js';
import { protoOf, responseOf, statusOf } from '../event/otlp-messages.js';
import { createWorld, NOW_MS, type World } from './world.js';

const URL = '/v1/traces';
const open: World[] = [];
afterEach(async () => {
  diag.disable();
  for (const world of open.splice(0)) await world.app.close();
});

async function listening(world = createWorld()): Promise<{ world: World; url: string }> {
  open.push(world);
  return { world, url: `${await world.app.listen({ host: '127.0.0.1', port: 0 })}${URL}` };
}

/** Events of `log:events` in the order of their times. */
function eventsOf(world: World): Record<string, unknown>[] {
  const events = world.events.flat().map((record) => JSON.parse(record).event as Record<string, unknown>);
  return events.sort((a, b) => String(a['time']).localeCompare(String(b['time'])));
}

/** A planner that asks a researcher, who asks a model and a tool; and a span of a database. */
async function tellStory(exporter: SpanExporter): Promise<void> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'desk', 'deployment.environment.name': 'staging' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('story');
  const at = (second: number) => NOW_MS - 60_000 + second * 1000;
  const planner = tracer.startSpan('invoke_agent planner', {
    startTime: at(0),
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.id': 'planner' },
  });
  const inPlanner = trace.setSpan(ROOT_CONTEXT, planner);
  const chat = tracer.startSpan(
    'chat gpt-4o',
    {
      startTime: at(1),
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.agent.id': 'researcher',
        'gen_ai.conversation.id': 'conv-1',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.input_tokens': 900,
        'gen_ai.usage.output_tokens': 40,
        'gen_ai.response.finish_reasons': ['stop'],
      },
    },
    inPlanner,
  );
  chat.end(at(3));
  const tool = tracer.startSpan(
    'execute_tool refund',
    { startTime: at(4), attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'refund' } },
    inPlanner,
  );
  tool.setAttribute('error.type', 'timeout');
  tool.setStatus({ code: SpanStatusCode.ERROR });
  tool.end(at(5));
  tracer.startSpan('SELECT', { startTime: at(5), attributes: { 'db.system.name': 'x' } }, inPlanner).end(at(6));
  planner.end(at(7));
  await provider.shutdown();
}

describe("OpenTelemetry's exporters", () => {
  const exporters = [
    ['HTTP with JSON', JsonExporter, {}],
    ['HTTP with JSON, gzip', JsonExporter, { compression: 'gzip' }],
    ['HTTP with protobuf', ProtoExporter, {}],
    ['HTTP with protobuf, gzip', ProtoExporter, { compression: 'gzip' }],
  ] as const;

  it.each(exporters)('%s: spans become events of their agents', async (_name, Exporter, options) => {
    const { world, url } = await listening();
    const headers = { authorization: 'Bearer ingest' };
    await tellStory(new Exporter({ url, headers, ...(options as object) }));
    expect(eventsOf(world)).toMatchObject([
      {
        ...{ agent: 'researcher', parent: 'planner', operation: 'chat', endpoint: 'gpt-4o', session: 'conv-1' },
        ...{ input_tokens: 900, output_tokens: 40, latency_ms: 2000, status: 'ok', environment: 'staging' },
      },
      { agent: 'desk', operation: 'execute_tool', endpoint: 'refund', latency_ms: 1000, status: 'error' },
      { agent: 'planner', operation: 'invoke_agent', endpoint: 'planner', latency_ms: 7000 },
    ]);
    expect(eventsOf(world)).toHaveLength(3);
  });

  it.each(exporters)('%s: are told how many spans were refused', async (_name, Exporter, options) => {
    const { world, url } = await listening();
    const told: string[] = [];
    const note = (...words: unknown[]) => void told.push(JSON.stringify(words));
    diag.setLogger({ error: note, warn: note, info: () => {}, debug: () => {}, verbose: () => {} }, DiagLogLevel.WARN);
    // Bound to tenant acme, so that nothing of a nameless tenant is its own.
    const headers = { authorization: 'Bearer bound-ingest' };
    await tellStory(new Exporter({ url, headers, ...(options as object) }));
    expect(told.join('\n')).toContain('event.not-bound');
    expect(told.join('\n')).toMatch(/3 spans were refused/);
    expect(eventsOf(world)).toEqual([]);
  });

  it('send again where the server says so, and lose nothing', async () => {
    const world = createWorld();
    const answers: number[] = [];
    world.app.addHook('onResponse', (_request, reply, done) => {
      answers.push(reply.statusCode);
      world.mood.behind = 0;
      done();
    });
    const { url } = await listening(world);
    world.mood.behind = 5000;
    await tellStory(new ProtoExporter({ url, headers: { authorization: 'Bearer ingest' } }));
    expect(answers).toEqual([429, 200]);
    expect(eventsOf(world)).toHaveLength(3);
  });
});

const span = (changes: object = {}, attributes: Record<string, string> = {}) => ({
  traceId: 'ab'.repeat(16),
  spanId: 'cd'.repeat(8),
  name: 'execute_tool',
  startTimeUnixNano: `${NOW_MS - 2000}000000`,
  endTimeUnixNano: `${NOW_MS - 1000}000000`,
  attributes: Object.entries({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.agent.id': 'clerk',
    ...attributes,
  }).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  ...changes,
});
const request = (...spans: object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

function send(world: World, payload: string | Buffer, headers: Record<string, string> = {}, token = 'ingest') {
  const all = { 'content-type': 'application/json', ...headers };
  return world.call(token, { method: 'POST', url: URL, payload, headers: all });
}

function sendProto(world: World, value: object | Uint8Array, headers: Record<string, string> = {}, token = 'ingest') {
  const bytes = Buffer.from(value instanceof Uint8Array ? value : protoOf(value));
  return send(world, bytes, { 'content-type': 'application/x-protobuf', ...headers }, token);
}

describe('POST /v1/traces', () => {
  it('answers in the encoding of the request; an empty message where all was taken', async () => {
    const world = createWorld();
    const json = await send(world, JSON.stringify(request(span())));
    expect(json.statusCode).toBe(200);
    expect(json.headers['content-type']).toContain('application/json');
    expect(json.json()).toEqual({});
    // A server of its own, that has not seen the span.
    const other = createWorld();
    const proto = await sendProto(other, request(span()));
    expect(proto.statusCode).toBe(200);
    expect(proto.headers['content-type']).toBe('application/x-protobuf');
    expect(proto.rawPayload).toHaveLength(0);
    expect(world.events.flat()).toHaveLength(1);
    expect(other.events).toEqual(world.events);
  });

  it('takes a request without spans', async () => {
    const world = createWorld();
    expect((await send(world, '{}')).statusCode).toBe(200);
    expect((await sendProto(world, new Uint8Array())).statusCode).toBe(200);
  });

  it('says in both encodings how many spans were refused and why', async () => {
    const world = createWorld();
    const ahead = span({ endTimeUnixNano: `${NOW_MS + 3_600_000}000000` });
    const mixed = request(span(), ahead, span({}, { 'gen_ai.operation.name': 'dance' }), { ...span(), attributes: [] });
    const message = /^2 spans were refused; the first, number 2 of the request: event\.time-ahead: time /;
    const json = (await send(world, JSON.stringify(mixed))).json();
    expect(json).toEqual({ partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringMatching(message) } });
    const proto = responseOf((await sendProto(world, mixed)).rawPayload);
    expect(proto).toEqual({ partialSuccess: { rejectedSpans: 2, errorMessage: expect.stringMatching(message) } });
    // The good one came twice.
    expect(world.events.flat()).toHaveLength(1);
  });

  it('answers 400 with a google.rpc.Status in the encoding of the request where it cannot be read', async () => {
    const world = createWorld();
    for (const body of ['junk', '[]', '{"resourceSpans":5}', '']) {
      const json = await send(world, body);
      expect(json.statusCode).toBe(400);
      expect(json.json()).toEqual({ code: 3, message: expect.stringMatching(/JSON|resourceSpans/) });
    }
    const proto = await sendProto(world, Buffer.from('junk'));
    expect(proto.statusCode).toBe(400);
    expect(proto.headers['content-type']).toBe('application/x-protobuf');
    expect(statusOf(proto.rawPayload)).toEqual({ code: 3, message: expect.stringContaining('not an Export') });
    expect(world.events.flat()).toEqual([]);
  });

  it('holds a bound token to its agents and marks what it sends as bound', async () => {
    const world = createWorld();
    const own = span({}, { 'killdeer.tenant': 'acme' });
    const foreign = span({}, { 'killdeer.tenant': 'acme', 'gen_ai.agent.id': 'other' });
    const answer = await sendProto(world, request(own, foreign), {}, 'bound-ingest');
    expect(responseOf(answer.rawPayload)).toMatchObject({ partialSuccess: { rejectedSpans: 1 } });
    expect(world.events.flat().map((record) => JSON.parse(record).bound)).toEqual([true]);
  });

  it('remembers the spans of a token, and of no other, to find who delegates', async () => {
    const world = createWorld();
    const caller = span({ spanId: '1'.repeat(16) }, { 'gen_ai.agent.id': 'planner', 'killdeer.tenant': 'acme' });
    const called = span({ parentSpanId: '1'.repeat(16) }, { 'killdeer.tenant': 'acme' });
    await send(world, JSON.stringify(request(caller)));
    await send(world, JSON.stringify(request(called)));
    await send(world, JSON.stringify(request(called)), {}, 'bound-ingest');
    const clerks = world.events.flat().map((record) => JSON.parse(record));
    expect(clerks.filter(({ event }) => event.agent === 'clerk')).toMatchObject([
      { bound: false, event: { parent: 'planner' } },
      { bound: true, event: { agent: 'clerk' } },
    ]);
    expect(clerks.find(({ bound }) => bound).event).not.toHaveProperty('parent');
  });

  it('keeps the limits of every call with events', async () => {
    const world = createWorld();
    const bomb = gzipSync(Buffer.alloc(CALL_BYTES_MAX * 4, ' '));
    expect((await send(world, bomb, { 'content-encoding': 'gzip' })).statusCode).toBe(413);
    expect((await send(world, Buffer.alloc(CALL_BYTES_MAX + 1, ' '))).statusCode).toBe(413);
    const many = {
      resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: CALL_LINES_MAX + 1 }, () => ({})) }] }],
    };
    expect((await sendProto(world, many)).statusCode).toBe(413);
    expect((await send(world, '{}', { 'content-encoding': 'br' })).statusCode).toBe(415);
    expect((await send(world, '{}', { 'content-encoding': 'gzip' })).statusCode).toBe(400);
    expect((await send(world, 'x', { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await send(world, '{}', {}, 'gateway')).statusCode).toBe(403);
    world.mood.behind = 5000;
    const behind = await sendProto(world, request(span()));
    expect(behind.statusCode).toBe(429);
    expect(Number(behind.headers['retry-after'])).toBeGreaterThan(0);
    expect(problemAnswer.parse(behind.json()).code).toBe('api.behind');
    expect(world.events.flat()).toEqual([]);
  });

  it('answers whatever is sent, and never with a fault of ours', async () => {
    const world = createWorld();
    const good = protoOf(request(span(), span()));
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Uint8Array.from(good);
      bytes[at] = byte;
      return bytes;
    });
    const body = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 100 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    const type = fc.constantFrom('application/json', 'application/x-protobuf', 'application/x-protobuf; a=b', '');
    await fc.assert(
      fc.asyncProperty(body, type, async (bytes, type) => {
        const answer = await send(world, Buffer.from(bytes), { 'content-type': type });
        expect([200, 400, 415]).toContain(answer.statusCode);
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});
