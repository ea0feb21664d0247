/**
 * From spans to events, by the names of OpenTelemetry's semantic conventions for generative AI (docs/events.md has the
 * whole table). A span that is no step of an agent is passed over; one that is and cannot be read is refused.
 */
import { rejection } from './decode.js';
import type { Operation } from './event.js';
import {
  type AttributeReader,
  createAttributeReader,
  errorTypeOf,
  httpPlace,
  latencyOf,
  ownMembers,
  statusOf,
  timeOf,
} from './otlp-attributes.js';
import { KIND_CONSUMER, KIND_SERVER, type ReadSpan, type Span } from './otlp-span.js';
import { LIMITS } from './schema.js';
import { cutText, itemOf, type JsonObject, type SourceContext, type SourceItem, skip } from './source-item.js';
import { createSpanMemory, type SpanMemory } from './span-memory.js';
import { printable } from './text.js';

/** OpenTelemetry's operations in ours. */
const OPERATION_OF: Readonly<Record<string, Operation>> = {
  chat: 'chat',
  generate_content: 'chat',
  text_completion: 'chat',
  embeddings: 'embeddings',
  retrieval: 'retrieval',
  create_agent: 'create_agent',
  invoke_agent: 'invoke_agent',
  invoke_workflow: 'invoke_agent',
  execute_tool: 'execute_tool',
};

/** Of the Model Context Protocol; every other method is a plain call. */
const MCP_OPERATION_OF: Readonly<Record<string, Operation>> = {
  'tools/call': 'execute_tool',
  'resources/read': 'retrieval',
  'sampling/createMessage': 'chat',
};

/** One item a span, in order; spans of the record are remembered first, so that callers may stand behind their calls. */
export function* spanItems(spans: readonly ReadSpan[], context: SourceContext): Generator<SourceItem> {
  const memory = context.spans ?? createSpanMemory();
  for (const span of spans) {
    if (isSpan(span)) memory.remember(span.traceId, span.spanId, { parentId: span.parentId, agent: ownAgent(span) });
  }
  for (let position = 0; position < spans.length; position++) {
    const span = spans[position];
    if (isSpan(span)) yield spanItem(span, position, memory, context);
    else if ('rejected' in span) yield { ...span, position };
    else yield rejection('event.invalid', `span: ${span.problem}`, position);
  }
}

function isSpan(span: ReadSpan): span is Span {
  return 'traceId' in span;
}

/** The agent that the span names itself: without it, nobody can tell a delegation from a shared service name. */
function ownAgent({ attributes }: Span): string | null {
  const agent = createAttributeReader(attributes).text('gen_ai.agent.id', 'gen_ai.agent.name');
  // What is too long for a name is refused with its own span, and must not fill the memory.
  return agent === undefined || agent.length > LIMITS.name ? null : agent;
}

/** What kind of step a span is, or why it is none, or why it cannot be told. */
type Step = { readonly operation: Operation } | { readonly none: string } | { readonly wrong: string };

function stepOf({ attributes, kind }: Span, agent: string | null): Step {
  const read = createAttributeReader(attributes);
  const name = read.text('gen_ai.operation.name');
  const method = read.text('mcp.method.name');
  const request = read.text('http.request.method', 'http.method');
  if (read.problem() !== null) return { wrong: read.problem() as string };
  if (name !== undefined) {
    const operation = Object.hasOwn(OPERATION_OF, name) ? OPERATION_OF[name] : undefined;
    return operation === undefined
      ? {
          wrong: `gen_ai.operation.name must be one of ${Object.keys(OPERATION_OF).join(', ')}, got ${printable(name)}`,
        }
      : { operation };
  }
  const isCalled = kind === KIND_SERVER || kind === KIND_CONSUMER;
  if (method !== undefined) {
    if (isCalled && agent === null) return { none: "the called side of an MCP call: the caller's span tells it" };
    return { operation: Object.hasOwn(MCP_OPERATION_OF, method) ? MCP_OPERATION_OF[method] : 'http' };
  }
  if (request !== undefined && agent !== null && !isCalled) return { operation: 'http' };
  return { none: 'no gen_ai.operation.name, no mcp.method.name, no outgoing HTTP call of a gen_ai.agent' };
}

function spanItem(span: Span, position: number, memory: SpanMemory, context: SourceContext): SourceItem {
  const agent = ownAgent(span);
  const step = stepOf(span, agent);
  if ('none' in step) return skip(step.none, position);
  const what = `span ${span.traceId}-${span.spanId}`;
  if ('wrong' in step) return rejection('event.invalid', `${what}: ${step.wrong}`, position);
  const read = createAttributeReader(span.attributes, span.resource);
  const wire = wireOf(span, step.operation, read, memory);
  const problem = read.problem() ?? missing(wire);
  if (problem !== null) return rejection('event.invalid', `${what}: ${problem}`, position);
  return itemOf(wire, position, context, what);
}

/** Said in the sender's names where ours would not help. */
function missing({ agent, time, endpoint }: JsonObject): string | null {
  if (agent === undefined) return 'gen_ai.agent.id, gen_ai.agent.name and service.name of the resource are missing';
  if (time === undefined) return 'endTimeUnixNano lies beyond the year 9999';
  return endpoint === undefined ? 'neither an attribute nor its name says what was called' : null;
}

function wireOf(span: Span, operation: Operation, read: AttributeReader, memory: SpanMemory): JsonObject {
  const named = read.text('gen_ai.agent.id', 'gen_ai.agent.name');
  const own = ownMembers(read);
  const status = statusOf(span, read);
  return {
    id: `${span.traceId}-${span.spanId}`,
    time: timeOf(span),
    agent: named ?? read.resourceText('service.name'),
    parent: named === undefined ? undefined : (memory.delegatorOf(span.traceId, span.parentId, named) ?? undefined),
    session: read.text('gen_ai.conversation.id', 'mcp.session.id'),
    operation,
    endpoint: endpointOf(operation, read) ?? (span.name === '' ? undefined : span.name),
    status,
    error_type: status === 'ok' ? undefined : errorTypeOf(read),
    latency_ms: latencyOf(span),
    input_tokens: read.number('gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'),
    output_tokens: read.number('gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'),
    model: read.text('gen_ai.response.model', 'gen_ai.request.model'),
    version: read.text('gen_ai.agent.version'),
    source: read.text('client.address'),
    environment: read.resourceText('deployment.environment.name', 'deployment.environment'),
    initiator: read.text('user.id', 'enduser.id'),
    trace: span.traceId,
    ...own,
    target: targetOf(own['target'], operation, read),
  };
}

/** What was called, by the operation; the span's name stands in where the attributes say nothing. */
function endpointOf(operation: Operation, read: AttributeReader): string | undefined {
  switch (operation) {
    case 'chat':
    case 'embeddings':
      return read.text('gen_ai.request.model', 'gen_ai.response.model', 'gen_ai.provider.name', 'gen_ai.system');
    case 'execute_tool':
      return read.text('gen_ai.tool.name');
    case 'retrieval':
      return read.text('gen_ai.data_source.id', 'mcp.method.name');
    case 'create_agent':
    case 'invoke_agent':
      return read.text('gen_ai.workflow.name', 'gen_ai.agent.name', 'gen_ai.agent.id');
    case 'http':
      return read.text('mcp.method.name', 'server.address', 'net.peer.name') ?? httpPlace(read).host;
  }
}

/** Addresses may be of any length: a long one is cut, its beginning tells it apart. */
function targetOf(own: unknown, operation: Operation, read: AttributeReader): unknown {
  if (own !== undefined) return own;
  const address = operation === 'http' ? httpPlace(read).address : undefined;
  const target = read.text('mcp.resource.uri') ?? address ?? read.text('server.address', 'net.peer.name');
  return target === undefined ? undefined : cutText(target, LIMITS.target);
}
