/** `killdeer check`: the configuration in force, what is reachable, and whether an agent could be stopped right now. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { ConnectorsAnswer } from '../api/connector-schema.js';
import type { DrillAnswer } from '../api/drill-schema.js';
import type { Config } from '../config.js';
import type { Policy } from '../decide/policy.js';
import { KilldeerError } from '../errors.js';
import { lockDirectory } from '../log/lock.js';
import { clientOf, readServerNote, tokensPath } from './data-directory.js';
import { milliseconds } from './drill.js';
import { isAlive } from './kafka-adapters.js';
import { lookAtSinks } from './look-at-sinks.js';
import { lookAtStore } from './look-at-store.js';
import { type Look, lookAtTopics } from './look-at-topics.js';
import { loadSetup, type Setup } from './setup.js';
import type { Terminal } from './terminal.js';
import type { VerbContext } from './verb.js';

interface Options {
  readonly config?: string;
  readonly data?: string;
  readonly createTopics?: boolean;
}

export function addCheck(program: Command, context: VerbContext): void {
  program
    .command('check')
    .description('the configuration in force, what is reachable, and whether an agent could be stopped right now')
    .option('--config <file>', 'configuration')
    .option('--data <dir>', "data directory; the configuration's by default")
    .option('--create-topics', 'make the topics that are missing, where the log is on Kafka')
    .action((options: Options) => check(context, options));
}

async function check({ terminal, failed }: VerbContext, options: Options): Promise<void> {
  const setup = loadSetup(options);
  const makesTopics = options.createTopics === true;
  const looks = [...lookAtFiles(setup), lookAtDirectory(setup.dataDir)];
  looks.push(...(await lookAtTopics(setup, makesTopics)));
  const history = await lookAtStore(setup);
  looks.push(history);
  const { server, connectors = [], stoppable } = await lookAtServer(setup);
  looks.push(server, ...connectors);
  terminal.emit({ configuration: withoutSecrets(setup.config), looks, stoppable });
  if (terminal.rich) show(terminal, setup, looks, stoppable);
  // Everything else may wait for the topics, and nothing but history waits for ClickHouse: it may come up later.
  const counted = makesTopics ? looks.filter((look) => look !== history) : looks;
  if (counted.some(({ ok }) => ok === false)) failed();
}

function lookAtFiles({ source, policy, policyPath, startModel, modelPath }: Setup): Look[] {
  const { stopsMax, intervalMs } = policy.brakes;
  const brakes = `at most ${stopsMax} automatic stops in ${intervalMs / 60_000} min`;
  const rules = `${policy.rules.length} rules`;
  return [
    { what: 'configuration', ok: true, words: source },
    { what: 'policy', ok: true, words: `${policy.name}, mode ${policy.mode}, ${rules}, ${brakes} (${policyPath})` },
    { what: 'limits', ok: true, words: limitsWords(policy) },
    { what: 'start model', ok: true, words: `${startModel.version} (${modelPath ?? 'built in'})` },
  ];
}

/** What single calls are held to, and how the policy climbs. */
function limitsWords({ permissions = [], restricted, unregistered = 'allow', twoPeople, ladder }: Policy): string {
  const named =
    permissions.length === 0 ? 'no permissions' : `permissions ${permissions.map(({ name }) => name).join(', ')}`;
  const others = unregistered === 'deny' ? 'the unregistered are refused' : 'the unregistered may call';
  const narrow = restricted === undefined ? 'under restrict: what is registered' : 'under restrict: as the policy says';
  const people = (twoPeople ?? ['revoke']).includes('revoke') ? 'two people revoke' : 'one person revokes';
  const days = ladder === undefined ? null : ladder.promoteAfterMs / 86_400_000;
  return [named, others, narrow, people, days === null ? 'no ladder' : `a ladder, ${days} days a step`].join('; ');
}

function lookAtDirectory(dir: string): Look {
  const what = 'data directory';
  try {
    const exists = existsSync(dir);
    const there = nearestExisting(dir);
    if (!statSync(there).isDirectory()) return { what, ok: false, words: `${there} is no folder` };
    accessSync(there, constants.W_OK);
    return { what, ok: true, words: exists ? `${dir} is writable` : `${dir} is not there yet and can be made` };
  } catch {
    return { what, ok: false, words: `${dir} is not writable` };
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/**
 * Who serves the directory, in words; null: nobody. Among several nobody locks it, and the note that was left says so;
 * else the lock is taken for a moment to find out.
 */
function holderOf({ config, dataDir: dir }: Setup): string | null {
  if (!existsSync(dir)) return null;
  if (config.log.kind === 'kafka') {
    const pid = readServerNote(dir)?.pid;
    return pid !== undefined && isAlive(pid) ? `process ${pid} serves ${dir}` : null;
  }
  try {
    lockDirectory(dir).release();
    return null;
  } catch (error) {
    return error instanceof KilldeerError && error.code === 'log.locked' ? error.message : null;
  }
}

interface Seen {
  readonly server: Look;
  /** Left out: it was not asked. */
  readonly connectors?: readonly Look[];
  readonly stoppable: { readonly yes: boolean; readonly words: string };
}

async function lookAtServer(setup: Setup): Promise<Seen> {
  const what = 'server';
  const { dataDir } = setup;
  const holder = holderOf(setup);
  const no = (words: string) => ({ yes: false, words });
  if (holder === null) {
    const server = { what, ok: null, words: `none serves ${dataDir}` };
    return { server, stoppable: no('no: no server runs here, so nobody answers /v1/decide') };
  }
  const address = readServerNote(dataDir)?.address;
  if (address === undefined) {
    return {
      server: { what, ok: false, words: `${holder}, but it has left no address` },
      stoppable: no('no: it cannot be reached'),
    };
  }
  try {
    const client = clientOf({ data: dataDir }, 'responder');
    const [{ ready, stop }, brakes, { drills }, places, sinks] = [
      await readiness(address),
      await client.brakes(),
      await client.drills(),
      await client.connectors(),
      await client.sinks(),
    ];
    const connectors = [...lookAtConnectors(places), ...lookAtSinks(sinks)];
    const server = { what, ok: ready === null, words: `${address}: ${ready ?? 'ready'}` };
    if (ready !== null) return { server, connectors, stoppable: no(`no: the server is not ready (${ready})`) };
    if (stop !== null) return { server, connectors, stoppable: no(`not surely: ${stop} (try killdeer drill)`) };
    return {
      server,
      connectors,
      stoppable: { yes: true, words: `${modeWords(brakes)}; ${drillWords(drills.at(-1))}` },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const words = `${address}: ${reason} (tokens: ${tokensPath(dataDir)})`;
    return { server: { what, ok: false, words }, stoppable: no('unknown: the server did not answer') };
  }
}

/** One row each; where another process delivers, or none is configured, there is none to look at. */
function lookAtConnectors({ places, addressees }: ConnectorsAnswer): Look[] {
  const trouble = (words: string | null): string => (words === null ? '' : `; last error: ${words}`);
  return [
    ...places.map(({ name, kind, breaker, watched, unverified, last_error: error }) => ({
      what: `connector ${name}`,
      ok: breaker === 'closed' && unverified === 0,
      words: `${kind}, breaker ${breaker}, ${watched} stops in force, ${unverified} not${trouble(error)}`,
    })),
    ...addressees.map(({ name, kind, breaker, backlog, last_error: error }) => ({
      what: `connector ${name}`,
      ok: breaker === 'closed',
      words: `${kind}, breaker ${breaker}, ${backlog} to be told${trouble(error)}`,
    })),
  ];
}

/** null: ready, and an agent could be stopped; else why not. */
async function readiness(address: string): Promise<{ ready: string | null; stop: string | null }> {
  const response = await fetch(new URL('/readyz', address), { signal: AbortSignal.timeout(5_000) });
  const { reason, stop } = (await response.json()) as {
    reason?: unknown;
    stop?: { ok: boolean; reason: string | null };
  };
  return { ready: response.ok ? null : String(reason), stop: stop?.ok === false ? String(stop.reason) : null };
}

/** What the newest drill found. */
function drillWords(drill: DrillAnswer | undefined): string {
  const refused = drill?.stages.find(({ stage }) => stage === 'refused');
  if (drill === undefined || refused === undefined) return 'never drilled (killdeer drill)';
  const seen = `${milliseconds(refused.p50_ms)} until the first refusal, ${milliseconds(refused.p99_ms)} at most in 99 of 100`;
  return `drilled on ${new Date(drill.started_ms).toISOString()}: ${seen}`;
}

function modeWords({ mode, left, open }: { mode: string; left: number; open: boolean }): string {
  if (mode !== 'enforce') return `by a person, yes; automatically no: the mode is ${mode}`;
  if (open) return 'by a person, yes; automatically not now: the breaker is open (killdeer brakes)';
  return `yes: by a person, and automatically ${left} more in this interval`;
}

/** A seed of hashes that others know lets them craft collisions. */
function withoutSecrets(config: Config): unknown {
  const { hash_seed: seed, ...rest } = config.detection;
  return { ...config, detection: { ...rest, hash_seed: seed === null ? null : '(not shown)' } };
}

/** Where the words of the table begin. */
const WORDS_AT = 24;

function show(
  terminal: Terminal,
  setup: Setup,
  looks: readonly Look[],
  stoppable: { yes: boolean; words: string },
): void {
  const { paint } = terminal;
  terminal.say(paint.dim(stringify(withoutSecrets(setup.config)).trimEnd()));
  terminal.say('');
  const marks = { true: paint.green('ok'), false: paint.red('broken'), null: paint.dim('none') };
  terminal.table(
    [],
    looks.map(({ what, ok, words }) => [what, marks[`${ok}`], terminal.wrap(words, WORDS_AT)]),
  );
  terminal.say('');
  const answer = stoppable.yes ? paint.green(stoppable.words) : paint.yellow(stoppable.words);
  terminal.say(`Could an agent be stopped right now? ${answer}`);
}
