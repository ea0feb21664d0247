/**
 * Tokens: made, listed, revoked, and who did so written down. Only a token without bindings may, or it could hand out
 * more than it has.
 */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { ADMINS, type ServerParts, type TokenEntry } from './contract.js';
import { recordDeed } from './operations-guard.js';
import type { Api } from './route.js';
import { emptyQuery, idPath, tokenAnswer, tokenBody, tokenEntryAnswer, tokensAnswer } from './schema.js';
import { tokenView } from './view.js';

type Parts = Pick<ServerParts, 'tokens' | 'registry' | 'clock'>;

export function registerTokens(app: Api, parts: Parts): void {
  const { tokens } = parts;
  app.route({
    method: 'POST',
    url: '/v1/tokens',
    config: {
      ...{ access: ADMINS, operation: 'createToken', once: true },
      summary: 'Make a token; its secret is answered this once',
    },
    schema: { querystring: emptyQuery, body: tokenBody, response: { 201: tokenAnswer } },
    handler: async (request, reply) => {
      requireUnbound(request);
      const { name, roles, tenants = null, agents = null, expires_in_ms: forMs = null } = request.body;
      const { entry, token } = await tokens.create({ name, roles, bindings: { tenants, agents }, forMs });
      await recordDeed(parts, request, 'token-make', deedOf(entry)).catch(async (error: unknown) => {
        // Nobody was told its secret, and nobody could be told who made it.
        await tokens.revoke(entry.id);
        throw error;
      });
      return reply.code(201).send({ entry: tokenView(entry), token });
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/tokens',
    config: { access: ADMINS, operation: 'listTokens', summary: 'List tokens, without their secrets' },
    schema: { querystring: emptyQuery, response: { 200: tokensAnswer } },
    handler: async (request) => {
      requireUnbound(request);
      return { tokens: tokens.list().map(tokenView) };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/tokens/:id',
    config: { access: ADMINS, operation: 'revokeToken', summary: 'Revoke a token at once' },
    schema: { params: idPath, querystring: emptyQuery, response: { 200: tokenEntryAnswer } },
    handler: async (request) => {
      requireUnbound(request);
      const { id } = request.params;
      const entry = tokens.list().find((known) => known.id === id);
      if (entry === undefined || !(await tokens.revoke(id))) {
        throw new KilldeerError('api.not-found', `no token has the id ${id}`);
      }
      // Behind the act: one that has leaked must go also where nothing can be written down.
      await recordDeed(parts, request, 'token-revoke', deedOf(entry));
      return tokenView(entry);
    },
  });
}

/** What identifies it; its bindings may be long, and are listed with it. */
function deedOf({ id, actor, roles, bindings, expiresMs }: TokenEntry): string {
  return JSON.stringify({ id, actor, roles, bound: isBound(bindings), expires_ms: expiresMs });
}

function requireUnbound(request: FastifyRequest): void {
  if (!isBound(identityOf(request).bindings)) return;
  throw new KilldeerError('api.forbidden', 'a token with bindings cannot manage tokens');
}
