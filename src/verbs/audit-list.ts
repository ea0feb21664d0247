/** `killdeer audit list`: who did what, on whose authority, and what came of it. */
import type { Command } from 'commander';
import type { AuditEntryAnswer } from '../api/operations-schema.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface Options extends ClientChoice {
  readonly tenant?: string;
  readonly agent?: string;
  readonly actor?: string;
  readonly type?: string;
  readonly all?: boolean;
  readonly limit: number;
}

export function addAudit(program: Command, { terminal }: VerbContext): void {
  const audit = program.command('audit').description('who did what, on whose authority, and what came of it');
  addServerOptions(audit.command('list').description('newest first'))
    .option('--agent <agent>', 'about this agent')
    .option('--tenant <tenant>', 'of this tenant')
    .option('--actor <actor>', "by 'person:NAME', 'engine:PARTITION' or 'system'")
    .option('--type <type>', 'of this type of record: stop, release, settings ...')
    .option('--all', 'what machines wrote too')
    .option('--limit <n>', 'most records', wholeNumber('--limit', 1, 1_000), 50)
    .action((options: Options) => list(terminal, options));
}

async function list(terminal: Terminal, options: Options): Promise<void> {
  const { tenant, agent, actor, type, all, limit } = options;
  const query = {
    ...{ limit, people: String(all !== true) },
    ...(tenant === undefined ? {} : { tenant }),
    ...(agent === undefined ? {} : { agent }),
    ...(actor === undefined ? {} : { actor }),
    ...(type === undefined ? {} : { type }),
  };
  const { entries, cursor, forgotten } = await clientOf(options, 'admin').audit(query);
  for (const entry of entries) terminal.emit(entry);
  const rows = entries.map((entry) => [
    ...[new Date(entry.time_ms).toISOString(), entry.actor, entry.type, whomOf(entry), entry.effect, entry.reason],
  ]);
  terminal.table(['time', 'who', 'what', 'about', 'came of it', 'why not'], rows);
  const more = cursor !== null ? ', and older ones' : forgotten ? ', older ones stand in the log alone' : '';
  terminal.say(`${count(entries.length)} records${more}`);
}

function whomOf({ tenant, agent }: AuditEntryAnswer): string | null {
  if (agent === null) return tenant;
  return tenant === null || tenant === '' ? agent : `${tenant} ${agent}`;
}
