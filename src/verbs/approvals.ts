/** `killdeer approvals|approve|reject` and `killdeer agent denials`: what waits for a person, and what was refused. */
import type { Command } from 'commander';
import type { ApprovalAnswer, DenialAnswer } from '../api/approval-schema.js';
import { APPROVAL_STATES, DENIALS } from '../registry/registry.js';
import { oneOf } from './choice.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

type State = (typeof APPROVAL_STATES)[number];
type Denial = (typeof DENIALS)[number];

interface Answered extends ClientChoice {
  readonly comment?: string;
}

export function addApprovals(program: Command, { terminal }: VerbContext): void {
  addServerOptions(program.command('approvals').description("what waits for a person's leave"))
    .option('--all', 'answered and lapsed ones too')
    .option('--state <state>', APPROVAL_STATES.join(', '), oneOf('--state', APPROVAL_STATES))
    .action((where: ClientChoice & { all?: boolean; state?: State }) => list(terminal, where));
  for (const [verb, words] of [
    ['approve', 'give leave; a revocation needs another person than the one who asked'],
    ['reject', 'refuse it'],
  ] as const) {
    addServerOptions(program.command(verb).description(words))
      .argument('<id>', 'as killdeer approvals lists it')
      .option('--comment <text>', 'why')
      .action((id: string, said: Answered) => answer(terminal, id, verb, said));
  }
}

/** `killdeer agent denials`, beneath the verb of agents. */
export function addDenials(agent: Command, terminal: Terminal): void {
  addServerOptions(agent.command('denials').description('calls that a limit refused, or would have; newest first'))
    .argument('[agent]', 'left out: of all')
    .option('--tenant <tenant>', 'its tenant, where it has one')
    .option('--denial <word>', DENIALS.join(', '), oneOf('--denial', DENIALS))
    .option('--limit <n>', 'most records', wholeNumber('--limit', 1, 1_000), 100)
    .action((name: string | undefined, where: ClientChoice & { tenant?: string; denial?: Denial; limit: number }) =>
      denials(terminal, name, where),
    );
}

async function list(terminal: Terminal, where: ClientChoice & { all?: boolean; state?: State }): Promise<void> {
  const state = where.state ?? (where.all === true ? undefined : ('open' as const));
  const query = { limit: 1_000, ...(state === undefined ? {} : { state }) };
  const { approvals } = await clientOf(where, 'responder').approvals(query);
  for (const approval of approvals) terminal.emit(approval);
  const rows = approvals.map((one) => [
    ...[one.id, one.state, whomOf(one), wishOf(one), one.asked_by, new Date(one.until_ms).toISOString()],
    one.answered_by,
  ]);
  terminal.table(['id', 'state', 'agent', 'what', 'asked by', 'until', 'answered by'], rows);
  terminal.say(`${count(approvals.length)} requests${state === undefined ? '' : ` ${state}`}`);
}

async function answer(terminal: Terminal, id: string, said: 'approve' | 'reject', given: Answered): Promise<void> {
  const body = { answer: said, comment: given.comment ?? null };
  const approval = await clientOf(given, 'responder').answerApproval(id, body);
  terminal.emit(approval);
  terminal.say(`${id}: ${approval.state}, ${wishOf(approval)} by ${whomOf(approval)}`);
}

async function denials(
  terminal: Terminal,
  agent: string | undefined,
  where: ClientChoice & { tenant?: string; denial?: Denial; limit: number },
): Promise<void> {
  const { tenant, denial, limit } = where;
  const query = {
    limit,
    ...(agent === undefined ? {} : { agent }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(denial === undefined ? {} : { denial }),
  };
  const found = await clientOf(where, 'responder').denials(query);
  for (const one of found.denials) terminal.emit(one);
  const rows = found.denials.map((one) => [
    ...[new Date(one.time_ms).toISOString(), whomOf(one), one.denial, one.enforced ? 'refused' : 'would be'],
    ...[one.count, callOf(one), one.rule, one.trail.map((step) => step.agent).join(' < ')],
  ]);
  terminal.table(['time', 'agent', 'limit', '', 'calls', 'last call', 'permission', 'trail'], rows, [4]);
  terminal.say(`${count(found.denials.length)} records of refused calls`);
}

function wishOf(approval: ApprovalAnswer): string {
  if (approval.kind === 'revoke') return `revoke: ${approval.reason}`;
  return `${callOf(approval)} (${approval.rule})`;
}

function callOf({ operation, endpoint, target }: Pick<DenialAnswer, 'operation' | 'endpoint' | 'target'>): string {
  return [operation, endpoint, target].filter((part) => part !== null).join(' ');
}

function whomOf({ tenant, agent }: { readonly tenant: string; readonly agent: string }): string {
  return tenant === '' ? agent : `${tenant} ${agent}`;
}
