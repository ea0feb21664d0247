/** A drill against a server in a process of its own: what a person, and a probe, are told of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openWebhookReceiver } from '../connect/receivers.js';
import { freshDirectory, run, valuesOf } from './program.js';
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

  it('goes as far as the places that carry stops out; check and readiness say where one of them does not', async () => {
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const gate = await openWebhookReceiver(secret);
    onTestFinished(() => gate.close());
    const config = join(freshDirectory(), 'config.yaml');
    const place = { kind: 'webhook', name: 'gate', url: gate.url, status_url: `${gate.url}/status` };
    const times = { verify_within: 3_000, retry_first: 50, retry_most: 100 };
    writeFileSync(config, JSON.stringify({ connectors: [{ ...place, ...times, secret_env: 'KILLDEER_TEST_SECRET' }] }));
    const server = await Server.start({ words: ['--config', config], env: { KILLDEER_TEST_SECRET: secret } });
    const drill = (rounds: string) => run(['drill', '--data', server.data, '--rounds', rounds, '--children', '1']);
    const confirmed = async () =>
      (await server.ask('/v1/drills')).body.drills
        .at(-1)
        .stages.find((one: { stage: string }) => one.stage === 'confirmed');
    // More calls than one token may make at once.
    expect(await drill('12')).toMatchObject({ code: 0 });
    expect(await confirmed()).toMatchObject({ reached: 12, missed: 0 });

    gate.state.isLying = true;
    const stop = { action: 'suspend', reason: 'looks hijacked', unseen: true };
    expect(await server.ask('/v1/agents/clerk/stop', { json: stop })).toMatchObject({ status: 200 });
    const reason = 'connector gate has not put in force what it was told: 1';
    await server.until('readiness says so', async () => {
      const { body } = await server.ask('/readyz', { token: null });
      expect(body.ok).toBe(true);
      return body.stop.reason === reason;
    });
    const [said] = valuesOf((await run(['check', '--data', server.data, '--config', config])).out);
    expect(said?.['stoppable']).toEqual({ yes: false, words: `not surely: ${reason} (try killdeer drill)` });
    expect(said?.['looks']).toContainEqual(expect.objectContaining({ what: 'connector gate', ok: false }));
  });

  it('of an agent that is there for something else is refused before anything is stopped', async () => {
    const server = await Server.start();
    await server.ask('/v1/agents/billing', { method: 'PUT', json: { owner: 'ada' } });
    const drill = await run(['drill', '--data', server.data, '--canary', 'billing']);
    expect(drill).toMatchObject({ code: 2 });
    expect((await server.ask('/v1/agents/billing')).body).toMatchObject({ status: 'active', version: 1 });
  });
});
