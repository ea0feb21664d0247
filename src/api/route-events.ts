/** POST /v1/events: JSON Lines in, 202 once they are durable. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import type { Ingest, IngestAnswer } from './contract.js';
import { CALL_BYTES_MAX } from './ingest.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';
import type { Api } from './route.js';
import { allRejectedAnswer, emptyQuery, ingestAnswer } from './schema.js';

export const EVENT_TYPES = ['application/x-ndjson', 'application/jsonl', 'text/plain', 'application/json'];

/** Bodies held in memory at once: this many, each at most CALL_BYTES_MAX before and after decompression. */
const CALLS_MAX = 16;

const gunzipAsync = promisify(gunzip);

/** A scope of its own, because its bodies are bytes. */
export function registerEvents(app: Api, ingest: Ingest): void {
  app.register((scope: Api, _options, done) => {
    let open = 0;
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(EVENT_TYPES, { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.addHook('onRequest', (_request, reply, next) => {
      if (open >= CALLS_MAX) return next(new KilldeerError('api.behind', `${open} calls with events are under way`));
      open += 1;
      // 'close' comes exactly once, also where the sender hangs up.
      reply.raw.once('close', () => {
        open -= 1;
      });
      next();
    });
    scope.route({
      method: 'POST',
      url: '/v1/events',
      bodyLimit: CALL_BYTES_MAX,
      config: {
        access: ['ingest', 'admin'],
        limit: 'ingest',
        operation: 'sendEvents',
        summary: 'Send events, one JSON object a line; 202 once they are durable',
      },
      schema: { querystring: emptyQuery, response: { 202: ingestAnswer, 400: allRejectedAnswer } },
      handler: async (request, reply) => {
        const { 'content-type': type, 'content-encoding': encoding } = request.headers;
        const body = oneLine(await decompress(request.body, encoding), type);
        const answer = await ingest.accept(body, identityOf(request));
        if (answer.accepted > 0) return reply.code(202).send(copy(answer));
        const detail = `all ${answer.rejected} lines were rejected; the first: ${answer.rejections[0]?.reason}`;
        const problem = problemOf('event.all-rejected', detail, request.id);
        return reply
          .code(400)
          .type(PROBLEM_TYPE)
          .send({ ...problem, ...copy(answer), accepted: 0, errors: undefined });
      },
    });
    done();
  });
}

function copy(answer: IngestAnswer): {
  accepted: number;
  rejected: number;
  rejections: IngestAnswer['rejections'][number][];
} {
  return { accepted: answer.accepted, rejected: answer.rejected, rejections: [...answer.rejections] };
}

async function decompress(body: unknown, encoding: string | undefined): Promise<Uint8Array> {
  if (!Buffer.isBuffer(body)) throw new KilldeerError('api.invalid', 'the body holds no event');
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity') return body;
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new KilldeerError('api.unsupported-media', `content encoding ${name.slice(0, 40)} is not gzip`);
  }
  try {
    // The limit ends the work of a bomb as soon as it is reached, not after.
    return await gunzipAsync(body, { maxOutputLength: CALL_BYTES_MAX });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new KilldeerError('api.too-large', `the body is longer than ${CALL_BYTES_MAX} bytes when decompressed`);
    }
    throw new KilldeerError('api.invalid', 'the body is not gzip as its content encoding says', error);
  }
}

/**
 * A body of type application/json may be one object over several lines: its line breaks, which stand between tokens
 * only, become spaces. Anything else goes on as lines, so JSON Lines of that type work as well.
 */
function oneLine(body: Uint8Array, type: string | undefined): Uint8Array {
  if (type?.startsWith('application/json') !== true || !body.includes(0x0a)) return body;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    return body;
  }
  return body.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}
