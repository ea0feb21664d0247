/**
 * What an engine with 100,000 agents takes: profile pages, everything beside them, and the process as a whole. Every
 * agent has events in sessions on endpoints and targets, so that nothing is left empty that a live agent fills.
 */
import { PROFILE_BYTES } from '../dist/agent/layout.js';
import { Feed } from './feed.mjs';
import { Fleet } from './fleet.mjs';
import { configOf, createEngine, enforcePolicy } from './parts.mjs';

const AGENTS = 100_000;
const ROUNDS = 4;
const PROFILE_MAX = 4096;
const RSS_MAX = 1024 * 1024 * 1024;

export async function run() {
  const policy = await enforcePolicy();
  const before = used();
  const feed = new Feed(createEngine(configOf({ agents_max: AGENTS }), policy));
  const fleet = new Fleet(AGENTS);
  for (let round = 0; round < ROUNDS; round++) for (const event of fleet.roundOfAll()) feed.step(event);
  const rssFed = process.memoryUsage.rss();
  const after = used();
  const { table, sessions } = feed.engine.inside;
  if (table.size !== AGENTS) throw new Error(`${table.size} agents in the table, not ${AGENTS}`);
  const beside = (after - before - table.bytes) / AGENTS;
  const peak = process.resourceUsage().maxRSS * 1024;
  const bytes = (measure, value, reference, against, target = null) =>
    single(measure, 'bytes', value, reference, against, target);
  return [
    bytes('profile, an agent', table.bytes / table.room, PROFILE_MAX, 'limit of 4 KiB', 'at most 1'),
    bytes('profile layout', PROFILE_BYTES, PROFILE_MAX, 'limit of 4 KiB'),
    bytes('all beside profiles, an agent', beside, PROFILE_BYTES, 'a profile'),
    bytes('of it sessions, an agent', sessions.bytes / AGENTS, PROFILE_BYTES, 'a profile'),
    single('process when fed', 'MiB', rssFed / 2 ** 20, RSS_MAX / 2 ** 20, 'limit of 1 GiB', 'at most 1'),
    single('process at its peak', 'MiB', peak / 2 ** 20, RSS_MAX / 2 ** 20, 'limit of 1 GiB', 'at most 1'),
  ];
}

/** Bytes alive, on the heap and in buffers. */
function used() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** One fill is one measurement: the bytes are the same each time but for what the collector has not taken yet. */
function single(measure, unit, value, limit, against, target) {
  const alone = (number) => ({ value: number, spread: null });
  return {
    bench: 'memory',
    measure,
    unit,
    ours: alone(value),
    against,
    reference: alone(limit),
    ratio: alone(value / limit),
    target,
  };
}
