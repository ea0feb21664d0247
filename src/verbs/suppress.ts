/** `killdeer suppress ...`: what a person says in advance of findings, made, foreseen, listed and taken back. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Foreseen, SuppressionAnswer, SuppressionBody } from '../api/suppression-schema.js';
import { KINDS, type Kind } from '../decide/finding.js';
import { SUPPRESSION_LIMITS, type SuppressionLimit } from '../decide/suppression.js';
import { KilldeerError } from '../errors.js';
import { durationOf } from './agent.js';
import { oneOf } from './choice.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Given extends ClientChoice {
  readonly agent?: string;
  readonly role?: string;
  readonly wholeTenant?: true;
  readonly tenant?: string;
  readonly kind?: readonly Kind[];
  readonly detector?: string;
  readonly endpoint?: string;
  readonly target?: string;
  readonly below?: SuppressionLimit;
  readonly times?: number;
  readonly from?: number;
  readonly until?: number;
  readonly for?: number;
  readonly reason: string;
  readonly check?: true;
}

interface Which extends ClientChoice {
  readonly all?: true;
}

export function addSuppress(program: Command, { terminal }: VerbContext): void {
  const suppress = program.command('suppress').description('findings that are expected for a time');
  const verb = (name: string, words: string) => addServerOptions(suppress.command(name).description(words));
  const kindOf = oneOf('--kind', KINDS);
  verb('add', 'from now on or from a time on they are notices, which page nobody and propose nothing')
    .argument('[finding]', 'id of a recent finding: whom, kinds and endpoint are its')
    .option('--agent <agent>', 'whom it is about, with all that works for it')
    .option('--role <role>', 'every agent of this role instead')
    .option('--whole-tenant', 'everybody of the tenant instead')
    .option('--tenant <tenant>', 'where there is one')
    .option('--kind <kind>', 'of these kinds alone; may be said again', (text: string, said: readonly Kind[] = []) => [
      ...said,
      kindOf(text),
    ])
    .option('--detector <detector>', 'led by this detector alone')
    .option('--endpoint <endpoint>', 'about calls of this endpoint alone')
    .option('--target <target>', 'about calls on this target alone')
    .option(
      '--below <severity>',
      'this severity and worse still pages; high without it',
      oneOf('--below', SUPPRESSION_LIMITS),
    )
    .option('--times <factor>', 'more than so many times the expected still pages', factorOf)
    .option('--from <time>', 'when it begins, ISO 8601; now without it', timeOf('--from'))
    .option('--until <time>', 'when it ends', timeOf('--until'))
    .option('--for <duration>', 'how long it lasts, instead', durationOf)
    .requiredOption('--reason <text>', 'why')
    .option('--check', 'say what it would have muted in the last 7 days, and make nothing')
    .action((finding: string | undefined, given: Given) => add(terminal, finding, given));
  verb('list', 'those in force and to come, newest first')
    .option('--all', 'those that are over or taken back too')
    .action((which: Which) => list(terminal, which));
  verb('undo', 'take one back, at once')
    .argument('<id>', 'of the suppression')
    .action((id: string, where: ClientChoice) => undo(terminal, id, where));
}

async function add(terminal: Terminal, finding: string | undefined, given: Given): Promise<void> {
  const answer = await clientOf(given, 'admin').suppress(bodyOf(finding, given), given.check);
  terminal.emit(answer);
  const { suppression, would_mute: would } = answer;
  if (would !== null) {
    showForeseen(terminal, suppression, would);
    return;
  }
  terminal.say(`${suppression.id}: ${wordsOf(suppression)}`);
  terminal.say(terminal.paint.dim(`to take it back: killdeer suppress undo ${suppression.id}`));
}

function bodyOf(finding: string | undefined, given: Given): SuppressionBody {
  const { agent, role, wholeTenant, tenant, kind, detector, endpoint, target, below, times, from, until } = given;
  const all = {
    ...{
      finding,
      agent,
      role,
      whole_tenant: wholeTenant,
      tenant,
      kinds: kind,
      detector,
      endpoint,
      target,
      below,
      times,
    },
    ...{ from_ms: from, until_ms: until, for_ms: given.for, reason: given.reason, key: randomUUID() },
  };
  // What was not said is left out, so that the server fills it in.
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as SuppressionBody;
}

function showForeseen(terminal: Terminal, suppression: SuppressionAnswer, would: Foreseen): void {
  const rows = would.newest.map(({ id, time_ms: timeMs, agent, kind, severity, title }) => [
    ...[id, new Date(timeMs).toISOString(), agent, kind, severity, title],
  ]);
  terminal.table(['id', 'time', 'agent', 'kind', 'severity', 'title'], rows);
  const more = would.complete ? '' : ', and perhaps more';
  terminal.say(`${wordsOf(suppression)}: of the last 7 days it would have muted ${count(would.findings)} findings`);
  terminal.say(`${count(would.pages)} of them paged${more}; nothing was made`);
}

async function list(terminal: Terminal, { all, ...where }: Which): Promise<void> {
  const client = clientOf(where, 'admin');
  const rows: SuppressionAnswer[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { ...(all === true ? { all: 'true' as const } : {}), ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.suppressions({ ...query, limit: 1_000 });
    rows.push(...page.suppressions);
    cursor = page.cursor;
  }
  for (const one of rows) terminal.emit(one);
  const cells = rows.map((one) => [
    ...[one.id, one.state, whomOf(one), one.kinds?.join(' ') ?? 'all', one.endpoint, one.below],
    ...[new Date(one.from_ms).toISOString(), new Date(one.until_ms).toISOString(), one.muted, one.actor, one.reason],
  ]);
  const head = ['id', 'state', 'on', 'kinds', 'endpoint', 'below', 'from', 'until', 'muted', 'who', 'why'];
  terminal.table(head, cells, [8]);
  terminal.say(`${count(rows.length)} suppressions`);
}

async function undo(terminal: Terminal, id: string, where: ClientChoice): Promise<void> {
  const answer = await clientOf(where, 'admin').undoSuppression(id);
  terminal.emit(answer);
  terminal.say(`${answer.id} is taken back: ${wordsOf(answer)}; it muted ${count(answer.muted)} findings`);
}

function wordsOf(one: SuppressionAnswer): string {
  const what = one.kinds === null ? 'all findings' : `findings of kind ${one.kinds.join(', ')}`;
  const where = one.endpoint === null ? '' : ` by ${one.endpoint}`;
  const [from, until] = [one.from_ms, one.until_ms].map((ms) => new Date(ms).toISOString());
  return `${what} of ${whomOf(one)}${where} below ${one.below} are notices from ${from} to ${until}`;
}

function whomOf({ tenant, agent, role }: SuppressionAnswer): string {
  const name = agent ?? (role === null ? 'everybody' : `the role ${role}`);
  return tenant === '' ? name : `${tenant} ${name}`;
}

function factorOf(text: string): number {
  const factor = Number(text);
  if (text.trim() !== '' && factor >= 1 && Number.isFinite(factor)) return factor;
  throw new KilldeerError('usage', `--times ${text}: not a number of 1 or more`);
}

function timeOf(option: string): (text: string) => number {
  return (text) => {
    const ms = Date.parse(text);
    if (Number.isFinite(ms)) return ms;
    throw new KilldeerError('usage', `${option} ${text}: not a time such as 2026-11-03T22:00:00Z`);
  };
}
