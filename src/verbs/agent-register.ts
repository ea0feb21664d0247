/** `killdeer agent register`: what people say of one agent; and that line as others propose it. */
import type { Command } from 'commander';
import type { RegisterBody } from '../api/schema.js';
import { KilldeerError } from '../errors.js';
import { showVerdict } from './agent-text.js';
import { type ClientChoice, clientOf } from './data-directory.js';
import type { Terminal } from './terminal.js';
import { several, wholeNumber } from './verb.js';

interface Described extends ClientChoice {
  readonly tenant?: string;
  readonly owner?: string;
  readonly technicalOwner?: string;
  readonly purpose?: string;
  readonly role?: string;
  readonly label?: string[];
  readonly environment?: string;
  readonly trust?: string;
  readonly parent?: string;
  readonly sessionUsd?: number;
  readonly dayUsd?: number;
  readonly protected?: boolean;
  readonly scope?: string[];
  readonly allowOperation?: string[];
  readonly allowEndpoint?: string[];
  readonly allowTarget?: string[];
  readonly dataClass?: string[];
  readonly delegationDepth?: number;
  readonly delegationBreadth?: number;
  readonly delegateTo?: string[];
  readonly credentialKind?: string;
  readonly credentialIssued?: string;
  readonly credentialExpires?: string;
  readonly credentialRotated?: string;
  readonly agentVersion?: string;
  readonly reviewOn?: string;
  readonly ifVersion?: number;
}

/** Alone in the place of names: an empty list, and no limit. */
const NONE = 'none';
const ANY = 'any';
/** Options of the lists that a report may propose to shorten. */
const LIST_OPTIONS = {
  scopes: '--scope',
  operations: '--allow-operation',
  endpoints: '--allow-endpoint',
  targets: '--allow-target',
} as const;
const STEPS_MAX = 1_000_000;

export function addRegister(onAgent: (name: string, words: string) => Command, terminal: Terminal): void {
  const words = "say whose an agent is and what it may; what is left out stays as it is, '' takes a text away";
  const command = onAgent('register', words);
  addPeople(command);
  addLimits(command);
  addCredential(command);
  command.action((name: string, as: Described) => register(terminal, name, as));
}

function addPeople(command: Command): void {
  command
    .option('--owner <owner>', 'who answers for it')
    .option('--technical-owner <person>', 'who mends it')
    .option('--purpose <text>', 'what it is there for')
    .option('--role <role>', 'its job: agents of one role are compared')
    .option('--label <label...>', 'words that a policy can match', several)
    .option('--environment <name>', 'as production')
    .option('--trust <level>', 'L0 to L4')
    .option('--parent <agent>', 'the agent that it works for')
    .option('--review-on <date>', 'when its access is to be reviewed next')
    .option('--agent-version <version>', 'of its code, as reviewed')
    .option('--if-version <number>', 'only if the registry has this version of it', count('--if-version'));
}

function addLimits(command: Command): void {
  const lists = `several, or '${NONE}' for nothing at all, or '${ANY}' for no limit`;
  command
    .option('--session-usd <usd>', 'budget of a session, US dollars', dollars('--session-usd'))
    .option('--day-usd <usd>', 'budget of a UTC day, US dollars', dollars('--day-usd'))
    .option('--protected', 'no engine may stop it')
    .option('--no-protected', 'an engine may stop it')
    .option('--scope <scope...>', `what its credential is good for: several, or '${NONE}'`, several)
    .option('--allow-operation <operation...>', lists, several)
    .option('--allow-endpoint <endpoint...>', `${lists}; a prefix ends in *`, several)
    .option('--allow-target <target...>', `${lists}; a prefix ends in *`, several)
    .option('--data-class <class...>', lists, several)
    .option('--delegation-depth <steps>', 'below it; 0: it may not delegate', count('--delegation-depth'))
    .option('--delegation-breadth <agents>', 'of its own at once', count('--delegation-breadth'))
    .option('--delegate-to <agent...>', lists, several);
}

function addCredential(command: Command): void {
  command
    .option('--credential-kind <kind>', 'static-key, oauth-client, workload-identity, certificate or other')
    .option('--credential-issued <date>', 'a day or a time, ISO 8601')
    .option('--credential-expires <date>', 'likewise')
    .option('--credential-rotated <date>', 'likewise');
}

async function register(terminal: Terminal, name: string, as: Described): Promise<void> {
  const client = clientOf(as, 'admin');
  // A budget that is not named stays, and the call takes both.
  const isHalf = (as.sessionUsd === undefined) !== (as.dayUsd === undefined);
  const before = isHalf ? await client.agent(name, as.tenant).catch(asUnknown) : null;
  showVerdict(terminal, name, await client.register(name, bodyOf(as, before?.budgets ?? null), as.tenant));
}

function asUnknown(error: unknown): null {
  if (error instanceof KilldeerError && error.code === 'registry.unknown-agent') return null;
  throw error;
}

type Budgets = NonNullable<RegisterBody['budgets']>;

function bodyOf(as: Described, before: Budgets | null): RegisterBody {
  const { sessionUsd, dayUsd } = as;
  const budgets = {
    session_usd: sessionUsd ?? before?.session_usd ?? null,
    day_usd: dayUsd ?? before?.day_usd ?? null,
  };
  const delegation = given({
    depth_max: as.delegationDepth,
    breadth_max: as.delegationBreadth,
    agents: limit(as.delegateTo),
  });
  const credential = given({
    kind: as.credentialKind,
    issued: text(as.credentialIssued),
    expires: text(as.credentialExpires),
    rotated: text(as.credentialRotated),
  });
  // What is wrong with a word or a date the server says, which knows them all.
  return given({
    ...{ owner: text(as.owner), technical_owner: text(as.technicalOwner), purpose: text(as.purpose) },
    ...{ role: text(as.role), environment: text(as.environment), trust: text(as.trust), parent: text(as.parent) },
    ...{ labels: names(as.label), scopes: names(as.scope), protected: as.protected },
    ...{ operations: limit(as.allowOperation), endpoints: limit(as.allowEndpoint) },
    ...{ targets: limit(as.allowTarget), data_classes: limit(as.dataClass) },
    ...{ agent_version: text(as.agentVersion), review_on: text(as.reviewOn), if_version: as.ifVersion },
    budgets: sessionUsd === undefined && dayUsd === undefined ? undefined : budgets,
    delegation: Object.keys(delegation).length === 0 ? undefined : delegation,
    credential: Object.keys(credential).length === 0 ? undefined : credential,
  }) as RegisterBody;
}

/** The line that would register fewer names of an agent, to be pasted into a shell. */
export function registerLine(
  tenant: string,
  agent: string,
  fewer: { readonly [list in keyof typeof LIST_OPTIONS]?: readonly string[] | undefined },
): string {
  const lists = (Object.keys(LIST_OPTIONS) as (keyof typeof LIST_OPTIONS)[]).flatMap((list) => {
    const kept = fewer[list];
    if (kept === undefined) return [];
    return (kept.length === 0 ? [NONE] : kept).map((name) => `${LIST_OPTIONS[list]}=${name}`);
  });
  const whom = tenant === '' ? [] : [`--tenant=${tenant}`];
  return ['killdeer', 'agent', 'register', ...whom, ...lists, '--', agent].map(quoted).join(' ');
}

/** A word that any POSIX shell leaves alone. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function text(value: string | undefined): string | null | undefined {
  return value === '' ? null : value;
}

function names(list: readonly string[] | undefined): string[] | undefined {
  if (list === undefined) return undefined;
  return list.length === 1 && list[0] === NONE ? [] : [...list];
}

function limit(list: readonly string[] | undefined): string[] | null | undefined {
  return list?.length === 1 && list[0] === ANY ? null : names(list);
}

function count(option: string): (text: string) => number {
  return wholeNumber(option, 0, STEPS_MAX);
}

function dollars(option: string): (text: string) => number {
  return (amount) => {
    const usd = /^\d{1,9}(\.\d+)?$/.test(amount) ? Number(amount) : Number.NaN;
    if (usd <= 1e9) return usd;
    throw new KilldeerError('usage', `${option} ${amount}: not an amount of US dollars`);
  };
}
