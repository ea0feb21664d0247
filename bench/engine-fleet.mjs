/** A fleet with its engine, fed with decoded events and nothing else; what the rows of the bench `engine` are made of. */
import { Feed } from './feed.mjs';
import { Fleet } from './fleet.mjs';
import { configOf, createEngine } from './parts.mjs';

const EVENTS = 60_000;
/** Made at once and not counted in the time; few, so that the events are as warm as those of a decoder. */
const BATCH = 2_000;
/** Agents of the fleet that others are copied from, and the history of each of them, events. */
export const LEARNED_AGENTS = 100;
const HISTORY = 400;

/** A small fleet that has gone through its history. */
export function openLearnedFleet(policy) {
  const small = openFleet(LEARNED_AGENTS, policy);
  for (let fed = 0; fed < HISTORY * LEARNED_AGENTS; fed += BATCH) small.feed.take(small.fleet.events(BATCH));
  return small;
}

/** An engine with a fleet; its agents know what those of the `like` fleet know, at the same moment of event time. */
export function openFleet(agents, policy, like = null) {
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

/** What the engine takes; the time in which events are made does not count. */
export function eventsPerSecond({ fleet, feed }) {
  let ms = 0;
  for (let fed = 0; fed < EVENTS; fed += BATCH) {
    const events = fleet.events(BATCH);
    const startMs = performance.now();
    feed.take(events);
    ms += performance.now() - startMs;
  }
  return (EVENTS * 1000) / ms;
}
