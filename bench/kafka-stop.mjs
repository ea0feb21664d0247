/**
 * From a producer's send of one event to the first denial of its agent's call, while 5,000 other events a second flow:
 * the roles score and serve in processes of their own, each event on its way through the brokers, the engine, the
 * registry's log and the fold of the process that answers. The event breaks a budget that a person set, so that the
 * time is that of the way and not of a detector. Beside it the same way for one record of the registry alone: written
 * by the bench, until the process that answers denies.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { partitionOf } from '../dist/engine/partition.js';
import { openKafkaLog } from '../dist/log/kafka-log.js';
import { encodeEvent } from '../dist/pipeline/record-line.js';
import { createInstallation, withBroker } from './cluster.mjs';
import { Fleet } from './fleet.mjs';
import { quantile, row } from './measure.mjs';
import { inFolder } from './parts.mjs';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PARTITIONS = 4;
const RATE = 5_000;
const AGENTS = 1_000;
const SLICE_MS = 20;
const PROBES = 80;
const PROBE_EVERY_MS = 400;
const WARM_MS = 5_000;
const POLL_MS = 2;
const SETUP_EVERY_MS = 110;
const GIVE_UP_MS = 10_000;
const TARGET = 'ours: p99 below 500 ms, aim 250';

export async function run() {
  return inFolder((folder) =>
    withBroker(async (brokers) => {
      const installation = await createInstallation(brokers, folder, PARTITIONS);
      const score = await startRole(installation, folder, 'score');
      const serve = await startRole(installation, folder, 'serve');
      try {
        return await measure(installation, serve);
      } finally {
        await Promise.all([score.stop(), serve.stop()]);
      }
    }),
  );
}

async function measure({ config, kafka }, serve) {
  const log = await openKafkaLog({ kafka, topics: { events: PARTITIONS } });
  const load = createLoad(log);
  const call = createCaller(serve);
  for (let i = 0; i < PROBES; i++) {
    const body = { owner: 'bench', budgets: { session_usd: 1, day_usd: null } };
    await call('PUT', `/v1/agents/probe-${i}`, body);
    // Below the limit of control calls.
    await sleep(SETUP_EVERY_MS);
  }
  const loading = load.run();
  await sleep(WARM_MS);
  const ours = [];
  const reference = [];
  for (let i = 0; i < PROBES; i++) {
    ours.push(await untilDenied(call, `probe-${i}`, () => sendProbe(log, config, `probe-${i}`)));
    const stop = { action: 'suspend', reason: 'bench', for_ms: null, unseen: true };
    reference.push(await untilDenied(call, `person-${i}`, () => call('POST', `/v1/agents/person-${i}/stop`, stop)));
    await sleep(PROBE_EVERY_MS);
  }
  const rate = await load.stop(loading);
  await log.close();
  const values = (share) => ({
    ours: { value: quantile(ours, share), spread: 0 },
    reference: { value: quantile(reference, share), spread: 0 },
    ratio: { value: quantile(ours, share) / quantile(reference, share), spread: 0 },
  });
  const words = (name) => `send to denial, ${name}, at ${Math.round(rate)} events/s`;
  return [
    row('kafka-stop', words('p50'), 'ms', values(0.5), "a person's stop", null),
    row('kafka-stop', words('p99'), 'ms', values(0.99), "a person's stop", TARGET),
    row('kafka-stop', words('most'), 'ms', values(1), "a person's stop", null),
  ];
}

/** One call that costs far more than its session may. */
function sendProbe(log, { partitions }, agent) {
  const event = {
    ...{ id: `break-${agent}`, time: new Date().toISOString(), agent, operation: 'chat', endpoint: 'model-large' },
    ...{ session: `${agent}-1`, cost_usd: 50, status: 'ok' },
  };
  return log.append('events', partitionOf('', agent, partitions), [encodeEvent(JSON.stringify(event), true)]);
}

/** ms from the call of `send` to the first answer that denies. */
async function untilDenied(call, agent, send) {
  const startMs = performance.now();
  const sending = send();
  for (;;) {
    const { allow } = await call('POST', '/v1/decide', { agent });
    if (!allow) break;
    if (performance.now() - startMs > GIVE_UP_MS) throw new Error(`${agent} was not denied within ${GIVE_UP_MS} ms`);
    await sleep(POLL_MS);
  }
  await sending;
  return performance.now() - startMs;
}

/** So many events a second, in slices; a slice that cannot keep up is followed at once by the next. */
function createLoad(log) {
  const fleet = new Fleet(AGENTS, Date.now());
  let isOn = true;
  let sent = 0;
  const startMs = performance.now();
  const slice = async () => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * RATE) - sent;
    const batches = Array.from({ length: PARTITIONS }, () => []);
    for (let i = 0; i < due; i++) {
      const line = fleet.line().replace(/"time":"[^"]+"/, `"time":"${new Date().toISOString()}"`);
      const agent = /"agent":"([^"]+)"/.exec(line)[1];
      batches[partitionOf('', agent, PARTITIONS)].push(encodeEvent(line, true));
    }
    await Promise.all(batches.map((lines, partition) => log.append('events', partition, lines)));
    sent += due;
  };
  return {
    run: async () => {
      while (isOn) {
        const beganMs = performance.now();
        await slice();
        await sleep(Math.max(1, SLICE_MS - (performance.now() - beganMs)));
      }
    },
    stop: async (running) => {
      isOn = false;
      await running;
      return sent / ((performance.now() - startMs) / 1000);
    },
  };
}

function createCaller({ address, token }) {
  const agent = new Agent({ keepAlive: true });
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = JSON.stringify(body);
      const headers = {
        'authorization': `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      };
      const sent = request(new URL(path, address), { method, agent, headers }, (answer) => {
        let received = '';
        answer.on('data', (part) => {
          received += part;
        });
        answer.on('end', () => {
          if (answer.statusCode < 300) resolve(received === '' ? {} : JSON.parse(received));
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${received}`));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
}

async function startRole({ config }, folder, role) {
  const dir = join(folder, role);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'killdeer.json');
  const { kafka, partitions } = config;
  writeFileSync(
    path,
    JSON.stringify({
      ...{ log: { kind: 'kafka' }, kafka, partitions, policy: 'enforce', roles: [role] },
      ...{ learning: { inline: false }, store: { kind: 'none' }, data_dir: dir, ops: { port: 0 } },
    }),
  );
  const child = spawn(process.execPath, [MAIN, 'run', '--config', path, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const started = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = line.startsWith('{') ? JSON.parse(line) : {};
      if (said.type === 'started') resolve(said);
    });
    ended.then((code) => reject(new Error(`the role ${role} ended with ${code}`)));
  });
  const tokens = started.address === null ? {} : JSON.parse(readFileSync(join(dir, 'tokens.json'), 'utf8'));
  return {
    address: started.address,
    token: tokens.admin,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
