/**
 * Who comes in, and by what: a token of ours, a token of the identity provider, or a session's cookie. A token that is
 * sent counts alone: one that is bad is refused, whatever cookie comes with it.
 */
import type { FastifyRequest } from 'fastify';
import type { Authenticate, Identity } from './contract.js';
import type { BearerPort } from './oidc.js';
import type { Session, Sessions } from './sessions.js';
import { readCookie, type Site } from './site.js';

export interface Doors {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly site: Site;
  /** Tokens of the identity provider; null: they open nothing. */
  readonly bearer: BearerPort | null;
}

/** Who the caller is; null: nobody known. A promise only for a token of the identity provider that is new here. */
export type Enter = (request: FastifyRequest) => Identity | null | Promise<Identity | null>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where the call came by a token. */
    session: Session | null;
  }
  interface FastifyInstance {
    /** Whether the caller of a long answer would still be let in. */
    isWelcome(request: FastifyRequest): boolean;
  }
}

export function createEnter({ authenticate, sessions, site, bearer }: Doors): Enter {
  return (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const known = authenticate(authorization);
      return known !== null || bearer === null ? known : bearer.verify(authorization);
    }
    const secret = readCookie(request, site, 'session');
    request.session = secret === null ? null : sessions.find(secret);
    return request.session?.identity ?? null;
  };
}

/** The same question again, later, which wakes no session. */
export function createIsWelcome({ authenticate, sessions, bearer }: Doors): (request: FastifyRequest) => boolean {
  return ({ identity, session, headers: { authorization } }) => {
    if (session !== null) return sessions.isLiving(session);
    const known = authenticate(authorization) ?? bearer?.known(authorization) ?? null;
    return known !== null && known.id === identity?.id;
  };
}
