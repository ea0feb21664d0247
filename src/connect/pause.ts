/** Exponential backoff with full jitter: many that failed together must not come back together. */

export interface Pause {
  /** Upper end of the first pause, ms. */
  readonly firstMs: number;
  /** No pause is longer, ms. */
  readonly mostMs: number;
}

/** Doublings beyond which every pause is at its most. */
const DOUBLINGS_MAX = 30;

/** Before try number `tries` + 1, ms: uniform below first * 2^(tries - 1), at most `mostMs`. `draw` is in [0, 1). */
export function pauseMs({ firstMs, mostMs }: Pause, tries: number, draw: () => number): number {
  let most = firstMs;
  for (let i = 1; i < Math.min(tries, DOUBLINGS_MAX) && most < mostMs; i++) most *= 2;
  return Math.round(draw() * Math.min(mostMs, most));
}
