/** Trust that people gave an agent, as policies compare it. Nothing of it is learned from traffic. */

/** L0 (none) to L4 (full), in this order. */
export const TRUST_LEVELS = ['L0', 'L1', 'L2', 'L3', 'L4'] as const;
export type TrustLevel = (typeof TRUST_LEVELS)[number];

/** The lower of two levels. */
export function lowerTrust(a: TrustLevel, b: TrustLevel): TrustLevel {
  return TRUST_LEVELS.indexOf(a) < TRUST_LEVELS.indexOf(b) ? a : b;
}

/** Whether a level lies within bounds; null: no bound on that side. */
export function isTrustWithin(level: TrustLevel, min: TrustLevel | null, max: TrustLevel | null): boolean {
  const rank = TRUST_LEVELS.indexOf(level);
  return (min === null || rank >= TRUST_LEVELS.indexOf(min)) && (max === null || rank <= TRUST_LEVELS.indexOf(max));
}

/**
 * The level that counts: nobody vouches for an agent that is not registered (L0), and one that was registered without a
 * level has the least that registering gives (L1).
 */
export function trustOf(registered: boolean, level: TrustLevel | null | undefined): TrustLevel {
  return registered ? (level ?? 'L1') : 'L0';
}
