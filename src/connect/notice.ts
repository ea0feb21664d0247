/** What the owner of an agent is told, in plain words, of what the registry's records say. */
import { type ApprovalSubject, REVOKE_FOR_MS, type RegistryEntry, type RegistryRecord } from '../registry/registry.js';
import { keyOfWish, type Wish } from './contract.js';
import type { Change } from './wish-book.js';
import { timeOf, wordsOf } from './words.js';

export interface Notice {
  /** The same however often it follows from the log. */
  readonly key: string;
  /** null: nobody answers for the agent. */
  readonly owner: string | null;
  readonly tenant: string;
  /** null: about all of the owner's agents. */
  readonly agent: string | null;
  /** Registry clock, ms. */
  readonly timeMs: number;
  readonly type: string;
  /** Sentences, one a line. */
  readonly text: string;
}

/** Owners told of a halt at most. */
const OWNERS_MAX = 1_000;

/** Who is known to the registry. */
export interface Known {
  entry(tenant: string, agent: string): RegistryEntry | null;
  entries(): Iterable<RegistryEntry>;
}

/** Of a restriction or its end. One that only follows from another agent's is told to an owner of its own alone. */
export function noticeOfWish(wish: Wish, known: Known): Notice | null {
  const { tenant, agent, root, owner, timeMs, status } = wish;
  if (root !== null && (owner === null || owner === known.entry(tenant, root)?.owner)) return null;
  return { key: keyOfWish(wish), owner, tenant, agent, timeMs, type: `agent.${status}`, text: wordsOf(wish) };
}

/** Of what is no restriction: approvals that are wanted, halts, and agents that somebody takes over. */
export function noticesOf({ record, verdict }: Change, known: Known): readonly Notice[] {
  if (verdict.effect === 'refused' || verdict.effect === 'duplicate') return [];
  // The same call asks under the same id again, when what was answered is used up.
  if (record.type === 'approval-request') return [approvalNotice(record, `${record.id}/${record.timeMs}`, known)];
  if (record.type === 'stop' && verdict.approval !== undefined) {
    const subject = { kind: 'revoke', reason: record.reason } as const;
    return [
      approvalNotice({ ...record, id: verdict.approval, subject, forMs: REVOKE_FOR_MS }, verdict.approval, known),
    ];
  }
  if (record.type === 'halt' || record.type === 'recover') return haltNotices(record, known);
  if (record.type === 'sponsor') return (verdict.changed ?? []).flatMap((entry) => heirNotice(record, entry));
  return [];
}

/** To whom an agent was given; nothing where it was stopped instead. */
function heirNotice(record: Extract<RegistryRecord, { type: 'sponsor' }>, entry: RegistryEntry): Notice[] {
  const { tenant, agent, owner, version } = entry;
  if (owner === record.owner) return [];
  const text = [
    `You answer for the agent ${agent} from now on.`,
    `Why: ${record.owner}, who did so before, has left.`,
    'What to do: nothing, if that is right. If not, tell your operators, who can name somebody else.',
  ].join('\n');
  const key = `owner/${tenant}/${agent}/${version}`;
  return [{ key, owner, tenant, agent, timeMs: record.timeMs, type: 'agent.owner', text }];
}

interface Wanted {
  readonly tenant: string;
  readonly agent: string;
  readonly id: string;
  readonly subject: ApprovalSubject;
  readonly timeMs: number;
  readonly forMs: number;
}

function approvalNotice(wanted: Wanted, key: string, known: Known): Notice {
  const { tenant, agent, id, subject, timeMs, forMs } = wanted;
  const what =
    subject.kind === 'revoke'
      ? [`Somebody wants to shut your agent ${agent} off for good.`, `Why: ${subject.reason}.`]
      : [`Your agent ${agent} wants to do something that needs a person's leave: ${wantedOf(subject)}.`];
  const text = [
    ...what,
    `This request ends at ${timeOf(timeMs + forMs)}.`,
    `What to do: tell your operators whether it is right. They answer it by its number: ${id}.`,
  ].join('\n');
  const owner = known.entry(tenant, agent)?.owner ?? null;
  return { key: `approval/${key}`, owner, tenant, agent, timeMs, type: 'approval.wanted', text };
}

function wantedOf({ operation, endpoint, target }: Extract<ApprovalSubject, { kind: 'call' }>): string {
  const words = [operation, endpoint === null ? null : `by ${endpoint}`, target === null ? null : `on ${target}`];
  return words.filter((word) => word !== null).join(' ') || 'a call';
}

function haltNotices(record: Extract<RegistryRecord, { type: 'halt' | 'recover' }>, known: Known): readonly Notice[] {
  const { type, tenant, key, reason, timeMs } = record;
  const owners = new Set<string | null>();
  for (const entry of known.entries()) {
    if (tenant !== null && entry.tenant !== tenant) continue;
    owners.add(entry.owner);
    if (owners.size >= OWNERS_MAX) break;
  }
  const what =
    type === 'halt'
      ? [
          'All agents were stopped by a person: all of their calls are refused.',
          'They come back when a person says so.',
        ]
      : [`The general stop is lifted for ${Math.round(record.share * 100)} of 100 agents.`];
  const text = [what[0], `Why: ${reason}.`, ...what.slice(1), 'What to do: nothing, your operators know of it.'].join(
    '\n',
  );
  return [...owners].map((owner) => ({
    ...{ key: `${type}/${key}/${owner ?? ''}`, owner, tenant: tenant ?? '', agent: null, timeMs },
    ...{ type: type === 'halt' ? 'agents.halted' : 'agents.recovering', text },
  }));
}
