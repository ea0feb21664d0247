/** The header Idempotency-Key, for every write that a person makes: before the route, and after its answer. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { Clock } from './identity.js';
import { type Answered, createRepeats } from './repeats.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Under which its answer is kept; null: it is not. */
    repeatKey: string | null;
  }
}

const WRITES: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];
const KEY_MAX = 200;

/** For the hook 'onRoute': routes that write, and are neither events nor decisions, keep their answers by key. */
export function createIdempotency(clock: Clock): (route: RouteOptions) => void {
  const repeats = createRepeats(clock);

  // Before validation: what is compared is what was sent.
  async function begin(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const given = keyOf(request);
    if (given === null || request.identity === null) return undefined;
    const path = request.url.split('?', 1)[0] as string;
    const key = JSON.stringify([request.identity.id, request.method, path, given]);
    const known = repeats.begin(key, hashOf(request));
    if (known === 'new') {
      request.repeatKey = key;
      return undefined;
    }
    if (known === 'other') throw new KilldeerError('api.key-reused', 'the idempotency key stands for another call');
    if (known === 'in-flight') throw new KilldeerError('api.in-flight', 'the first call with this key is under way');
    return replay(reply, known);
  }

  async function end(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const key = request.repeatKey;
    if (key === null) return payload;
    request.repeatKey = null;
    repeats.end(key, answerOf(request, reply, payload));
    return payload;
  }

  return (route) => {
    const { access, limit = 'control' } = route.config ?? {};
    const methods = [route.method].flat();
    if (limit !== 'control' || access === 'open' || !methods.some((method) => WRITES.includes(method))) return;
    route.preValidation = [...[route.preValidation ?? []].flat(), begin];
    route.onSend = [...[route.onSend ?? []].flat(), end];
  };
}

/** A key in the body goes first, and is the registry's. */
function keyOf({ headers, body }: FastifyRequest): string | null {
  if (typeof body === 'object' && body !== null && 'key' in body && body.key !== undefined) return null;
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && key.length >= 1 && key.length <= KEY_MAX) return key;
  throw new KilldeerError('api.invalid', `the header Idempotency-Key must have 1 to ${KEY_MAX} characters`);
}

function hashOf({ url, body }: FastifyRequest): string {
  const hash = createHash('sha256').update(`${url.split('?', 2)[1] ?? ''}\n`);
  if (body === undefined || body === null) return hash.digest('base64');
  return hash.update(Buffer.isBuffer(body) ? body : JSON.stringify(body)).digest('base64');
}

function answerOf({ routeOptions }: FastifyRequest, reply: FastifyReply, payload: unknown): Answered | null {
  const status = reply.statusCode;
  if (status < 200 || status > 299) return null;
  const type = reply.getHeader('content-type');
  const isKept = typeof payload === 'string' && routeOptions.config.once !== true;
  return { status, type: typeof type === 'string' ? type : null, body: isKept ? payload : null };
}

function replay(reply: FastifyReply, { status, type, body }: Answered): FastifyReply {
  if (body === null) {
    throw new KilldeerError('registry.refused', 'this was done already; what was answered is shown once');
  }
  if (type !== null) reply.type(type);
  // The text as it was sent, which needs no serialiser.
  return reply
    .code(status)
    .header('idempotency-replayed', 'true')
    .serializer((text: string) => text)
    .send(body);
}
