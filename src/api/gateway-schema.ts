/** Answers of the gateways' contracts, on the wire. */
import * as z from 'zod';
import { DENIALS } from '../registry/registry.js';
import { answers, requests } from './schema.js';

/** 204: headers alone. */
export const nothingAnswer = z.null().describe('headers alone').register(answers, { id: 'Nothing' });

const id = z.union([z.string(), z.number()]).nullable();

/** One message or a batch; each is judged for itself, so that nothing is refused here but what is no JSON. */
export const mcpBody = z
  .union([z.looseObject({}), z.array(z.unknown()).max(100)])
  .describe('a JSON-RPC 2.0 message of an MCP client, or a batch of them')
  .register(requests, { id: 'McpMessage' });

const mcpAllowed = z.object({ jsonrpc: z.literal('2.0'), id, result: z.object({ allow: z.literal(true) }) });

const mcpRefused = z.object({
  jsonrpc: z.literal('2.0'),
  id,
  error: z.object({
    code: z.number().int(),
    message: z.string(),
    data: z
      .object({
        denial: z.enum(DENIALS),
        status: z.string(),
        reason: z.string(),
        retry_after_ms: z.number().nullable(),
        remaining_usd: z.number().nullable(),
      })
      .optional(),
  }),
});

const mcpOne = z.union([mcpAllowed, mcpRefused]);

export const mcpAnswer = z
  .union([mcpOne, z.array(mcpOne)])
  .describe('for each message, in their order: allowed, or the error to hand to the client as it is')
  .register(answers, { id: 'McpAnswer' });

export type McpOne = z.output<typeof mcpOne>;
export type McpAnswer = z.output<typeof mcpAnswer>;
