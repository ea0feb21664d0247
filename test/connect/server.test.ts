/** The whole program with connectors: a stop by the API reaches a place, also through a kill at the worst moment. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { freshDirectory, Program } from '../e2e/program.js';
import { Server } from '../e2e/server.js';
import { type Line, openLine } from './line.js';
import { openWebhookReceiver, type Receiver, type WebhookState } from './receivers.js';

const SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

async function openGate(): Promise<{ gate: Receiver<WebhookState>; line: Line }> {
  const gate = await openWebhookReceiver(SECRET);
  const line = await openLine(gate.url);
  onTestFinished(async () => {
    await line.close();
    await gate.close();
  });
  return { gate, line };
}

function configured(line: Line): string {
  const path = join(freshDirectory(), 'config.yaml');
  const rows = [
    { kind: 'webhook', name: 'gate', url: line.url, status_url: `${line.url}/status` },
    { kind: 'notify', name: 'owners', url: line.url },
  ];
  const common = { secret_env: 'KILLDEER_TEST_SECRET', retry_first: 50, retry_most: 100, breaker_rest: 50 };
  writeFileSync(path, JSON.stringify({ connectors: rows.map((row) => ({ ...row, ...common })) }));
  return path;
}

it('reaches a place, is proved there, told to its owner and shown, and outlives a kill before its answer', async () => {
  const { gate, line } = await openGate();
  const config = configured(line);
  const env = { KILLDEER_TEST_SECRET: SECRET };
  const server = await Server.start({ words: ['--config', config], env });
  const effects = async (agent: string) => (await server.ask(`/v1/agents/${agent}/effects`)).body.effects as unknown[];
  const stop = (agent: string) =>
    server.ask(`/v1/agents/${agent}/stop`, { json: { action: 'suspend', reason: 'looks hijacked', unseen: true } });
  const isProved = async (agent: string) =>
    (await effects(agent)).some((effect) => (effect as { state: string }).state === 'confirmed');

  await server.ask('/v1/agents/clerk', { method: 'PUT', json: { owner: 'ada' } });
  expect((await stop('clerk')).status).toBe(200);
  await server.until('the stop is proved', () => isProved('clerk'));
  expect(gate.state.statuses.get('clerk')).toBe('suspended');
  await server.until('the owner knows', async () =>
    gate.state.messages.some(({ told }) => told.data['owner'] === 'ada' && told.data['version'] === undefined),
  );
  expect((await server.ask('/v1/connectors')).body).toMatchObject({
    active: true,
    places: [{ name: 'gate', kind: 'webhook', breaker: 'closed', watched: 1, unverified: 0 }],
    addressees: [{ name: 'owners', kind: 'notify', dead: 0 }],
  });
  const listed = new Program(['connectors', 'list', '--data', server.data]);
  expect((await listed.end()).out).toContain('"name":"gate"');

  // It takes effect there, and nobody hears of it before the process is gone.
  await line.set('lose-answer');
  await stop('helper');
  await server.until('it arrived', async () => gate.state.statuses.get('helper') === 'suspended');
  await server.program.kill();
  await line.set('pass');
  server.respawn();
  await server.started();
  await server.until('the second stop is proved', () => isProved('helper'));
  const keys = gate.state.messages.filter(({ told }) => told.data['status'] === 'suspended').map(({ id }) => id);
  expect(new Set(keys).size).toBe(2);
  const { out, err } = await server.program.stop();
  expect(`${out}${err}`).not.toContain(SECRET.slice(6));
});

it('does not start with a connector that cannot work, and says what to mend', async () => {
  const { line } = await openGate();
  const program = new Program(['run', '--data', freshDirectory(), '--port', '0', '--config', configured(line)]);
  const { code, err } = await program.end();
  expect(code).toBe(2);
  expect(err).toContain('connectors.gate: no secret in the environment variable KILLDEER_TEST_SECRET');
});
