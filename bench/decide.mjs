/**
 * POST /v1/decide with the real registry fold, tokens and checks, under a client in a process of its own and with a
 * thread of this process scoring at full speed; beside a bare Fastify route under the same load in the same run.
 * Eight connections in a closed loop tell what it can do, an open loop tells what a caller waits at a stated rate.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Client } from './client.mjs';
import { compare, RUNS, row } from './measure.mjs';
import { inFolder } from './parts.mjs';
import { openBareServer, openServer } from './server.mjs';

const AGENTS = 1_000;
/** One in so many agents is stopped, so that both answers are given. */
const STOPPED_EVERY = 10;
const CONNECTIONS = 8;
const SECONDS = 1.5;
/** Calls a second of the open loop. */
const RATE = 1_000;

export async function run() {
  return inFolder(async (folder) => {
    const server = await openServer(folder);
    const bare = await openBareServer();
    const client = new Client();
    const scorer = new Worker(new URL('./scorer.mjs', import.meta.url));
    try {
      await once(scorer, 'message');
      await enrol(server.registry);
      const bodies = Array.from({ length: AGENTS }, (_, i) => JSON.stringify({ agent: `agent-${i}` }));
      const load = {
        bodies,
        connections: CONNECTIONS,
        seconds: SECONDS,
        headers: server.headers('gateway', 'application/json'),
      };
      const play = async (rate) => ({
        reference: await client.play({ ...load, rate, url: `${bare.url}/bare` }),
        ours: await client.play({ ...load, rate, url: `${server.url}/v1/decide` }),
      });
      return [
        ...(await rowsOf(`${CONNECTIONS} connections`, () => play(null))),
        ...(await rowsOf(`${RATE} calls/s`, () => play(RATE))),
      ];
    } finally {
      scorer.postMessage('stop');
      await Promise.all([once(scorer, 'exit'), client.close(), bare.close(), server.close()]);
    }
  });
}

async function rowsOf(load, play) {
  await play();
  const pairs = [];
  for (let i = 0; i < RUNS; i++) pairs.push(await play());
  const of = (member) =>
    compare(pairs.map(({ ours, reference }) => ({ ours: ours[member], reference: reference[member] })));
  const named = (measure, unit, member) => row('decide', `${measure}, ${load}`, unit, of(member), 'bare Fastify route');
  return [named('p50', 'ms', 'p50Ms'), named('p99', 'ms', 'p99Ms'), named('rate', 'calls/s', 'perSecond')];
}

/** Registers the agents and stops some of them, as people do. */
async function enrol(registry) {
  const by = { actor: 'person:bench', authority: 'bench', parent: null, tenant: '' };
  const agents = Array.from({ length: AGENTS }, (_, i) => `agent-${i}`);
  await Promise.all(
    agents.map((agent) =>
      registry.write({ ...by, type: 'register', agent, ifVersion: null, owner: 'bench', role: 'bench' }),
    ),
  );
  const stop = { ...by, type: 'stop', action: 'suspend', reason: 'bench', forMs: null, callsPerMinute: null };
  const stopped = agents.filter((_, i) => i % STOPPED_EVERY === 0);
  await Promise.all(stopped.map((agent) => registry.write({ ...stop, key: `stop-${agent}`, agent })));
}
