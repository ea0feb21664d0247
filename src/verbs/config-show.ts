/** `killdeer config ...`: the configuration in force at a server, and the part of it that changes without a restart. */
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface SetOptions extends ClientChoice {
  readonly pages: number;
  readonly notices: number;
  readonly comment?: string;
}

/** As the registry takes it. */
const SHARE_MAX = 0.5;

export function addConfig(program: Command, { terminal }: VerbContext): void {
  const config = program.command('config').description('the configuration in force, and what of it changes at once');
  addServerOptions(config.command('show').description('every value, and where it comes from; no secrets'))
    .option('--all', 'defaults too')
    .action((where: ClientChoice & { all?: boolean }) => show(terminal, where));
  addServerOptions(config.command('set').description('how many pages and notices an agent may cause a day, at once'))
    .requiredOption('--pages <share>', 'false pages per agent and day', share('--pages'))
    .requiredOption('--notices <share>', 'notices per agent and day', share('--notices'))
    .option('--comment <text>', 'why')
    .action((options: SetOptions) => set(terminal, options));
}

function share(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && value <= SHARE_MAX) return value;
    throw new KilldeerError('usage', `${option} ${text}: not a number above 0 and at most ${SHARE_MAX}`);
  };
}

async function show(terminal: Terminal, where: ClientChoice & { all?: boolean }): Promise<void> {
  const config = await clientOf(where, 'admin').config();
  terminal.emit(config);
  const shown = config.values.filter(({ from }) => where.all === true || from !== 'default');
  const rows = shown.map(({ path, value, from, withheld }) => [
    ...[path, withheld && value === null ? '(withheld)' : JSON.stringify(value), from],
  ]);
  terminal.table(['value', '', 'from'], rows);
  const { policy, source, hash, settings_hash: settings, models } = config;
  terminal.say(`${source}, ${hash}; settings ${settings}; policy ${policy.name ?? '(none)'} in ${policy.mode}`);
  terminal.say(`models in force: ${models.join(', ')}`);
}

async function set(terminal: Terminal, options: SetOptions): Promise<void> {
  const { pages, notices, comment = null } = options;
  const body = { pages_per_agent_day: pages, notices_per_agent_day: notices, comment };
  const settings = await clientOf(options, 'admin').setSettings(body);
  terminal.emit(settings);
  terminal.say(`${settings.pages_per_agent_day} pages and ${settings.notices_per_agent_day} notices per agent and day`);
}
