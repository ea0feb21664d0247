/** From the wire's words to what the registry is told of an agent, and back; and what a wish would change. */
import type { Authority, Credential, Registration, RegistryEntry, RegistryRecord } from '../registry/registry.js';
import type { AgentRow, RegisterWish } from './registration-schema.js';

type RegisterRecord = Extract<RegistryRecord, { type: 'register' }>;
/** What a record says of the agent, without who says it and of whom. */
export type Changes = Omit<RegisterRecord, 'type' | 'timeMs' | 'tenant' | 'agent' | 'ifVersion' | keyof Authority>;

/** One agent in the form of a file: whole, so that it can be read back exactly. */
export type WholeRow = Omit<Required<AgentRow>, 'if_version'>;

/** What is wrong with a wish, given what stands already. */
export interface Objection {
  readonly member: string;
  readonly message: string;
}

export interface Difference {
  readonly member: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Members of the same meaning and form on both sides: the wire's word, and the registry's. */
const ALIKE = [
  ['technical_owner', 'technicalOwner'],
  ['purpose', 'purpose'],
  ['environment', 'environment'],
  ['trust', 'trust'],
  ['operations', 'operations'],
  ['endpoints', 'endpoints'],
  ['targets', 'targets'],
  ['data_classes', 'dataClasses'],
  ['agent_version', 'agentVersion'],
] as const;
const ENTRY_MEMBERS = ['owner', 'role', 'labels', 'scopes', 'protected'] as const;
const NO_BUDGETS = { sessionUsd: null, dayUsd: null };
const DAY = /T00:00:00\.000Z$/;

/** What the schema alone cannot see. */
export function objectionTo(wish: RegisterWish, entry: RegistryEntry | null): Objection | null {
  const { credential } = wish;
  if (credential === undefined || credential === null || credential.kind !== undefined) return null;
  if (isEmpty(credential) || (entry?.registration.credential ?? null) !== null) return null;
  return { member: 'credential.kind', message: 'is needed where no credential is registered yet' };
}

/** Absent members stay absent: they are left as they are. Of parts of a member the entry fills what is absent. */
export function changesOf(wish: RegisterWish, entry: RegistryEntry | null): Changes {
  const changes: Record<string, unknown> = {};
  for (const member of ENTRY_MEMBERS) if (wish[member] !== undefined) changes[member] = wish[member];
  if (wish.parent !== undefined) changes['parentAgent'] = wish.parent;
  if (wish.budgets !== undefined) {
    const { sessionUsd, dayUsd } = entry?.budgets ?? NO_BUDGETS;
    const { session_usd = sessionUsd, day_usd = dayUsd } = wish.budgets;
    changes['budgets'] = { sessionUsd: session_usd, dayUsd: day_usd };
  }
  const registration = registrationOf(wish, entry?.registration ?? null);
  if (Object.keys(registration).length > 0) changes['registration'] = registration;
  return changes as Changes;
}

function registrationOf(wish: RegisterWish, now: Registration | null): Partial<Registration> {
  const made: Record<string, unknown> = {};
  for (const [wire, member] of ALIKE) if (wish[wire] !== undefined) made[member] = wish[wire];
  if (wish.review_on !== undefined) made['reviewMs'] = msOf(wish.review_on);
  if (wish.delegation !== undefined) made['delegation'] = delegationOf(wish.delegation, now);
  if (wish.credential !== undefined) made['credential'] = credentialOf(wish.credential, now);
  return made as Partial<Registration>;
}

function delegationOf(wish: RegisterWish['delegation'], now: Registration | null): Registration['delegation'] {
  if (wish === null || wish === undefined) return null;
  const before = now?.delegation ?? null;
  const limits = {
    depthMax: wish.depth_max === undefined ? (before?.depthMax ?? null) : wish.depth_max,
    breadthMax: wish.breadth_max === undefined ? (before?.breadthMax ?? null) : wish.breadth_max,
    agents: wish.agents === undefined ? (before?.agents ?? null) : wish.agents,
  };
  // One form for one meaning, so that a file read back is no change.
  return isEmpty(limits) ? null : limits;
}

function credentialOf(wish: RegisterWish['credential'], now: Registration | null): Credential | null {
  if (wish === null || wish === undefined) return null;
  const before = now?.credential ?? null;
  const kind = wish.kind ?? before?.kind;
  if (kind === undefined) return null;
  const timeOf = (given: string | null | undefined, was: number | null | undefined): number | null =>
    given === undefined ? (was ?? null) : msOf(given);
  return {
    kind,
    issuedMs: timeOf(wish.issued, before?.issuedMs),
    expiresMs: timeOf(wish.expires, before?.expiresMs),
    rotatedMs: timeOf(wish.rotated, before?.rotatedMs),
  };
}

/** The registration in the wire's words. */
export function registrationView(of: Registration) {
  const { delegation, credential } = of;
  const copy = (names: readonly string[] | null) => (names === null ? null : [...names]);
  return {
    technical_owner: of.technicalOwner,
    purpose: of.purpose,
    environment: of.environment,
    trust: of.trust,
    operations: copy(of.operations),
    endpoints: copy(of.endpoints),
    targets: copy(of.targets),
    data_classes: copy(of.dataClasses),
    delegation:
      delegation === null
        ? null
        : { depth_max: delegation.depthMax, breadth_max: delegation.breadthMax, agents: copy(delegation.agents) },
    credential:
      credential === null
        ? null
        : {
            kind: credential.kind,
            issued: momentOf(credential.issuedMs),
            expires: momentOf(credential.expiresMs),
            rotated: momentOf(credential.rotatedMs),
          },
    agent_version: of.agentVersion,
    review_on: momentOf(of.reviewMs),
  };
}

/** The entry as a row of a file. */
export function rowOf(entry: RegistryEntry): WholeRow {
  return {
    agent: entry.agent,
    tenant: entry.tenant,
    parent: entry.parent,
    owner: entry.owner,
    role: entry.role,
    labels: [...entry.labels],
    scopes: [...entry.scopes],
    protected: entry.protected,
    budgets: { session_usd: entry.budgets.sessionUsd, day_usd: entry.budgets.dayUsd },
    ...registrationView(entry.registration),
  };
}

/** What the changes would make of the entry's row, member by member; all that is said of an agent not known yet. */
export function differencesOf(changes: Changes, entry: RegistryEntry | null): Difference[] {
  const wanted = wishedView(changes);
  const before: Readonly<Record<string, unknown>> = entry === null ? {} : { ...rowOf(entry) };
  return Object.entries(wanted)
    .map(([member, after]) => ({ member, before: before[member] ?? null, after }))
    .filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after));
}

function wishedView({ registration, budgets, parentAgent, ...plain }: Changes): Record<string, unknown> {
  const view: Record<string, unknown> = { ...plain };
  if (parentAgent !== undefined) view['parent'] = parentAgent;
  if (budgets !== undefined) view['budgets'] = { session_usd: budgets.sessionUsd, day_usd: budgets.dayUsd };
  const { reviewMs, credential, delegation } = registration ?? {};
  for (const [wire, member] of ALIKE) if (registration?.[member] !== undefined) view[wire] = registration[member];
  if (reviewMs !== undefined) view['review_on'] = momentOf(reviewMs);
  const nothing = { ...NOTHING, credential: credential ?? null, delegation: delegation ?? null };
  const shown = registrationView(nothing);
  if (credential !== undefined) view['credential'] = shown.credential;
  if (delegation !== undefined) view['delegation'] = shown.delegation;
  return view;
}

const NOTHING = {
  ...{ technicalOwner: null, purpose: null, environment: null, trust: null, operations: null, endpoints: null },
  ...{ targets: null, dataClasses: null, agentVersion: null, reviewMs: null },
} as const;

/** A day where it is the first moment of one, so that what a person wrote comes back. */
export function momentOf(ms: number | null): string | null {
  if (ms === null) return null;
  const text = new Date(ms).toISOString();
  return text.length === 24 ? text.replace(DAY, '') : text;
}

/** A day without a time is its first moment, UTC. */
function msOf(moment: string | null): number | null {
  return moment === null ? null : Date.parse(moment);
}

function isEmpty(value: object): boolean {
  return Object.values(value).every((one) => one === null || one === undefined);
}
