/** The configuration in force, and the part of it that people change while everything runs. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { SettingsInForce, Verdict } from '../registry/registry.js';
import { ADMINS, READERS, type ServerParts } from './contract.js';
import type { BudgetProposal, OperationsPort } from './operations-contract.js';
import { operationsOf, unboundOf } from './operations-guard.js';
import {
  acceptBody,
  type BudgetAnswer,
  budgetAnswer,
  type ConfigAnswer,
  configAnswer,
  type SettingsAnswer,
  settingsAnswer,
  settingsBody,
} from './operations-schema.js';
import { type Api, authorityOf } from './route.js';
import { keyOf } from './route-stops.js';
import { emptyQuery } from './schema.js';
import { precisionView } from './triage-view.js';
import { verdictAnswerOf } from './view.js';

const WITHOUT_RESTART =
  'detection.pages_per_agent_day and detection.notices_per_agent_day (PUT /v1/settings), the step of a policy on its ' +
  'ladder (POST /v1/policy/ladder) and the model in force (POST /v1/models/VERSION/activate); all else is read at the start';

export function registerSettings(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/config',
    config: {
      access: READERS,
      operation: 'getConfig',
      summary: 'Read the configuration in force, with every default and without secrets',
    },
    schema: { querystring: emptyQuery, response: { 200: configAnswer } },
    handler: async (request) => {
      unboundOf(request);
      return configView(parts);
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/settings',
    config: {
      access: READERS,
      operation: 'getSettings',
      summary: 'Read how many pages and notices an agent may cause a day, and who said so',
    },
    schema: { querystring: emptyQuery, response: { 200: settingsAnswer } },
    handler: async (request) => {
      unboundOf(request);
      return settingsView(operationsOf(parts));
    },
  });
  app.route({
    method: 'PUT',
    url: '/v1/settings',
    config: {
      access: ADMINS,
      operation: 'setSettings',
      summary: 'Say how many pages and notices an agent may cause a day, from now on',
    },
    schema: { querystring: emptyQuery, body: settingsBody, response: { 200: settingsAnswer } },
    handler: async (request) => {
      const { body } = request;
      const wish = {
        settings: { pagesPerAgentDay: body.pages_per_agent_day, noticesPerAgentDay: body.notices_per_agent_day },
        ifVersion: body.if_version ?? null,
        comment: body.comment ?? null,
        parent: request.id,
      };
      verdictAnswerOf(await writeSettings(parts, request, body.key, wish), null);
      return settingsView(operationsOf(parts));
    },
  });
  registerBudget(app, parts);
}

function registerBudget(app: Api, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/budget',
    config: {
      access: READERS,
      operation: 'getBudget',
      summary: 'Read the page budgets, how often detectors were right, and what change the figures speak for',
    },
    schema: { querystring: emptyQuery, response: { 200: budgetAnswer } },
    handler: async (request) => {
      unboundOf(request);
      return budgetView(parts);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/budget/accept',
    config: {
      access: ADMINS,
      operation: 'acceptBudget',
      summary: 'Accept a proposed change of the page budget; nothing changes without a person',
    },
    schema: { querystring: emptyQuery, body: acceptBody, response: { 200: settingsAnswer } },
    handler: async (request) => {
      const operations = operationsOf(parts);
      unboundOf(request);
      const { proposal: id, comment = null, key } = request.body;
      const before = operations.settings();
      // Said again: it stands already.
      if (before?.parent === id) return settingsView(operations);
      const { pagesPerAgentDay, noticesPerAgentDay } = proposalOf(operations, id);
      const wish = { settings: { pagesPerAgentDay, noticesPerAgentDay }, comment, parent: id };
      // Made for the settings as they are: whoever changed them meanwhile was first.
      const ifVersion = before?.version ?? 0;
      verdictAnswerOf(await writeSettings(parts, request, key, { ...wish, ifVersion }), null);
      return settingsView(operations);
    },
  });
}

interface SettingsWish extends Pick<SettingsInForce, 'settings' | 'comment'> {
  readonly ifVersion: number | null;
  readonly parent: string;
}

function writeSettings(
  { registry, clock }: ServerParts,
  request: FastifyRequest,
  bodyKey: string | undefined,
  wish: SettingsWish,
): Promise<Verdict> {
  const identity = unboundOf(request);
  const by = { ...authorityOf(identity, request.id), timeMs: clock() };
  const key = JSON.stringify([identity.id, keyOf(request, bodyKey)]);
  return registry.write({ type: 'settings', ...by, key, ...wish });
}

function proposalOf({ advice }: OperationsPort, id: string): BudgetProposal {
  const found = advice?.proposals().find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new KilldeerError('api.not-found', `no budget change of the id ${id} is proposed now`);
}

function settingsView(operations: OperationsPort): SettingsAnswer {
  const set = operations.settings();
  const { pagesPerAgentDay, noticesPerAgentDay } = set?.settings ?? operations.budget();
  return {
    pages_per_agent_day: pagesPerAgentDay,
    notices_per_agent_day: noticesPerAgentDay,
    from: set === null ? 'configuration' : 'record',
    version: set?.version ?? 0,
    since_ms: set?.sinceMs ?? null,
    actor: set?.actor ?? null,
    parent: set?.parent ?? null,
    comment: set?.comment ?? null,
  };
}

function configView(parts: ServerParts): ConfigAnswer {
  const operations = operationsOf(parts);
  const { source, hash, values, settings, policyHash } = operations.config();
  const { registry, version } = parts;
  return {
    version,
    source,
    hash,
    settings_hash: settings,
    policy: { name: registry.policy()?.name ?? null, mode: registry.mode(), hash: policyHash },
    models: [...new Set(operations.models.active().map((one) => one.version))],
    restart: WITHOUT_RESTART,
    values: values.map(({ path, value, from, withheld, live }) => ({ path, value, from, withheld, live })),
  };
}

function budgetView(parts: ServerParts): BudgetAnswer {
  const operations = operationsOf(parts);
  const { advice } = operations;
  const settings = settingsView(operations);
  let agents = 0;
  for (const { parent } of parts.registry.entries()) if (parent === null) agents += 1;
  const pages = advice?.pages() ?? null;
  return {
    settings,
    agents,
    pages_expected_per_day: agents * settings.pages_per_agent_day,
    pages_per_day: pages?.perDay ?? null,
    pages_today: pages?.today ?? null,
    pages_by_hour: [...(pages?.hours ?? [])],
    precision: precisionView(advice?.precision() ?? []).detectors,
    proposals: (advice?.proposals() ?? []).map((one) => ({
      id: one.id,
      pages_per_agent_day: one.pagesPerAgentDay,
      notices_per_agent_day: one.noticesPerAgentDay,
      reasons: [...one.reasons],
    })),
  };
}
