/** `killdeer token ...`: who may speak to a live system, as what, and about whom. Through its API. */
import type { Command } from 'commander';
import { ROLES, type Role } from '../api/contract.js';
import type { TokenEntryAnswer } from '../api/schema.js';
import { parseDuration } from '../decide/duration.js';
import { KilldeerError } from '../errors.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface NewToken extends ClientChoice {
  readonly name: string;
  readonly role: readonly Role[];
  readonly agents?: readonly string[];
  readonly tenants?: readonly string[];
  readonly expiresIn?: number;
}

export function addToken(program: Command, { terminal }: VerbContext): void {
  const token = program.command('token').description('tokens of a live system: make, list and revoke them');
  const verb = (name: string, words: string) => addServerOptions(token.command(name).description(words));
  verb('create', 'make a token; its secret is printed this once')
    .requiredOption('--name <name>', 'of the person or the machine that holds it')
    .requiredOption('--role <role,...>', ROLES.join(', '), rolesOf)
    .option('--agents <name,...>', "bind it to these agents and their sub-agents; a name may end in '*'", listed)
    .option('--tenants <tenant,...>', "bind it to these tenants; '' is the nameless one", listed)
    .option('--expires-in <duration>', 'how long it lives, such as 90d; until it is revoked by default', lifetimeOf)
    .action((asked: NewToken) => create(terminal, asked));
  verb('list', 'the living tokens, without their secrets').action((where: ClientChoice) => list(terminal, where));
  verb('revoke', 'shut a token out at once')
    .argument('<id>')
    .action((id: string, where: ClientChoice) => revoke(terminal, id, where));
}

/** May be given several times. */
function listed(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(',').map((one) => one.trim())];
}

function lifetimeOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw new KilldeerError('usage', `--expires-in ${text}: no duration such as 12h or 90d`);
}

function rolesOf(value: string, before: readonly Role[] | undefined): Role[] {
  const roles = listed(value, undefined).map((name) => {
    const role = ROLES.find((known) => known === name);
    if (role !== undefined) return role;
    throw new KilldeerError('usage', `--role ${name}: not one of ${ROLES.join(', ')}`);
  });
  return [...(before ?? []), ...roles];
}

async function create(terminal: Terminal, asked: NewToken): Promise<void> {
  const { name, role: roles, agents = null, tenants = null, expiresIn = null } = asked;
  const { entry, token } = await clientOf(asked, 'admin').createToken({
    name,
    roles,
    agents,
    tenants,
    expires_in_ms: expiresIn,
  });
  terminal.emit({ ...entry, token });
  if (!terminal.rich) return;
  terminal.say(`${entry.id}  ${entry.actor}: ${roles.join(', ')}, ${boundTo(entry)}`);
  terminal.say(token);
  terminal.say(terminal.paint.dim('shown this once: keep it where its holder alone can read it'));
  if (roles.includes('ingest') && agents === null && tenants === null) {
    terminal.say(terminal.paint.yellow('bound to nobody: what it sends can alert, and never stops an agent'));
  }
}

async function list(terminal: Terminal, where: ClientChoice): Promise<void> {
  const { tokens } = await clientOf(where, 'admin').tokens();
  for (const token of tokens) terminal.emit(token);
  terminal.table(
    ['id', 'who', 'roles', 'bound to', 'made', 'ends', 'used'],
    tokens.map((token) => [
      ...[token.id, token.actor, token.roles.join(', '), boundTo(token)],
      ...[momentText(token.created_ms), endText(token.expires_ms), momentText(token.used_ms)],
    ]),
  );
}

function momentText(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}

function endText(ms: number | null): string {
  return ms !== null && ms <= Date.now() ? `expired ${momentText(ms)}` : momentText(ms);
}

async function revoke(terminal: Terminal, id: string, where: ClientChoice): Promise<void> {
  const entry = await clientOf(where, 'admin').revokeToken(id);
  terminal.emit(entry);
  terminal.say(`${entry.id} of ${entry.actor} is revoked`);
}

function boundTo({ agents, tenants }: TokenEntryAnswer): string {
  const parts = [
    ...(agents === null ? [] : [`agents ${agents.join(', ')}`]),
    ...(tenants === null ? [] : [`tenants ${tenants.map((name) => (name === '' ? '(none)' : name)).join(', ')}`]),
  ];
  return parts.length === 0 ? 'bound to nobody' : parts.join('; ');
}
