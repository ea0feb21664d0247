/** Agents by name, or the riskiest first, in pages that go on where the last one ended, whatever came or went meanwhile. */
import { KilldeerError } from '../errors.js';
import type { RegistryEntry } from '../registry/registry.js';

export const AGENT_SORTS = ['seen', 'name', 'risk'] as const;
export type AgentSort = Exclude<(typeof AGENT_SORTS)[number], 'seen'>;

/** Behind which agent to go on; risks are compared as of one time, for they fade while a person turns pages. */
interface Place {
  readonly atMs: number;
  readonly risk: number;
  readonly agent: string;
  readonly tenant: string;
}

export interface OrderedPage {
  readonly entries: readonly RegistryEntry[];
  readonly cursor: string | null;
}

/** `riskOf`: 0 to 100, of an agent at a time. Throws 'api.invalid' for a cursor that is none of this sort. */
export function orderedPage(
  entries: readonly RegistryEntry[],
  sort: AgentSort,
  riskOf: (entry: RegistryEntry, atMs: number) => number,
  limit: number,
  cursor: string | null,
  nowMs: number,
): OrderedPage {
  const behind = cursor === null ? null : readPlace(sort, cursor);
  const atMs = behind?.atMs ?? nowMs;
  const placed = entries.map((entry) => {
    const risk = sort === 'risk' ? riskOf(entry, atMs) : 0;
    return { entry, place: { atMs, risk, agent: entry.agent, tenant: entry.tenant } };
  });
  const left = behind === null ? placed : placed.filter(({ place }) => comparePlaces(place, behind) > 0);
  left.sort((a, b) => comparePlaces(a.place, b.place));
  const shown = left.slice(0, limit);
  const last = shown.at(-1);
  const isMore = last !== undefined && left.length > limit;
  return { entries: shown.map(({ entry }) => entry), cursor: isMore ? writePlace(sort, last.place) : null };
}

function comparePlaces(a: Place, b: Place): number {
  return b.risk - a.risk || compareTexts(a.agent, b.agent) || compareTexts(a.tenant, b.tenant);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function writePlace(sort: AgentSort, { atMs, risk, agent, tenant }: Place): string {
  return Buffer.from(JSON.stringify([sort, atMs, risk, agent, tenant])).toString('base64url');
}

function readPlace(sort: AgentSort, cursor: string): Place {
  try {
    const [of, atMs, risk, agent, tenant] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    const isPlace = of === sort && Number.isFinite(atMs) && Number.isFinite(risk);
    if (isPlace && typeof agent === 'string' && typeof tenant === 'string') {
      return { atMs: atMs as number, risk: risk as number, agent, tenant };
    }
  } catch {
    // Told below, like any other that was not made here.
  }
  throw new KilldeerError('api.invalid', `cursor: is none of a list sorted by ${sort}`);
}
