/**
 * Decoded events through the engine alone, in fleets of three sizes whose agents each go at the same pace. Flat is
 * good: what an event costs must not grow with the number of agents, beyond what the processor's caches lose.
 */
import { Feed } from './feed.mjs';
import { Fleet } from './fleet.mjs';
import { compare, RUNS, row } from './measure.mjs';
import { configOf, createEngine, enforcePolicy } from './parts.mjs';

const SIZES = [100, 10_000, 100_000];
const EVENTS = 60_000;
/** Made at once and not counted in the time; few, so that the events are as warm as those of a decoder. */
const BATCH = 2_000;
/** Events before the first timed one, at least, and beside one of every agent. */
const FILL = 60_000;

export async function run() {
  const policy = await enforcePolicy();
  const fleets = SIZES.map((agents) => {
    const fleet = new Fleet(agents);
    const feed = new Feed(createEngine(configOf({ agents_max: agents, sessions_max: 4 * agents + 1000 }), policy));
    for (const event of fleet.roundOfAll()) feed.step(event);
    for (let fed = 0; fed < FILL; fed += BATCH) feed.take(fleet.events(BATCH));
    return { fleet, feed };
  });
  const rates = SIZES.map(() => []);
  for (let i = 0; i <= RUNS; i++) {
    fleets.forEach((fleet, size) => {
      const rate = eventsPerSecond(fleet);
      if (i > 0) rates[size].push(rate);
    });
  }
  return SIZES.map((agents, size) => {
    const pairs = rates[size].map((ours, i) => ({ ours, reference: rates[0][i] }));
    const target = size === SIZES.length - 1 ? 'flat: the nearer to 1 the better' : null;
    return row('engine', `${agents.toLocaleString('en-US')} agents`, 'events/s', compare(pairs), '100 agents', target);
  });
}

function eventsPerSecond({ fleet, feed }) {
  let ms = 0;
  for (let fed = 0; fed < EVENTS; fed += BATCH) {
    const events = fleet.events(BATCH);
    const startMs = performance.now();
    feed.take(events);
    ms += performance.now() - startMs;
  }
  return (EVENTS * 1000) / ms;
}
