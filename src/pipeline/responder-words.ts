/** What people are told of a breaker that opened and of a halt, in words; names of agents are cut, they are anybody's. */
import type { ResponderRecord } from '../engine/record.js';
import { FLEET } from '../event/event.js';
import type { BreakerOpening, RegistryRecord } from '../registry/registry.js';

const NAMES_MAX = 5;
const NAME_MAX = 60;
const WORDS_MAX = 500;

/** `offset`: of the record that it follows from, which tells one opening from the next. */
export function breakerRecord(opening: BreakerOpening, timeMs: number, offset: number): ResponderRecord {
  const { role, severity, policy, rule, skipped, agents } = opening;
  const whose = role === null ? '' : ` for the role ${cut(role)}`;
  const which = severity === 'critical' ? '' : ` for findings of ${severity} severity and below`;
  const because = `rule ${cut(rule)} of policy ${cut(policy)} asks for more automatic stops than the brakes allow`;
  const stops = skipped === 1 ? '1 stop was' : `${skipped} stops were`;
  const words = `the breaker is open${whose}${which}: ${because}; ${stops} skipped: ${namesOf(agents, skipped)}`;
  return {
    ...{ type: 'responder', timeMs, what: 'breaker-open', tenant: '', agent: FLEET, key: String(offset) },
    ...{ words: words.slice(0, WORDS_MAX), agents: [...agents] },
  };
}

export function haltRecord(record: Extract<RegistryRecord, { type: 'halt' }>): ResponderRecord {
  const { timeMs, tenant, key, reason, actor } = record;
  const who = tenant === null ? 'everybody is' : `all agents of tenant ${tenant === '' ? '(none)' : cut(tenant)} are`;
  return {
    ...{ type: 'responder', timeMs, what: 'halt', tenant: tenant ?? '', agent: FLEET, key: key.slice(0, WORDS_MAX) },
    ...{ words: `${who} halted by ${cut(actor)}: ${reason}`.slice(0, WORDS_MAX), agents: [] },
  };
}

function namesOf(agents: readonly string[], all: number): string {
  const named = agents.slice(0, NAMES_MAX).map(cut).join(', ');
  const left = all - Math.min(NAMES_MAX, agents.length);
  return left > 0 ? `${named} and ${left} more` : named;
}

function cut(name: string): string {
  return name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name;
}
