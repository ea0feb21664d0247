/** Which scores are worth a closer look, under the law of daily maxima that stands in the profile. */
import { F, type Profile } from './layout.js';

/** Gumbel scales above the location that one ordinary day in five reaches: -ln(-ln .8). */
const INTERESTING = 1.5;

/** The score of a detector that one ordinary day in five reaches. */
export function interestingScore(p: Profile, detector: number): number {
  return p.f32[p.at4 + F.mu + detector] + INTERESTING * p.f32[p.at4 + F.beta + detector];
}

/** Whether a detector's score is one that at most one ordinary day in five reaches. */
export function isInteresting(p: Profile, detector: number, score: number): boolean {
  return score > interestingScore(p, detector);
}
