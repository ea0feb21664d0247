/** `killdeer agent import`, `export` and `sponsors`: the registry as files. */
import type { ImportAnswer, SponsorsAnswer } from '../api/file-schema.js';
import type { RowProblem } from '../api/row-file.js';
import { KilldeerError } from '../errors.js';
import { addFilter, type Filter, type MakeVerb, queryOf } from './agent-list.js';
import { type ClientChoice, clientOf } from './data-directory.js';
import { formatOfPath, problemText, readFileBytes } from './registry-file.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface ImportChoice extends ClientChoice {
  readonly check?: boolean;
  readonly partial?: boolean;
}
interface FeedChoice extends ClientChoice {
  readonly check?: boolean;
  readonly stopsMax?: number;
}

const STOPS_MAX = 100_000;

export function addAgentFiles(verb: MakeVerb, context: VerbContext): void {
  verb('import', 'register the agents of a file: JSON, JSON Lines or CSV (docs/registry.md)')
    .argument('<file>', 'CSV where its name ends in .csv')
    .option('--check', 'only say what would change')
    .option('--partial', 'take the good rows although others are bad')
    .action((file: string, how: ImportChoice) => importAgents(context, file, how));
  addFilter(verb('export', 'the registered agents, to be read back by an import'))
    .option('--format <format>', 'json or csv', 'json')
    .action((how: Filter & { format: string }) => exportAgents(context.terminal, how));
  verb('sponsors', 'say who has left, from a file with owner, state (active, left) and successor')
    .argument('<file>', 'CSV where its name ends in .csv')
    .option('--check', 'only say what would follow')
    .option('--stops-max <agents>', 'most that may be suspended', wholeNumber('--stops-max', 0, STOPS_MAX))
    .action((file: string, how: FeedChoice) => sendSponsors(context, file, how));
}

async function importAgents({ terminal, failed }: VerbContext, path: string, how: ImportChoice): Promise<void> {
  const file = { bytes: readFileBytes(path), format: formatOfPath(path) };
  const { check = false, partial = false } = how;
  const answer = await clientOf(how, 'admin').importAgents(file, { check, partial });
  terminal.emit(answer);
  for (const { agent, tenant, is_new: isNew, members } of answer.changes) {
    const words = members.map(({ member, before, after }) => `${member} ${shown(before)} -> ${shown(after)}`);
    if (terminal.rich) terminal.say(`${nameOf(tenant, agent)}${isNew ? ' (new)' : ''}: ${words.join('; ')}`);
  }
  complain(terminal, path, answer.problems);
  terminal.say(importWords(answer, check));
  if (answer.problems.length > 0) failed();
}

function importWords({ applied, rows, changed, problems }: ImportAnswer, check: boolean): string {
  const of = `${count(changed)} of ${count(rows)} agents`;
  if (check) return `${of} would change`;
  if (!applied) return `nothing was taken in: ${count(problems.length)} problems (--partial takes the good rows)`;
  return `${of} changed, ${count(rows - changed)} stand so already`;
}

async function exportAgents(terminal: Terminal, { format, ...filter }: Filter & { format: string }): Promise<void> {
  if (format !== 'json' && format !== 'csv') throw new KilldeerError('usage', `--format ${format}: json or csv`);
  terminal.print(await clientOf(filter, 'responder').exportAgents(format, queryOf(filter)));
}

async function sendSponsors({ terminal, failed }: VerbContext, path: string, how: FeedChoice): Promise<void> {
  const file = { bytes: readFileBytes(path), format: formatOfPath(path) };
  const { check = false, stopsMax } = how;
  const limit = stopsMax === undefined ? {} : { stopsMax };
  const answer = await clientOf(how, 'admin').sendSponsors(file, { check, ...limit });
  terminal.emit(answer);
  showLeavers(terminal, answer);
  complain(terminal, path, answer.problems);
  if (answer.problems.length > 0) {
    failed();
    terminal.say('nothing was taken in: the feed has problems');
  } else terminal.say(`${count(answer.changes.length)} people ${check ? 'would change' : 'changed'} in the registry`);
}

function showLeavers(terminal: Terminal, { changes }: SponsorsAnswer): void {
  const rows = changes.flatMap(({ owner, state, effect, reason, agents }) => [
    [owner, state, '', effect, reason],
    ...agents.map((one) => [owner, '', nameOf(one.tenant, one.agent), one.follows, one.reason]),
  ]);
  terminal.table(['person', 'state', 'agent', 'follows', 'why'], rows);
}

function complain(terminal: Terminal, path: string, problems: readonly RowProblem[]): void {
  for (const problem of problems) terminal.complain(`${problemText(path, problem)}\n`);
}

function nameOf(tenant: string, agent: string): string {
  return tenant === '' ? agent : `${tenant} ${agent}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}
