/** `killdeer login`: a link that lets a browser in once, from a token that is in this person's hands. */
import type { Command } from 'commander';
import { PEOPLE, type PersonRole } from '../api/section.js';
import { KilldeerError } from '../errors.js';
import { addressOf, addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Options extends ClientChoice {
  readonly role?: PersonRole;
}

export function addLogin(program: Command, { terminal }: VerbContext): void {
  addServerOptions(program.command('login').description('a link that lets your browser in, once and for 10 minutes'))
    .option('--role <role>', `fewer rights than the token's: ${PEOPLE.join(', ')}`, roleOf)
    .action((options: Options) => login(terminal, options));
}

function roleOf(text: string): PersonRole {
  const role = PEOPLE.find((known) => known === text);
  if (role !== undefined) return role;
  throw new KilldeerError('usage', `--role ${text}: not one of ${PEOPLE.join(', ')}`);
}

async function login(terminal: Terminal, options: Options): Promise<void> {
  const { role } = options;
  const link = await clientOf(options, 'admin').makeLoginLink(role === undefined ? {} : { roles: [role] });
  const url = `${addressOf(options)}${link.path}`;
  terminal.emit({ ...link, url });
  if (terminal.rich) terminal.say(`${url}\n${terminal.paint.dim('good once, within 10 minutes')}`);
}
