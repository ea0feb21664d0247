/** Server-sent events for pages that stay open: findings and agents as they change, from Last-Event-ID on. */
import type { FastifyRequest } from 'fastify';
import { identityOf } from './access.js';
import { READERS, type ServerParts } from './contract.js';
import type { Api } from './route.js';
import { type FeedParts, sees } from './route-stream.js';
import { openStream } from './stream-opening.js';
import { createStreams } from './streams.js';
import { visibleTo } from './triage-asker.js';
import { updatesAnswer, updatesQuery } from './triage-schema.js';
import type { Updates } from './updates.js';

export function registerUpdates(app: Api, parts: ServerParts & FeedParts, updates: Updates): void {
  const streams = createStreams(updates.source, updates.words, parts.streams);
  app.addHook('preClose', (done: () => void) => {
    streams.close();
    done();
  });

  app.route({
    method: 'GET',
    url: '/v1/updates',
    config: {
      access: READERS,
      operation: 'followUpdates',
      summary: 'Follow findings and agents as they change, as server-sent events, from Last-Event-ID on',
    },
    schema: { querystring: updatesQuery, response: { 200: updatesAnswer } },
    handler: (request, reply) => {
      const { bindings } = identityOf(request);
      const { from, for_ms: forMs } = request.query;
      const place = placeOf(request) ?? from;
      const isVisible = visibleTo(bindings);
      openStream(streams, request, reply, {
        from: place === undefined ? updates.source.position() : updates.position(place),
        forMs,
        visible: ({ tenant, agent, state }) =>
          state === null ? sees(bindings, tenant, agent) : isVisible(state.finding),
      });
    },
  });
}

function placeOf(request: FastifyRequest): string | null {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : null;
}
