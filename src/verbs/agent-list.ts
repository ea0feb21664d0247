/** `killdeer agent list`, and the options by which other verbs choose agents too. */
import type { Command } from 'commander';
import type { AgentsQuery, Client } from '../api/client.js';
import type { AgentAnswer, AgentsAnswer } from '../api/schema.js';
import { statusText } from './agent-text.js';
import { type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';

export type MakeVerb = (name: string, words: string) => Command;

export interface Filter extends ClientChoice {
  readonly tenant?: string;
  readonly status?: string;
  readonly owner?: string;
  readonly role?: string;
  readonly label?: string;
  readonly trust?: string;
  readonly environment?: string;
  readonly registered?: boolean;
  readonly unregistered?: boolean;
  readonly query?: string;
}

const PAGE = 1_000;

export function addAgentList(verb: MakeVerb, terminal: Terminal): void {
  addFilter(verb('list', 'agents seen or registered'))
    .option('--status <status>', 'active, throttled, restricted, suspended or revoked')
    .action((filter: Filter) => list(terminal, filter));
}

export function addFilter(command: Command): Command {
  return command
    .option('--tenant <tenant>', 'of one tenant')
    .option('--owner <person>', 'its owner, or its technical owner')
    .option('--role <role>', 'of one role')
    .option('--label <label>', 'that carry it')
    .option('--trust <level>', 'L0 to L4')
    .option('--environment <name>', 'of one environment')
    .option('--registered', 'that somebody registered')
    .option('--unregistered', 'that nobody registered')
    .option('--query <text>', 'part of name, owners or purpose');
}

/** The filter as the API takes it. */
export function queryOf(filter: Filter): AgentsQuery {
  const { tenant, status, owner, role, label, trust, environment, query } = filter;
  const registered = filter.registered === true ? 'true' : filter.unregistered === true ? 'false' : undefined;
  const given = { tenant, status, owner, role, label, trust, environment, registered, q: query };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function list(terminal: Terminal, filter: Filter): Promise<void> {
  const agents = await allAgents(clientOf(filter, 'responder'), queryOf(filter));
  for (const agent of agents) terminal.emit(agent);
  const rows = agents.map((agent) => [
    agent.tenant === '' ? agent.agent : `${agent.tenant} ${agent.agent}`,
    statusText(terminal, agent),
    agent.role,
    agent.owner,
    agent.registered ? 'yes' : 'no',
    agent.trust,
    agent.environment,
    agent.reason,
  ]);
  terminal.table(['agent', 'status', 'role', 'owner', 'registered', 'trust', 'environment', 'reason'], rows);
  terminal.say(`${count(agents.length)} agents`);
}

async function allAgents(client: Client, query: AgentsQuery): Promise<AgentAnswer[]> {
  const agents: AgentAnswer[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: AgentsAnswer = await client.agents({ ...query, limit: PAGE, ...(cursor === '' ? {} : { cursor }) });
    agents.push(...page.agents);
    cursor = page.cursor;
  }
  return agents;
}
