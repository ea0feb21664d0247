/** The OpenAPI 3.1 document, from the routes as they are registered and the zod schemas that check their calls. */
import * as z from 'zod';
import { exportAnswer } from './file-schema.js';
import { FINDING_FILE_TYPES } from './finding-export.js';
import type { RouteRow } from './route.js';
import { FILE_TYPES } from './route-agent-file.js';
import { CONSOLE_FILE_TYPES, consoleAnswer, consoleFileAnswer } from './route-console.js';
import { EVENT_TYPES } from './route-events.js';
import { TRACE_TYPES } from './route-traces.js';
import { answers, metricsAnswer, problemAnswer, requests, tracesAnswer, tracesStatus } from './schema.js';
import { streamAnswer } from './stream-schema.js';
import { findingExportAnswer, updatesAnswer } from './triage-schema.js';

type Json = Record<string, unknown>;

const REF = '#/components/schemas/';
const PROBLEM_TYPE = 'application/problem+json';
/** Of a route that answers every path below its own. */
const REST = 'path';
const REST_PARAMETER: Json = {
  name: REST,
  in: 'path',
  required: true,
  description: 'any path; its slashes stay as they are',
  schema: { type: 'string' },
};

/** Deterministic: the same routes give the same document, in the order of their paths. */
export function openApiDocument(routes: readonly RouteRow[], version: string): { openapi: string } & Json {
  const paths: Record<string, Json> = {};
  const inOrder = [...routes].sort((a, b) => (a.url === b.url ? compare(a.method, b.method) : compare(a.url, b.url)));
  for (const row of inOrder) {
    const path = row.url.replace(/:(\w+)/g, '{$1}').replace('*', `{${REST}}`);
    paths[path] ??= {};
    paths[path][row.method.toLowerCase()] = operationOf(row);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Killdeer',
      version,
      description: 'Streaming behavioural anomaly detection for AI agents: events in, findings and decisions out.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:7070' }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'killdeer' },
      },
      schemas: { ...components(requests, 'input'), ...components(answers, 'output') },
    },
  };
}

function operationOf(row: RouteRow): Json {
  const operation: Json = { operationId: row.operation, summary: row.summary };
  operation['x-killdeer-roles'] = typeof row.access === 'string' ? row.access : [...row.access];
  if (row.access === 'open') operation.security = [];
  const rest = row.url.endsWith('*') ? [REST_PARAMETER] : [];
  const parameters = [...rest, ...parametersOf(row.params, 'path'), ...parametersOf(row.query, 'query')];
  if (isKeyed(row)) parameters.push(IDEMPOTENCY_KEY);
  if (parameters.length > 0) operation.parameters = parameters;
  const body = BYTES_BODIES[row.operation] ?? bodyOf(row.body);
  if (body !== null) operation.requestBody = body;
  operation.responses = responsesOf(row);
  return operation;
}

/** Writes that are neither events nor decisions take an idempotency key. */
function isKeyed({ access, limit = 'control', method }: RouteRow): boolean {
  return limit === 'control' && access !== 'open' && method !== 'GET';
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'the same key and wish take effect once; a key in the body goes first',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

/** Bodies that no schema of ours checks, by operation. */
const BYTES_BODIES: Readonly<Record<string, Json>> = {
  sendEvents: {
    required: true,
    description:
      'JSON Lines, or CloudEvents 1.0 (structured, batched, or binary with ce- headers); at most 10,000 events and ' +
      '8 MiB; gzip as Content-Encoding is welcome. See docs/events.md.',
    content: Object.fromEntries(EVENT_TYPES.map((type) => [type, { schema: { type: 'string' } }])),
  },
  sendTraces: {
    required: true,
    description:
      'ExportTraceServiceRequest of OTLP/HTTP, at most 10,000 spans and 8 MiB; gzip as Content-Encoding is welcome. ' +
      'See docs/events.md.',
    content: Object.fromEntries(TRACE_TYPES.map((type) => [type, { schema: { type: 'string' } }])),
  },
  importAgents: {
    required: true,
    description: 'Agents as a JSON array, JSON Lines or CSV, at most 10,000 and 16 MiB. See docs/registry.md.',
    content: Object.fromEntries(FILE_TYPES.map((type) => [type, { schema: { type: 'string' } }])),
  },
  sendSponsors: {
    required: true,
    description: 'Owners as a JSON array, JSON Lines or CSV, at most 100,000 and 16 MiB. See docs/registry.md.',
    content: Object.fromEntries(FILE_TYPES.map((type) => [type, { schema: { type: 'string' } }])),
  },
};

function parametersOf(schema: z.ZodObject | null, place: 'path' | 'query'): Json[] {
  if (schema === null) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: member,
  }));
}

function bodyOf(schema: z.ZodType | null): Json | null {
  if (schema === null) return null;
  return { required: true, content: { 'application/json': { schema: reference(schema) } } };
}

function responsesOf(row: RouteRow): Json {
  const responses: Json = {};
  for (const [status, schema] of Object.entries(row.answers)) {
    const isError = Number(status) >= 400;
    responses[status] = { description: isError ? 'refused' : 'answer', content: contentOf(status, schema, isError) };
  }
  const problem = { [PROBLEM_TYPE]: { schema: reference(problemAnswer) } };
  responses.default = { description: 'any error, as an RFC 9457 problem detail', content: problem };
  return responses;
}

/** Where a refusal has a form of its own, the call can still be refused for a reason that all routes share. */
function contentOf(status: string, schema: z.ZodType, isError: boolean): Json {
  const own = reference(schema);
  const content: Json = Object.fromEntries(answerTypes(status, schema).map((type) => [type, { schema: own }]));
  if (!isError) return content;
  const problem = reference(problemAnswer);
  content[PROBLEM_TYPE] = {
    schema: PROBLEM_TYPE in content && schema !== problemAnswer ? { anyOf: [own, problem] } : problem,
  };
  return content;
}

function answerTypes(status: string, schema: z.ZodType): readonly string[] {
  if (schema === tracesAnswer || schema === tracesStatus) return TRACE_TYPES;
  if (schema === metricsAnswer) return ['text/plain'];
  if (schema === exportAnswer) return ['application/x-ndjson', 'text/csv'];
  if (schema === updatesAnswer || schema === streamAnswer) return ['text/event-stream'];
  if (schema === findingExportAnswer) return FINDING_FILE_TYPES;
  if (schema === consoleAnswer) return ['text/html'];
  if (schema === consoleFileAnswer) return CONSOLE_FILE_TYPES;
  return [Number(status) === 400 ? PROBLEM_TYPE : 'application/json'];
}

/** Every body and answer has a name; one without is a mistake in schema.ts. */
function reference(schema: z.ZodType): Json {
  const name = (answers.get(schema) ?? requests.get(schema))?.id;
  if (name === undefined) throw new TypeError('a schema of a route has no name');
  return { $ref: `${REF}${name}` };
}

function components(registry: z.core.$ZodRegistry<{ id: string }>, io: 'input' | 'output'): Json {
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `${REF}${id}`, io });
  // $id and $schema of a component would give it another base address than the document's.
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _id, $schema: _schema, ...rest }]) => [name, rest]),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
