/**
 * nginx's auth_request: 204 lets the call pass, 401 and 403 refuse it, and anything else nginx makes a 500 of. So a
 * throttle is 403 here, with headers that a configuration reads by auth_request_set and makes 429 of
 * (deploy/nginx/killdeer.conf).
 */
import type { FastifyError } from 'fastify';
import { identityOf } from './access.js';
import { createDecide, type DecisionParts } from './decision.js';
import { askedByHeaders, endpointOf, headersOf, plain } from './gateway-call.js';
import { nothingAnswer } from './gateway-schema.js';
import { PROBLEM_TYPE, problemOfError } from './problem.js';
import type { Api } from './route.js';
import { STALE_HEADER } from './route-decide.js';

export function registerNginx(app: Api, parts: DecisionParts): void {
  const decide = createDecide(parts, 'nginx');
  app.register((scope, _options, done) => {
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      const problem = problemOfError(error, request.id);
      // A fault of ours stays what it is: nginx answers 500 as well, and never lets the call pass.
      const status = problem.status === 401 || problem.status >= 500 ? problem.status : 403;
      reply.header('x-killdeer-denial', problem.code).header('x-killdeer-reason', plain(problem.detail));
      return reply
        .code(status)
        .type(PROBLEM_TYPE)
        .send({ ...problem, status });
    });
    scope.route({
      method: 'GET',
      url: '/v1/nginx',
      logLevel: 'silent',
      config: {
        access: ['gateway', 'responder', 'admin'],
        limit: 'gateway',
        operation: 'nginx',
        summary: 'nginx auth_request: 204 or 403, with the denial in headers',
      },
      schema: { response: { 204: nothingAnswer } },
      handler: (request, reply) => {
        const { headers } = request;
        const host = single(headers['x-original-host']) ?? headers.host;
        const target = single(headers['x-original-uri']);
        const endpoint = target === undefined ? null : endpointOf(host, target);
        const answer = decide(
          identityOf(request),
          askedByHeaders(headers, identityOf(request), { operation: 'http', endpoint }),
        );
        reply.headers(headersOf(answer));
        if (answer.staleMs !== null) reply.header(STALE_HEADER, Math.round(answer.staleMs));
        reply.code((answer.allow ? 204 : 403) as 204).send();
      },
    });
    done();
  });
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined;
}
