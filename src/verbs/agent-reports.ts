/** `killdeer agent report`: what has to be looked after in the registry. */
import type { ReportAnswer } from '../api/audit-schema.js';
import { KilldeerError } from '../errors.js';
import { REPORTS, type ReportName } from '../registry/report.js';
import { addFilter, type Filter, type MakeVerb, queryOf } from './agent-list.js';
import { registerLine } from './agent-register.js';
import { clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import { wholeNumber } from './verb.js';

interface ReportChoice extends Filter {
  readonly days?: number;
}

const DAYS_MAX = 3_660;

export function addAgentReports(verb: MakeVerb, terminal: Terminal): void {
  addFilter(verb('report', `what has to be looked after: ${REPORTS.join(', ')}; all of them without a name`))
    .argument('[name]')
    .option('--days <days>', 'looked back: credentials 365, idle and scopes 30', wholeNumber('--days', 1, DAYS_MAX))
    .action((name: string | undefined, choice: ReportChoice) => report(terminal, name, choice));
}

async function report(terminal: Terminal, name: string | undefined, choice: ReportChoice): Promise<void> {
  const names = name === undefined ? REPORTS : REPORTS.filter((one) => one === name);
  if (names.length === 0) throw new KilldeerError('usage', `report ${name}: one of ${REPORTS.join(', ')}`);
  const client = clientOf(choice, 'responder');
  const days = choice.days === undefined ? {} : { days: choice.days };
  for (const one of names) show(terminal, one, await client.report(one, { ...queryOf(choice), ...days }));
}

function show(terminal: Terminal, name: ReportName, { rows, total, note, basis, days }: ReportAnswer): void {
  const lines = rows.map((row) => {
    return {
      report: name,
      ...row,
      command: row.fewer === null ? null : registerLine(row.tenant, row.agent, row.fewer),
    };
  });
  for (const line of lines) terminal.emit(line);
  terminal.say(`${terminal.paint.bold(name)}: ${count(total)} agents${days > 0 ? `, ${days} days` : ''}`);
  if (note !== null) terminal.say(`  ${basis === 'registry' ? 'as far as the registry itself knows: ' : ''}${note}`);
  terminal.table(
    ['agent', 'owner', 'role', 'why', 'since'],
    lines.map(({ tenant, agent, owner, role, reason, since }) => {
      return [tenant === '' ? agent : `${tenant} ${agent}`, owner, role, reason, since];
    }),
  );
  for (const { command } of lines) if (command !== null && terminal.rich) terminal.say(`  ${command}`);
  if (total > rows.length) terminal.say(`the first ${count(rows.length)} are shown`);
}
