/** The policy in force, and its steps from training to enforce. */
import { KilldeerError } from '../errors.js';
import type { LadderView } from '../registry/registry.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import { ADMINS, type Identity, READERS, type RegistryPort, type ServerParts } from './contract.js';
import { ladderBody, type PolicyAnswer, policyAnswer } from './policy-schema.js';
import { type Api, authorityOf } from './route.js';
import { emptyQuery } from './schema.js';
import { verdictAnswerOf } from './view.js';

export function registerPolicy(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'GET',
    url: '/v1/policy',
    config: {
      access: READERS,
      operation: 'getPolicy',
      summary: 'Read the policy in force, and what its next step would have done',
    },
    schema: { querystring: emptyQuery, response: { 200: policyAnswer } },
    handler: async (request) => {
      requireUnbound(identityOf(request));
      return policyView(registry);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/policy/ladder',
    config: { access: ADMINS, operation: 'movePolicy', summary: 'Take the policy one step up its ladder, or down' },
    schema: { querystring: emptyQuery, body: ladderBody, response: { 200: policyAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      requireUnbound(identity);
      const by = authorityOf(identity, request.id);
      verdictAnswerOf(await registry.write({ type: 'ladder', ...by, timeMs: clock(), ...request.body }), null);
      return policyView(registry);
    },
  });
}

/** A policy is everybody's. */
function requireUnbound({ bindings }: Identity): void {
  if (isBound(bindings)) throw new KilldeerError('api.forbidden', 'the token is bound, and the policy is about all');
}

function policyView(registry: RegistryPort): PolicyAnswer {
  const policy = registry.policy();
  const ladder = registry.ladder();
  return {
    name: policy?.name ?? null,
    mode: registry.mode(),
    top: policy?.mode ?? 'observe',
    rules: (policy?.rules ?? []).map(({ name }) => name),
    permissions: (policy?.permissions ?? []).map(({ name }) => name),
    two_people: [...(policy?.twoPeople ?? ['revoke'])],
    ladder: ladder === null ? null : ladderOf(ladder),
  };
}

function ladderOf(view: LadderView): NonNullable<PolicyAnswer['ladder']> {
  return {
    step: view.step,
    next: view.next,
    since_ms: view.sinceMs,
    clean_since_ms: view.cleanSinceMs,
    mistakes: view.mistakes,
    promote_after_ms: view.promoteAfterMs,
    ready_ms: view.readyMs,
    would: view.would.map((one) => ({ ...one, agents: one.agents.map((agent) => ({ ...agent })) })),
    would_deny: view.wouldDeny.map((one) => ({ ...one, agents: [...one.agents] })),
    forgotten: view.forgotten,
  };
}
