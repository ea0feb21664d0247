/** An agent with a past, to play new events to. */
import { createCatalogue } from '../../src/detect/catalogue.js';
import type { AgentEvent } from '../../src/event/event.js';
import { createRandom } from '../../src/math/random.js';
import { DAY_MS, eventOf, MINUTE_MS, START_MS } from '../engine/world.js';
import { Stage } from './stage.js';

const DAYS = 6;
/** When its history ends, a UTC midnight. */
export const END_MS = START_MS + DAYS * DAY_MS;

/** A stage on which an agent has worked for days: two tools, a few targets, a model, some failures. */
export function seasoned(seed = 1): Stage {
  const random = createRandom(`seasoned-${seed}`);
  const stage = new Stage(createCatalogue);
  for (let startMs = START_MS; startMs < END_MS; startMs += 20 * MINUTE_MS) {
    for (let call = 0, timeMs = startMs; call < 6; call++) {
      timeMs += Math.floor(random.exponential() * 30_000);
      const chat = call % 3 === 0;
      const what: Partial<AgentEvent> = chat
        ? { operation: 'chat', endpoint: 'model-1', costUsd: random.logNormal(0.02, 0.3) }
        : { endpoint: `tool-${call % 2}`, target: `file/${random.below(5)}` };
      stage.play(eventOf({ ...what, timeMs, session: `s-${startMs}`, status: random.next() < 0.03 ? 'error' : 'ok' }));
    }
  }
  return stage;
}
