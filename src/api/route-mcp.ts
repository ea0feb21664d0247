/**
 * POST /v1/mcp: a gateway between an MCP client and its server hands over each message before it goes on. A tools/call is
 * judged as the agent's call of that tool; everything else may pass. What is refused is answered with the JSON-RPC error
 * that the gateway hands to the client as it is.
 */
import type { FastifyRequest } from 'fastify';
import { LIMITS } from '../event/schema.js';
import { identityOf } from './access.js';
import { type Answer, createDecide, type Decide, type DecisionParts } from './decision.js';
import { askedByHeaders } from './gateway-call.js';
import { type McpOne, mcpAnswer, mcpBody } from './gateway-schema.js';
import type { Api } from './route.js';
import { STALE_HEADER } from './route-decide.js';
import { emptyQuery } from './schema.js';

/** A long argument of a tool is part of its message. */
const BODY_BYTES = 1_048_576;
/**
 * Codes of the range that JSON-RPC leaves to servers. Not -32000 to -32002: MCP's software means a closed connection, a
 * timeout and a missing resource by them, and clients repeat what timed out.
 */
export const MCP_DENIED = -32_050;
export const MCP_THROTTLED = -32_051;
export const MCP_APPROVAL = -32_052;
export const MCP_BUDGET = -32_053;
const INVALID_REQUEST = -32_600;
const INVALID_PARAMS = -32_602;

export function registerMcp(app: Api, parts: DecisionParts): void {
  const decide = createDecide(parts, 'mcp');
  app.route({
    method: 'POST',
    url: '/v1/mcp',
    bodyLimit: BODY_BYTES,
    logLevel: 'silent',
    config: {
      access: ['gateway', 'responder', 'admin'],
      limit: 'gateway',
      operation: 'mcp',
      summary: "Ask about an MCP client's message: allowed, or the error to hand to the client",
    },
    schema: { querystring: emptyQuery, body: mcpBody, response: { 200: mcpAnswer } },
    handler: (request, reply) => {
      let staleMs: number | null = null;
      const judge = (message: unknown): McpOne => {
        const { one, answer } = judgeMessage(decide, request, message);
        staleMs = answer?.staleMs ?? staleMs;
        return one;
      };
      const { body } = request;
      const answer = Array.isArray(body) && body.length > 0 ? body.map(judge) : judge(body);
      if (staleMs !== null) reply.header(STALE_HEADER, Math.round(staleMs));
      reply.send(answer);
    },
  });
}

interface Judged {
  readonly one: McpOne;
  /** null: nothing was to be decided. */
  readonly answer: Answer | null;
}

type Message = Readonly<Record<string, unknown>>;

function judgeMessage(decide: Decide, request: Pick<FastifyRequest, 'headers' | 'identity'>, message: unknown): Judged {
  if (!isObject(message) || message.jsonrpc !== '2.0') {
    return { one: errorOf(null, INVALID_REQUEST, 'this is no message of JSON-RPC 2.0'), answer: null };
  }
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
  // A call without an id is none that a server answers, but one that it might make.
  if (message.method !== 'tools/call') return { one: { jsonrpc: '2.0', id, result: { allow: true } }, answer: null };
  const params = isObject(message.params) ? message.params : {};
  const { name } = params;
  if (typeof name !== 'string' || name === '' || name.length > LIMITS.name) {
    return {
      one: errorOf(id, INVALID_PARAMS, `tools/call names no tool of 1 to ${LIMITS.name} characters`),
      answer: null,
    };
  }
  const meta = isObject(params._meta) ? params._meta : {};
  const identity = identityOf(request);
  const seen = {
    operation: 'execute_tool',
    endpoint: name,
    target: wordOf(meta, 'killdeer/target', LIMITS.target),
    session: wordOf(request.headers, 'mcp-session-id') ?? wordOf(meta, 'killdeer/session'),
  };
  const asked = askedByHeaders(request.headers, identity, seen, wordOf(meta, 'killdeer/agent') ?? undefined);
  const answer = decide(identity, asked);
  return { one: answer.allow ? { jsonrpc: '2.0', id, result: { allow: true } } : refusalOf(id, answer), answer };
}

function refusalOf(id: McpOne['id'], answer: Answer): McpOne {
  const { denial, reason, status, retryAfterMs, grant } = answer;
  const word = denial ?? 'stopped';
  const data = {
    denial: word,
    status,
    reason,
    retry_after_ms: retryAfterMs,
    remaining_usd: grant?.remainingUsd ?? null,
  };
  return { jsonrpc: '2.0', id, error: { code: codeOf(word), message: reason, data } };
}

function codeOf(denial: string): number {
  if (denial === 'throttled') return MCP_THROTTLED;
  if (denial === 'approval') return MCP_APPROVAL;
  return denial === 'budget' ? MCP_BUDGET : MCP_DENIED;
}

function errorOf(id: McpOne['id'], code: number, message: string): McpOne {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

function isObject(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** null where it is no text, or longer than it may be. */
function wordOf(from: Readonly<Record<string, unknown>>, name: string, max: number = LIMITS.name): string | null {
  const word = from[name];
  return typeof word === 'string' && word !== '' && word.length <= max ? word : null;
}
