import { it } from 'vitest';
import { DETECTORS } from '../../src/agent/layout.js';
import { WEIGHTS } from '../../src/score/fuse.js';
import { measureCalibration } from './calibration.js';
import { show } from './figures.js';

const PATIENCE_MS = 600_000;
/** Days of agents, and those of the first week beside them. */
const AGENTS = 100;
const DAYS = 14;
/** No detector may come more often than this many times what it states, nor surely more often than the second. */
const RATIO_MOST = 3;
const SURELY_MOST = 2;

it(
  'healthy agents get as far as stated about as often as stated',
  ({ task }) => {
    const report = measureCalibration(AGENTS, DAYS);
    // Silence has no part of the budget: nobody is woken by it.
    const speaking = Object.entries(report).filter(([name, { held }]) => held > 0 && weightOf(name) > 0);
    const all = report['fused'];
    show(task, [
      { measure: 'healthy agent-days judged', unit: 'days', value: all.days, least: 100 },
      { measure: 'all detectors together at 1e-2, times stated', unit: 'x', value: all.at[0].ratio, most: SURELY_MOST },
      ...speaking.flatMap(
        ([
          name,
          {
            at: [one],
          },
        ]) => [
          { measure: `${name} at 1e-2, times stated`, unit: 'x', value: one.ratio, most: RATIO_MOST },
          { measure: `${name} at 1e-2, lower end`, unit: 'x', value: one.ratioInterval[0], most: SURELY_MOST },
        ],
      ),
    ]);
  },
  PATIENCE_MS,
);

function weightOf(name: string): number {
  return WEIGHTS[DETECTORS.indexOf(name as (typeof DETECTORS)[number])];
}
