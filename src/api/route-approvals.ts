/** What waits for a person's leave, and the answers; and the calls that limits refused. */
import { KilldeerError } from '../errors.js';
import type { Approval, DeniedRecord } from '../registry/registry.js';
import { identityOf } from './access.js';
import {
  type ApprovalAnswer,
  approvalAnswer,
  approvalBody,
  approvalsAnswer,
  approvalsQuery,
  type DenialAnswer,
  denialsAnswer,
  denialsQuery,
} from './approval-schema.js';
import { covers } from './binding.js';
import { READERS, RESPONDERS, type ServerParts } from './contract.js';
import { type Api, authorityOf } from './route.js';
import { emptyQuery, idPath } from './schema.js';
import { verdictAnswerOf } from './view.js';

export function registerApprovals(app: Api, parts: ServerParts): void {
  const { registry } = parts;
  app.route({
    method: 'GET',
    url: '/v1/approvals',
    config: {
      access: READERS,
      operation: 'listApprovals',
      summary: "List what waits for a person's leave, and what became of it",
    },
    schema: { querystring: approvalsQuery, response: { 200: approvalsAnswer } },
    handler: async (request) => {
      const { bindings } = identityOf(request);
      const { limit, state } = request.query;
      const shown = registry
        .approvals()
        .filter((one) => (state === undefined || one.state === state) && covers(bindings, one.tenant, one.agent));
      return { approvals: shown.slice(0, limit).map(approvalView) };
    },
  });
  registerAnswer(app, parts);
  app.route({
    method: 'GET',
    url: '/v1/denials',
    config: {
      access: READERS,
      operation: 'listDenials',
      summary: 'List calls that a limit refused, or would have',
    },
    schema: { querystring: denialsQuery, response: { 200: denialsAnswer } },
    handler: async (request) => {
      const { bindings } = identityOf(request);
      const { limit, tenant, agent, denial } = request.query;
      const shown = registry
        .denials()
        .filter(
          (one) =>
            (tenant === undefined || one.tenant === tenant) &&
            (agent === undefined || one.agent === agent) &&
            (denial === undefined || one.denial === denial) &&
            covers(bindings, one.tenant, one.agent),
        );
      return { denials: shown.slice(0, limit).map(denialView) };
    },
  });
}

function registerAnswer(app: Api, { registry, clock }: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/approvals/:id',
    config: {
      access: RESPONDERS,
      operation: 'answerApproval',
      summary: 'Give leave, or refuse it; a revocation needs another person than the one who asked',
    },
    schema: { params: idPath, querystring: emptyQuery, body: approvalBody, response: { 200: approvalAnswer } },
    handler: async (request) => {
      const identity = identityOf(request);
      const { id } = request.params;
      const find = () =>
        registry.approvals().find((one) => one.id === id && covers(identity.bindings, one.tenant, one.agent));
      if (find() === undefined) throw new KilldeerError('api.not-found', `nothing with the id ${id} waits for leave`);
      const { answer, comment = null } = request.body;
      const by = authorityOf(identity, request.id);
      verdictAnswerOf(
        await registry.write({ type: 'approval-answer', ...by, timeMs: clock(), id, answer, comment }),
        null,
      );
      const answered = find();
      if (answered === undefined) throw new KilldeerError('api.not-found', `${id} is no longer remembered`);
      return approvalView(answered);
    },
  });
}

function approvalView(approval: Approval): ApprovalAnswer {
  const { subject } = approval;
  const isCall = subject.kind === 'call';
  return {
    id: approval.id,
    tenant: approval.tenant,
    agent: approval.agent,
    kind: subject.kind,
    reason: isCall ? null : subject.reason,
    operation: isCall ? subject.operation : null,
    endpoint: isCall ? subject.endpoint : null,
    target: isCall ? subject.target : null,
    rule: isCall ? subject.rule : null,
    state: approval.state,
    asked_by: approval.askedBy,
    asked_ms: approval.askedMs,
    until_ms: approval.untilMs,
    answered_by: approval.answeredBy,
    answered_ms: approval.answeredMs,
    comment: approval.comment,
    uses_left: approval.usesLeft,
  };
}

function denialView(record: DeniedRecord): DenialAnswer {
  const { question, trail } = record;
  const list = (names: readonly string[] | null) => (names === null ? null : [...names]);
  return {
    time_ms: record.timeMs,
    tenant: record.tenant,
    agent: record.agent,
    denial: record.denial,
    enforced: record.enforced,
    count: record.count,
    rule: record.rule,
    operation: question.operation ?? null,
    endpoint: question.endpoint ?? null,
    target: question.target ?? null,
    session: question.session ?? null,
    data_class: question.dataClass ?? null,
    trail: trail.map(({ agent, parent, operations, endpoints, targets, trust }) => ({
      ...{ agent, parent: parent ?? null, trust },
      ...{ operations: list(operations), endpoints: list(endpoints), targets: list(targets) },
    })),
  };
}
