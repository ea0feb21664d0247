/** An agent, and what the registry made of a wish about it, as a person reads them. */
import type { AgentAnswer, VerdictAnswer } from '../api/schema.js';
import type { Cell, Terminal } from './terminal.js';

export function showVerdict(terminal: Terminal, name: string, verdict: VerdictAnswer): void {
  terminal.emit(verdict);
  terminal.say(`${name}: ${verdict.effect}${verdict.reason === null ? '' : ` (${verdict.reason})`}`);
  if (verdict.agent !== null && terminal.rich) terminal.say(`now ${statusText(terminal, verdict.agent)}`);
}

export function statusText({ paint }: Terminal, agent: AgentAnswer): string {
  if (agent.status === 'active') return paint.green('active');
  const until = agent.until_ms === null ? 'until released' : `until ${moment(agent.until_ms)}`;
  const rate = agent.calls_per_minute === null ? '' : `, ${agent.calls_per_minute} calls a minute`;
  return paint.red(`${agent.status} ${until}${rate}`);
}

/** Whose it is, what it may, how it stands. */
export function showAgent(terminal: Terminal, agent: AgentAnswer): void {
  terminal.emit(agent);
  const rows = [...ofPeople(agent), ...ofAccess(agent), ...ofStanding(terminal, agent)];
  terminal.table(['', agent.agent], rows);
}

function ofPeople(agent: AgentAnswer): Cell[][] {
  return [
    ['tenant', agent.tenant === '' ? '(none)' : agent.tenant],
    ['registered', agent.registered ? 'yes' : 'no'],
    ['owner', agent.owner],
    ['technical owner', agent.technical_owner],
    ['purpose', agent.purpose],
    ['role', agent.role],
    ['labels', agent.labels.join(', ')],
    ['environment', agent.environment],
    ['trust', agent.trust],
    ['works for', agent.parent],
    ['protected', agent.protected ? 'yes' : 'no'],
    ['next review', agent.review_on],
  ];
}

function ofAccess(agent: AgentAnswer): Cell[][] {
  const { budgets, credential, delegation } = agent;
  const usd = (value: number | null) => (value === null ? 'no limit' : `$${value}`);
  return [
    ['scopes', agent.scopes.join(', ')],
    ['may call', limitText(agent.operations)],
    ['endpoints', limitText(agent.endpoints)],
    ['targets', limitText(agent.targets)],
    ['data classes', limitText(agent.data_classes)],
    ['budgets', `${usd(budgets.session_usd)} a session, ${usd(budgets.day_usd)} a day`],
    ['delegation', delegation === null ? 'not limited' : delegationText(delegation)],
    ['credential', credential === null ? null : credentialText(credential)],
  ];
}

function ofStanding(terminal: Terminal, agent: AgentAnswer): Cell[][] {
  return [
    ['status', statusText(terminal, agent)],
    ['reason', agent.reason],
    ['refused calls', agent.attempts],
    ['version', agent.version],
    ['code reviewed', agent.agent_version],
    ['code seen', agent.agent_versions.join(', ')],
    ['first seen', moment(agent.first_seen_ms)],
    ['changed', moment(agent.last_change_ms)],
  ];
}

function limitText(names: readonly string[] | null): string {
  if (names === null) return 'not limited';
  return names.length === 0 ? 'none' : names.join(', ');
}

function delegationText({ depth_max: depth, breadth_max: breadth, agents }: NonNullable<AgentAnswer['delegation']>) {
  const parts = [
    depth === null ? '' : `${depth} deep`,
    breadth === null ? '' : `${breadth} at once`,
    agents === null ? '' : `to ${limitText(agents)}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function credentialText({ kind, issued, expires, rotated }: NonNullable<AgentAnswer['credential']>): string {
  const dated = (word: string, at: string | null) => (at === null ? '' : `, ${word} ${at}`);
  return `${kind}${dated('issued', issued)}${dated('rotated', rotated)}${dated('expires', expires)}`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}
