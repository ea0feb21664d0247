/**
 * Decoded events through the engine alone, in fleets of three sizes whose agents go at the same pace and have the same
 * history. Flat is good: what an event costs must not grow with the number of agents, beyond what the processor's
 * caches lose. Then in two workers at once, each with a partition of its own, beside one of them alone.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { eventsPerSecond, LEARNED_AGENTS, openFleet, openLearnedFleet } from './engine-fleet.mjs';
import { alternate, compare, RUNS, row } from './measure.mjs';
import { enforcePolicy } from './parts.mjs';

const SIZES = [LEARNED_AGENTS, 10_000, 100_000];
const FLAT = 'flat within 1.5: at least 0.667';
const TARGETS = ['about 150,000', FLAT, FLAT];
/** Agents of each worker's partition. */
const WORKER_AGENTS = 10_000;

export async function run() {
  return [...(await runSizes()), await runWorkers()];
}

async function runSizes() {
  const policy = await enforcePolicy();
  const small = openLearnedFleet(policy);
  const fleets = [small, ...SIZES.slice(1).map((agents) => openFleet(agents, policy, small))];
  const rates = SIZES.map(() => []);
  for (let i = 0; i <= RUNS; i++) {
    fleets.forEach((fleet, size) => {
      const rate = eventsPerSecond(fleet);
      if (i > 0) rates[size].push(rate);
    });
  }
  return SIZES.map((agents, size) => {
    const pairs = rates[size].map((ours, i) => ({ ours, reference: rates[0][i] }));
    return row(
      'engine',
      `${agents.toLocaleString('en-US')} agents`,
      'events/s',
      compare(pairs),
      '100 agents',
      TARGETS[size],
    );
  });
}

async function runWorkers() {
  const url = new URL('./engine-worker.mjs', import.meta.url);
  const workers = [0, 1].map(() => new Worker(url, { workerData: { agents: WORKER_AGENTS } }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const compared = await alternate(
    () => together(workers.slice(0, 1)),
    () => together(workers),
  );
  await Promise.all(workers.map((worker) => worker.terminate()));
  const measure = `2 workers of ${WORKER_AGENTS.toLocaleString('en-US')} agents`;
  return row('engine', measure, 'events/s', compared, 'one of them', 'at least 1.6');
}

/** What the workers take at once, added up. */
async function together(workers) {
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('run');
  const rates = await Promise.all(answers);
  return rates.reduce((sum, [rate]) => sum + rate, 0);
}
