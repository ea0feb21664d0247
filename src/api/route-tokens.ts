/** Tokens: made, listed, revoked. Only a token without bindings may, or it could hand out more than it has. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { ADMINS, type TokensPort } from './contract.js';
import type { Api } from './route.js';
import { emptyQuery, idPath, tokenAnswer, tokenBody, tokenEntryAnswer, tokensAnswer } from './schema.js';
import { tokenView } from './view.js';

export function registerTokens(app: Api, tokens: TokensPort): void {
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
      return tokenView(entry);
    },
  });
}

function requireUnbound(request: FastifyRequest): void {
  if (!isBound(identityOf(request).bindings)) return;
  throw new KilldeerError('api.forbidden', 'a token with bindings cannot manage tokens');
}
