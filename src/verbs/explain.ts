/** `killdeer explain`: every room's verdict on one event or finding. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { FindingAnswer } from '../api/schema.js';
import { KilldeerError } from '../errors.js';
import { explainRecording, renderExplanation } from '../pipeline/explain.js';
import { clientOf } from './data-directory.js';
import { FOLD, importsOf } from './replay.js';
import { loadSetup } from './setup.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Options {
  readonly recording?: string;
  readonly findings?: string;
  readonly data?: string;
  readonly agent?: string;
  readonly config?: string;
  readonly policy?: string;
  readonly model?: string;
  readonly registry?: string;
  readonly unbound?: boolean;
  readonly json?: boolean;
}

export function addExplain(program: Command, context: VerbContext): void {
  program
    .command('explain')
    .description("what every room made of an event or a finding; name the replay's own options again")
    .argument('<id>', 'of a finding or an event')
    .option('--recording <path>', 'runs the recording again up to it')
    .option('--findings <file>', 'findings of a replay, to look the id up in')
    .option('--data <dir>', 'a finding of the server of this data directory: what was stored with it')
    .option('--agent <agent>', 'of the event, where several agents use its id')
    .option('--config <file>', 'configuration')
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--model <file>', 'model to start from')
    .option('--registry <file>', 'JSON list of agents')
    .option('--unbound', 'the recording vouches for nobody')
    .option('--json', 'the verdicts as JSON, on a terminal too')
    .action((id: string, options: Options) => explain(context, id, options));
}

async function explain(context: VerbContext, id: string, options: Options): Promise<void> {
  const { terminal } = context;
  if ((options.recording === undefined) === (options.data === undefined)) {
    throw new KilldeerError('usage', 'name either --recording or --data');
  }
  if (options.data !== undefined) {
    showStored(terminal, await clientOf({ data: options.data }, 'responder').finding(id), options.json === true);
    return;
  }
  const explanation = await explainRecording({
    ...loadSetup(options),
    id,
    recording: options.recording as string,
    registry: FOLD,
    bound: options.unbound !== true,
    registryImport: importsOf(options.registry),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    findingsPath: options.findings ?? findingsBeside(options.recording as string),
  });
  if (explanation === null) {
    terminal.complain(`killdeer: ${id} is neither an event nor a finding of ${options.recording}\n`);
    context.failed();
  } else if (terminal.rich && options.json !== true) terminal.say(renderExplanation(explanation));
  else terminal.print(`${JSON.stringify(explanation)}\n`);
}

/** Findings that were written into the recording's own folder. */
function findingsBeside(recording: string): string | null {
  const path = join(recording, 'findings.jsonl');
  return existsSync(path) ? path : null;
}

/** What a live finding carries in itself; its engine has moved on. */
function showStored(terminal: Terminal, finding: FindingAnswer, asJson: boolean): void {
  if (!terminal.rich || asJson) {
    terminal.print(`${JSON.stringify({ exact: false, finding })}\n`);
    return;
  }
  terminal.say(terminal.paint.dim('stored attribution only: for every room, replay the events and name --recording'));
  terminal.say(`${finding.time}  ${finding.severity}  ${finding.title}`);
  terminal.say(
    `p ${finding.p.toPrecision(3)}, risk ${Math.round(finding.risk)}, model ${finding.model}, ${finding.config}`,
  );
  terminal.table(
    ['detector', 'measured', 'observed', 'usual', 'share'],
    finding.attribution.map(({ detector, feature, observed, expected, share }) => [
      ...[detector, feature, number(observed), number(expected)],
      `${Math.round(share * 100)} %`,
    ]),
    [2, 3, 4],
  );
  terminal.say(`evidence: ${finding.evidence.map(({ event }) => event ?? 'a tick').join(', ')}`);
}

function number(x: number | null): string {
  return x === null ? '' : String(Number(x.toPrecision(4)));
}
