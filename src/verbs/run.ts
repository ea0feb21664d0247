/** `killdeer run`: the live server, until it is told to stop. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { LiveReport } from '../pipeline/live-parts.js';
import { tokensPath } from './data-directory.js';
import { serve } from './serve.js';
import { loadSetup, type SetupOptions } from './setup.js';
import type { Terminal } from './terminal.js';
import { untilStopped, type VerbContext, wholeNumber } from './verb.js';
import { createVoice } from './voice.js';

interface Options extends SetupOptions {
  readonly port?: number;
}

export function addRun(program: Command, { terminal }: VerbContext): void {
  program
    .command('run')
    .description('the live server: takes events, scores them, answers decisions')
    .option('--config <file>', 'configuration')
    .option('--data <dir>', "data directory; the configuration's by default")
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--port <n>', 'of the API; 0: any free one', wholeNumber('--port', 0, 65_535))
    .action((options: Options) => run(terminal, options));
}

async function run(terminal: Terminal, options: Options): Promise<void> {
  const setup = loadSetup(options);
  const voice = createVoice(terminal);
  const stopped = untilStopped();
  const logStream = { write: (line: string) => terminal.complain(line) };
  const served = await serve({
    setup,
    dir: setup.dataDir,
    clock: 'wall',
    port: options.port ?? setup.config.api.port,
    onFinding: voice.finding,
    onChange: voice.change,
    report: createReport(terminal, logStream),
    drawSeed: () => randomBytes(4).readUInt32LE(0),
    ...(terminal.rich ? {} : { logStream }),
  });
  try {
    const { address, isFirstStart } = served;
    const { mode, name } = setup.policy;
    terminal.emit({ type: 'started', address, pid: process.pid, data: setup.dataDir, policy: name, mode });
    const policy = name === mode ? name : `${name} (${mode})`;
    terminal.say(`killdeer listens on ${address}, data in ${setup.dataDir}, policy ${policy}`);
    if (isFirstStart) terminal.say(`tokens for its first users, readable by you alone: ${tokensPath(setup.dataDir)}`);
    if (mode !== 'enforce') terminal.say(`nothing is stopped automatically in mode ${mode}`);
    terminal.say('stop it with Ctrl-C');
    terminal.say(`${await stopped}: writing the last checkpoints`);
  } finally {
    await served.stop();
    voice.flush();
  }
  terminal.emit({ type: 'stopped' });
  terminal.say('stopped');
}

/** Reports of the live side: sentences for a person, the server's own log format for a machine. */
export function createReport(
  terminal: Terminal,
  logStream: { write(line: string): void },
): (report: LiveReport) => void {
  const log = pino({ base: null }, logStream);
  return ({ level, message, error }) => {
    const cause = error instanceof Error ? error.message : undefined;
    if (!terminal.rich) log[level]({ cause }, message);
    else if (level !== 'info')
      terminal.say(terminal.paint.yellow(cause === undefined ? message : `${message}: ${cause}`));
  };
}
