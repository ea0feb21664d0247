/** `killdeer agent ...`: the registry of a live system, through its API; and what a profile is made of. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { LAYOUT, PROFILE_BYTES } from '../agent/layout.js';
import { parseDuration } from '../decide/compile-policy.js';
import { KilldeerError } from '../errors.js';
import { addAgentFiles } from './agent-files.js';
import { addAgentList } from './agent-list.js';
import { addAgentProfile } from './agent-profile.js';
import { addRegister } from './agent-register.js';
import { addAgentReports } from './agent-reports.js';
import { addAgentReview } from './agent-review.js';
import { showAgent, showVerdict } from './agent-text.js';
import { addDenials } from './approvals.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { bytesText, count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface Whom extends ClientChoice {
  readonly tenant?: string;
}
interface Why extends Whom {
  readonly reason: string;
}

export function addAgent(program: Command, context: VerbContext): void {
  const { terminal } = context;
  const agent = program.command('agent').description('who the agents are, and what they may do');
  const verb = (name: string, words: string) => addServerOptions(agent.command(name).description(words));
  const onAgent = (name: string, words: string) =>
    verb(name, words).argument('<agent>').option('--tenant <tenant>', 'its tenant, where it has one');

  addAgentList(verb, terminal);
  onAgent('show', 'one agent').action(async (name: string, whom: Whom) => {
    showAgent(terminal, await clientOf(whom, 'responder').agent(name, whom.tenant));
  });
  addAgentProfile(onAgent, terminal);
  addRegister(onAgent, terminal);
  onAgent('suspend', 'refuse every call of it')
    .requiredOption('--reason <text>', 'why')
    .option('--for <duration>', 'until released without it', durationOf)
    .action((name: string, why: Why & { for?: number }) => stop(terminal, name, why, 'suspend', null));
  onAgent('throttle', 'let only so many calls through')
    .requiredOption('--reason <text>', 'why')
    .requiredOption('--per-minute <calls>', 'calls a minute', wholeNumber('--per-minute', 1, 1_000_000))
    .option('--for <duration>', 'until released without it', durationOf)
    .action((name: string, why: Why & { for?: number; perMinute: number }) =>
      stop(terminal, name, why, 'throttle', why.perMinute),
    );
  onAgent('revoke', 'end it for good; asks for it, and another person approves')
    .requiredOption('--reason <text>', 'why')
    .action((name: string, why: Why) => stop(terminal, name, why, 'revoke', null));
  onAgent('release', 'lift what is in force')
    .requiredOption('--reason <text>', 'why')
    .option('--admin', 'lift a revocation too')
    .option('--false', 'the stop was wrong: a policy on a ladder begins its step anew')
    .action(async (name: string, why: Why & { admin?: boolean; false?: boolean }) => {
      const client = clientOf(why, why.admin === true ? 'admin' : 'responder');
      const mistake = why.false === true ? { mistake: true } : {};
      const body = { reason: why.reason, key: randomUUID(), ...mistake };
      showVerdict(terminal, name, await client.release(name, body, why.tenant));
    });
  onAgent('reset', 'forget what is normal for it, and learn anew')
    .option('--as-of <date>', 'know again what it knew then: a day or a time, ISO 8601')
    .action(async (name: string, whom: Whom & { asOf?: string }) => {
      await clientOf(whom, 'admin').reset(name, whom.tenant, whom.asOf);
      const now = whom.asOf === undefined ? 'it learns anew' : `it knows what it knew on ${whom.asOf}`;
      terminal.emit({ agent: name, tenant: whom.tenant ?? '', reset: true, as_of: whom.asOf ?? null });
      terminal.say(`${name}: reset, ${now}`);
    });
  addAgentFiles(verb, context);
  addAgentReports(verb, terminal);
  addAgentReview(verb, context);
  addDenials(agent, terminal);
  agent
    .command('layout')
    .description('what one profile holds, field by field')
    .action(() => layout(terminal));
}

/** Reads --for. Throws 'usage'. */
export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new KilldeerError('usage', `--for ${text}: not a duration such as 90s, 30m, 12h or 7d`);
  return ms;
}

async function stop(
  terminal: Terminal,
  name: string,
  why: Why & { for?: number },
  action: 'suspend' | 'throttle' | 'revoke',
  perMinute: number | null,
): Promise<void> {
  const client = clientOf(why, 'responder');
  const body = { action, reason: why.reason, for_ms: why.for ?? null, key: randomUUID() };
  const rate = perMinute === null ? {} : { calls_per_minute: perMinute };
  showVerdict(terminal, name, await client.stop(name, { ...body, ...rate }, why.tenant));
}

function layout(terminal: Terminal): void {
  for (const field of LAYOUT) terminal.emit(field);
  const rows = LAYOUT.map(({ byte, name, view, count: n, step, meaning }) => [byte, name, view, n, step, meaning]);
  terminal.table(['byte', 'field', 'view', 'count', 'step', 'meaning'], rows, [0, 3, 4]);
  const million = bytesText(PROFILE_BYTES * 1e6);
  terminal.say(`${count(PROFILE_BYTES)} bytes per agent; a million agents take ${million} of profiles`);
}
