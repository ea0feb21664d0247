/**
 * The server, apart from listening. A call passes: request id and security headers, access (401, 403, 429), body
 * (413, 415, 400), schemas (400), the route, and on every error one handler that makes a problem detail of it.
 */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type * as z from 'zod';
import { KilldeerError } from '../errors.js';
import { createAccessHook } from './access.js';
import { createCallGate } from './body.js';
import { RATE_LIMITS, type ServerParts } from './contract.js';
import { createEnter, createIsWelcome } from './door.js';
import { createIdempotency } from './idempotency.js';
import { createLoginCodes } from './login-codes.js';
import { createDeeds } from './operations-guard.js';
import { PROBLEM_TYPE, problemOf, problemOfError, retryAfterS } from './problem.js';
import type { Api, RouteRow } from './route.js';
import { registerAgentFile } from './route-agent-file.js';
import { registerAgents } from './route-agents.js';
import { registerApprovals } from './route-approvals.js';
import { registerAudit } from './route-audit.js';
import { registerConnectors } from './route-connectors.js';
import { registerConsole } from './route-console.js';
import { registerDecide } from './route-decide.js';
import { registerDrills } from './route-drills.js';
import { registerEnvoy } from './route-envoy.js';
import { registerEvents } from './route-events.js';
import { registerExplanation } from './route-explanation.js';
import { registerHistory } from './route-history.js';
import { registerLineage } from './route-lineage.js';
import { registerMcp } from './route-mcp.js';
import { createScraper, observeCalls, registerMetrics } from './route-metrics.js';
import { registerModels } from './route-models.js';
import { registerNginx } from './route-nginx.js';
import { registerPolicy } from './route-policy.js';
import { registerProfile } from './route-profile.js';
import { registerReplays } from './route-replays.js';
import { registerResponder } from './route-responder.js';
import { registerSessions } from './route-sessions.js';
import { registerSettings } from './route-settings.js';
import { registerSettle } from './route-settle.js';
import { registerSinks } from './route-sinks.js';
import { registerSponsors } from './route-sponsors.js';
import { registerStatus } from './route-status.js';
import { registerStops } from './route-stops.js';
import { type FeedParts, registerStream } from './route-stream.js';
import { registerSuppressions } from './route-suppressions.js';
import { registerTokens } from './route-tokens.js';
import { registerTraces } from './route-traces.js';
import { registerTrail } from './route-trail.js';
import { registerVerdicts } from './route-verdicts.js';
import { createSessions } from './sessions.js';
import { HSTS, PLAIN_SITE, type Site } from './site.js';
import { registerTriageRoutes } from './triage-routes.js';

const BODY_BYTES_MAX = 262_144;
/** Agent names may take up to 256 characters, and each of them nine when it is percent-encoded. */
const PARAM_LENGTH_MAX = 4096;
/** A whole request must have arrived by then, ms: slow senders cannot hold connections. */
const REQUEST_TIMEOUT_MS = 60_000;

/** For an API that answers JSON alone: nothing is to be framed, sniffed, cached or run. */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

/** All routes and hooks; the caller listens, or injects. */
export function buildServer(parts: ServerParts & FeedParts): FastifyInstance {
  const site = parts.site ?? PLAIN_SITE;
  const wall = parts.wall ?? parts.clock;
  const app = fastify({
    ...tlsOf(site),
    logger: parts.logStream === undefined ? false : loggerOptions(parts.logStream),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    frameworkErrors: (error, request, reply) => sendProblem(error, request as FastifyRequest, reply as FastifyReply),
  }).withTypeProvider<ZodTypeProvider>() as unknown as Api;

  app.setValidatorCompiler(validatorCompiler);
  // Answers are made by view.ts, member by member, so nothing needs to be checked or cut on the way out.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.decorate('routeTable', []);
  app.decorateRequest('identity', null);
  app.decorateRequest('session', null);
  app.decorateRequest('repeatKey', null);
  app.addHook('onRoute', createIdempotency(wall));
  app.addHook('onRoute', (route) => {
    app.routeTable.push(rowOf(route as unknown as DeclaredRoute));
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    if (site.secure) reply.header('strict-transport-security', HSTS);
    done();
  });
  const limits = { ...RATE_LIMITS, ...parts.limits };
  const { tokens, authenticate, oidc } = parts;
  const sessions = createSessions(wall, ({ id }) => id.startsWith('oidc:') || tokens.isLiving(id));
  const doors = { authenticate, sessions, site, bearer: oidc?.bearer ?? null };
  app.decorate('isWelcome', createIsWelcome(doors));
  const scraper = createScraper(parts.metrics?.token ?? null);
  app.addHook('onRequest', createAccessHook(createEnter(doors), limits, wall, scraper, site));
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => refuseUnknown(app.routeTable, request, reply));

  const gate = createCallGate();
  registerEvents(app, parts.ingest, gate);
  registerTraces(app, parts.ingest, gate);
  registerDecide(app, parts);
  registerSettle(app, parts);
  registerEnvoy(app, parts);
  registerNginx(app, parts);
  registerMcp(app, parts);
  registerStream(app, parts);
  registerAgents(app, parts);
  registerHistory(app, parts);
  registerProfile(app, parts);
  registerLineage(app, parts);
  registerExplanation(app, parts);
  registerAgentFile(app, parts);
  registerSponsors(app, parts);
  registerAudit(app, parts);
  registerStops(app, parts);
  registerDrills(app, parts);
  registerResponder(app, parts);
  registerConnectors(app, parts);
  registerTriageRoutes(app, parts);
  registerSinks(app, parts);
  registerVerdicts(app, parts);
  registerSuppressions(app, parts);
  registerApprovals(app, parts);
  registerPolicy(app, parts);
  registerTrail(app, parts);
  registerSettings(app, parts);
  registerModels(app, parts);
  registerReplays(app, parts);
  registerTokens(app, parts);
  const logins = parts.logins ?? createLoginCodes(wall);
  const ways = { sessions, logins, tokens, site, login: oidc?.login ?? null };
  registerSessions(app, { ...ways, deeds: createDeeds(parts), limits, clock: wall });
  registerStatus(app, parts.status, parts.version);
  registerConsole(app, parts.console ?? null);
  if (parts.metrics !== undefined) {
    observeCalls(app as unknown as FastifyInstance, parts.metrics.telemetry);
    registerMetrics(app, parts.metrics.telemetry);
  }
  return app as unknown as FastifyInstance;
}

/** TLS 1.2 and later; the certificate may be changed while it listens. */
function tlsOf({ tls }: Site): { https: null } {
  if (tls === undefined) return { https: null };
  // Typed as without: every call goes the same way over either.
  return { https: { ...tls, minVersion: 'TLSv1.2' } } as unknown as { https: null };
}

export interface ListenOptions {
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** Must be true for a host that other machines can reach. */
  readonly exposed?: boolean;
}

/** Listens and resolves with the address. Refuses a host beyond this machine unless told that it is meant. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<string> {
  const host = options.host ?? '127.0.0.1';
  if (options.exposed !== true && !isLoopback(host)) {
    throw new KilldeerError('config.invalid', `host ${host} is reachable from other machines; say so if it is meant`);
  }
  return await app.listen({ host, port: options.port });
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

const SECRET_HEADERS: readonly string[] = ['authorization', 'cookie', '["set-cookie"]', '["x-killdeer-csrf"]'];

/** Method, path, status and id go into the log; never a header, a body or a stack. */
export function loggerOptions(stream: { write(line: string): void }) {
  return {
    stream,
    redact: {
      paths: ['', 'headers.', 'req.headers.', 'request.headers.'].flatMap((of) =>
        SECRET_HEADERS.map((name) => of + name),
      ),
      censor: '[redacted]',
    },
    serializers: { err: errorView },
  };
}

/** What a person needs to find a fault: its words, its cause, and the one place where it was thrown. */
function errorView(error: Error): {
  type: string;
  message: string;
  stack: string;
  cause: string | null;
  at: string | null;
} {
  const at = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  const cause = error.cause instanceof Error ? error.cause.message : null;
  return { type: error.name, message: error.message, stack: '', cause, at: at?.trim() ?? null };
}

interface DeclaredRoute {
  readonly method: string;
  readonly url: string;
  readonly config?: Partial<RouteRow>;
  readonly schema?: {
    readonly params?: z.ZodObject;
    readonly querystring?: z.ZodObject;
    readonly body?: z.ZodType;
    readonly response?: Record<string, z.ZodType>;
  };
}

/** A route that does not say who may use it cannot be registered. */
function rowOf({ method, url, config, schema }: DeclaredRoute): RouteRow {
  if (config?.access === undefined || config.operation === undefined || config.summary === undefined) {
    throw new TypeError(`route ${method} ${url} declares no access, operation or summary`);
  }
  return {
    method,
    url,
    access: config.access,
    limit: config.limit ?? 'control',
    operation: config.operation,
    summary: config.summary,
    params: schema?.params ?? null,
    query: schema?.querystring ?? null,
    body: schema?.body ?? null,
    answers: schema?.response ?? {},
  };
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOfError(error, request.id);
  // The server's own log: routes may have silenced the request's.
  if (problem.status >= 500) request.server.log.error({ err: error, requestId: request.id }, problem.code);
  const waitS = retryAfterS(problem.code);
  if (waitS !== null && !reply.hasHeader('retry-after')) reply.header('retry-after', waitS);
  reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
}

/** 405 with the methods where the path exists, else 404. */
function refuseUnknown(table: readonly RouteRow[], request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0] as string;
  const methods = table.filter((row) => matchesPath(row.url, path)).map((row) => row.method);
  const code = methods.length === 0 ? 'api.not-found' : 'api.method-not-allowed';
  if (methods.length > 0) reply.header('allow', methods.join(', '));
  const { status, ...rest } = problemOf(code, `no route answers ${request.method} on this path`, request.id);
  reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send({ status, ...rest });
}

function matchesPath(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i]);
}
