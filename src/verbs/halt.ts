/** `killdeer halt`, `killdeer recover`, `killdeer brakes`: everybody at once, and what automatic stops are left. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { BrakesAnswer, HaltAnswer } from '../api/responder-schema.js';
import { KilldeerError } from '../errors.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Halting extends ClientChoice {
  readonly reason: string;
  readonly tenant?: string;
}

export function addHalt(program: Command, { terminal }: VerbContext): void {
  const verb = (name: string, words: string) => addServerOptions(program.command(name).description(words));
  const halting = (name: string, words: string) =>
    verb(name, words)
      .requiredOption('--reason <text>', 'why')
      .option('--tenant <tenant>', 'its agents alone; everybody without it');

  halting('halt', 'refuse every call of every agent, the protected included').action(async (given: Halting) => {
    const { reason, tenant = null } = given;
    showHalts(terminal, await clientOf(given, 'responder').halt({ reason, tenant, key: randomUUID() }));
  });
  halting('recover', 'lift a halt, for a share of the agents first if wanted; trees are let go together')
    .requiredOption('--share <share>', 'how many are let go: 10%, 0.1, or all', shareOf)
    .action(async (given: Halting & { share: number }) => {
      const { reason, tenant = null, share } = given;
      showHalts(terminal, await clientOf(given, 'admin').recover({ reason, tenant, share, key: randomUUID() }));
    });
  verb('brakes', 'automatic stops that are left, what was skipped, and what is halted').action(
    async (where: ClientChoice) => showBrakes(terminal, await clientOf(where, 'responder').brakes()),
  );
}

/** Reads --share. Throws 'usage'. */
export function shareOf(text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text);
  const share = text === 'all' ? 1 : match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  throw new KilldeerError('usage', `--share ${text}: not a share such as 10%, 0.1 or all`);
}

function showHalts(terminal: Terminal, answer: HaltAnswer): void {
  terminal.emit(answer);
  const why = answer.reason === null ? '' : ` (${answer.reason})`;
  const now = answer.halts.map(haltWords).join('; ');
  terminal.say(`${answer.effect}${why}: ${now === '' ? 'nothing is halted' : now}`);
}

function haltWords({ tenant, share, since_ms: sinceMs }: HaltAnswer['halts'][number]): string {
  const who = tenant === null ? 'everybody' : `tenant ${tenant === '' ? '(none)' : tenant}`;
  const but = share === 0 ? '' : `, but for ${Math.round(share * 1_000) / 10} %`;
  return `${who} is halted since ${new Date(sinceMs).toISOString()}${but}`;
}

function showBrakes(terminal: Terminal, brakes: BrakesAnswer): void {
  terminal.emit(brakes);
  const { paint } = terminal;
  const every = `${brakes.interval_ms / 1_000} s`;
  terminal.say(`mode ${brakes.mode}: ${brakes.left} of ${brakes.stops_max} automatic stops in ${every} are left`);
  for (const one of brakes.openings) terminal.say(paint.red(openingWords(one)));
  for (const halt of brakes.halts) terminal.say(paint.red(haltWords(halt)));
  const rows = [
    ...brakes.skipped.map((proposal) => ['skipped', ...rowOf(proposal)]),
    ...brakes.recommended.map((proposal) => ['waits', ...rowOf(proposal)]),
  ];
  if (rows.length > 0) terminal.table(['', 'agent', 'severity', 'action', 'rule', 'reason'], rows);
}

function openingWords({ role, severity, until_ms: untilMs, skipped }: BrakesAnswer['openings'][number]): string {
  const whose = role === null ? '' : ` for the role ${role}`;
  const which = severity === 'critical' ? '' : `, for findings of ${severity} severity and below`;
  return `the breaker is open${whose}${which}, until ${new Date(untilMs).toISOString()}: ${skipped} skipped`;
}

function rowOf({ tenant, agent, severity, action, rule, reason }: BrakesAnswer['skipped'][number]): string[] {
  return [tenant === '' ? agent : `${tenant} ${agent}`, severity, action, rule, reason];
}
