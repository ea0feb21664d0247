/** Which scores are worth a closer look, under the law of daily maxima that stands in the profile. */
import { F, type Profile } from './layout.js';

/** The score of a detector that one ordinary day in five goes above; 0 where fewer days than that hold anything. */
export function interestingScore(p: Profile, detector: number): number {
  return p.f32[p.at4 + F.interest + detector];
}

/** Whether a detector's score is one that at most one ordinary day in five goes above. */
export function isInteresting(p: Profile, detector: number, score: number): boolean {
  return score > interestingScore(p, detector);
}
