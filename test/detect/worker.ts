/** One agent that has worked for days with two tools, a few targets and one model: what tests of one detector begin with. */
import { DETECTORS, type DetectorName } from '../../src/agent/layout.js';
import { createCatalogue } from '../../src/detect/catalogue.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, eventOf, MINUTE_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const DAYS = 6;
/** When the history ends. */
export const END_MS = START_MS + DAYS * DAY_MS;
/** Mean of the bytes that a call of a tool sends. */
export const USUAL_BYTES = 100;

/** What an event has beside its history's; by ordinal of its session. */
export type Habit = (session: number) => Partial<AgentEvent>;

/** The stage after the history: a session every twenty minutes. */
export function worked(habit: Habit = () => ({})): Stage {
  const random = createRandom('worked');
  const stage = new Stage(createCatalogue);
  for (let session = 0; START_MS + session * 20 * MINUTE_MS < END_MS; session++) {
    let timeMs = START_MS + session * 20 * MINUTE_MS;
    for (let call = 0; call < 6; call++) {
      timeMs += Math.floor(random.exponential() * 30_000);
      const tool = {
        endpoint: `tool-${call % 2}`,
        target: `file/${random.below(5)}`,
        bytesOut: Math.round(USUAL_BYTES * 2 * random.next()),
      };
      const what = call % 3 === 0 ? ({ operation: 'chat', endpoint: 'model-1', costUsd: 0.02 } as const) : tool;
      stage.play(eventOf({ ...what, timeMs, session: `s-${session}`, ...habit(session) }));
    }
  }
  return stage;
}

/** What a detector says of an event so long after the history. */
export function say(stage: Stage, name: DetectorName, afterMs: number, event: Partial<AgentEvent>): number {
  stage.play(eventOf({ session: `after-${afterMs}`, ...event, timeMs: END_MS + afterMs }));
  return stage.readings.score[DETECTORS.indexOf(name)];
}

/** The feature that a detector names now. */
export const featureOf = (stage: Stage, name: DetectorName): number => stage.readings.feature[DETECTORS.indexOf(name)];
