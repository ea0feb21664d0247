import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWireEvent } from '../../src/event/check.js';
import { decodeValue } from '../../src/event/decode.js';
import { isRejection } from '../../src/event/event.js';
import { wireSchema } from '../../src/event/schema.js';
import { damaged, NO_PRICES, SAMPLE, valid } from './wire.js';

const RUNS = { seed: 1, numRuns: 1500 };

/** The event that the schema's own output makes, member by member, by the rule of the names alone. */
function expected(value: unknown): Record<string, unknown> {
  const wire: Record<string, unknown> = wireSchema.parse(value);
  const event: Record<string, unknown> = {};
  for (const name of Object.keys(wireSchema.shape)) {
    const member = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const sent = wire[name];
    const empty = sent === undefined || sent === '' || (Array.isArray(sent) && sent.length === 0);
    event[member] = empty ? null : sent === 0 ? 0 : sent;
  }
  event['tenant'] ??= '';
  delete event['time'];
  event['timeMs'] = Date.parse(wire['time'] as string);
  return event;
}

describe('the check by hand', () => {
  it('accepts what the schema accepts and refuses what it refuses', () => {
    fc.assert(
      fc.property(fc.oneof(valid, damaged, fc.anything(), fc.jsonValue()), (value) => {
        expect(isWireEvent(value)).toBe(wireSchema.safeParse(value).success);
      }),
      RUNS,
    );
  });

  it('sees accepted and refused events in the same runs', () => {
    const verdicts = fc.sample(damaged, RUNS).map(isWireEvent);
    expect(verdicts.filter((accepted) => accepted).length).toBeGreaterThan(200);
    expect(verdicts.filter((accepted) => !accepted).length).toBeGreaterThan(200);
    expect(fc.sample(valid, RUNS).filter(isWireEvent).length).toBeGreaterThan(1400);
  });

  it('leads to the event that the schema describes', () => {
    fc.assert(
      fc.property(fc.oneof(valid, damaged), (value) => {
        const event = decodeValue(value, 0, NO_PRICES);
        if (isRejection(event)) expect(wireSchema.safeParse(value).success).toBe(false);
        else expect(event).toStrictEqual(expected(value));
      }),
      RUNS,
    );
  });

  it('refuses every member of the sample once it is a nested object', () => {
    for (const member of Object.keys(SAMPLE)) {
      expect(isWireEvent({ ...SAMPLE, [member]: { nested: SAMPLE } }), member).toBe(false);
    }
  });
});
