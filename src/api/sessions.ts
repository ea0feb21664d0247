/**
 * Sessions of people: what a browser's cookie stands for. The cookie carries 256 random bits, this memory their hash
 * alone, so nothing that reads it can come in. Every session ends: after rest, after half a day whatever happens, with
 * the token that it was made from, and with the process.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock, Identity } from './identity.js';

/** How the person came in: by a one-time link, or by the identity provider. */
export type Entrance = 'link' | 'oidc';

export interface Session {
  /** Safe to log; not what the cookie carries. */
  readonly id: string;
  readonly identity: Identity;
  /** What a call that changes something must repeat in a header: other sites cannot read it. */
  readonly csrf: string;
  readonly via: Entrance;
  readonly createdMs: number;
}

export interface Sessions {
  /** `secret` is for the cookie, and is nowhere else. */
  open(identity: Identity, via: Entrance): { readonly secret: string; readonly session: Session };
  /** null: there is none that lives. Being asked for is what keeps it awake. */
  find(secret: string): Session | null;
  /** Whether it would still be found; it is not kept awake. */
  isLiving(session: Session): boolean;
  /** When it ends by itself if nobody uses it, and at the latest, ms. */
  endOf(session: Session): { readonly idleMs: number; readonly lastMs: number };
  close(session: Session): void;
  /** All of a person, 'person:NAME'; how many there were. */
  closeOf(actor: string): number;
}

export const SESSION_IDLE_MS = 30 * 60_000;
export const SESSION_LAST_MS = 12 * 3_600_000;
export const SESSIONS_MAX = 1_000;
/** Of one person: whoever opens many pushes out their own, never somebody else's. */
export const SESSIONS_PER_PERSON_MAX = 20;

interface Held {
  readonly session: Session;
  readonly hash: string;
  seenMs: number;
}

/** `isHeld`: whether what the identity rests on still holds; the clock is a wall clock. */
export function createSessions(clock: Clock, isHeld: (identity: Identity) => boolean): Sessions {
  /** By hash, the one that rested longest first. */
  const byHash = new Map<string, Held>();
  const byId = new Map<string, Held>();

  function drop({ hash, session }: Held): void {
    byHash.delete(hash);
    byId.delete(session.id);
  }

  function lives({ session, seenMs }: Held): boolean {
    const nowMs = clock();
    const isYoung = nowMs < session.createdMs + SESSION_LAST_MS && nowMs < seenMs + SESSION_IDLE_MS;
    return isYoung && isHeld(session.identity);
  }

  function makeRoom(actor: string): void {
    for (const held of [...byHash.values()]) if (!lives(held)) drop(held);
    const own = [...byHash.values()].filter(({ session }) => session.identity.actor === actor);
    if (own.length >= SESSIONS_PER_PERSON_MAX) drop(own[0] as Held);
    else if (byHash.size >= SESSIONS_MAX) drop(byHash.values().next().value as Held);
  }

  return {
    open(identity, via) {
      makeRoom(identity.actor);
      const secret = randomBytes(32).toString('base64url');
      const createdMs = clock();
      const csrf = randomBytes(32).toString('base64url');
      const session = Object.freeze({ id: randomBytes(6).toString('hex'), identity, csrf, via, createdMs });
      const held = { session, hash: hashOf(secret), seenMs: createdMs };
      byHash.set(held.hash, held);
      byId.set(session.id, held);
      return { secret, session };
    },
    find(secret) {
      const held = byHash.get(hashOf(secret));
      if (held === undefined) return null;
      if (!lives(held)) {
        drop(held);
        return null;
      }
      held.seenMs = clock();
      byHash.delete(held.hash);
      byHash.set(held.hash, held);
      return held.session;
    },
    isLiving(session) {
      const held = byId.get(session.id);
      return held !== undefined && lives(held);
    },
    endOf(session) {
      const seenMs = byId.get(session.id)?.seenMs ?? session.createdMs;
      const lastMs = session.createdMs + SESSION_LAST_MS;
      return { idleMs: Math.min(lastMs, seenMs + SESSION_IDLE_MS), lastMs };
    },
    close(session) {
      const held = byId.get(session.id);
      if (held !== undefined) drop(held);
    },
    closeOf(actor) {
      const own = [...byHash.values()].filter(({ session }) => session.identity.actor === actor);
      for (const held of own) drop(held);
      return own.length;
    },
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
