/** `killdeer run`: the live server, until it is told to stop. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { pino } from 'pino';
import { type ProcessRole, ROLES } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { tokensPath } from './data-directory.js';
import { serve } from './serve.js';
import { serveCluster } from './serve-cluster.js';
import { loadSetup, type Setup, type SetupOptions } from './setup.js';
import type { Terminal } from './terminal.js';
import { untilStopped, type VerbContext, wholeNumber } from './verb.js';
import { createVoice } from './voice.js';

interface Options extends SetupOptions {
  readonly port?: number;
  readonly roles?: readonly ProcessRole[];
  readonly recordedTime?: boolean;
  readonly history: boolean;
}

export function addRun(program: Command, { terminal }: VerbContext): void {
  program
    .command('run')
    .description('the live server: takes events, scores them, answers decisions')
    .option('--config <file>', 'configuration')
    .option('--data <dir>', "data directory; the configuration's by default")
    .option('--policy <policy>', "'observe', 'enforce', or a policy file")
    .option('--port <n>', 'of the API; 0: any free one', wholeNumber('--port', 0, 65_535))
    .option('--roles <list>', `what this process does, of ${ROLES.join(', ')}; on Kafka`, rolesOf)
    .option('--no-history', 'carry nothing into the store that the configuration names')
    .option('--recorded-time', 'write no ticks: they stand in the log, with what is replayed through it; on Kafka')
    .action((options: Options) => run(terminal, options));
}

function rolesOf(text: string): readonly ProcessRole[] {
  const roles = text.split(',').map((role) => role.trim());
  const unknown = roles.find((role) => !ROLES.some((known) => known === role));
  if (unknown === undefined) return roles as ProcessRole[];
  throw new KilldeerError('usage', `--roles: '${unknown}' is none of ${ROLES.join(', ')}`);
}

async function run(terminal: Terminal, options: Options): Promise<void> {
  const setup = loadSetup(options);
  if (setup.config.log.kind === 'kafka') return runRoles(terminal, setup, options);
  const all = (options.roles ?? setup.config.roles).length === ROLES.length;
  if (!all || options.recordedTime === true) {
    throw new KilldeerError('usage', "--roles and --recorded-time need log.kind 'kafka': a file log has one process");
  }
  return runAlone(terminal, setup, options);
}

async function runAlone(terminal: Terminal, setup: Setup, options: Options): Promise<void> {
  const voice = createVoice(terminal);
  const stopped = untilStopped();
  const logStream = { write: (line: string) => terminal.complain(line) };
  const served = await serve({
    setup,
    dir: setup.dataDir,
    clock: 'wall',
    history: options.history,
    port: options.port ?? setup.config.api.port,
    onFinding: voice.finding,
    onChange: voice.change,
    report: createReport(terminal, logStream),
    drawSeed: () => randomBytes(4).readUInt32LE(0),
    ...(terminal.rich ? {} : { logStream }),
  });
  try {
    const { address, isFirstStart, loginUrl } = served;
    const { mode, name } = setup.policy;
    terminal.emit({ type: 'started', address, pid: process.pid, data: setup.dataDir, policy: name, mode });
    const top = setup.policy.ladder === undefined ? mode : `on a ladder up to ${mode}: killdeer policy show`;
    const policy = name === top ? name : `${name} (${top})`;
    terminal.say(`killdeer listens on ${address}, data in ${setup.dataDir}, policy ${policy}`);
    if (isFirstStart) terminal.say(`tokens for its first users, readable by you alone: ${tokensPath(setup.dataDir)}`);
    sayLogin(terminal, loginUrl);
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

/** A process among several. */
async function runRoles(terminal: Terminal, setup: Setup, options: Options): Promise<void> {
  const voice = createVoice(terminal);
  const stopped = untilStopped();
  const logStream = { write: (line: string) => terminal.complain(line) };
  const roles = options.roles ?? setup.config.roles;
  if (options.recordedTime === true && roles.includes('ingest')) {
    const words = '--recorded-time takes its time from the log, so nothing may come in from elsewhere';
    throw new KilldeerError('usage', `${words}: leave ingest out of --roles`);
  }
  terminal.say(`starting ${roles.join(', ')} on ${setup.config.kafka.brokers.join(', ')}`);
  const served = await serveCluster({
    ...{ setup, roles, dir: setup.dataDir },
    clock: options.recordedTime === true ? 'recording' : 'wall',
    history: options.history,
    port: options.port ?? setup.config.api.port,
    onFinding: voice.finding,
    onChange: voice.change,
    report: createTalk(terminal, createReport(terminal, logStream)),
    drawSeed: () => randomBytes(4).readUInt32LE(0),
    ...(terminal.rich ? {} : { logStream }),
  });
  try {
    const { face, opsAddress } = served;
    const address = face?.address ?? null;
    const { mode, name } = setup.policy;
    terminal.emit({ type: 'started', address, ops: opsAddress, pid: process.pid, roles, policy: name, mode });
    if (address !== null) terminal.say(`killdeer listens on ${address}`);
    if (opsAddress !== null) terminal.say(`health and metrics on ${opsAddress}`);
    if (face?.isFirstStart)
      terminal.say(`tokens for its first users, readable by you alone: ${tokensPath(setup.dataDir)}`);
    sayLogin(terminal, face?.loginUrl ?? null);
    terminal.say('stop it with Ctrl-C');
    terminal.say(`${await stopped}: handing the partitions on`);
  } finally {
    await served.stop();
    voice.flush();
  }
  terminal.emit({ type: 'stopped' });
  terminal.say('stopped');
}

/** To a person alone: where nobody looks, what is said is kept in a log. */
export function sayLogin(terminal: Terminal, loginUrl: string | null): void {
  if (terminal.rich && loginUrl !== null) terminal.say(`log in once, within 10 minutes: ${loginUrl}`);
}

/** Partitions come and go, and restoring one takes its time: whoever watches is told. */
function createTalk(terminal: Terminal, report: (report: LiveReport) => void): (report: LiveReport) => void {
  return (one) => {
    if (one.level === 'info' && terminal.rich) terminal.say(terminal.paint.dim(one.message));
    else report(one);
  };
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
