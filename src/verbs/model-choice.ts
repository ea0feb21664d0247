/** `killdeer models active|activate|unpin`: which model scores at a server, and a person's choice. */
import type { Command } from 'commander';
import type { ChoiceAnswer } from '../api/operations-schema.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';

export function addModelChoice(models: Command, terminal: Terminal): void {
  const verb = (name: string, words: string) => addServerOptions(models.command(name).description(words));
  verb('active', 'which model scores, by partition').action((where: ClientChoice) => active(terminal, where));
  verb('activate', 'put a model in force in every partition; an older one is a roll back')
    .argument('<version>', 'as killdeer models list names it')
    .option('--pin', 'learned models do not take its place')
    .action(async (version: string, where: ClientChoice & { pin?: boolean }) => {
      const client = clientOf(where, 'admin');
      tell(terminal, await client.activateModel(version, { pin: where.pin === true }));
    });
  verb('unpin', 'let learned models score again').action(async (where: ClientChoice) => {
    tell(terminal, await clientOf(where, 'admin').unpinModel());
  });
}

async function active(terminal: Terminal, where: ClientChoice): Promise<void> {
  const { active: partitions, pinned, chosen, learns } = await clientOf(where, 'admin').models();
  terminal.emit({ active: partitions, pinned, chosen, learns });
  const rows = partitions.map(({ partition, version, since_ms: sinceMs }) => [
    ...[partition, version, sinceMs === null ? null : new Date(sinceMs).toISOString()],
  ]);
  terminal.table(['partition', 'model', 'chosen'], rows, [0]);
  if (pinned !== null) terminal.say(`${pinned} is pinned`);
}

function tell(terminal: Terminal, choice: ChoiceAnswer): void {
  terminal.emit(choice);
  const { version, pinned } = choice;
  terminal.say(version === null ? 'learned models score again' : `${version} is in force${pinned ? ', pinned' : ''}`);
}
