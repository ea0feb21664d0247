/** `killdeer connectors`: the places that carry stops out, and how far a stop came. */
import type { Command } from 'commander';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

export function addConnectors(program: Command, { terminal }: VerbContext): void {
  const connectors = program.command('connectors').description('the places that carry stops out, or are told of them');
  const verb = (name: string, words: string) => addServerOptions(connectors.command(name).description(words));
  verb('list', 'how each of them is').action((where: ClientChoice) => list(terminal, where));
  verb('effects', 'how far what was decided about an agent came, by place')
    .argument('<agent>')
    .option('--tenant <tenant>', 'its tenant, where it has one')
    .action((agent: string, where: ClientChoice & { tenant?: string }) => effects(terminal, agent, where));
}

async function list(terminal: Terminal, where: ClientChoice): Promise<void> {
  const { active, places, addressees } = await clientOf(where, 'responder').connectors();
  for (const one of [...places, ...addressees]) terminal.emit(one);
  const at = (ms: number | null): string => (ms === null ? '' : new Date(ms).toISOString());
  const rows = [
    ...places.map((one) => [
      ...[one.name, one.kind, one.breaker, one.backlog, one.watched, one.unverified],
      ...[one.last_error, at(one.last_error_ms)],
    ]),
    ...addressees.map((one) => [
      ...[one.name, one.kind, one.breaker, one.backlog, null, null],
      ...[one.last_error, at(one.last_error_ms)],
    ]),
  ];
  terminal.table(['name', 'kind', 'breaker', 'backlog', 'in force', 'unverified', 'last error', 'at'], rows);
  terminal.say(`${count(rows.length)} connectors${active ? '' : '; another process delivers, or none'}`);
}

async function effects(terminal: Terminal, agent: string, where: ClientChoice & { tenant?: string }): Promise<void> {
  const answer = await clientOf(where, 'responder').effects(agent, where.tenant);
  for (const effect of answer.effects) terminal.emit({ agent, ...effect });
  const rows = answer.effects.map((one) => [
    ...[one.place, one.state, one.version, one.cascade_of, new Date(one.time_ms).toISOString(), one.reason],
  ]);
  terminal.table(['place', 'effect', 'version', 'of', 'time', 'words'], rows);
}
