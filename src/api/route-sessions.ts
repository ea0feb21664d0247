/** How people come in and go: login links, sessions, and the login at the identity provider. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { identityOf, tooOften } from './access.js';
import { ADMINS, type Clock, type Identity, type RateLimits, READERS, type TokensPort } from './contract.js';
import { type LoginCodes, loginPath } from './login-codes.js';
import type { LoginPort } from './oidc.js';
import type { Deeds } from './operations-guard.js';
import { createRateLimit } from './rate-limit.js';
import type { Api } from './route.js';
import { emptyQuery } from './schema.js';
import { PEOPLE, type PersonRole } from './section.js';
import {
  linkAnswer,
  linkBody,
  loginAnswer,
  type SessionAnswer,
  sessionAnswer,
  sessionBody,
  sessionEndAnswer,
  sessionEndQuery,
  waysAnswer,
} from './session-schema.js';
import type { Entrance, Session, Sessions } from './sessions.js';
import { isForeign, readCookie, type Site, setCookie } from './site.js';

export interface SessionParts {
  readonly sessions: Sessions;
  readonly logins: LoginCodes;
  readonly tokens: Pick<TokensPort, 'isLiving'>;
  readonly site: Site;
  readonly login: LoginPort | null;
  /** Who came in and who was sent out stands in the registry's log. */
  readonly deeds: Deeds;
  readonly limits: RateLimits;
  readonly clock: Clock;
}

export function registerSessions(app: Api, parts: SessionParts): void {
  registerLinks(app, parts);
  registerSession(app, parts);
  registerLogin(app, parts);
}

function registerLinks(app: Api, { logins, tokens, deeds }: SessionParts): void {
  app.route({
    method: 'POST',
    url: '/v1/login-links',
    config: {
      ...{ access: READERS, operation: 'makeLoginLink', once: true },
      summary: 'Make a link that lets a browser in once, with the roles of this token or fewer',
    },
    schema: { querystring: emptyQuery, body: linkBody, response: { 201: linkAnswer } },
    handler: async (request, reply) => {
      const identity = identityOf(request);
      // A session that could make the next one would never end.
      if (!tokens.isLiving(identity.id) || request.session !== null) {
        throw new KilldeerError('api.forbidden', 'a login link is made with a token of this server');
      }
      const roles = request.body.roles ?? PEOPLE.filter((role) => identity.roles.includes(role));
      requireHeld(identity, roles);
      await deeds(identity, request.id, 'login-link', JSON.stringify({ roles }));
      const { code, expiresMs } = logins.make({ ...identity, roles: [...roles] });
      return reply.code(201).send({ path: loginPath(code), roles: [...roles], expires_ms: expiresMs });
    },
  });
}

/** Of people's roles each holds the ones below it. */
function requireHeld({ roles }: Identity, wanted: readonly PersonRole[]): void {
  const highest = Math.max(...roles.map((role) => PEOPLE.indexOf(role as PersonRole)));
  const above = wanted.find((role) => PEOPLE.indexOf(role) > highest);
  if (above !== undefined) throw new KilldeerError('api.forbidden', `the role ${above} is more than this token has`);
}

function registerSession(app: Api, parts: SessionParts): void {
  const { sessions, logins, site, deeds } = parts;
  const failures = createFailures(parts);
  app.route({
    method: 'POST',
    url: '/v1/sessions',
    config: {
      access: 'open',
      operation: 'openSession',
      summary: 'Log in with the code of a login link; sets a cookie',
    },
    schema: { querystring: emptyQuery, body: sessionBody, response: { 201: sessionAnswer } },
    handler: async (request, reply) => {
      // Whoever could log somebody in as another would see what that person does.
      if (isForeign(request, site)) throw new KilldeerError('api.forbidden', 'another site made this call');
      const identity = logins.take(request.body.code);
      if (identity === null) {
        failures(request, reply);
        throw new KilldeerError('api.unauthorized', 'this login link was used, is too old, or never was');
      }
      const session = await enter(parts, request, reply, identity, 'link');
      return reply.code(201).send(viewOf(sessions, identity, session));
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/session',
    config: { access: 'any', operation: 'getSession', summary: 'Who the caller is, and until when' },
    schema: { querystring: emptyQuery, response: { 200: sessionAnswer } },
    handler: async (request) => viewOf(sessions, identityOf(request), request.session),
  });

  app.route({
    method: 'DELETE',
    url: '/v1/session',
    config: { access: 'any', operation: 'closeSession', summary: 'Log out' },
    schema: { querystring: emptyQuery, response: { 200: sessionEndAnswer } },
    handler: async (request, reply) => {
      if (request.session === null) return { ended: 0 };
      sessions.close(request.session);
      setCookie(reply, site, 'session', '');
      await deeds(request.session.identity, request.id, 'session-close', sessionText(request.session));
      return { ended: 1 };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/sessions',
    config: { access: ADMINS, operation: 'closeSessions', summary: 'Log a person out of everything here' },
    schema: { querystring: sessionEndQuery, response: { 200: sessionEndAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { bindings } = identity;
      if (bindings.tenants !== null || bindings.agents !== null) {
        throw new KilldeerError('api.forbidden', 'a token with bindings cannot end sessions');
      }
      const { person } = request.query;
      const actor = person.startsWith('person:') ? person : `person:${person}`;
      const ended = sessions.closeOf(actor);
      await deeds(identity, request.id, 'sessions-close', JSON.stringify({ person: actor, ended }));
      return { ended };
    },
  });
}

function registerLogin(app: Api, parts: SessionParts): void {
  const { site, login } = parts;
  const attempts = createRateLimit(parts.clock);
  const failures = createFailures(parts);
  app.route({
    method: 'GET',
    url: '/v1/login-ways',
    config: { access: 'open', operation: 'getLoginWays', summary: 'How one can log in here' },
    schema: { querystring: emptyQuery, response: { 200: waysAnswer } },
    handler: async () => ({ link: true as const, oidc: login !== null }),
  });

  app.route({
    method: 'GET',
    url: '/v1/login',
    config: {
      access: 'open',
      operation: 'beginLogin',
      summary: 'Log in at the identity provider: sends the browser there',
    },
    schema: { querystring: emptyQuery, response: { 302: loginAnswer } },
    handler: async (request, reply) => {
      const provider = requireLogin(login);
      const waitMs = attempts.take(request.ip, parts.limits.failures);
      if (waitMs > 0) throw tooOften(reply, waitMs);
      const { url, key } = await provider.begin();
      setCookie(reply, site, 'login', key);
      return reply.code(302).header('location', url).send(null);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/login/callback',
    // Its address holds the provider's code.
    logLevel: 'silent',
    config: {
      access: 'open',
      operation: 'finishLogin',
      summary: 'Where the identity provider sends the browser back to',
    },
    schema: { response: { 302: loginAnswer } },
    handler: async (request, reply) => {
      const provider = requireLogin(login);
      const key = readCookie(request, site, 'login');
      setCookie(reply, site, 'login', '');
      const identity = await provider.finish(key ?? '', request.url.split('?', 2)[1] ?? '').catch((error: unknown) => {
        failures(request, reply);
        throw error;
      });
      await enter(parts, request, reply, identity, 'oidc');
      return reply.code(302).header('location', '/').send(null);
    },
  });
}

function requireLogin(login: LoginPort | null): LoginPort {
  if (login !== null) return login;
  throw new KilldeerError('api.not-found', 'no identity provider is configured for login here');
}

/** A new secret for every login: one that somebody planted before leads nowhere. */
async function enter(
  { sessions, site, deeds }: SessionParts,
  request: FastifyRequest,
  reply: FastifyReply,
  identity: Identity,
  via: Entrance,
): Promise<Session> {
  const before = readCookie(request, site, 'session');
  const old = before === null ? null : sessions.find(before);
  if (old !== null) sessions.close(old);
  const { secret, session } = sessions.open(identity, via);
  await deeds(identity, request.id, 'session-open', sessionText(session)).catch((error: unknown) => {
    sessions.close(session);
    throw error;
  });
  setCookie(reply, site, 'session', secret);
  return session;
}

/** Never its secret: the id is for logs. */
function sessionText({ id, via }: Session): string {
  return JSON.stringify({ session: id, via });
}

/** Counts a failed login of an address; throws 'api.rate-limited' where there were too many. */
function createFailures({ clock, limits }: SessionParts) {
  const rates = createRateLimit(clock);
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const waitMs = rates.take(request.ip, limits.failures);
    if (waitMs > 0) throw tooOften(reply, waitMs);
  };
}

function viewOf(sessions: Sessions, identity: Identity, session: Session | null): SessionAnswer {
  const { tenants, agents } = identity.bindings;
  const ends = session === null ? null : sessions.endOf(session);
  return {
    actor: identity.actor,
    authority: identity.id,
    roles: [...identity.roles],
    tenants: tenants === null ? null : [...tenants],
    agents: agents === null ? null : [...agents],
    via: session?.via ?? 'token',
    csrf: session?.csrf ?? null,
    idle_ms: ends?.idleMs ?? null,
    expires_ms: ends?.lastMs ?? null,
  };
}
