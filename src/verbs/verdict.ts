/** `killdeer verdict ...`: what a person says of a finding, given, listed and taken back through the API. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { FindingVerdictAnswer } from '../api/verdict-schema.js';
import { VERDICTS, type VerdictWord } from '../engine/record.js';
import { durationOf } from './agent.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Given extends ClientChoice {
  readonly for?: number;
  readonly role?: boolean;
  readonly comment?: string;
  readonly endpoint?: string;
  readonly target?: string;
}

const WORDS: Readonly<Record<VerdictWord, string>> = {
  'expected': 'it is usual from now on: the like of it is a notice, and the profile learns it',
  'false-positive': 'a false alarm: the like of it is a notice for a while, and nothing is learned',
  'true-positive': 'it was what it looked like: nothing is muted, and what mutes the like of it ends',
};

export function addVerdict(program: Command, { terminal }: VerbContext): void {
  const verdict = program.command('verdict').description('what people say of findings');
  const verb = (name: string, words: string) => addServerOptions(verdict.command(name).description(words));
  for (const word of VERDICTS) {
    verb(word, WORDS[word])
      .argument('<finding>', 'id of a recent finding')
      .option('--for <duration>', 'how long it is in force; 14d without it', durationOf)
      .option('--role', "for every agent of the agent's role")
      .option('--comment <text>', 'why')
      .option('--endpoint <endpoint>', 'where the log no longer holds the event behind the finding')
      .option('--target <target>', 'likewise')
      .action((finding: string, given: Given) => give(terminal, word, finding, given));
  }
  verb('list', 'those in force').action((where: ClientChoice) => list(terminal, where));
  verb('undo', 'take one back: what it taught is forgotten, what it muted is heard again')
    .argument('<id>', 'of the verdict')
    .action((id: string, where: ClientChoice) => undo(terminal, id, where));
}

async function give(terminal: Terminal, verdict: VerdictWord, finding: string, given: Given): Promise<void> {
  const { comment, endpoint, target } = given;
  const answer = await clientOf(given, 'admin').giveVerdict({
    ...{ finding, verdict, key: randomUUID() },
    ...(given.for === undefined ? {} : { for_ms: given.for }),
    ...(given.role === undefined ? {} : { role: given.role }),
    ...(comment === undefined ? {} : { comment }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(target === undefined ? {} : { target }),
  });
  terminal.emit(answer);
  terminal.say(`${answer.id}: ${wordsOf(answer)}, until ${new Date(answer.until_ms).toISOString()}`);
  terminal.say(terminal.paint.dim(`to take it back: killdeer verdict undo ${answer.id}`));
}

async function list(terminal: Terminal, where: ClientChoice): Promise<void> {
  const { verdicts } = await clientOf(where, 'admin').verdicts();
  for (const verdict of verdicts) terminal.emit(verdict);
  const rows = verdicts.map((one) => [
    ...[one.id, one.verdict, whomOf(one), one.kind, one.endpoint, `${one.level} ${one.feature}`],
    ...[new Date(one.until_ms).toISOString(), one.actor, one.comment],
  ]);
  terminal.table(['id', 'verdict', 'on', 'kind', 'endpoint', 'level', 'until', 'who', 'why'], rows);
  terminal.say(`${count(verdicts.length)} verdicts in force`);
}

async function undo(terminal: Terminal, id: string, where: ClientChoice): Promise<void> {
  const answer = await clientOf(where, 'admin').undoVerdict(id);
  terminal.emit(answer);
  terminal.say(`${answer.id} is taken back: ${wordsOf(answer)}`);
}

function wordsOf(answer: FindingVerdictAnswer): string {
  return `${answer.verdict} for ${answer.kind} of ${whomOf(answer)}`;
}

function whomOf({ tenant, agent, role }: FindingVerdictAnswer): string {
  const name = agent ?? `the role ${role}`;
  return tenant === '' ? name : `${tenant} ${name}`;
}
