/**
 * POST /v1/decide with the real registry fold, tokens and checks, under a client in a process of its own and with a
 * thread of this process scoring at full speed; beside a bare Fastify route under the same load in the same run.
 * Once with the agent's name alone; once with all that a gateway can say of a call, of agents that are limited and have a
 * budget, so that each answer reserves money. Eight connections in a closed loop tell what it can do, an open loop tells what a caller waits at a stated rate.
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
/** What a gateway of a busy fleet asks. */
const FULL_RATE = 5_000;
/** What such a caller should wait at most, 99 times of 100, ms. */
const P99_MS = 5;

export async function run() {
  return inFolder(async (folder) => {
    const server = await openServer(folder);
    const bare = await openBareServer();
    const client = new Client();
    const scorer = new Worker(new URL('./scorer.mjs', import.meta.url));
    try {
      await once(scorer, 'message');
      await enrol(server.registry);
      const bodies = (prefix, more) =>
        Array.from({ length: AGENTS }, (_, i) => JSON.stringify({ agent: `${prefix}-${i}`, ...more(i) }));
      const load = {
        connections: CONNECTIONS,
        seconds: SECONDS,
        headers: server.headers('gateway', 'application/json'),
      };
      const play = async (rate, bodies) => ({
        reference: await client.play({ ...load, bodies, rate, url: `${bare.url}/bare` }),
        ours: await client.play({ ...load, bodies, rate, url: `${server.url}/v1/decide` }),
      });
      const names = bodies('agent', () => ({}));
      const whole = bodies('payer', questionOf);
      const rows = [
        ...(await rowsOf(`${CONNECTIONS} connections`, () => play(null, names))),
        ...(await rowsOf(`${RATE} calls/s`, () => play(RATE, names))),
        ...(await rowsOf(`whole questions with a budget, ${CONNECTIONS} connections`, () => play(null, whole))),
        ...(await rowsOf(`whole questions with a budget, ${FULL_RATE} calls/s`, () => play(FULL_RATE, whole), P99_MS)),
      ];
      if (server.inFlight() === 0) throw new Error('no money was reserved: the questions with a budget were not');
      return rows;
    } finally {
      scorer.postMessage('stop');
      await Promise.all([once(scorer, 'exit'), client.close(), bare.close(), server.close()]);
    }
  });
}

/** Everything that a gateway can say of a call, of few enough sessions that they are looked up and not made. */
function questionOf(i) {
  return {
    operation: 'execute_tool',
    endpoint: 'payments.send',
    target: `account-${i % 50}`,
    session: `session-${i}`,
    data_class: 'customer',
    estimate_usd: 0.001,
  };
}

async function rowsOf(load, play, p99Max = null) {
  await play();
  const pairs = [];
  for (let i = 0; i < RUNS; i++) pairs.push(await play());
  const of = (member) =>
    compare(pairs.map(({ ours, reference }) => ({ ours: ours[member], reference: reference[member] })));
  const named = (measure, unit, member, target = null) =>
    row('decide', `${measure}, ${load}`, unit, of(member), 'bare Fastify route', target);
  const bar = p99Max === null ? null : `below ${p99Max}`;
  return [named('p50', 'ms', 'p50Ms'), named('p99', 'ms', 'p99Ms', bar), named('rate', 'calls/s', 'perSecond')];
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
  const budgets = { sessionUsd: 1e6, dayUsd: 1e9 };
  const registration = { operations: ['execute_tool'], endpoints: ['payments.*'] };
  await Promise.all(
    agents.map((_, i) =>
      registry.write({ ...by, type: 'register', agent: `payer-${i}`, ifVersion: null, budgets, registration }),
    ),
  );
  const stop = { ...by, type: 'stop', action: 'suspend', reason: 'bench', forMs: null, callsPerMinute: null };
  const stopped = agents.filter((_, i) => i % STOPPED_EVERY === 0);
  await Promise.all(stopped.map((agent) => registry.write({ ...stop, key: `stop-${agent}`, agent })));
}
