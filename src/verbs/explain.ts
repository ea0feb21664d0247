/** `killdeer explain`: every room's verdict on one event or finding. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Finding } from '../decide/finding.js';
import { KilldeerError } from '../errors.js';
import { openFileLog, partitionsOf } from '../log/file-log.js';
import { explainRecording, renderExplanation } from '../pipeline/explain.js';
import { type DirectoryAnswer, explainDirectory } from '../pipeline/explain-directory.js';
import { plainJson } from '../render/inert.js';
import { FOLD, importsOf, wordsOf } from './replay.js';
import { loadSetup } from './setup.js';
import { count, type Terminal } from './terminal.js';
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
  readonly verdicts?: string;
}

export function addExplain(program: Command, context: VerbContext): void {
  program
    .command('explain')
    .description("what every room made of an event or a finding; name the replay's or the server's own options again")
    .argument('<id>', 'of a finding or an event')
    .option('--recording <path>', 'runs the recording again up to it')
    .option('--findings <file>', 'findings of a replay, to look the id up in')
    .option('--data <dir>', 'data directory of a server, running or not: executes its log again up to it')
    .option('--agent <agent>', 'of the event, where several agents use its id')
    .option('--config <file>', 'configuration')
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--model <file>', 'model to start from')
    .option('--registry <file>', 'JSON list of agents')
    .option('--unbound', 'the recording vouches for nobody')
    .option('--verdicts <file>', "the replay's verdicts")
    .option('--json', 'the verdicts as JSON, on a terminal too')
    .action((id: string, options: Options) => explain(context, id, options));
}

async function explain({ terminal, failed }: VerbContext, id: string, options: Options): Promise<void> {
  const { recording, data } = options;
  if ((recording === undefined) === (data === undefined)) {
    throw new KilldeerError('usage', 'name either --recording or --data');
  }
  const answer =
    data === undefined
      ? await fromRecording(id, recording as string, options)
      : await fromDirectory(terminal, id, data, options);
  if (answer === null) {
    terminal.complain(`killdeer: ${id} is neither an event nor a finding of ${recording ?? data}\n`);
    failed();
  } else if (!terminal.rich || options.json === true) {
    terminal.print(`${plainJson(answer.exact ? { exact: true, ...answer.explanation } : answer)}\n`);
  } else if (answer.exact) terminal.say(renderExplanation(answer.explanation));
  else showStored(terminal, answer.why, answer.finding);
}

async function fromRecording(id: string, recording: string, options: Options): Promise<DirectoryAnswer | null> {
  const explanation = await explainRecording({
    ...loadSetup(options),
    id,
    recording,
    registry: FOLD,
    bound: options.unbound !== true,
    registryImport: importsOf(options.registry),
    words: wordsOf(options.verdicts),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    findingsPath: options.findings ?? findingsBeside(recording),
  });
  return explanation === null ? null : { exact: true, explanation };
}

/** Findings that were written into the recording's own folder. */
function findingsBeside(recording: string): string | null {
  const path = join(recording, 'findings.jsonl');
  return existsSync(path) ? path : null;
}

async function fromDirectory(
  terminal: Terminal,
  id: string,
  directory: string,
  options: Options,
): Promise<DirectoryAnswer | null> {
  const bar = terminal.progress(1);
  try {
    return await explainDirectory({
      directory,
      id,
      prices: loadSetup(options).prices,
      registry: FOLD,
      adapters: { openFileLog, partitionsOf },
      onProgress: (done, total) => bar.update(done / Math.max(1, total), `${count(done)} of ${count(total)} records`),
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    });
  } finally {
    bar.stop();
  }
}

/** What a finding carries in itself. */
function showStored(terminal: Terminal, why: string, finding: Finding | null): void {
  terminal.say(terminal.paint.yellow(`stored attribution only: ${why}`));
  if (finding === null) {
    terminal.say('no finding rests on it');
    return;
  }
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

/** What is no number in JSON stands there as null. */
function number(x: number | null): string {
  return x === null ? '' : String(Number(x.toPrecision(4)));
}
