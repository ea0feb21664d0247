/** What looks like trouble and is none: must not be paged about. */
import type { Item } from '../agenda.js';
import type { Tool } from '../role.js';
import type { World } from '../session.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../wire.js';
import { extraSessions, type Inject, planRandom } from './plan.js';

const OUTAGE_MS = 15 * MINUTE_MS;
const OUTAGE_SHARE = 0.6;

/** The model provider fails for everybody. */
export const providerOutage: Inject = ({ fromMs }) => {
  const window = { fromMs, toMs: fromMs + OUTAGE_MS };
  const source = 'every agent, 60 % of model calls fail for 15 min';
  return [{ agent: null, source, conditions: { outages: [{ ...window, share: OUTAGE_SHARE }] }, window }];
};

const NEW_TOOL: Tool = {
  name: 'weather.get',
  operation: 'execute_tool',
  targets: { kind: 'fixed', names: ['city/home', 'city/plant'] },
  latencyMs: 90,
  bytesOut: 40,
  errorShare: 0.002,
};

/** A whole role gets one harmless tool and keeps it. Labelled for each of its agents, for the first day. */
export const newToolRollout: Inject = ({ fleet, member, fromMs, endMs }) => {
  const { role } = member;
  const window = { fromMs, toMs: Math.min(endMs, fromMs + DAY_MS) };
  const conditions = { rollouts: [{ fromMs, toMs: endMs, role: role.name, tool: NEW_TOOL, share: 0.35 }] };
  const source = `one new read-only tool, ${NEW_TOOL.name}, for every ${role.name}, for good`;
  return fleet
    .filter((other) => other.role === role)
    .map((other, at) => ({ agent: other.name, source, window, ...(at === 0 ? { conditions } : {}) }));
};

const WEEK_MS = 7 * DAY_MS;
const BATCH_MS = 4 * HOUR_MS;
/** Times the mean rate. */
const BATCH_FACTOR = 4;

/** The same load on the same night of every week, in the learning days too. */
export const weeklyBatch: Inject = (scene) => {
  const { member, startMs, endMs, trainUntilMs } = scene;
  const dayMs = startMs + Math.floor((scene.fromMs - startMs) / DAY_MS) * DAY_MS;
  const firstMs = dayMs + 2 * HOUR_MS - Math.floor((dayMs - startMs) / WEEK_MS) * WEEK_MS;
  const random = planRandom(scene);
  const sessions = Math.max(8, Math.round((member.sessionsPerDay * BATCH_FACTOR * BATCH_MS) / DAY_MS));
  const batches: number[] = [];
  for (let timeMs = firstMs; timeMs < endMs; timeMs += WEEK_MS) batches.push(timeMs);
  const starts = batches.flatMap((batchMs) => {
    const drawn = Array.from({ length: sessions }, () => batchMs + Math.floor(random.next() * BATCH_MS));
    return drawn.sort((a, b) => a - b);
  });
  const stream = (world: World): Iterator<Item> => extraSessions(scene, world, starts);
  const judged = batches.filter((timeMs) => timeMs >= trainUntilMs);
  return judged.map((timeMs, at) => ({
    agent: member.name,
    source: `batch ${batches.indexOf(timeMs) + 1}, the same night of every week`,
    window: { fromMs: timeMs, toMs: Math.min(endMs, timeMs + BATCH_MS) },
    ...(at === 0 ? { stream } : {}),
  }));
};
