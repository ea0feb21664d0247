/** Who may come in: authentication, roles and rate limits, as one hook before anything of the call is read. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { covers } from './binding.js';
import type { Access, Authenticate, Clock, Identity, RateLimits } from './contract.js';
import type { Enter } from './door.js';
import { createRateLimit } from './rate-limit.js';
import { PLAIN_SITE, requireOwnHost, requireOwnPage, type Site } from './site.js';

/** What a route says about itself besides its schemas. */
export interface RouteFacts {
  readonly access: Access;
  /** Which rate limit it counts against; 'control' unless said. */
  readonly limit?: 'ingest' | 'gateway' | 'control';
  /** The scraper's token opens it too. */
  readonly scraped?: true;
  /** What it answers is shown this once, also to the same idempotency key. */
  readonly once?: boolean;
  /** operationId of the OpenAPI document. */
  readonly operation: string;
  readonly summary: string;
}

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<RouteFacts> {}
  interface FastifyRequest {
    /** Null on open routes only. */
    identity: Identity | null;
  }
}

type Done = (error?: Error) => void;

/**
 * Synchronous but for a new token of the identity provider: it stands before every inline decision. `scraper` knows the
 * token of metrics.
 */
export function createAccessHook(
  enter: Enter,
  limits: RateLimits,
  clock: Clock,
  scraper: Authenticate,
  site: Site = PLAIN_SITE,
) {
  const rates = createRateLimit(clock);

  function admit(request: FastifyRequest, reply: FastifyReply, identity: Identity | null): KilldeerError | null {
    const { access, limit = 'control' } = request.routeOptions.config;
    if (identity === null) return turnAway(request, reply);
    const { session } = request;
    const waitMs = rates.take(`${limit}:${session?.id ?? identity.id}`, limits[limit]);
    if (waitMs > 0) return tooOften(reply, waitMs);
    if (session !== null) requireOwnPage(request, site, session);
    if (!allows(access, identity)) {
      const wanted = access === undefined || typeof access === 'string' ? 'a role' : access.join(' or ');
      return new KilldeerError('api.forbidden', `this route needs the role ${wanted}`);
    }
    request.identity = identity;
    return null;
  }

  function turnAway(request: FastifyRequest, reply: FastifyReply): KilldeerError {
    // Only failures are counted by address, so a good token behind a busy proxy is never shut out by others.
    const failedMs = rates.take(`address:${request.ip}`, limits.failures);
    if (failedMs > 0) return tooOften(reply, failedMs);
    reply.header('www-authenticate', 'Bearer realm="killdeer"');
    return new KilldeerError('api.unauthorized', 'the call carries no valid bearer token, nor a session');
  }

  /** 'open': a stranger is fine here. */
  function come(request: FastifyRequest): ReturnType<Enter> | 'open' {
    const { access, limit, scraped } = request.routeOptions.config;
    // A gateway asks in the name of the host that its own caller named.
    if (limit !== 'gateway') requireOwnHost(request, site);
    if (request.is404 || access === 'open') return 'open';
    return (scraped === true ? scraper(request.headers.authorization) : null) ?? enter(request);
  }

  return (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const settle = (who: Identity | null) => {
      const refusal = attempt(() => admit(request, reply, who));
      if (refusal === null) done();
      else done(refusal);
    };
    const found = attempt(() => come(request));
    if (found === 'open') done();
    else if (found instanceof Error) done(found);
    else if (found instanceof Promise) found.then(settle, done);
    else settle(found);
  };
}

/** What it throws is a value. */
function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A route that declares nothing lets nobody in. */
function allows(access: Access | undefined, identity: Identity): boolean {
  if (access === undefined) return false;
  if (access === 'any' || access === 'open') return true;
  return access.some((role) => identity.roles.includes(role));
}

/** Says when to come again, in words and as a header. */
export function tooOften(reply: FastifyReply, waitMs: number): KilldeerError {
  const waitS = Math.max(1, Math.ceil(waitMs / 1000));
  reply.header('retry-after', waitS);
  return new KilldeerError('api.rate-limited', `too many calls; the next is allowed in ${waitS} s`);
}

/** The caller of a route that is not open. */
export function identityOf(request: Pick<FastifyRequest, 'identity'>): Identity {
  if (request.identity === null) throw new KilldeerError('api.unauthorized', 'the call carries no valid bearer token');
  return request.identity;
}

/** What a route about one agent is given. */
interface AgentRequest extends Pick<FastifyRequest, 'identity'> {
  readonly params: { readonly agent: string };
  readonly query: { readonly tenant: string };
}

/** Who asks, and about which agent. Throws 'api.forbidden' where the caller's token is not bound to it. */
export function askedAgent(request: AgentRequest) {
  const identity = identityOf(request);
  const { agent } = request.params;
  const { tenant } = request.query;
  requireCover(identity, tenant, agent);
  return { identity, tenant, agent };
}

/** Throws 'api.forbidden' where the caller's token is not bound to this agent. */
export function requireCover(identity: Identity, tenant: string, agent: string): void {
  if (covers(identity.bindings, tenant, agent)) return;
  throw new KilldeerError('api.forbidden', 'the token is not bound to this agent');
}
