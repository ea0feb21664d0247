/** `killdeer findings ...` and `killdeer cases ...`: what was found, who has it, and what is said of it. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Client } from '../api/client.js';
import type { FindingsQuery, TriageBody } from '../api/triage-schema.js';
import { SEVERITIES } from '../decide/finding.js';
import { RESOLUTIONS, type Resolution, TRIAGE_STATUSES } from '../registry/registry.js';
import { FINDING_SORTS } from '../triage/triage.js';
import { oneOf } from './choice.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { CASE_HEAD, caseRow, FINDING_HEAD, findingRow, showCase, showFinding, showTimeline } from './finding-text.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

type Filter = ClientChoice & { readonly status?: string; readonly mine?: boolean; readonly kind?: string } & Pick<
    FindingsQuery,
    'severity' | 'agent' | 'tenant' | 'search' | 'sort' | 'limit'
  >;

interface Closing extends ClientChoice {
  readonly as: Resolution;
  readonly comment?: string;
}

export function addFindings(program: Command, { terminal }: VerbContext): void {
  const findings = withFilter(program.command('findings').description('what was found, as it stands; newest first'));
  findings.action((filter: Filter) => list(terminal, filter));
  const verb = (name: string, words: string) => addServerOptions(findings.command(name).description(words));
  verb('show', 'one finding: how far from usual, what was done, what happened')
    .argument('<id>')
    .action((id: string, where: ClientChoice) => show(terminal, id, where));
  verb('assign', 'give findings to a person')
    .argument('<ids...>')
    .option('--to <name>', "a person's name; left out: you")
    .option('--nobody', 'take them from whoever has them')
    .action((ids: string[], where: ClientChoice & { to?: string; nobody?: boolean }) => {
      const to = where.nobody === true ? null : (where.to ?? 'me');
      return change(terminal, ids, where, [{ what: 'assign', to }], to === null ? "nobody's" : 'assigned');
    });
  verb('close', 'be done with findings')
    .argument('<ids...>')
    .requiredOption('--as <resolution>', RESOLUTIONS.join(', '), oneOf('--as', RESOLUTIONS))
    .option('--comment <text>', 'why')
    .action((ids: string[], where: Closing) => close(terminal, ids, where));
  verb('reopen', 'have closed findings worked on again')
    .argument('<ids...>')
    .action((ids: string[], where: ClientChoice) =>
      change(terminal, ids, where, [{ what: 'status', status: 'in-progress' }], 'in progress'),
    );
  verb('comment', 'say something about a finding')
    .argument('<id>')
    .argument('<text>')
    .action((id: string, text: string, where: ClientChoice) =>
      change(terminal, [id], where, [{ what: 'comment', text }], 'commented'),
    );
}

export function addCases(program: Command, { terminal }: VerbContext): void {
  const cases = withFilter(program.command('cases').description('findings that belong together; newest first'));
  cases.action((filter: Filter) => listCases(terminal, filter));
  addServerOptions(cases.command('show').description('one case: its findings, and what happened'))
    .argument('<id>')
    .action((id: string, where: ClientChoice) => showOneCase(terminal, id, where));
}

function withFilter(command: Command): Command {
  return addServerOptions(command)
    .option('--status <status>', `${TRIAGE_STATUSES.join(', ')}; several apart by commas`)
    .option('--severity <severity>', 'this or worse', oneOf('--severity', SEVERITIES))
    .option('--agent <agent>', 'the acting agent, or the root of its tree')
    .option('--tenant <tenant>', 'of one tenant')
    .option('--kind <kind>', 'of these kinds; several apart by commas')
    .option('--search <words>', 'that must all occur')
    .option('--mine', 'that you have')
    .option('--sort <order>', FINDING_SORTS.join(', '), oneOf('--sort', FINDING_SORTS))
    .option('--limit <n>', 'most rows', wholeNumber('--limit', 1, 1_000), 50);
}

function queryOf({ status, severity, agent, tenant, kind, search, mine, sort, limit }: Filter): FindingsQuery {
  const given = { statuses: status, severity, agent, tenant, kinds: kind, search, sort, limit };
  const whose = mine === true ? { assignee: 'me' } : {};
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), ...whose };
}

async function list(terminal: Terminal, filter: Filter): Promise<void> {
  const { findings, total } = await open(filter).findings(queryOf(filter));
  for (const finding of findings) terminal.emit(finding);
  terminal.table(
    FINDING_HEAD,
    findings.map((finding) => findingRow(terminal, finding)),
  );
  terminal.say(`${count(findings.length)} of ${count(total)} findings`);
}

async function show(terminal: Terminal, id: string, where: ClientChoice): Promise<void> {
  const client = open(where);
  const finding = await client.finding(id);
  const timeline = await client.findingTimeline(id);
  terminal.emit({ ...finding, timeline: timeline.entries });
  if (terminal.rich) showFinding(terminal, finding, timeline);
}

async function close(terminal: Terminal, ids: string[], where: Closing): Promise<void> {
  const { as: resolution, comment } = where;
  const said: TriageBody['change'][] = comment === undefined ? [] : [{ what: 'comment', text: comment }];
  const changes = [...said, { what: 'status' as const, status: 'closed' as const, resolution }];
  await change(terminal, ids, where, changes, `closed: ${resolution}`);
}

async function change(
  terminal: Terminal,
  findings: string[],
  where: ClientChoice,
  changes: readonly TriageBody['change'][],
  words: string,
): Promise<void> {
  const client = open(where);
  for (const one of changes) {
    const answer = await client.changeFindings({ findings, change: one, key: randomUUID() });
    if (one === changes.at(-1)) terminal.emit(answer);
  }
  terminal.say(`${findings.join(', ')}: ${words}`);
}

async function listCases(terminal: Terminal, filter: Filter): Promise<void> {
  const { cases, total } = await open(filter).cases(queryOf(filter));
  for (const one of cases) terminal.emit(one);
  terminal.table(
    CASE_HEAD,
    cases.map((one) => caseRow(terminal, one)),
  );
  terminal.say(`${count(cases.length)} of ${count(total)} cases`);
}

async function showOneCase(terminal: Terminal, id: string, where: ClientChoice): Promise<void> {
  const client = open(where);
  const one = await client.case(id);
  const { findings } = await client.findings({ case: id, sort: 'severity' });
  const timeline = await client.caseTimeline(id);
  terminal.emit({ ...one, timeline: timeline.entries });
  if (!terminal.rich) return;
  showCase(terminal, one);
  terminal.table(
    FINDING_HEAD,
    findings.map((finding) => findingRow(terminal, finding)),
  );
  terminal.say('');
  showTimeline(terminal, timeline);
}

function open(where: ClientChoice): Client {
  return clientOf(where, 'responder');
}
