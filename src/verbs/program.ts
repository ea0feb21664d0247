/** The command line: which verbs there are, and how each ends: exit 0 good, 1 failed, 2 usage or configuration. */
import { Command, CommanderError } from 'commander';
import { type ErrorCode, KilldeerError } from '../errors.js';
import { addAgent } from './agent.js';
import { addApprovals } from './approvals.js';
import { addAudit } from './audit-list.js';
import { addCheck } from './check.js';
import { addConfig } from './config-show.js';
import { addConnectors } from './connectors.js';
import { addDecode } from './decode.js';
import { addDemo } from './demo.js';
import { addDrill } from './drill.js';
import { addEvaluate } from './evaluate.js';
import { addExplain } from './explain.js';
import { addCases, addFindings } from './findings.js';
import { addHalt } from './halt.js';
import { addLogin } from './login.js';
import { addModels } from './models.js';
import { addPolicy } from './policy.js';
import { addReplay } from './replay.js';
import { addRun } from './run.js';
import { addScore } from './score.js';
import { packageVersion } from './shipped.js';
import { addSimulate } from './simulate.js';
import { addStore } from './store.js';
import { addSuppress } from './suppress.js';
import type { Terminal } from './terminal.js';
import { addToken } from './token.js';
import type { VerbContext } from './verb.js';
import { addVerdict } from './verdict.js';

const USAGE_CODES: readonly ErrorCode[] = ['usage', 'config.invalid', 'policy.invalid', 'model.invalid'];

/** Runs one command line (without node and script) and answers with the exit code. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const context: VerbContext = {
    terminal,
    failed: () => {
      code = 1;
    },
  };
  try {
    await buildProgram(context).parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    return tell(terminal, error);
  }
}

function buildProgram(context: VerbContext): Command {
  const { terminal } = context;
  const program = new Command('killdeer')
    .description('Behavioural anomaly detection for AI agents: what is normal for each, when one drifts, and a stop.')
    .version(packageVersion())
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.complain })
    .showHelpAfterError('next: see killdeer --help, or the verb with --help')
    // A verb's options stand behind its name: `store` and `store query` both have --data.
    .enablePositionalOptions()
    .exitOverride();
  const verbs = [
    addRun,
    addDemo,
    addReplay,
    addEvaluate,
    addExplain,
    addScore,
    addCheck,
    addDecode,
    addAgent,
    addConnectors,
    addVerdict,
    addFindings,
    addCases,
    addSuppress,
    addDrill,
    addApprovals,
    addPolicy,
    addHalt,
    addToken,
    addLogin,
    addSimulate,
    addModels,
    addConfig,
    addAudit,
    addStore,
  ];
  for (const add of verbs) add(program, context);
  return program;
}

/** Code, words and what to do next; never a stack. */
function tell(terminal: Terminal, error: unknown): number {
  // Commander has already said what was wrong with the words.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof KilldeerError)) {
    terminal.complain(`killdeer: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  terminal.complain(`killdeer: ${error.code}: ${error.message}\n  next: ${error.next}\n`);
  return USAGE_CODES.includes(error.code) ? 2 : 1;
}
