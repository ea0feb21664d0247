/** A drill against a server in a process of its own: what a person, and a probe, are told of it. */
import { describe, expect, it } from 'vitest';
import { run } from './program.js';
import { Server } from './server.js';

describe('a drill', () => {
  it('stops a canary and its sub-agents end to end, says how long it took, and leaves it at work', async () => {
    const server = await Server.start();
    expect((await server.ask('/readyz', { token: null })).body).toEqual({
      ...{ ok: true, reason: null },
      stop: { ok: true, reason: null },
    });
    const drill = await run(['drill', '--data', server.data, '--rounds', '3', '--children', '2']);
    expect(drill).toMatchObject({ code: 0 });
    const { body } = await server.ask('/v1/drills');
    expect(body.drills).toHaveLength(1);
    expect(body.drills[0]).toMatchObject({ way: 'http', ok: true, rounds: 3, canary: 'killdeer-canary' });
    for (const { reached, missed, p50_ms: p50, p99_ms: p99 } of body.drills[0].stages) {
      expect([reached, missed]).toEqual([3, 0]);
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
    }
    expect((await server.decide('killdeer-canary/sub-1')).body).toMatchObject({ allow: true });
    // It is in the log, not in a process: it is there after a crash.
    await server.killAndRestart();
    expect((await server.ask('/v1/drills')).body.drills).toEqual(body.drills);
    expect((await server.ask('/v1/agents/killdeer-canary')).body).toMatchObject({
      status: 'active',
      labels: ['canary'],
    });
  });

  it('of an agent that is there for something else is refused before anything is stopped', async () => {
    const server = await Server.start();
    await server.ask('/v1/agents/billing', { method: 'PUT', json: { owner: 'ada' } });
    const drill = await run(['drill', '--data', server.data, '--canary', 'billing']);
    expect(drill).toMatchObject({ code: 2 });
    expect((await server.ask('/v1/agents/billing')).body).toMatchObject({ status: 'active', version: 1 });
  });
});
