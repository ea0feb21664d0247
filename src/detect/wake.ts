/**
 * Dormancy: the first call after a silence that the agent's own pace makes unbelievable. A credential that nobody used
 * for weeks and that works again at night is the oldest sign of a stolen one. The raw score is ln of the surprise at
 * the silence itself (silence.ts), so that twice as long a sleep is a step and not another world. Silences of less than
 * a week are weekends and holidays, and an agent that has slept as long before is only asleep again. One number of
 * memory, the longest silence so far; a comparison an event.
 */
import { DETECTORS, F } from '../agent/layout.js';
import type { Observation, Readings } from '../agent/observation.js';
import type { Detector } from './detector.js';
import { silenceNats, usualGapHours } from './silence.js';

const INDEX = DETECTORS.indexOf('wake');
const HOUR_MS = 3_600_000;
/** Shortest silence that can be dormancy, hours, and the least surprise at it, nats. */
const GAP_HOURS_MIN = 168;
const NATS_MIN = 12;
/** How much longer than the longest silence so far it must be. */
const LONGER = 1.7;
/** The longest silence is forgotten with this time constant, hours: half in 90 days. */
const KEPT_HOURS = (90 * 24) / Math.LN2;
/** A nat of ln surprise is worth this many: what a nat is worth elsewhere. */
const SCALE = 2;

/** The detector of dormant agents that wake. */
export const wake: Detector = {
  name: 'wake',
  features: ['hours without a call before this one'],
  score(o: Observation, readings: Readings): void {
    const p = o.profile;
    const gapHours = (o.timeMs - p.f64[p.at8 + F.lastMs]) / HOUR_MS;
    const longest = p.f32[p.at4 + F.gapMax];
    // The windows have learned the silence by now: its empty hours would make it look usual, the longer the more.
    const learned = Math.floor(o.timeMs / HOUR_MS) - Math.floor(p.f64[p.at8 + F.lastMs] / HOUR_MS) - 1;
    const nats = gapHours < GAP_HOURS_MIN || gapHours < LONGER * longest ? 0 : silenceNats(p, gapHours, learned);
    if (nats < NATS_MIN) readings.set(INDEX, 0, 0, 0, 0);
    else readings.set(INDEX, SCALE * Math.log(nats), 0, gapHours, usualGapHours(p, learned));
  },
  learn(o: Observation): void {
    const p = o.profile;
    const gapHours = (o.timeMs - p.f64[p.at8 + F.lastMs]) / HOUR_MS;
    const longest = p.f32[p.at4 + F.gapMax] * Math.exp(-gapHours / KEPT_HOURS);
    p.f32[p.at4 + F.gapMax] = gapHours > longest ? gapHours : longest;
  },
};
