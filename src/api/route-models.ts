/** The models there are, the one in force, and a person's choice among them; an older one is a roll back. */
import { KilldeerError } from '../errors.js';
import type { Verdict } from '../registry/registry.js';
import { ADMINS, READERS, type ServerParts } from './contract.js';
import type { ModelRow, OperationsPort } from './operations-contract.js';
import { operationsOf, unboundOf } from './operations-guard.js';
import {
  activateBody,
  type ChoiceAnswer,
  choiceAnswer,
  type ModelAnswer,
  modelPath,
  modelsAnswer,
  modelsQuery,
  unpinBody,
} from './operations-schema.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery } from './schema.js';
import { verdictAnswerOf } from './view.js';

export function registerModels(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/models',
    config: {
      access: READERS,
      operation: 'listModels',
      summary: 'List the models that may score, newest first, and which does',
    },
    schema: { querystring: modelsQuery, response: { 200: modelsAnswer } },
    handler: async (request) => {
      unboundOf(request);
      const operations = operationsOf(parts);
      const { limit, cursor } = request.query;
      const { models, next } = await operations.models.list(limit, cursor ?? null);
      const choice = operations.modelChoice();
      return {
        active: operations.models
          .active()
          .map(({ partition, version, sinceMs }) => ({ partition, version, since_ms: sinceMs })),
        pinned: choice?.pinned === true ? choice.version : null,
        chosen: choice === null ? null : { version: choice.version, since_ms: choice.sinceMs, actor: choice.actor },
        learns: operations.models.learns,
        models: models.map(modelView),
        cursor: next,
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/models/:version/activate',
    config: {
      access: ADMINS,
      operation: 'activateModel',
      summary: 'Put a model in force in every partition; an older one is a roll back',
    },
    schema: { params: modelPath, querystring: emptyQuery, body: activateBody, response: { 200: choiceAnswer } },
    handler: async (request) => {
      const identity = unboundOf(request);
      const operations = operationsOf(parts);
      const { version } = request.params;
      if (!(await operations.models.prepare(version))) {
        throw new KilldeerError('api.not-found', `there is no model ${version}`);
      }
      const { pin = false, key } = request.body;
      const judged = await parts.registry.write({
        ...{ type: 'model-choice', ...authorityOf(identity, request.id), timeMs: parts.clock(), version, pin },
        key: JSON.stringify([identity.id, keyOf(request, key)]),
      });
      return choiceOf(operations, judged);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/models/unpin',
    config: { access: ADMINS, operation: 'unpinModel', summary: 'Let learned models score again' },
    schema: { querystring: emptyQuery, body: unpinBody, response: { 200: choiceAnswer } },
    handler: async (request) => {
      const identity = unboundOf(request);
      const operations = operationsOf(parts);
      if (!operations.models.learns) {
        const reason = 'nothing is learned here (learning.inline): activate the model that is wanted instead';
        throw new KilldeerError('registry.refused', reason);
      }
      const judged = await parts.registry.write({
        ...{ type: 'model-choice', ...authorityOf(identity, request.id), timeMs: parts.clock() },
        ...{ version: null, pin: false, key: JSON.stringify([identity.id, keyOf(request, request.body.key)]) },
      });
      return choiceOf(operations, judged);
    },
  });
}

function choiceOf(operations: OperationsPort, judged: Verdict): ChoiceAnswer {
  const { effect } = verdictAnswerOf(judged, null);
  const choice = operations.modelChoice();
  return {
    effect,
    version: choice?.version ?? null,
    pinned: choice?.pinned ?? false,
    since_ms: choice?.sinceMs ?? null,
    actor: choice?.actor ?? null,
  };
}

function modelView(model: ModelRow): ModelAnswer {
  return {
    version: model.version,
    origin: model.origin,
    written_ms: model.writtenMs,
    bytes: model.bytes,
    cohorts: model.cohorts,
    agents: model.agents,
    bar: model.bar,
    card: model.card,
  };
}
