/** What a record of the registry did to an agent, as a sentence for its timeline. */
import type { Proposal } from '../decide/finding.js';
import { isProlonged, type RegistryEntry, type RegistryRecord } from '../registry/registry.js';
import type { TimelineEntry, TriageInput } from './triage.js';

/** Something that was done, and to whom. */
export interface Deed {
  /** null: to everybody. */
  readonly tenant: string | null;
  /** null: to everybody of the tenant. */
  readonly agent: string | null;
  readonly entry: TimelineEntry;
}

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;
type What = TimelineEntry['what'];
type Said = readonly [what: What, words: string];

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const DONE = {
  throttle: 'throttled',
  restrict: 'restricted',
  'lower-trust': 'trusted less',
  suspend: 'suspended',
  revoke: 'revoked',
} as const;

/** What the record did, and what ended because of its time. */
export function deedsOf({ record, verdict }: TriageInput): Deed[] {
  const { timeMs } = record;
  const over = verdict.expired.map((entry) => entryDeed(entry, timeMs, 'system', endWords(entry)));
  const others = (verdict.changed ?? []).flatMap((entry) => {
    if (entry.status === 'active') return [];
    const words = `${entry.status}: ${entry.reason ?? 'by a record about somebody else'}`;
    return [entryDeed(entry, timeMs, actorOf(record.actor), ['stopped', words])];
  });
  return [...over, ...own(record, verdict), ...others];
}

function own(record: RegistryRecord, verdict: TriageInput['verdict']): Deed[] {
  switch (record.type) {
    case 'proposal':
      return proposalDeed(record, verdict);
    case 'stop':
    case 'release':
    case 'effect':
    case 'attempt':
    case 'denied':
    case 'approval-request':
      return deed(record, record.tenant, record.agent, agentWords(record, verdict));
    case 'approval-answer': {
      const { entry } = verdict;
      if (entry === null || verdict.effect !== 'applied') return [];
      const comment = record.comment === null ? '' : `: ${record.comment}`;
      const word = record.answer === 'approve' ? 'approved' : 'rejected';
      return deed(record, entry.tenant, entry.agent, ['approval', `${record.id} is ${word}${comment}`]);
    }
    case 'halt':
    case 'recover':
      return verdict.effect === 'applied' ? deed(record, record.tenant, null, haltWords(record)) : [];
    case 'verdict': {
      const { scope, tenant, finding, verdict: word, kind } = record.verdict;
      if (verdict.effect !== 'applied' || finding !== null || !('agent' in scope)) return [];
      return deed(record, tenant, scope.agent, ['verdict', `${kind} of this agent: ${word}`]);
    }
    default:
      return [];
  }
}

function agentWords(
  record: Of<'stop' | 'release' | 'effect' | 'attempt' | 'denied' | 'approval-request'>,
  { effect, reason }: TriageInput['verdict'],
): Said | null {
  if (effect === 'recommended') return record.type === 'stop' ? ['approval', reason ?? 'waits for a person'] : null;
  if (effect !== 'applied') return null;
  switch (record.type) {
    case 'stop':
      return ['stopped', `${DONE[record.action]}${forWords(record.forMs)}: ${record.reason}`];
    case 'release':
      return ['released', `released${record.mistake === true ? ', the stop was wrong' : ''}: ${record.reason}`];
    case 'effect': {
      const because = record.reason === null ? '' : `: ${record.reason}`;
      return ['effect', `the stop at ${record.place} is ${record.state}${because}`];
    }
    case 'attempt':
      return ['attempt', `${calls(record.count)} refused after the stop`];
    case 'denied': {
      const how = record.enforced ? 'refused' : 'would have been refused';
      return ['denied', `${calls(record.count)} ${how}: ${record.denial}`];
    }
    case 'approval-request': {
      const { subject } = record;
      const what = subject.kind === 'revoke' ? 'a revocation' : [subject.operation, subject.endpoint].join(' of ');
      return ['approval', `leave is asked for ${what}`];
    }
  }
}

function proposalDeed(record: Of<'proposal'>, verdict: TriageInput['verdict']): Deed[] {
  const { proposal } = record;
  const said = proposalWords(proposal, verdict);
  return deed(record, proposal.tenant, proposal.agent, said, proposal.finding);
}

function proposalWords({ action, forMs, policy, rule }: Proposal, verdict: TriageInput['verdict']): Said | null {
  const by = `by rule ${rule} of policy ${policy}`;
  const why = verdict.reason === null ? '' : `: ${verdict.reason}`;
  switch (verdict.effect) {
    case 'applied':
      return ['stopped', `${DONE[action]}${forWords(forMs)} ${by}${isProlonged(verdict) ? why : ''}`];
    case 'recommended':
      return ['recommended', `${action} is recommended ${by}, a person decides${why}`];
    case 'observed':
      return ['proposed', `${action} would follow ${by}, which only observes${why}`];
    case 'refused':
      return ['proposed', `${action} is proposed ${by} and refused${why}`];
    default:
      return null;
  }
}

function haltWords(record: Of<'halt' | 'recover'>): Said {
  const who = record.tenant === null ? 'everybody' : 'everybody of the tenant';
  if (record.type === 'halt') return ['stopped', `${who} is halted: ${record.reason}`];
  return ['released', `${Math.round(record.share * 100)} % of ${who} are let go: ${record.reason}`];
}

function endWords({ status }: RegistryEntry): Said {
  return ['released', status === 'active' ? 'the time of the restriction is over' : `now ${status}: its time is over`];
}

function entryDeed({ tenant, agent }: RegistryEntry, timeMs: number, actor: string, [what, words]: Said): Deed {
  return { tenant, agent, entry: { timeMs, what, actor, words, finding: null } };
}

function deed(
  { timeMs, actor }: RegistryRecord,
  tenant: string | null,
  agent: string | null,
  said: Said | null,
  finding: string | null = null,
): Deed[] {
  if (said === null) return [];
  const [what, words] = said;
  return [{ tenant, agent, entry: { timeMs, what, actor: actorOf(actor), words, finding } }];
}

/** 'engine', 'system', or 'person:NAME'. */
export function actorOf(actor: string): string {
  if (actor.startsWith('person:')) return actor;
  return actor.startsWith('engine') ? 'engine' : 'system';
}

function calls(count: number): string {
  return count === 1 ? '1 call' : `${count} calls`;
}

function forWords(forMs: number | null): string {
  if (forMs === null) return ' until released';
  if (forMs >= HOUR_MS) return ` for ${Math.round((10 * forMs) / HOUR_MS) / 10} h`;
  return forMs >= MINUTE_MS ? ` for ${Math.round(forMs / MINUTE_MS)} min` : ` for ${Math.round(forMs / 1_000)} s`;
}
