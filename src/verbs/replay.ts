/** `killdeer replay`: a recording through the same engine, learner and registry as live. */
import type { Command } from 'commander';
import { KINDS, SEVERITIES } from '../decide/finding.js';
import { replay as replayRecording } from '../pipeline/replay.js';
import type { DecisionList, ReplaySummary } from '../pipeline/replay-summary.js';
import type { ReplayWord } from '../pipeline/replay-verdicts.js';
import type { RegistryImport } from '../pipeline/replayer.js';
import { createFold, restoreFold } from '../registry/fold.js';
import { importOf, readRegistryFile } from './registry-file.js';
import { replayData } from './replay-data.js';
import { loadSetup } from './setup.js';
import { count, SEVERITY_WIDTH, severityText, spanText, type Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';
import { readVerdictFile } from './verdict-file.js';
import { momentText } from './voice.js';

interface Options {
  readonly findings?: string;
  readonly decisions?: string;
  readonly deadLetter?: string;
  readonly config?: string;
  readonly policy?: string;
  readonly model?: string;
  readonly state?: string;
  readonly registry?: string;
  readonly unbound?: boolean;
  readonly verdicts?: string;
}

export function addReplay(program: Command, { terminal }: VerbContext): void {
  program
    .command('replay')
    .description(
      "score a recording: FILE.jsonl, FILE.jsonl.gz, a folder with events.jsonl(.gz), or a server's data directory",
    )
    .argument('<recording>')
    .option('--findings <file>', 'write findings as JSON Lines')
    .option('--decisions <file>', 'write what became of proposals as JSON Lines')
    .option('--dead-letter <file>', 'write rejected lines with their reasons as JSON Lines')
    .option('--config <file>', 'configuration')
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--model <file>', 'model to start from')
    .option('--registry <file>', 'agents as people describe them (docs/registry.md)')
    .option('--verdicts <file>', 'what people say of its findings, each at its time (docs/cli.md)')
    .option('--state <dir>', 'checkpoints: killed and run again, the same command goes on where it was')
    .option('--unbound', 'the recording vouches for nobody: it can alert, never stop')
    .action((recording: string, options: Options) => replay(terminal, recording, options));
}

async function replay(terminal: Terminal, recording: string, options: Options): Promise<void> {
  if (await replayData(terminal, recording, options)) return;
  const setup = loadSetup(options);
  const progress = terminal.progress(1);
  let findings = 0;
  try {
    const summary = await replayRecording({
      recording,
      config: setup.config,
      policy: setup.policy,
      startModel: setup.startModel,
      prices: setup.prices,
      registry: FOLD,
      findingsPath: options.findings ?? null,
      decisionsPath: options.decisions ?? null,
      deadLetterPath: options.deadLetter ?? null,
      stateDir: options.state ?? null,
      bound: options.unbound !== true,
      registryImport: importsOf(options.registry),
      words: wordsOf(options.verdicts),
      onFinding: () => {
        findings++;
      },
      onProgress: ({ events, bytesRead, bytes }) => {
        progress.update(bytesRead / Math.max(1, bytes), `${count(events)} events, ${count(findings)} finding lines`);
      },
    });
    progress.stop();
    terminal.emit({ recording, ...summary });
    if (terminal.rich) showSummary(terminal, recording, summary);
  } finally {
    progress.stop();
  }
}

/** The one registry there is, for a replay and for explain. */
export const FOLD = { create: () => createFold(), restore: restoreFold };

/** Agents of a registry file as a replay takes them. */
export function importsOf(path: string | undefined): RegistryImport[] {
  if (path === undefined) return [];
  return readRegistryFile(path).map(importOf);
}

/** Verdicts of a file as a replay takes them. */
export function wordsOf(path: string | undefined): ReplayWord[] {
  return path === undefined ? [] : readVerdictFile(path);
}

function showSummary(terminal: Terminal, recording: string, summary: ReplaySummary): void {
  const { paint } = terminal;
  const speed = `${spanText(summary.wallMs)}, ${count(summary.eventsPerSecond)} a second`;
  terminal.say(`${paint.bold(recording)}  ${count(summary.events)} events in ${speed}`);
  if (summary.resumedAt > 0) terminal.say(`went on from line ${count(summary.resumedAt)}`);
  if (summary.from !== null) terminal.say(paint.dim(`${summary.from} to ${summary.to}`));
  terminal.say('');
  terminal.table([], rowsOf(summary), [1]);
  terminal.say('');
  showFindings(terminal, summary);
  for (const effect of ['applied', 'recommended', 'observed', 'skipped'] as const) {
    showDecisions(terminal, effect, summary[effect]);
  }
}

function rowsOf(summary: ReplaySummary): [string, string][] {
  const rejected = Object.entries(summary.rejections).map(([code, n]): [string, string] => [
    `rejected ${code}`,
    count(n),
  ]);
  const rows: [string, string][] = [
    ['agents', count(summary.agents)],
    ['agent-days', count(summary.agentDays)],
    ['duplicates', count(summary.duplicates)],
    ['late', count(summary.late)],
    ['not admitted', count(summary.notAdmitted)],
    ...rejected,
    ['findings', count(summary.findings)],
    ['pages', count(summary.pages)],
    ['pages per agent-day', summary.pagesPerAgentDay.toFixed(4)],
    ['models learned', count(summary.models.activated)],
    ['events after a stop', count(summary.eventsAfterStop)],
  ];
  return rows.filter(([name, value]) => value !== '0' || name === 'findings' || name === 'pages');
}

function showFindings(terminal: Terminal, { bySeverity, byKind }: ReplaySummary): void {
  for (const severity of [...SEVERITIES].reverse()) {
    if (bySeverity[severity] > 0) {
      terminal.say(`  ${severityText(terminal.paint, severity, SEVERITY_WIDTH)}  ${count(bySeverity[severity])}`);
    }
  }
  const kinds = KINDS.flatMap((kind) => (byKind[kind] === undefined ? [] : [`${kind} ${count(byKind[kind])}`]));
  if (kinds.length > 0) terminal.say(terminal.paint.dim(`  ${kinds.join(', ')}`));
}

const EFFECT_WORDS = {
  applied: 'stopped',
  recommended: 'recommended to a person',
  observed: 'observed, nobody stopped',
  skipped: 'not stopped',
} as const;
/** Decisions shown on a terminal; --decisions writes them all. */
const SHOWN_MAX = 10;
/** Where the sentence of a decision begins. */
const REASON_AT = 18;

function showDecisions(terminal: Terminal, effect: keyof typeof EFFECT_WORDS, list: DecisionList): void {
  if (list.count === 0) return;
  terminal.say('');
  terminal.say(`${terminal.paint.bold(EFFECT_WORDS[effect])} ${count(list.count)}`);
  for (const { time, agent, action, reason } of list.first.slice(0, SHOWN_MAX)) {
    const [first, ...rest] = terminal.wrap(`${action} ${agent}: ${reason}`, REASON_AT);
    terminal.say([`  ${momentText(time)}  ${first}`, ...rest.map((line) => ' '.repeat(REASON_AT) + line)].join('\n'));
  }
  if (list.count > SHOWN_MAX) terminal.say(`  and ${count(list.count - SHOWN_MAX)} more (--decisions FILE)`);
}
