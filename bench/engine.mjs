/**
 * Decoded events through the engine alone, in fleets of three sizes whose agents go at the same pace and have the same
 * history. Flat is good: what an event costs must not grow with the number of agents, beyond what the processor's
 * caches lose.
 */
import { Feed } from './feed.mjs';
import { Fleet } from './fleet.mjs';
import { compare, RUNS, row } from './measure.mjs';
import { configOf, createEngine, enforcePolicy } from './parts.mjs';

const SIZES = [100, 10_000, 100_000];
const EVENTS = 60_000;
/** Made at once and not counted in the time; few, so that the events are as warm as those of a decoder. */
const BATCH = 2_000;
/** History of each agent of the smallest fleet, events; the other fleets get copies of it. */
const HISTORY = 400;

export async function run() {
  const policy = await enforcePolicy();
  const small = openFleet(SIZES[0], policy);
  for (let fed = 0; fed < HISTORY * SIZES[0]; fed += BATCH) small.feed.take(small.fleet.events(BATCH));
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
    const target = size === SIZES.length - 1 ? 'flat: the nearer to 1 the better' : null;
    return row('engine', `${agents.toLocaleString('en-US')} agents`, 'events/s', compare(pairs), '100 agents', target);
  });
}

/** An engine with a fleet; its agents know what those of the `like` fleet know, at the same moment of event time. */
function openFleet(agents, policy, like = null) {
  const fleet = new Fleet(agents, like?.fleet.timeMs);
  const feed = new Feed(createEngine(configOf({ agents_max: agents, sessions_max: 4 * agents + 1000 }), policy));
  for (const event of fleet.roundOfAll()) feed.step(event);
  if (like !== null) {
    // To feed as much to 100,000 agents would take minutes, and an agent without a past costs less than a real one.
    const { table } = feed.engine.inside;
    const known = like.feed.engine.inside.table;
    for (let slot = 0; slot < agents; slot++) table.raw(slot).set(known.raw(slot % like.fleet.agents));
  }
  return { fleet, feed };
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
