import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.js';
import { decodeLine, decodeValue } from '../../src/event/decode.js';
import { type AgentEvent, isRejection, type Rejection } from '../../src/event/event.js';
import { createPriceTable } from '../../src/event/prices.js';
import { LIMITS, wireSchema } from '../../src/event/schema.js';
import { damaged, NO_PRICES, wire } from './wire.js';

function accept(line: string, prices = NO_PRICES): AgentEvent {
  const decoded = decodeLine(line, 0, prices);
  if (isRejection(decoded)) throw new Error(decoded.reason);
  return decoded;
}

function refuse(line: string): Rejection {
  const decoded = decodeLine(line, 7, NO_PRICES);
  if (!isRejection(decoded)) throw new Error(`accepted: ${line.slice(0, 100)}`);
  return decoded;
}

describe('an accepted line', () => {
  it('becomes the event with every member set', () => {
    expect(accept(wire())).toStrictEqual({
      id: 'fleet:0000000',
      timeMs: Date.parse('2025-06-02T00:00:50.487Z'),
      agent: 'agent-27',
      operation: 'chat',
      endpoint: 'llm-inference/mm-image',
      tenant: '',
      parent: null,
      session: 'e1f3b5a41b7e',
      target: null,
      status: 'ok',
      errorType: null,
      latencyMs: null,
      inputTokens: 1353,
      outputTokens: 69,
      costUsd: 0.0040725,
      bytesOut: null,
      model: null,
      version: null,
      credential: null,
      source: null,
      environment: null,
      scope: null,
      task: null,
      initiator: null,
      onBehalfOf: null,
      approval: null,
      dataClass: null,
      trace: null,
      signature: null,
    });
  });

  it('has its members in one order, however they were sent', () => {
    const order = Object.keys(accept(wire()));
    const scrambled = Object.entries(JSON.parse(wire({ task: 't', tenant: 'acme' })) as object).reverse();
    expect(Object.keys(accept(JSON.stringify(Object.fromEntries(scrambled))))).toEqual(order);
    expect(order).toHaveLength(Object.keys(wireSchema.shape).length);
  });

  it('carries who acts for whom', () => {
    const event = accept(
      wire({ tenant: 'acme', initiator: 'ann', on_behalf_of: ['ann', 'team'], data_class: 'secret' }),
    );
    expect(event.tenant).toBe('acme');
    expect(event.onBehalfOf).toEqual(['ann', 'team']);
    expect(event.dataClass).toBe('secret');
  });

  it('may be of an agent whose name begins like the reserved one', () => {
    for (const agent of ['fleet-1', 'fleet/1', 'Fleet', 'a/fleet']) expect(accept(wire({ agent })).agent).toBe(agent);
  });

  it('says nothing in one way', () => {
    const silent = accept(wire({ session: '', target: '', tenant: '', on_behalf_of: [], model: undefined }));
    expect([silent.session, silent.target, silent.tenant, silent.onBehalfOf]).toEqual([null, null, '', null]);
    expect(Object.is(accept(wire().replace('1353', '-0')).inputTokens, 0)).toBe(true);
  });

  it('may carry unknown members, which change nothing', () => {
    const deep = { a: [{ b: { c: [1, 2, 3] } }] };
    expect(accept(wire({ shoe_size: 43, deep, rejected: true }))).toStrictEqual(accept(wire()));
  });

  it('is not changed by members named __proto__, constructor or toString', () => {
    const line = `${wire().slice(0, -1)},"__proto__":{"tenant":"evil","agent":"evil"},"constructor":1,"toString":2}`;
    const event = accept(line);
    expect(event).toStrictEqual(accept(wire()));
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['tenant']).toBeUndefined();
  });

  it('does not take required members from __proto__', () => {
    expect(refuse('{"__proto__":{"id":"a","agent":"b"}}').reason).toBe('id is missing');
  });

  it('keeps the last of repeated members', () => {
    expect(accept(`${wire().slice(0, -1)},"agent":"second"}`).agent).toBe('second');
    expect(refuse(`${wire().slice(0, -1)},"agent":7}`).reason).toBe('agent must be text, got 7');
  });

  it('may fill every limit', () => {
    const full = 'n'.repeat(LIMITS.name);
    const event = accept(
      wire({
        id: full,
        agent: full,
        target: 't'.repeat(LIMITS.target),
        signature: 's'.repeat(LIMITS.signature),
        on_behalf_of: Array.from({ length: LIMITS.onBehalfOf }, () => full),
        input_tokens: LIMITS.tokens,
        cost_usd: LIMITS.costUsd,
        latency_ms: LIMITS.latencyMs,
        bytes_out: LIMITS.bytes,
      }),
    );
    expect(event.bytesOut).toBe(1e15);
    expect(event.onBehalfOf).toHaveLength(16);
  });

  it('may speak any script and carry whole pairs', () => {
    expect(accept(wire({ agent: 'агент-😀', target: 'línea\nnueva' })).agent).toBe('агент-😀');
  });
});

describe('a refused line', () => {
  it.each([
    ['empty', '', 'event.bad-json', 'line is not JSON: '],
    ['junk', '\u0000\u0001\ufffdjunk', 'event.bad-json', 'line is not JSON: \\u0000\\u0001\ufffdjunk'],
    ['half an object', '{"id":"a"', 'event.bad-json', 'line is not JSON: {"id":"a"'],
    ['a bare NaN', wire().replace('1353', 'NaN'), 'event.bad-json', 'line is not JSON: {"id":"fleet:0000000"'],
    ['two objects', '{}{}', 'event.bad-json', 'line is not JSON: {}{}'],
    ['null', 'null', 'event.invalid', 'event must be a JSON object, got null'],
    ['a number', '42', 'event.invalid', 'event must be a JSON object, got 42'],
    ['text', '"agent"', 'event.invalid', 'event must be a JSON object, got "agent"'],
    ['an array', `[${wire()}]`, 'event.invalid', 'event must be a JSON object, got an array of 1'],
    ['nothing inside', '{}', 'event.invalid', 'id is missing'],
    ['no agent', wire({ agent: undefined }), 'event.invalid', 'agent is missing'],
    ['a null agent', wire({ agent: null }), 'event.invalid', 'agent must be text, got null'],
    [
      'the name of all agents',
      wire({ agent: 'fleet' }),
      'event.invalid',
      'agent must not be fleet, which stands for all',
    ],
    ['a parent of that name', wire({ parent: 'fleet' }), 'event.invalid', 'parent must not be fleet, which stands for'],
    ['an empty agent', wire({ agent: '' }), 'event.invalid', 'agent must not be empty, got ""'],
    ['an agent of 10 kB', wire({ agent: 'a'.repeat(10_000) }), 'event.invalid', 'agent must be at most 256 characters'],
    ['a nested agent', wire({ agent: { name: 'a' } }), 'event.invalid', 'agent must be text, got an object'],
    [
      'a control',
      wire({ agent: 'a\u001b[2J' }),
      'event.invalid',
      'agent must not contain a control character, got "a\\u001b[2J"',
    ],
    ['a DEL', wire({ endpoint: 'a\u007f' }), 'event.invalid', 'endpoint must not contain a control character'],
    [
      'half a pair',
      wire({ agent: '\ud83d' }),
      'event.invalid',
      'agent must not contain a lone surrogate, got "\\ud83d"',
    ],
    [
      'half a pair in a target',
      wire({ target: 'x\udc00' }),
      'event.invalid',
      'target must not contain a lone surrogate',
    ],
    [
      'an unknown operation',
      wire({ operation: 'Chat' }),
      'event.invalid',
      'operation must be one of chat, execute_tool',
    ],
    ['an unknown status', wire({ status: 200 }), 'event.invalid', 'status must be one of ok, error, denied, got 200'],
    [
      'a number as text',
      wire({ input_tokens: '12' }),
      'event.invalid',
      'input_tokens must be a number from 0 to 1000000000, got "12"',
    ],
    [
      'the text NaN',
      wire({ cost_usd: 'NaN' }),
      'event.invalid',
      'cost_usd must be a number from 0 to 1000000, got "NaN"',
    ],
    [
      'an infinite number',
      wire().replace('1353', '1e999'),
      'event.invalid',
      'input_tokens must be a number from 0 to 1000000000, got Infinity',
    ],
    [
      'a negative number',
      wire({ latency_ms: -1 }),
      'event.invalid',
      'latency_ms must be a number from 0 to 1000000000, got -1',
    ],
    [
      'a number past its limit',
      wire({ cost_usd: 1000001 }),
      'event.invalid',
      'cost_usd must be a number from 0 to 1000000',
    ],
    [
      'a time in 1970',
      wire({ time: '1970-01-01T00:00:00Z' }),
      'event.invalid',
      'time must lie in the years 2000 to 2099',
    ],
    [
      'a time in 2100',
      wire({ time: '2100-01-01T00:00:00Z' }),
      'event.invalid',
      'time must lie in the years 2000 to 2099',
    ],
    [
      'a time in another zone',
      wire({ time: '2025-06-02T00:00:50+02:00' }),
      'event.invalid',
      'time must be ISO 8601 in UTC',
    ],
    ['a time as a number', wire({ time: 1748822450487 }), 'event.invalid', 'time must be text, got 1748822450487'],
    [
      'a principal that is none',
      wire({ on_behalf_of: ['ann', 7] }),
      'event.invalid',
      'on_behalf_of[1] must be text, got 7',
    ],
    ['an empty principal', wire({ on_behalf_of: [''] }), 'event.invalid', 'on_behalf_of[0] must not be empty'],
    [
      '17 principals',
      wire({ on_behalf_of: Array(17).fill('a') }),
      'event.invalid',
      'on_behalf_of must have at most 16 entries, got an array of 17',
    ],
    [
      'principals as text',
      wire({ on_behalf_of: 'ann' }),
      'event.invalid',
      'on_behalf_of must be an array of names, got "ann"',
    ],
  ])('with %s says so', (_, line, code, reason) => {
    const rejection = refuse(line);
    expect(rejection.reason.startsWith(reason), rejection.reason).toBe(true);
    expect(rejection).toMatchObject({ rejected: true, code, position: 7 });
  });

  it('of 1 MiB is refused unread, and one at the limit is read', () => {
    const long = refuse(wire({ note: 'n'.repeat(1 << 20) }));
    expect(long.code).toBe('event.too-long');
    expect(long.reason).toMatch(/^line is longer than 262144 bytes: \{"id":"fleet:0000000"/);
    const line = wire();
    expect(accept(line.padEnd(LIMITS.lineBytes)).agent).toBe('agent-27');
    expect(refuse(line.padEnd(LIMITS.lineBytes + 1)).code).toBe('event.too-long');
  });

  it('of brackets is refused without a deep stack', () => {
    expect(refuse('['.repeat(200_000)).code).toBe('event.bad-json');
  });

  it('has a short printable reason and a code of the table', () => {
    const lines = fc.oneof(
      fc.string({ unit: 'binary' }),
      damaged.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(lines, (line) => {
        const decoded = decodeLine(line, 3, NO_PRICES);
        if (!isRejection(decoded)) return;
        expect(Object.keys(ERRORS)).toContain(decoded.code);
        expect(decoded.position).toBe(3);
        expect(decoded.reason.length).toBeLessThanOrEqual(300);
        expect(decoded.reason).toMatch(/^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e]+$/u);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});

describe('decodeValue', () => {
  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }), (value) => {
        const decoded = decodeValue(value, 0, NO_PRICES);
        expect(isRejection(decoded)).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
    expect(decodeValue({ ...JSON.parse(wire()), agent: Symbol('a') }, 0, NO_PRICES)).toMatchObject({
      reason: 'agent must be text, got a symbol',
    });
  });
});

describe('the price of an event', () => {
  const prices = createPriceTable([{ model: 'gpt', from: '2020-01-01', inputUsd: 2, outputUsd: 10 }]);
  const unpriced = { cost_usd: null, endpoint: 'gpt-x', input_tokens: 1000, output_tokens: 100 };

  it('is filled from the table for calls of a model', () => {
    expect(accept(wire(unpriced), prices).costUsd).toBe(0.003);
    expect(accept(wire({ ...unpriced, operation: 'embeddings', output_tokens: null }), prices).costUsd).toBe(0.002);
  });

  it('is looked up by the model where the event names one', () => {
    expect(accept(wire({ ...unpriced, endpoint: 'gateway', model: 'gpt-y' }), prices).costUsd).toBe(0.003);
    expect(accept(wire({ ...unpriced, model: 'other' }), prices).costUsd).toBeNull();
    expect(accept(wire({ ...unpriced, model: '' }), prices).costUsd).toBe(0.003);
  });

  it('stays as sent, zero too', () => {
    expect(accept(wire({ ...unpriced, cost_usd: 0 }), prices).costUsd).toBe(0);
    expect(accept(wire({ ...unpriced, cost_usd: 0.5 }), prices).costUsd).toBe(0.5);
  });

  it('stays unknown for other operations and without input tokens', () => {
    expect(accept(wire({ ...unpriced, operation: 'execute_tool' }), prices).costUsd).toBeNull();
    expect(accept(wire({ ...unpriced, input_tokens: null }), prices).costUsd).toBeNull();
  });
});
