/** What one asker sees of the board. Not there and not theirs are one answer: an id tells nothing about others. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import type { CaseState, FindingState, TriageBoard, TriageFilter, Visible } from '../triage/triage.js';
import { identityOf } from './access.js';
import { covers } from './binding.js';
import type { Bindings, Identity } from './contract.js';
import { ME, NOBODY, type TriageQuery } from './triage-schema.js';

const PERSON = 'person:';

export function visibleTo(bindings: Bindings): Visible {
  return ({ tenant, agent }) => covers(bindings, tenant, agent);
}

/** The query as the board takes it. */
export function filterOf(
  request: Pick<FastifyRequest, 'identity'>,
  query: Omit<TriageQuery, 'sort' | 'limit' | 'cursor'>,
): TriageFilter {
  const identity = identityOf(request);
  const { from_ms: fromMs, to_ms: toMs, assignee, ...same } = query;
  const whose = assignee === undefined ? undefined : assignee === NOBODY ? null : personOf(identity, assignee);
  return { ...same, fromMs, toMs, assignee: whose, visible: visibleTo(identity.bindings) };
}

/** A person's name as findings know it. Throws 'api.invalid' where a machine says 'me'. */
export function personOf({ actor }: Identity, name: string): string {
  if (name !== ME) return name;
  if (actor.startsWith(PERSON)) return actor.slice(PERSON.length);
  throw new KilldeerError('api.invalid', 'me: the token is not of a person');
}

/** Throws 'api.not-found'. */
export function requireFinding(board: TriageBoard, identity: Identity, id: string): FindingState {
  const state = board.get(id);
  if (state !== null && visibleTo(identity.bindings)(state.finding)) return state;
  throw new KilldeerError('api.not-found', `no finding has the id ${id}`);
}

/** As much of it as the asker sees. Throws 'api.not-found' where that is nothing. */
export function requireCase(board: TriageBoard, identity: Identity, id: string): CaseState {
  const seen = board.case(id, visibleTo(identity.bindings));
  if (seen !== null) return seen;
  throw new KilldeerError('api.not-found', `no case has the id ${id}`);
}
