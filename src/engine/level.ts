/** What a finding measured, and what it was about: what the like of it is known by. */
/** A measured value: of which feature of which detector. */
export interface Level {
  readonly detector: string;
  readonly feature: string;
  readonly level: number;
}

/** Endpoint and (endpoint, target) pair as a profile knows them: low and high words of their hashes. */
export interface Names {
  readonly endpoint: readonly [low: number, high: number];
  /** null: there is no target. */
  readonly pair: readonly [low: number, high: number] | null;
}
