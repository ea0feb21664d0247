/**
 * One credential under several agents. Roots that share one from the start, or were handed it together, are a habit;
 * whoever joins later is told, once, and is known from then on while the sharing lasts. Agents that delegate to each
 * other, or that share another credential already, say nothing by sharing one. Bounded: CREDENTIALS_MAX credentials of
 * USERS_MAX roots each, what was used longest ago forgotten first; what nobody used for 7 days is forgotten, too.
 */
import type { EdgeRecord } from './signal.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What is shared within this time of the stage's first edge was shared before. */
const LEARNING_MS = DAY_MS;
/** Roots that a new credential reaches within this time were handed it together. */
const HANDED_OUT_MS = HOUR_MS;
const KEPT_MS = 7 * DAY_MS;
const CREDENTIALS_MAX = 20_000;
const USERS_MAX = 64;
const CREDENTIALS_PER_ROOT = 16;

/** A root that uses a credential of others. */
export interface SharingNews {
  readonly tenant: string;
  /** The newcomer: the acting agent, and its root. */
  readonly agent: string;
  readonly root: string;
  /** Hash of the credential, as the events carry it. */
  readonly credential: string;
  /** Roots that used it before, the first of them first. */
  readonly others: readonly string[];
  readonly bound: boolean;
  /** Of the event that showed it. */
  readonly seenMs: number;
}

interface User {
  readonly root: string;
  lastMs: number;
}

interface Credential {
  readonly firstMs: number;
  users: readonly User[];
}

/** What a watch goes on from, in the order of last use. */
export interface CredentialsJson {
  readonly startMs: number;
  readonly credentials: readonly (readonly [key: string, credential: Credential])[];
  readonly held: readonly (readonly [root: string, credentials: readonly string[]])[];
}

/** Who uses which credential. */
export class CredentialWatch {
  private startMs: number;
  /** By tenant and hash, the one used last at the end. */
  private readonly credentials = new Map<string, Credential>();
  /** Keys of the credentials that a root was seen with, latest last; by tenant and root. */
  private readonly held = new Map<string, readonly string[]>();

  constructor(json?: CredentialsJson) {
    this.startMs = json?.startMs ?? 0;
    for (const [key, one] of json?.credentials ?? []) this.credentials.set(key, copyOf(one));
    for (const [root, keys] of json?.held ?? []) this.held.set(root, [...keys]);
  }

  /** Takes one edge by credential. `areKin`: whether one of two roots works for the other. */
  take(edge: EdgeRecord, areKin: (tenant: string, a: string, b: string) => boolean): SharingNews | null {
    const { tenant, key: credential, agent, root, timeMs, bound } = edge;
    if (this.startMs === 0) this.startMs = timeMs;
    const key = `${tenant}\u0000${credential}`;
    const known = this.credentials.get(key);
    const users = (known?.users ?? []).filter((user) => timeMs - user.lastMs < KEPT_MS);
    const firstMs = users.length === 0 ? timeMs : (known as Credential).firstMs;
    const others = users.filter((user) => user.root !== root);
    const isNewcomer = others.length === users.length && others.length > 0;
    const strangers = isNewcomer
      ? others.filter((user) => !areKin(tenant, root, user.root) && !this.shareAnother(tenant, key, root, user.root))
      : [];
    const isHabit = timeMs - this.startMs < LEARNING_MS || timeMs - firstMs < HANDED_OUT_MS;
    this.keep(key, { firstMs, users: [...others, { root, lastMs: timeMs }].slice(-USERS_MAX) });
    this.hold(`${tenant}\u0000${root}`, key);
    // One acquaintance vouches for the newcomer: whoever it is known to share with shares this one, too.
    if (isHabit || strangers.length === 0 || strangers.length < others.length) return null;
    return { tenant, agent, root, credential, others: others.map((user) => user.root), bound, seenMs: timeMs };
  }

  snapshot(): CredentialsJson {
    return {
      startMs: this.startMs,
      credentials: [...this.credentials].map(([key, one]) => [key, copyOf(one)]),
      held: [...this.held],
    };
  }

  private shareAnother(tenant: string, key: string, a: string, b: string): boolean {
    const ofB = this.held.get(`${tenant}\u0000${b}`) ?? [];
    return (this.held.get(`${tenant}\u0000${a}`) ?? []).some((one) => one !== key && ofB.includes(one));
  }

  private keep(key: string, credential: Credential): void {
    this.credentials.delete(key);
    this.credentials.set(key, credential);
    if (this.credentials.size > CREDENTIALS_MAX)
      this.credentials.delete(this.credentials.keys().next().value as string);
  }

  private hold(root: string, key: string): void {
    const before = this.held.get(root) ?? [];
    this.held.delete(root);
    this.held.set(root, [...before.filter((one) => one !== key), key].slice(-CREDENTIALS_PER_ROOT));
    if (this.held.size > CREDENTIALS_MAX) this.held.delete(this.held.keys().next().value as string);
  }
}

function copyOf({ firstMs, users }: Credential): Credential {
  return { firstMs, users: users.map((user) => ({ ...user })) };
}
