/** How often a stream's own tail law says that a value is rarer than a nominal p, on streams where nothing happens. */
import { TailLaw } from '../../src/detect/tail-law.js';
import type { Random } from '../../src/math/random.js';
import { seeded } from './rhythm.js';

const DEGREES = 4;

/** Raw scores: how far a value lies from the middle of its law. */
export const STREAMS: Readonly<Record<string, (random: Random) => number>> = {
  normal: (random) => Math.abs(random.normal()),
  'Student-t': (random) => Math.abs(random.normal()) / Math.sqrt((2 * random.gamma(DEGREES / 2)) / DEGREES),
  lognormal: (random) => random.logNormal(1, 1),
  exponential: (random) => random.exponential(),
};

export interface StreamFigures {
  readonly values: number;
  /** Share of values that were said to be as rare as one in a thousand, and one in ten thousand. */
  readonly thousandth: number;
  readonly tenThousandth: number;
}

/** Values after the law has seen `learned`. */
export function measureStream(name: string, values: number, learned: number): StreamFigures {
  const random = seeded(`stream-${name}`);
  const law = new TailLaw();
  const draw = STREAMS[name];
  let [thousandth, tenThousandth] = [0, 0];
  for (let at = 0; at < learned + values; at++) {
    const raw = draw(random);
    const nats = at < learned ? 0 : law.score(raw);
    law.learn(raw);
    if (nats >= Math.log(1e3)) thousandth++;
    if (nats >= Math.log(1e4)) tenThousandth++;
  }
  return { values, thousandth: thousandth / values, tenThousandth: tenThousandth / values };
}
