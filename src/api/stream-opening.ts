/** How a call becomes a stream of server-sent events: whether there is room, its head, and for how long it is welcome. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { StreamReader, Streams } from './streams.js';

/** Throws 'api.rate-limited' where as many are open as may be. */
export function openStream<E>(
  streams: Streams<E> | null,
  request: FastifyRequest,
  reply: FastifyReply,
  reader: Omit<StreamReader<E>, 'isWelcome'>,
): void {
  if (streams === null || !streams.hasRoom()) {
    reply.header('retry-after', 5);
    throw new KilldeerError('api.rate-limited', 'as many streams are open as may be');
  }
  const { raw } = begin(reply);
  // A token that was revoked, or a session that ended, sees nothing more.
  streams.open(raw, { ...reader, isWelcome: () => request.server.isWelcome(request) });
}

function begin(reply: FastifyReply): FastifyReply {
  reply.hijack();
  // The headers that every answer has, which nobody else writes from here on.
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    // A connection that went idle at the end of its stream would hold up the end of the server.
    'connection': 'close',
  });
  return reply;
}
