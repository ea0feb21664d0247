/**
 * From the moment a person's stop is sent until the first call of the agent that nginx refuses, with the configuration
 * that is shipped, a real server, log and registry. The agent calls without a pause meanwhile. Beside it the same with
 * /v1/decide asked directly: what nginx itself adds.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { findNginx, startNginx } from '../test/gateway/nginx.mjs';
import { quantile, row } from './measure.mjs';
import { inFolder } from './parts.mjs';
import { openServer } from './server.mjs';

const STOPS = 40;

export async function run() {
  if (findNginx() === null) throw new Error('nginx is not installed, and could not be fetched');
  return inFolder(async (folder) => {
    const server = await openServer(folder);
    const upstream = createServer((_request, response) => response.end('served')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const token = server.headers('gateway', 'application/json').authorization.slice('Bearer '.length);
    const killdeer = new URL(server.url).host;
    const protectedBy = `127.0.0.1:${upstream.address().port}`;
    const nginx = await startNginx({ killdeer, protectedBy, token, agents: { key: 'agent' } });
    try {
      await control(server, 'PUT', '', { owner: 'bench' });
      const viaNginx = () =>
        answers(`${nginx.address}/work`, { headers: { 'x-api-key': 'key' } }, (r) => r.status === 200);
      const direct = () => answers(`${server.url}/v1/decide`, question(server), async (r) => (await r.json()).allow);
      const ours = [];
      const reference = [];
      for (let i = 0; i < STOPS; i++) {
        reference.push(await stopToRefusal(server, direct));
        ours.push(await stopToRefusal(server, viaNginx));
      }
      return [0.5, 0.99].map((share) =>
        row(
          'nginx',
          `p${share * 100} of ${STOPS}, stop sent to first refusal`,
          'ms',
          both(ours, reference, share),
          '/v1/decide',
        ),
      );
    } finally {
      await nginx.stop();
      upstream.close();
      await server.close();
    }
  });
}

function both(ours, reference, share) {
  const one = (values) => ({ value: quantile(values, share), spread: null });
  return {
    ours: one(ours),
    reference: one(reference),
    ratio: { value: one(ours).value / one(reference).value, spread: null },
  };
}

function question(server) {
  const body = JSON.stringify({ agent: 'agent' });
  return { method: 'POST', headers: server.headers('gateway', 'application/json'), body };
}

/** Whether the agent is served now. */
async function answers(url, init, isServed) {
  const response = await fetch(url, init);
  const served = await isServed(response);
  await response.body?.cancel().catch(() => undefined);
  return served;
}

/** ms from sending the stop until a call that was begun after it is refused; then releases. */
async function stopToRefusal(server, isServed) {
  if (!(await isServed())) throw new Error('the agent is refused before it was stopped');
  const startMs = performance.now();
  const stopping = control(server, 'POST', '/stop', { action: 'suspend', reason: 'bench' });
  let isOn = true;
  while (isOn) isOn = await isServed();
  const elapsedMs = performance.now() - startMs;
  await stopping;
  await control(server, 'POST', '/release', { reason: 'bench' });
  return elapsedMs;
}

async function control(server, method, path, body) {
  const headers = server.headers('admin', 'application/json');
  const response = await fetch(`${server.url}/v1/agents/agent${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}
