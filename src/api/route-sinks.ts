/** How the sinks are that carry alerts out. */
import type { SinkStatus } from '../sinks/status.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { READERS, type ServerParts } from './contract.js';
import type { Api } from './route.js';
import { emptyQuery } from './schema.js';
import { type SinksAnswer, sinksAnswer } from './sink-schema.js';

export function registerSinks(app: Api, { sinks }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/sinks',
    config: {
      access: READERS,
      operation: 'listSinks',
      summary: 'Read how the sinks are that carry alerts out',
    },
    schema: { querystring: emptyQuery, response: { 200: sinksAnswer } },
    handler: async (request) => {
      if (sinks === undefined) return { active: false, pages_per_day: null, sinks: [] };
      // What is held back, and what went wrong last, may be about an agent of anybody's.
      const mayRead = !isBound(identityOf(request).bindings);
      const { active, pagesPerDay, sinks: all } = await sinks.status();
      return { active, pages_per_day: pagesPerDay, sinks: all.map((sink) => viewOf(sink, mayRead)) };
    },
  });
}

function viewOf(sink: SinkStatus, mayRead: boolean): SinksAnswer['sinks'][number] {
  const { name, kind, format, breaker, backlog, sent, dead, missed, paged } = sink;
  return {
    ...{ name, kind, format, breaker, backlog, sent, dead, missed, paged },
    dead_bytes: sink.deadBytes,
    held: mayRead ? [...sink.held] : [],
    held_count: sink.heldCount,
    last_sent_ms: sink.lastSentMs,
    last_error: mayRead ? sink.lastError : null,
    last_error_ms: sink.lastErrorMs,
  };
}
