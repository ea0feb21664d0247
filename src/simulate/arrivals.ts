/** When an agent's sessions begin: overdispersed, in clumps, or on the beat. */
import { createRandom } from '../math/random.js';
import type { Item } from './agenda.js';
import { isSilentAt } from './conditions.js';
import { curveAt } from './day-curve.js';
import type { Member } from './member.js';
import { openThread, type World, workSession } from './session.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './wire.js';

/** Gamma shape of a whole day's rate: some days are simply busier. */
const DAY_SHAPE = 14;
/** Mean sessions of a clump after its first. */
const CLUMP_MEAN = 1.5;

/** All ordinary sessions of one agent, each opened at its time. */
export function* openSessions(world: World, member: Member): Generator<Item, void, undefined> {
  let count = 0;
  const starts = member.role.rhythm === 'metronome' ? beats(world, member) : drawnStarts(world, member);
  for (const timeMs of starts) {
    const seed = `${world.seed}/${member.name}/session/${count++}`;
    if (isSilentAt(world.conditions, member.name, timeMs)) continue;
    const thread = openThread(world, { identity: member }, timeMs, seed);
    yield { timeMs: thread.timeMs, open: workSession(thread) };
  }
}

/** Evenly spaced, within 1 %. */
function* beats(world: World, member: Member): Generator<number, void, undefined> {
  const random = createRandom(`${world.seed}/${member.name}/arrivals`);
  const periodMs = DAY_MS / member.sessionsPerDay;
  for (let at = random.next(); ; at++) {
    const timeMs = Math.round(world.startMs + periodMs * (at + random.between(-0.005, 0.005)));
    if (timeMs >= world.endMs) return;
    if (timeMs >= world.startMs) yield timeMs;
  }
}

/** Poisson within an hour, at a rate that is gamma-distributed over hours and over days. */
function* drawnStarts(world: World, member: Member): Generator<number, void, undefined> {
  const random = createRandom(`${world.seed}/${member.name}/arrivals`);
  const clumped = member.role.rhythm === 'bursts';
  const perHour = member.sessionsPerDay / 24 / (clumped ? 1 + CLUMP_MEAN : 1);
  let dayFactor = 1;
  let carried: number[] = [];
  for (let hourMs = world.startMs; hourMs < world.endMs; hourMs += HOUR_MS) {
    if ((hourMs - world.startMs) % DAY_MS === 0) dayFactor = random.gamma(DAY_SHAPE) / DAY_SHAPE;
    const hourFactor = random.gamma(member.hourShape) / member.hourShape;
    const curve = curveAt(member.role.curve, hourMs, member.zoneHours);
    const starts = carried;
    for (let left = random.poisson(perHour * dayFactor * hourFactor * curve); left > 0; left--) {
      let timeMs = hourMs + Math.floor(random.next() * HOUR_MS);
      starts.push(timeMs);
      for (let more = clumped ? random.poisson(CLUMP_MEAN) : 0; more > 0; more--) {
        timeMs += Math.round(random.exponential() * MINUTE_MS);
        starts.push(timeMs);
      }
    }
    starts.sort((a, b) => a - b);
    const nextHourMs = hourMs + HOUR_MS;
    // A clump may run into the next hour; what it leaves there is sorted with that hour's own.
    carried = starts.filter((timeMs) => timeMs >= nextHourMs);
    for (const timeMs of starts) if (timeMs < Math.min(nextHourMs, world.endMs)) yield timeMs;
  }
}
