/** `killdeer policy ...`: where the policy in force stands on its ladder, and its next step, shown before it is taken. */
import type { Command } from 'commander';
import type { PolicyAnswer } from '../api/policy-schema.js';
import { MODES, type Mode } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import { confirm } from './confirm.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { spanText, type Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Step extends ClientChoice {
  readonly reason: string;
  readonly yes?: boolean;
}

const NAMES: Readonly<Record<Mode, string>> = { observe: 'training', recommend: 'recommend', enforce: 'enforce' };

export function addPolicy(program: Command, { terminal }: VerbContext): void {
  const policy = program.command('policy').description('the policy in force, and its steps from training to enforce');
  const verb = (name: string, words: string) => addServerOptions(policy.command(name).description(words));
  verb('show', 'where it stands, and what its next step would have done').action(async (where: ClientChoice) => {
    show(terminal, await clientOf(where, 'admin').policy());
  });
  verb('promote', 'take the next step up; shows first what it would have done')
    .requiredOption('--reason <text>', 'why')
    .option('--yes', 'do not ask')
    .action((step: Step) => promote(terminal, step));
  verb('demote', 'take one step down, at any time')
    .requiredOption('--reason <text>', 'why')
    .action((step: Step) => demote(terminal, step));
}

async function promote(terminal: Terminal, step: Step): Promise<void> {
  const client = clientOf(step, 'admin');
  const before = await client.policy();
  const { name, ladder } = ladderOf(before);
  if (ladder.next === null) throw new KilldeerError('registry.refused', `${name} stands at the top: ${before.top}`);
  const waitMs = (ladder.ready_ms ?? 0) - Date.now();
  // The server refuses it too; a person who would be refused need not be asked.
  if (waitMs <= 0) {
    sayWould(terminal, ladder);
    await confirm(`Take ${name} from ${NAMES[ladder.step]} to ${NAMES[ladder.next]}?`, step.yes === true);
  }
  const after = await client.movePolicy({ policy: name, to: ladder.next, reason: step.reason });
  // A pipe gets what was shown and what came of it as one value.
  terminal.emit({ ...after, shown: ladder });
  terminal.say(`${name} stands at ${NAMES[after.ladder?.step ?? after.mode]} now`);
}

async function demote(terminal: Terminal, step: Step): Promise<void> {
  const client = clientOf(step, 'admin');
  const { name, ladder } = ladderOf(await client.policy());
  const to = MODES[MODES.indexOf(ladder.step) - 1];
  if (to === undefined) throw new KilldeerError('registry.refused', `${name} stands at training already`);
  const after = await client.movePolicy({ policy: name, to, reason: step.reason });
  terminal.emit(after);
  terminal.say(`${name} stands at ${NAMES[to]} now`);
}

function ladderOf({ name, ladder }: PolicyAnswer) {
  if (name !== null && ladder !== null) return { name, ladder };
  throw new KilldeerError('registry.refused', 'the policy in force has no ladder (docs/policy.md)');
}

function show(terminal: Terminal, policy: PolicyAnswer): void {
  terminal.emit(policy);
  const { ladder } = policy;
  terminal.table(
    ['', policy.name ?? '(no policy yet)'],
    [
      ['mode in force', policy.mode],
      ['as written', policy.top],
      ['rules', policy.rules.join(', ')],
      ['permissions', policy.permissions.join(', ')],
      ['two people for', policy.two_people.join(', ')],
      ['ladder', ladder === null ? 'none' : ladderText(ladder)],
    ],
  );
  if (ladder !== null && ladder.next !== null) sayWould(terminal, ladder);
}

function ladderText(ladder: NonNullable<PolicyAnswer['ladder']>): string {
  const { step, next, since_ms: sinceMs, ready_ms: readyMs, mistakes } = ladder;
  const at = `${NAMES[step]} since ${new Date(sinceMs).toISOString()}, false decisions: ${mistakes}`;
  if (next === null || readyMs === null) return `${at}; the top`;
  const waitMs = readyMs - Date.now();
  return `${at}; ${NAMES[next]} ${waitMs > 0 ? `in ${spanText(waitMs)}` : 'may be taken'}`;
}

/** What the next step would have done since this one was taken, worst first. */
function sayWould(terminal: Terminal, ladder: NonNullable<PolicyAnswer['ladder']>): void {
  const rows = ladder.would.map((one) => [
    ...[one.rule, one.mode, one.action, one.count],
    one.agents.map(({ agent, count, severity }) => `${agent} (${severity}, ${count})`).join(', '),
  ]);
  const refusals = ladder.would_deny.map((one) => [
    ...[one.rule ?? 'registrations', 'enforce', `refuse: ${one.denial}`, one.count],
    one.agents.join(', '),
  ]);
  const all = [...rows, ...refusals];
  const next = ladder.next === null ? '' : NAMES[ladder.next];
  terminal.say(
    all.length === 0
      ? `${next} would have done nothing since this step was taken`
      : `${next} would have done this since this step was taken, the brakes aside:`,
  );
  if (all.length > 0) terminal.table(['rule', 'mode', 'what', 'times', 'agents, worst first'], all, [3]);
  if (ladder.forgotten > 0) terminal.say(`and ${ladder.forgotten} older proposals that are no longer remembered`);
}
