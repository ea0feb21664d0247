/** POST /v1/events: JSON Lines or CloudEvents in, 202 once they are durable. */
import type { IncomingHttpHeaders } from 'node:http';
import { KilldeerError } from '../errors.js';
import { CLOUD_EVENT_TYPE, CLOUD_EVENTS_TYPE } from '../event/cloud-event.js';
import type { SourceRecord } from '../event/source-item.js';
import { identityOf } from './access.js';
import { type CallGate, decompress, takeBytes } from './body.js';
import type { Identity, Ingest, IngestAnswer } from './contract.js';
import { CALL_BYTES_MAX } from './ingest.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';
import type { Api } from './route.js';
import { allRejectedAnswer, emptyQuery, ingestAnswer } from './schema.js';

export const EVENT_TYPES = [
  ...['application/x-ndjson', 'application/jsonl', 'text/plain', 'application/json'],
  ...[CLOUD_EVENT_TYPE, CLOUD_EVENTS_TYPE],
];

/** A scope of its own, because its bodies are bytes. */
export function registerEvents(app: Api, ingest: Ingest, gate: CallGate): void {
  app.register((scope: Api, _options, done) => {
    takeBytes(scope, EVENT_TYPES);
    gate.guard(scope);
    scope.route({
      method: 'POST',
      url: '/v1/events',
      bodyLimit: CALL_BYTES_MAX,
      config: {
        access: ['ingest', 'admin'],
        limit: 'ingest',
        operation: 'sendEvents',
        summary: 'Send events, one JSON object a line, or CloudEvents; 202 once they are durable',
      },
      schema: { querystring: emptyQuery, response: { 202: ingestAnswer, 400: allRejectedAnswer } },
      handler: async (request, reply) => {
        const body = await decompress(request.body, request.headers['content-encoding']);
        const answer = await acceptBody(ingest, body, request.headers, identityOf(request));
        const { accepted, duplicates, rejected } = answer;
        const rejections = [...answer.rejections];
        if (accepted > 0) return reply.code(202).send({ accepted, duplicates, rejected, rejections });
        const detail = `all ${rejected} lines were rejected; the first: ${rejections[0]?.reason}`;
        const problem = problemOf('event.all-rejected', detail, request.id);
        return reply
          .code(400)
          .type(PROBLEM_TYPE)
          .send({ ...problem, accepted: 0, rejected, rejections, errors: undefined });
      },
    });
    done();
  });
}

async function acceptBody(
  ingest: Ingest,
  body: Uint8Array,
  headers: IncomingHttpHeaders,
  identity: Identity,
): Promise<IngestAnswer> {
  const type = headers['content-type'] ?? '';
  const isCloudEvent = type.startsWith('application/cloudevents') || headers['ce-specversion'] !== undefined;
  if (!isCloudEvent) return await ingest.accept(oneLine(body, type), identity);
  const answer = await ingest.acceptRecord('cloudevents', recordOf(body, headers), identity);
  if (answer.accepted + answer.rejected > 0) return answer;
  throw new KilldeerError('api.invalid', 'the body holds no event');
}

/** A header that comes several times is none of CloudEvents. */
function recordOf(value: Uint8Array, headers: IncomingHttpHeaders): SourceRecord {
  const single: Record<string, string> = {};
  for (const [name, text] of Object.entries(headers)) {
    if (typeof text === 'string' && (name === 'content-type' || name.startsWith('ce-'))) single[name] = text;
  }
  return { value, headers: single };
}

/**
 * A body of type application/json may be one object over several lines: its line breaks, which stand between tokens
 * only, become spaces. Anything else goes on as lines, so JSON Lines of that type work as well.
 */
function oneLine(body: Uint8Array, type: string): Uint8Array {
  if (!type.startsWith('application/json') || !body.includes(0x0a)) return body;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    return body;
  }
  return body.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}
