/**
 * The fleet's tail law of one detector: what was stated for earlier days against how they fell out. Up to where the
 * tail begins truth is in proportion to what was stated; beyond, the excess follows a generalised Pareto law of one
 * shape for all (Pickands, Annals of Statistics 1975). Real agents have days that no law of their own foresees: above
 * 0 the shape lets the excess count less and less the larger it is.
 */
import type { TailLaw } from '../detect/model.js';

const SHAPE = 0.15;

/** True surprise, nats, of one that was stated, nats. */
export function trueSurprise(stated: number, { share, from, stretch }: TailLaw): number {
  const begins = -Math.log(share);
  if (stated <= from) return (stated * begins) / from;
  return begins + Math.log1p((SHAPE * (stated - from)) / stretch) / SHAPE;
}

/** The way back: what is stated where the truth is `surprise`, nats. */
export function statedFor(surprise: number, { share, from, stretch }: TailLaw): number {
  const begins = -Math.log(share);
  if (surprise <= begins) return (surprise * from) / begins;
  return from + (stretch * Math.expm1(SHAPE * (surprise - begins))) / SHAPE;
}
