/** What is told to people who may never have heard of this program: what happened, why, until when, what to do. */
import type { AgentStatus } from '../registry/registry.js';
import type { Wish } from './contract.js';

const HAPPENED: Readonly<Record<AgentStatus, string>> = {
  active: 'may work normally again',
  throttled: 'may make fewer calls for now',
  restricted: 'may do less than usual for now',
  suspended: 'was stopped for now: all of its calls are refused',
  revoked: 'was shut off for good: all of its calls are refused',
};

const DECIDED: Readonly<Record<Wish['by'], string>> = {
  person: 'A person decided this.',
  policy: 'An automatic rule decided this.',
  system: 'This followed from a time limit or a setting.',
};

/** One sentence a line. */
export function wordsOf(wish: Wish): string {
  const { agent, root, status, by } = wish;
  const whose = root === null ? '' : `, because it works for ${root}`;
  if (status === 'active') return `Your agent ${agent} ${HAPPENED.active}${whose}.`;
  const limit = wish.callsPerMinute === null ? '' : ` (at most ${wish.callsPerMinute} calls a minute)`;
  const what = `Your agent ${agent} ${HAPPENED[status]}${limit}${whose}.`;
  return [what, `Why: ${wish.reason}.`, DECIDED[by], untilOf(wish), todoOf(status)].join('\n');
}

function untilOf({ untilMs, status }: Wish): string {
  if (untilMs !== null) return `This ends by itself at ${timeOf(untilMs)}, unless somebody ends or changes it before.`;
  if (status === 'revoked') return 'This does not end by itself; only an administrator can undo it.';
  return 'This does not end by itself; somebody has to release the agent.';
}

function todoOf(status: AgentStatus): string {
  if (status === 'throttled')
    return 'What to do: nothing, if the agent can wait. If this is wrong, tell your operators.';
  return 'What to do: look at what the agent was doing. If it was meant to do that, tell your operators, who can release it.';
}

/** 2031-05-02 14:00 UTC. */
export function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
