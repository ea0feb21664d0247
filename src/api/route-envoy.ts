/**
 * Envoy's external authorisation over HTTP (ext_authz with path_prefix /v1/envoy): the call as it stands, under a path
 * of ours. 200 lets it pass, every other status below 500 is Envoy's answer to the caller. A decision is never a 5xx,
 * because that would be none: Envoy then does what it was configured to do without us.
 */
import { identityOf } from './access.js';
import { decideAnswer } from './decide-schema.js';
import { createDecide, type DecisionParts } from './decision.js';
import { askedByHeaders, endpointOf, headersOf, seconds } from './gateway-call.js';
import type { Api } from './route.js';
import { decideView, STALE_HEADER } from './route-decide.js';

const PREFIX = '/v1/envoy';
/** Methods that a caller of Envoy may use; the server knows no others. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export function registerEnvoy(app: Api, parts: DecisionParts): void {
  const decide = createDecide(parts, 'envoy');
  app.register((scope, _options, done) => {
    // Where Envoy is told to send the body along, nobody here reads it.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, parsed) => {
      payload.resume();
      payload.on('end', () => parsed(null, null));
    });
    for (const method of METHODS) {
      scope.route({
        method,
        url: `${PREFIX}/*`,
        logLevel: 'silent',
        config: {
          access: ['gateway', 'responder', 'admin'],
          limit: 'gateway',
          operation: `envoy${method.charAt(0)}${method.slice(1).toLowerCase()}`,
          summary: `Envoy ext_authz: whether the agent may call ${method} on the host and path that follow`,
        },
        schema: { response: { 200: decideAnswer, 403: decideAnswer, 429: decideAnswer } },
        handler: (request, reply) => {
          const endpoint = endpointOf(request.headers.host, request.url.slice(PREFIX.length));
          const asked = askedByHeaders(request.headers, identityOf(request), { operation: 'http', endpoint });
          const answer = decide(identityOf(request), asked);
          reply.headers(headersOf(answer));
          if (answer.staleMs !== null) reply.header(STALE_HEADER, Math.round(answer.staleMs));
          if (answer.denial === 'throttled') reply.header('retry-after', seconds(answer.retryAfterMs ?? 0));
          reply.code(statusOf(answer)).send(decideView(answer, asked.question.approval ?? null));
        },
      });
    }
    done();
  });
}

function statusOf({ allow, denial }: { allow: boolean; denial: string | null }): 200 | 403 | 429 {
  if (allow) return 200;
  return denial === 'throttled' ? 429 : 403;
}
