import { describe, expect, it } from 'vitest';
import { addAgent, createWorld } from './world.js';

const ask = (world: ReturnType<typeof createWorld>, payload: unknown) =>
  world.call('gateway', { method: 'POST', url: '/v1/decide', payload: payload as object });

describe('POST /v1/decide', () => {
  it('answers 200 whatever the answer is', async () => {
    const world = createWorld();
    addAgent(world, 'clerk', { status: 'suspended' });
    addAgent(world, 'slow', { tenant: 'acme', status: 'throttled' });
    const stopped = await ask(world, { agent: 'clerk', operation: 'http', endpoint: 'bank', target: null });
    expect(stopped.statusCode).toBe(200);
    expect(stopped.json()).toEqual({
      allow: false,
      status: 'suspended',
      reason: 'it is suspended',
      retry_after_ms: null,
      denial: 'stopped',
      approval: null,
      reservation: null,
      remaining_usd: null,
    });
    const slow = await ask(world, { tenant: 'acme', agent: 'slow' });
    expect(slow.json()).toMatchObject({ allow: false, status: 'throttled', retry_after_ms: 1500 });
    expect((await ask(world, { agent: 'nobody' })).json()).toMatchObject({ allow: true, status: 'unknown' });
  });

  it.each([
    [{}],
    [{ agent: '' }],
    [{ agent: 7 }],
    [{ agent: 'a'.repeat(257) }],
    [{ agent: 'a\u0000b' }],
    [{ agent: 'a', tenant: null }],
    [{ agent: 'a', agnet: 'b' }],
    [[]],
    [null],
    ['text'],
  ])('refuses the question %j', async (payload) => {
    const world = createWorld();
    const answer = await world.call('gateway', {
      method: 'POST',
      url: '/v1/decide',
      payload: JSON.stringify(payload),
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().code).toBe('api.invalid');
  });

  it('leaves no line in the log', async () => {
    const world = createWorld({ logs: true });
    await ask(world, { agent: 'clerk' });
    expect(world.logLines).toEqual([]);
  });
});
