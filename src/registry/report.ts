/**
 * What people have to look after in the registry, agent by agent: whom nobody registered, whose owner is gone, whose
 * credential is old, who does nothing, who may more than it uses, whose review is due. What an agent did comes from
 * history; where there is none, a report says what it rests on instead, and claims no more.
 */
import type { RegistryEntry } from './registry.js';

/** Names of the reports. */
export const REPORTS = ['unregistered', 'ownerless', 'credentials', 'idle', 'scopes', 'reviews'] as const;
export type ReportName = (typeof REPORTS)[number];

/** Limits of an agent that name what it may use. */
export const LIMITS_OF_USE = ['scopes', 'operations', 'endpoints', 'targets'] as const;
export type LimitName = (typeof LIMITS_OF_USE)[number];

const DAY_MS = 86_400_000;
/** Days that a report looks back where nobody says how many. */
export const REPORT_DAYS: Readonly<Record<ReportName, number>> = {
  unregistered: 0,
  ownerless: 0,
  credentials: 365,
  idle: 30,
  scopes: 30,
  reviews: 0,
};

/** What an agent did in a stretch of time, its sub-agents included. */
export interface Usage {
  /** ms; null: nothing. */
  readonly lastMs: number | null;
  /** Distinct names used; null: more than could be listed, so that none may be called unused. */
  readonly names: Readonly<Record<LimitName, readonly string[] | null>>;
}

/** What a report rests on. */
export interface ReportFacts {
  readonly entries: Iterable<RegistryEntry>;
  /** Whether a person has left. */
  hasLeft(person: string): boolean;
  readonly nowMs: number;
  readonly days: number;
  /** Of the days looked at; null: history is off, or does not reach back so far. */
  usageOf: ((tenant: string, agent: string) => Usage | null) | null;
}

/** One agent of a report. */
export interface ReportRow {
  readonly entry: RegistryEntry;
  readonly reason: string;
  /** Since when, ms; null: not known. */
  readonly sinceMs: number | null;
  /** What to register instead, where less would do; null: nothing is proposed. */
  readonly fewer: Readonly<Partial<Record<LimitName, readonly string[]>>> | null;
}

type Judge = (entry: RegistryEntry, facts: ReportFacts) => Omit<ReportRow, 'entry'> | null;

/** The rows of a report, in the registry's order. */
export function reportOf(name: ReportName, facts: ReportFacts): ReportRow[] {
  const judge = JUDGES[name];
  const rows: ReportRow[] = [];
  for (const entry of facts.entries) {
    const found = judge(entry, facts);
    if (found !== null) rows.push({ entry, ...found });
  }
  return rows;
}

const JUDGES: Readonly<Record<ReportName, Judge>> = {
  unregistered: (entry) => (entry.registered ? null : told('seen in traffic, registered by nobody', entry.firstSeenMs)),
  ownerless: judgeOwner,
  credentials: judgeCredential,
  idle: judgeIdle,
  scopes: judgeUse,
  reviews: ({ registration: { reviewMs } }, { nowMs }) =>
    reviewMs !== null && reviewMs <= nowMs ? told(`its review was due on ${dayOf(reviewMs)}`, reviewMs) : null,
};

function told(reason: string, sinceMs: number | null): Omit<ReportRow, 'entry'> {
  return { reason, sinceMs, fewer: null };
}

function judgeOwner({ registered, owner, registration }: RegistryEntry, { hasLeft }: ReportFacts) {
  const { technicalOwner } = registration;
  if (owner === null) return registered ? told('registered without an owner', null) : null;
  if (hasLeft(owner)) return told(`its owner ${owner} has left`, null);
  if (technicalOwner !== null && hasLeft(technicalOwner)) {
    return told(`its technical owner ${technicalOwner} has left`, null);
  }
  return null;
}

/** Expired; or static and older than the days; or never rotated in as long. */
function judgeCredential({ registration: { credential } }: RegistryEntry, { nowMs, days }: ReportFacts) {
  if (credential === null) return null;
  const { kind, issuedMs, expiresMs, rotatedMs } = credential;
  if (expiresMs !== null && expiresMs <= nowMs) return told(`${kind} expired on ${dayOf(expiresMs)}`, expiresMs);
  const oldMs = nowMs - days * DAY_MS;
  const freshMs = latest(issuedMs, rotatedMs);
  if (kind === 'static-key' && freshMs === null)
    return told(`${kind} of unknown age: nobody said when it was issued`, null);
  if (freshMs === null || freshMs > oldMs) return null;
  const age = `${Math.floor((nowMs - freshMs) / DAY_MS)} days`;
  return told(rotatedMs === null ? `${kind} never rotated in ${age}` : `${kind} not rotated for ${age}`, freshMs);
}

function judgeIdle(entry: RegistryEntry, { nowMs, days, usageOf }: ReportFacts) {
  const fromMs = nowMs - days * DAY_MS;
  // An agent that is younger than the stretch has not been idle for all of it.
  if (entry.firstSeenMs > fromMs) return null;
  if (usageOf === null) {
    if (entry.lastChangeMs > fromMs) return null;
    return told(`nothing changed in the registry since ${dayOf(entry.lastChangeMs)}`, entry.lastChangeMs);
  }
  const lastMs = usageOf(entry.tenant, entry.agent)?.lastMs ?? null;
  return lastMs === null ? told(`no event in ${days} days`, null) : null;
}

function judgeUse(entry: RegistryEntry, { nowMs, days, usageOf }: ReportFacts) {
  if (usageOf === null || !entry.registered || entry.firstSeenMs > nowMs - days * DAY_MS) return null;
  const usage = usageOf(entry.tenant, entry.agent);
  const fewer: Partial<Record<LimitName, readonly string[]>> = {};
  const parts: string[] = [];
  for (const limit of LIMITS_OF_USE) {
    const unused = unusedOf(allowedOf(entry, limit), usage, limit);
    if (unused.length === 0) continue;
    fewer[limit] = allowedOf(entry, limit).filter((name) => !unused.includes(name));
    parts.push(`${limit} ${unused.join(', ')}`);
  }
  if (parts.length === 0) return null;
  return { reason: `not used in ${days} days: ${parts.join('; ')}`, sinceMs: null, fewer };
}

/** Names that a limit of the agent allows; none where it does not limit. */
export function allowedOf(entry: RegistryEntry, limit: LimitName): readonly string[] {
  return limit === 'scopes' ? entry.scopes : (entry.registration[limit] ?? []);
}

/** Those of the allowed names that nothing used falls under. */
export function unusedOf(allowed: readonly string[], usage: Usage | null, limit: LimitName): readonly string[] {
  const used = usage === null ? [] : usage.names[limit];
  if (used === null) return [];
  return allowed.filter((name) => {
    const prefix = name.endsWith('*') ? name.slice(0, -1) : null;
    return !used.some((one) => (prefix === null ? one === name : one.startsWith(prefix)));
  });
}

function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
