/**
 * The access review: one document of all agents with what they may, what they used, and a column for a person's
 * decision. The signature covers all of it but that column, so that a document which was filled in still proves what
 * was put before the person.
 */
import { canonical, canonicalObject } from '../custody/jcs.js';
import { type Signer, signatureOver } from '../custody/seal.js';
import type { RegistryEntry } from '../registry/registry.js';
import { allowedOf, LIMITS_OF_USE, type Usage, unusedOf } from '../registry/report.js';
import { momentOf, rowOf } from './registration.js';
import { STEP } from './steps.js';

const DAY_MS = 86_400_000;
/** The columns that people fill in. */
const COLUMNS = { decision: null, change: null, comment: null } as const;

export interface ReviewedAgent {
  readonly entry: RegistryEntry;
  readonly hasOwner: boolean;
  /** null: history cannot tell. */
  readonly usage: { readonly of: Usage | null; readonly findings: number } | null;
}

/** One agent of the document, undecided. */
export function reviewRow({ entry, hasOwner, usage }: ReviewedAgent, nowMs: number) {
  const { credential } = entry.registration;
  const freshMs = credential === null ? null : (credential.rotatedMs ?? credential.issuedMs);
  const unused = Object.fromEntries(
    LIMITS_OF_USE.map((limit) => [limit, unusedOf(allowedOf(entry, limit), usage?.of ?? null, limit)]),
  );
  return {
    ...rowOf(entry),
    version: entry.version,
    registered: entry.registered,
    status: entry.status,
    owner_present: hasOwner,
    credential_age_days: freshMs === null ? null : Math.max(0, Math.floor((nowMs - freshMs) / DAY_MS)),
    used_scopes: usage === null ? null : [...(usage.of === null ? [] : (usage.of.names.scopes ?? []))].sort(),
    unused: usage === null ? null : unused,
    last_seen: momentOf(usage?.of?.lastMs ?? null),
    findings: usage?.findings ?? null,
    ...COLUMNS,
  };
}

/** A document as read from its JSON: agents, and whatever else stands in it. */
export interface ReviewDocument {
  readonly agents: readonly object[];
  readonly [member: string]: unknown;
}

/** The canonical text that the signature of a document covers, filled in or not, in steps. */
export function* signedText(document: ReviewDocument): Generator<void, string> {
  return canonicalObject(yield* signedMembers(document));
}

/** The canonical text of a document with its signature in it, in steps. */
export function* sealedText(document: ReviewDocument, key: Signer): Generator<void, string> {
  const members = yield* signedMembers(document);
  const signature = canonical(signatureOver(canonicalObject(members), key));
  return canonicalObject({ ...members, signature });
}

function* signedMembers(document: ReviewDocument): Generator<void, Record<string, string>> {
  const { signature: _, agents, ...rest } = document;
  const texts: string[] = [];
  for (const [place, agent] of agents.entries()) {
    if (place % STEP === 0) yield;
    texts.push(canonical({ ...agent, ...COLUMNS }));
  }
  const members = Object.entries(rest).map(([name, value]) => [name, canonical(value)]);
  return { ...Object.fromEntries(members), agents: `[${texts.join(',')}]` };
}

/** What `remove` takes away: everything that it was allowed by name, and the leave to delegate. */
export const NO_ACCESS = {
  ...{ scopes: [], operations: [], endpoints: [], targets: [], data_classes: [] },
  delegation: { depth_max: 0, breadth_max: 0, agents: [] },
};
