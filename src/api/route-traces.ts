/**
 * POST /v1/traces: OTLP/HTTP, so that an OpenTelemetry exporter or Collector can point here. 200 once the steps of
 * agents among the spans are durable; the answer is in the encoding of the request.
 */
import type { FastifyReply } from 'fastify';
import { writeProtoAnswer, writeProtoStatus } from '../event/otlp-proto.js';
import { identityOf } from './access.js';
import { type CallGate, decompress, takeBytes } from './body.js';
import type { Ingest, RecordAnswer } from './contract.js';
import { CALL_BYTES_MAX } from './ingest.js';
import type { Api } from './route.js';
import { emptyQuery, tracesAnswer, tracesStatus } from './schema.js';

const JSON_TYPE = 'application/json';
const PROTO_TYPE = 'application/x-protobuf';

export const TRACE_TYPES = [JSON_TYPE, PROTO_TYPE];

/** INVALID_ARGUMENT of google.rpc.Code. */
const INVALID_ARGUMENT = 3;
/** Codes of what is wrong with a request as a whole. */
const REQUEST_CODES = ['source.undecodable', 'event.bad-json', 'event.bad-utf8', 'event.too-long'];

/** A scope of its own, because its bodies are bytes. */
export function registerTraces(app: Api, ingest: Ingest, gate: CallGate): void {
  app.register((scope: Api, _options, done) => {
    takeBytes(scope, TRACE_TYPES);
    gate.guard(scope);
    scope.route({
      method: 'POST',
      url: '/v1/traces',
      bodyLimit: CALL_BYTES_MAX,
      config: {
        access: ['ingest', 'admin'],
        limit: 'ingest',
        operation: 'sendTraces',
        summary: 'Send OpenTelemetry spans by OTLP/HTTP; 200 once the steps of agents among them are durable',
      },
      schema: { querystring: emptyQuery, response: { 200: tracesAnswer, 400: tracesStatus } },
      handler: async (request, reply) => {
        const isProto = request.headers['content-type']?.startsWith(PROTO_TYPE) === true;
        // A message without any field is no byte at all.
        const value = await decompress(request.body ?? Buffer.alloc(0), request.headers['content-encoding']);
        const format = isProto ? 'otlp_proto' : 'otlp_json';
        const answer = await ingest.acceptRecord(format, { value, headers: {} }, identityOf(request));
        if (isUnreadable(answer)) return refuse(reply, isProto, answer.rejections[0].reason);
        const message = messageOf(answer);
        if (isProto) return sendProto(reply, writeProtoAnswer(answer.rejected, message));
        return reply.send(answer.rejected === 0 ? {} : partialSuccess(answer.rejected, message));
      },
    });
    done();
  });
}

function isUnreadable({ accepted, skipped, rejections }: RecordAnswer): boolean {
  if (accepted + skipped > 0 || rejections.length === 0) return false;
  return rejections.every(({ code }) => REQUEST_CODES.includes(code));
}

function messageOf({ rejected, rejections }: RecordAnswer): string {
  if (rejected === 0) return '';
  const { line, code, reason } = rejections[0];
  return `${rejected} spans were refused; the first, number ${line} of the request: ${code}: ${reason}`;
}

/** 64-bit numbers are text in protobuf's JSON. */
function partialSuccess(rejected: number, errorMessage: string) {
  return { partialSuccess: { rejectedSpans: String(rejected), errorMessage } };
}

/** What no exporter should send again: google.rpc.Status, as the protocol has it. */
function refuse(reply: FastifyReply, isProto: boolean, message: string): FastifyReply {
  reply.code(400);
  if (isProto) return sendProto(reply, writeProtoStatus(INVALID_ARGUMENT, message));
  return reply.type(JSON_TYPE).send({ code: INVALID_ARGUMENT, message });
}

function sendProto(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.type(PROTO_TYPE).send(Buffer.from(bytes));
}
