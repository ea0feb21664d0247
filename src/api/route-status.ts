/** How the process is, for people with a token and for probes without one. */
import type { Health, StatusPort } from './contract.js';
import { openApiDocument } from './openapi.js';
import type { Api } from './route.js';
import { documentAnswer, healthAnswer, statusAnswer } from './schema.js';

export function registerStatus(app: Api, status: StatusPort, version: string): void {
  app.route({
    method: 'GET',
    url: '/v1/status',
    config: { access: 'any', operation: 'getStatus', summary: 'Read what the process is doing' },
    schema: { response: { 200: statusAnswer } },
    handler: async () => ({ ...status.stats() }),
  });

  const probe = (url: string, operation: string, summary: string, ask: () => Health, more: () => object = () => ({})) =>
    app.route({
      method: 'GET',
      url,
      logLevel: 'silent',
      config: { access: 'open', operation, summary },
      schema: { response: { 200: healthAnswer, 503: healthAnswer } },
      handler: async (_request, reply) => {
        const { ok, reason } = ask();
        return reply.code(ok ? 200 : 503).send({ ok, reason, ...more() });
      },
    });
  probe('/healthz', 'getHealth', 'Probe whether the process works', () => status.health());
  probe(
    '/readyz',
    'getReadiness',
    'Probe whether it can take traffic',
    () => status.ready(),
    () => ({
      stop: status.stop(),
    }),
  );

  // Made at the first question, when every route is known, and kept: the routes never change after that.
  let document: ReturnType<typeof openApiDocument> | null = null;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'open', operation: 'getDocument', summary: 'Read this description as OpenAPI 3.1' },
    schema: { response: { 200: documentAnswer } },
    handler: async () => {
      document ??= openApiDocument(app.routeTable, version);
      return document;
    },
  });
}
