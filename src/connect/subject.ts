/** What an agent is called at a place: a pattern of the configuration with the agent's own words in it. */
import type { Wish } from './contract.js';

/** '{tenant}' and '{agent}' are filled in; every other character stays. */
export function subjectOf(pattern: string, { tenant, agent }: Pick<Wish, 'tenant' | 'agent'>): string {
  return pattern.replaceAll(/\{(tenant|agent)\}/g, (_, word: string) => (word === 'tenant' ? tenant : agent));
}
