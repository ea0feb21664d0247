/** `killdeer agent ...`: the registry of a live system, through its API; and what a profile is made of. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { LAYOUT, PROFILE_BYTES } from '../agent/layout.js';
import type { AgentAnswer, VerdictAnswer } from '../api/schema.js';
import { parseDuration } from '../decide/compile-policy.js';
import { KilldeerError } from '../errors.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { readRegistryFile } from './registry-file.js';
import { bytesText, count, type Terminal } from './terminal.js';
import { several, type VerbContext, wholeNumber } from './verb.js';

interface Whom extends ClientChoice {
  readonly tenant?: string;
}
interface Why extends Whom {
  readonly reason: string;
}
interface Described extends Whom {
  readonly owner?: string;
  readonly role?: string;
  readonly label?: string[];
  readonly sessionUsd?: number;
  readonly dayUsd?: number;
  readonly protected?: boolean;
}

export function addAgent(program: Command, { terminal }: VerbContext): void {
  const agent = program.command('agent').description('who the agents are, and what they may do');
  const verb = (name: string, words: string) => addServerOptions(agent.command(name).description(words));
  const onAgent = (name: string, words: string) =>
    verb(name, words).argument('<agent>').option('--tenant <tenant>', 'its tenant, where it has one');

  verb('list', 'agents seen or registered')
    .option('--status <status>', 'active, throttled, restricted, suspended or revoked')
    .action((where: ClientChoice & { status?: string }) => list(terminal, where));
  onAgent('show', 'one agent').action(async (name: string, whom: Whom) => {
    showAgent(terminal, await clientOf(whom, 'responder').agent(name, whom.tenant));
  });
  onAgent('register', 'say whose an agent is and what it may spend; what is left out stays as it is')
    .option('--owner <owner>', 'who answers for it')
    .option('--role <role>', 'its job: agents of one role are compared')
    .option('--label <label...>', 'words that a policy can match', several)
    .option('--session-usd <usd>', 'budget of a session, US dollars', dollars('--session-usd'))
    .option('--day-usd <usd>', 'budget of a UTC day, US dollars', dollars('--day-usd'))
    .option('--protected', 'no engine may stop it')
    .action((name: string, as: Described) => register(terminal, name, as));
  onAgent('suspend', 'refuse every call of it')
    .requiredOption('--reason <text>', 'why')
    .option('--for <duration>', 'until released without it', durationOf)
    .action((name: string, why: Why & { for?: number }) => stop(terminal, name, why, 'suspend', null));
  onAgent('throttle', 'let only so many calls through')
    .requiredOption('--reason <text>', 'why')
    .requiredOption('--per-minute <calls>', 'calls a minute', wholeNumber('--per-minute', 1, 1_000_000))
    .option('--for <duration>', 'until released without it', durationOf)
    .action((name: string, why: Why & { for?: number; perMinute: number }) =>
      stop(terminal, name, why, 'throttle', why.perMinute),
    );
  onAgent('release', 'lift what is in force')
    .requiredOption('--reason <text>', 'why')
    .option('--admin', 'lift a revocation too')
    .action(async (name: string, why: Why & { admin?: boolean }) => {
      const client = clientOf(why, why.admin === true ? 'admin' : 'responder');
      const body = { reason: why.reason, key: randomUUID() };
      showVerdict(terminal, name, await client.release(name, body, why.tenant));
    });
  onAgent('reset', 'forget what is normal for it, and learn anew')
    .option('--as-of <date>', 'know again what it knew then: a day or a time, ISO 8601')
    .action(async (name: string, whom: Whom & { asOf?: string }) => {
      await clientOf(whom, 'admin').reset(name, whom.tenant, whom.asOf);
      const now = whom.asOf === undefined ? 'it learns anew' : `it knows what it knew on ${whom.asOf}`;
      terminal.emit({ agent: name, tenant: whom.tenant ?? '', reset: true, as_of: whom.asOf ?? null });
      terminal.say(`${name}: reset, ${now}`);
    });
  verb('import', 'register the agents of a JSON list (docs/cli.md)')
    .argument('<file>')
    .action((file: string, where: ClientChoice) => importAgents(terminal, file, where));
  agent
    .command('layout')
    .description('what one profile holds, field by field')
    .action(() => layout(terminal));
}

/** Reads --for. Throws 'usage'. */
export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new KilldeerError('usage', `--for ${text}: not a duration such as 90s, 30m, 12h or 7d`);
  return ms;
}

function dollars(option: string): (text: string) => number {
  return (text) => {
    const usd = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (usd <= 1e9) return usd;
    throw new KilldeerError('usage', `${option} ${text}: not an amount of US dollars`);
  };
}

async function list(terminal: Terminal, where: ClientChoice & { status?: string }): Promise<void> {
  const client = clientOf(where, 'responder');
  const agents: AgentAnswer[] = [];
  let cursor: number | null = 0;
  while (cursor !== null) {
    const query = {
      limit: 1000,
      ...(cursor === 0 ? {} : { cursor }),
      ...(where.status ? { status: where.status } : {}),
    };
    const page = await client.agents(query);
    agents.push(...page.agents);
    cursor = page.cursor;
  }
  for (const agent of agents) terminal.emit(agent);
  const rows = agents.map((agent) => [
    agent.tenant === '' ? agent.agent : `${agent.tenant} ${agent.agent}`,
    statusText(terminal, agent),
    agent.role,
    agent.owner,
    agent.registered ? 'yes' : 'no',
    agent.reason,
  ]);
  terminal.table(['agent', 'status', 'role', 'owner', 'registered', 'reason'], rows);
  terminal.say(`${count(agents.length)} agents`);
}

async function register(terminal: Terminal, name: string, as: Described): Promise<void> {
  const client = clientOf(as, 'admin');
  const budgets =
    as.sessionUsd === undefined && as.dayUsd === undefined
      ? {}
      : { budgets: { session_usd: as.sessionUsd ?? null, day_usd: as.dayUsd ?? null } };
  const body = {
    ...(as.owner === undefined ? {} : { owner: as.owner }),
    ...(as.role === undefined ? {} : { role: as.role }),
    ...(as.label === undefined ? {} : { labels: as.label }),
    ...(as.protected === undefined ? {} : { protected: as.protected }),
    ...budgets,
  };
  showVerdict(terminal, name, await client.register(name, body, as.tenant));
}

async function stop(
  terminal: Terminal,
  name: string,
  why: Why & { for?: number },
  action: 'suspend' | 'throttle',
  perMinute: number | null,
): Promise<void> {
  const client = clientOf(why, 'responder');
  const body = { action, reason: why.reason, for_ms: why.for ?? null, key: randomUUID() };
  const rate = perMinute === null ? {} : { calls_per_minute: perMinute };
  showVerdict(terminal, name, await client.stop(name, { ...body, ...rate }, why.tenant));
}

async function importAgents(terminal: Terminal, file: string, where: ClientChoice): Promise<void> {
  const rows = readRegistryFile(file);
  const client = clientOf(where, 'admin');
  for (const { agent, tenant, ...body } of rows) {
    const verdict = await client.register(agent, body, tenant === '' ? undefined : tenant);
    terminal.emit({ agent, tenant, effect: verdict.effect, reason: verdict.reason });
  }
  terminal.say(`${count(rows.length)} agents registered from ${file}`);
}

function showVerdict(terminal: Terminal, name: string, verdict: VerdictAnswer): void {
  terminal.emit(verdict);
  terminal.say(`${name}: ${verdict.effect}${verdict.reason === null ? '' : ` (${verdict.reason})`}`);
  if (verdict.agent !== null && terminal.rich) terminal.say(`now ${statusText(terminal, verdict.agent)}`);
}

function showAgent(terminal: Terminal, agent: AgentAnswer): void {
  terminal.emit(agent);
  const { budgets } = agent;
  const usd = (value: number | null) => (value === null ? 'no limit' : `$${value}`);
  const moment = (ms: number) => new Date(ms).toISOString();
  terminal.table(
    ['', agent.agent],
    [
      ['tenant', agent.tenant === '' ? '(none)' : agent.tenant],
      ['status', statusText(terminal, agent)],
      ['reason', agent.reason],
      ['refused calls', agent.attempts],
      ['registered', agent.registered ? 'yes' : 'no'],
      ['owner', agent.owner],
      ['role', agent.role],
      ['labels', agent.labels.join(', ')],
      ['budgets', `${usd(budgets.session_usd)} a session, ${usd(budgets.day_usd)} a day`],
      ['protected', agent.protected ? 'yes' : 'no'],
      ['works for', agent.parent],
      ['versions', agent.agent_versions.join(', ')],
      ['first seen', moment(agent.first_seen_ms)],
      ['changed', moment(agent.last_change_ms)],
    ],
  );
}

function statusText({ paint }: Terminal, agent: AgentAnswer): string {
  if (agent.status === 'active') return paint.green('active');
  const until = agent.until_ms === null ? 'until released' : `until ${new Date(agent.until_ms).toISOString()}`;
  const rate = agent.calls_per_minute === null ? '' : `, ${agent.calls_per_minute} calls a minute`;
  return paint.red(`${agent.status} ${until}${rate}`);
}

function layout(terminal: Terminal): void {
  for (const field of LAYOUT) terminal.emit(field);
  const rows = LAYOUT.map(({ byte, name, view, count: n, step, meaning }) => [byte, name, view, n, step, meaning]);
  terminal.table(['byte', 'field', 'view', 'count', 'step', 'meaning'], rows, [0, 3, 4]);
  const million = bytesText(PROFILE_BYTES * 1e6);
  terminal.say(`${count(PROFILE_BYTES)} bytes per agent; a million agents take ${million} of profiles`);
}
