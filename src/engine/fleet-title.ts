/** The sentences that a person reads about the fleet. */
import type { FleetRecord } from './fleet-record.js';

/** Longest name quoted, and names listed. */
const NAME_MAX = 60;
const LIST_MAX = 3;
/** Characters of a credential's hash: enough to look for it. */
const HASH_SHOWN = 8;

function quoted(text: string): string {
  return text.length > NAME_MAX ? `${text.slice(0, NAME_MAX - 1)}…` : text;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, LIST_MAX).map(quoted).join(', ');
  return names.length > LIST_MAX ? `${shown} and ${names.length - LIST_MAX} more` : shown;
}

function minuteOf(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** The title of a finding about many agents, or about one among them. */
export function makeFleetTitle(record: Exclude<FleetRecord, { readonly state: 'over' }>): string {
  switch (record.state) {
    case 'outage': {
      const { agents, active, fromMs, endpoints, isWide } = record;
      const what = isWide ? `model calls fail (${listed(endpoints)})` : `calls of ${listed(endpoints)} fail`;
      return `${what} for ${agents} of ${active} agents since ${minuteOf(fromMs)}: the provider is likely out`;
    }
    case 'deploy': {
      const { agents, members, endpoint } = record;
      return `${agents} of ${members} agents alike began to use ${quoted(endpoint)} within a day: likely a deploy`;
    }
    case 'shared-credential': {
      const { agent, credential, others } = record;
      return `${quoted(agent)} uses the credential ${credential.slice(0, HASH_SHOWN)} of ${listed(others)}, which it did not share before`;
    }
    case 'delegation-tree': {
      const { how, agent, observed, expected, other } = record;
      if (how === 'shared')
        return `${quoted(agent)} works for ${quoted(other ?? 'another')}, though it was another agent's`;
      const what = how === 'broader' ? 'sub-agents in a day' : 'levels of sub-agents';
      return `${quoted(agent)} has ${observed} ${what}; at most ${expected} in the 7 days before`;
    }
  }
}
