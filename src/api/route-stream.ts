/**
 * The registry for gateways that decide by themselves: what is in force now (GET /v1/registry/current), and from there
 * every change as a server-sent event (GET /v1/registry/stream).
 */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import type { Bindings, RegistryPort, Staleness } from './contract.js';
import { copyView, type FeedEvent, isTold, type RegistryFeed } from './registry-feed.js';
import type { Api } from './route.js';
import { openStream } from './stream-opening.js';
import { type CopyAgent, currentAnswer, currentQuery, streamAnswer, streamQuery } from './stream-schema.js';
import { createStreams, type StreamLimits, type StreamWords } from './streams.js';

const ACCESS = ['gateway', 'responder', 'admin'] as const;

/** What the stream is made of beside the server's parts. */
export interface FeedParts {
  /** Changes of the registry, for gateways with a copy of their own; left out: they are told nothing. */
  readonly feed?: RegistryFeed;
  readonly streams?: Partial<StreamLimits>;
}

interface StreamParts extends FeedParts {
  readonly registry: Pick<RegistryPort, 'entries' | 'mode'>;
  readonly staleness?: Staleness;
}

export function registerStream(app: Api, parts: StreamParts): void {
  const { registry, feed, staleness } = parts;
  feed?.watch(() => registry.mode());
  const streams =
    feed === undefined
      ? null
      : createStreams(
          feed,
          wordsOf(() => staleness?.ms() ?? 0),
          parts.streams,
        );
  app.addHook('preClose', (done: () => void) => {
    streams?.close();
    done();
  });

  app.route({
    method: 'GET',
    url: '/v1/registry/current',
    config: {
      access: ACCESS,
      operation: 'registryCurrent',
      summary: 'Read what is in force, to decide from a copy of it; the stream goes on from its offset',
    },
    schema: { querystring: currentQuery, response: { 200: currentAnswer } },
    handler: async (request, reply) => {
      const source = requireFeed(feed);
      const { bindings, id } = identityOf(request);
      const { limit, cursor } = request.query;
      const offset = source.position();
      // Of what this token may see, from here on, as it was then.
      const tag = `"${offset}-${id}-${cursor}-${limit}"`;
      reply.header('etag', tag).header('cache-control', 'no-cache');
      if (request.headers['if-none-match'] === tag) return reply.code(304 as 200).send(undefined as never);
      const halts = source.halts().filter(({ tenant }) => seesTenant(bindings, tenant));
      return { offset, policy: source.policy(), halts, ...page(registry, bindings, limit, cursor) };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/registry/stream',
    config: {
      access: ACCESS,
      operation: 'registryStream',
      summary: 'Follow what is in force as server-sent events, from Last-Event-ID on',
    },
    schema: { querystring: streamQuery, response: { 200: streamAnswer } },
    handler: (request, reply) => {
      const source = requireFeed(feed);
      const { bindings } = identityOf(request);
      openStream(streams, request, reply, {
        from: placeOf(request) ?? request.query.from ?? source.position(),
        forMs: request.query.for_ms,
        visible: (event) => {
          if (event.type === 'policy') return true;
          if (event.type === 'halt') return seesTenant(bindings, event.halt.tenant);
          return sees(bindings, event.agent.tenant, event.agent.agent);
        },
      });
    },
  });
}

function wordsOf(staleMs: () => number): StreamWords<FeedEvent> {
  return {
    event: (event) => ({ type: event.type, data: dataOf(event) }),
    reset: (position) => ({ offset: position }),
    heartbeat: (position) => ({ offset: position, stale_ms: staleMs() }),
    id: String,
  };
}

function dataOf(event: FeedEvent): object {
  if (event.type === 'policy') return event.policy;
  return event.type === 'halt' ? event.halt : event.agent;
}

/** null where there is none; one that is no position is answered as one that is too old. */
function placeOf(request: FastifyRequest): number | null {
  const given = request.headers['last-event-id'];
  if (given === undefined || given === '') return null;
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : -1;
}

function requireFeed(feed: RegistryFeed | undefined): RegistryFeed {
  if (feed !== undefined) return feed;
  throw new KilldeerError('api.not-found', 'this process does not tell of its registry');
}

/** Whom the token speaks about, and those above them by name, whose stop covers them. */
export function sees(bindings: Bindings, tenant: string, agent: string): boolean {
  if (covers(bindings, tenant, agent)) return true;
  return seesTenant(bindings, tenant) && bindings.agents?.some((pattern) => pattern.startsWith(`${agent}/`)) === true;
}

function seesTenant({ tenants }: Bindings, tenant: string | null): boolean {
  return tenant === null || tenants === null || tenants.includes(tenant);
}

/** As the list of agents: a place can only move back, so none is left out. */
function page(registry: StreamParts['registry'], bindings: Bindings, limit: number, cursor: number) {
  const agents: CopyAgent[] = [];
  let place = 0;
  for (const entry of registry.entries()) {
    if (place++ < cursor || !isTold(entry) || !sees(bindings, entry.tenant, entry.agent)) continue;
    if (agents.length === limit) return { agents, cursor: place - 1 };
    agents.push(copyView(entry));
  }
  return { agents, cursor: null };
}
