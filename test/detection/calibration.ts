/** How true the stated probabilities are on agents that nothing is wrong with. */
import { DETECTORS } from '../../src/agent/layout.js';
import { trueDay } from '../../src/score/calibrate.js';
import { type CalibrationReport, CleanDays, calibrationOf } from '../../src/tune/calibration.js';
import { DAY_MS, MINUTE_MS, START_MS } from '../engine/world.js';
import { play } from './arena.js';
import { eventsOf, merged, RHYTHM_NAMES } from './rhythm.js';

/** Days that are not judged: nothing is usual yet. */
export const WARM_DAYS = 7;

/** As many agents of every rhythm for `days` days, a call every `gapMs` on average; what their later days came to. */
export function measureCalibration(agents: number, days: number, gapMs = 4 * MINUTE_MS): CalibrationReport {
  const toMs = START_MS + days * DAY_MS;
  const streams = Array.from({ length: agents }, (_, at) => {
    const rhythm = RHYTHM_NAMES[at % RHYTHM_NAMES.length];
    return eventsOf({ name: `${rhythm.replaceAll(' ', '-')}-${at}`, rhythm, seed: 'calibration', gapMs, toMs });
  });
  const clean = new CleanDays([], DETECTORS, START_MS + WARM_DAYS * DAY_MS);
  play(merged(streams), {
    onDay: ({ agent, timeMs, surprise }, model) => clean.take(agent, timeMs, trueDay(surprise, model)),
  });
  return calibrationOf(clean.tally());
}
