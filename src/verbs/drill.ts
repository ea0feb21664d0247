/** `killdeer drill`: can an agent be stopped, and how fast? Asked of a live system, through its API. */
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../api/client.js';
import { type DrillSubject, holdDrill } from '../api/drill-course.js';
import { type DrillStop, isProved, slowestProofMs } from '../api/drill-proof.js';
import type { DrillAnswer } from '../api/drill-schema.js';
import { drillView } from '../api/route-drills.js';
import { KilldeerError } from '../errors.js';
import { CANARY_LABEL } from '../registry/drill.js';
import { durationOf } from './agent.js';
import { addServerOptions, type ClientChoice, clientOf } from './data-directory.js';
import { count, type Terminal } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface Options extends ClientChoice {
  readonly rounds: number;
  readonly children: number;
  readonly canary: string;
  readonly patience: number;
}

/** What a person calls the stages. */
export const STAGE_WORDS: Readonly<Record<DrillAnswer['stages'][number]['stage'], string>> = {
  'applied': 'the stop is durable and answered',
  'refused': 'the canary is refused',
  'tree-refused': 'all its sub-agents are refused',
  'confirmed': 'every connector has confirmed it',
  'released': 'let go again, from the release',
};

export function addDrill(program: Command, context: VerbContext): void {
  const drill = program
    .command('drill')
    .description('stop a canary agent and its sub-agents, end to end, and tell how long it took');
  addServerOptions(
    drill.command('hold', { isDefault: true }).description('hold one now; exit code 1 where a stage was missed'),
  )
    .option('--rounds <n>', 'stops and releases', wholeNumber('--rounds', 1, 200), 20)
    .option('--children <n>', 'sub-agents of the canary', wholeNumber('--children', 0, 100), 3)
    .option(
      '--canary <agent>',
      `an agent with the label ${CANARY_LABEL}; made where it is not there`,
      'killdeer-canary',
    )
    .option('--patience <duration>', 'longest wait for one stage', durationOf, 10_000)
    .action((options: Options) => hold(context, options));
  addServerOptions(drill.command('list').description('the newest drills')).action((where: ClientChoice) =>
    list(context.terminal, where),
  );
}

async function hold({ terminal, failed }: VerbContext, options: Options): Promise<void> {
  const client = clientOf(options, 'responder');
  const admin = clientOf(options, 'admin');
  const bar = terminal.progress(options.rounds);
  const result = await holdDrill(subjectOf(client, admin), {
    ...{ canary: options.canary, children: options.children, rounds: options.rounds, patienceMs: options.patience },
    ...{ id: `d-${randomUUID()}`, clock: Date.now, now: () => performance.now(), sleep: (ms: number) => sleep(ms) },
    onRound: (done) => bar.update(done, `${count(done)} of ${count(options.rounds)} stops`),
  }).finally(() => bar.stop());
  const { way: _way, ok: _ok, ...report } = drillView(result);
  const kept = await client.reportDrill(report);
  terminal.emit(kept);
  show(terminal, kept);
  if (!kept.ok) failed();
}

/** The client stops, asks and releases as any other caller would; only making the canary takes an admin. */
function subjectOf(client: Client, admin: Client): DrillSubject {
  const { paced, ready } = createPace();
  let stop: DrillStop | null = null;
  // Places are told of agents that the registry knows, and nothing that a drill does makes it know another one.
  const unknown = new Set<string>();
  return {
    way: 'http',
    ready,
    prepare: async (canary) => {
      const known = await orUnknown(client.agent(canary));
      if (known?.labels.includes(CANARY_LABEL) === true) return;
      if (known?.registered === true) throw notACanary(canary);
      await admin.register(canary, { owner: 'killdeer', labels: [CANARY_LABEL] });
    },
    stop: async (canary, forMs) => {
      stop = null;
      const answer = await paced(client).stop(canary, {
        action: 'suspend',
        reason: 'a drill',
        for_ms: forMs,
        key: randomUUID(),
      });
      requireApplied(answer.effect, answer.reason);
      stop = { canary, version: answer.agent?.version ?? 0 };
    },
    release: async (canary) => {
      const answer = await paced(client).release(canary, { reason: 'the drill is over', key: randomUUID() });
      requireApplied(answer.effect, answer.reason);
    },
    isAllowed: async (agent) => (await client.decide({ agent })).allow,
    proofMs: async (canary) => slowestProofMs((await proofOf(client, canary))?.carriers ?? []),
    isConfirmed: async (agent) => {
      const proof = unknown.has(agent) ? null : await proofOf(paced(client), agent);
      if (proof === null) unknown.add(agent);
      return proof === null ? null : isProved(stop, agent, proof);
    },
  };
}

/** null: the registry does not know the agent. */
async function proofOf(client: Client, agent: string) {
  const answer = await orUnknown(client.effects(agent));
  if (answer === null) return null;
  return {
    places: answer.places.map(({ name }) => name),
    carriers: answer.places.map((place) => ({ verifyWithinMs: place.verify_within_ms })),
    effects: answer.effects.map(({ cascade_of: root, ...effect }) => ({ ...effect, root })),
  };
}

async function orUnknown<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KilldeerError && error.code === 'registry.unknown-agent') return null;
    throw error;
  }
}

/**
 * Calls that may come at once, and how many a second then: so far below what the API lets one token ask for that a drill
 * after a drill finds as much left as the first one did.
 */
const BURST = 10;
const PER_SECOND = 9;

/** A round waits for its turn before it begins: waiting within one would be measured. */
function createPace(): { paced(client: Client): Client; ready(): Promise<void> } {
  const fromMs = performance.now();
  let calls = 0;
  return {
    paced: (client) => {
      calls += 1;
      return client;
    },
    ready: async () => {
      const earnedMs = (Math.max(0, calls - BURST) / PER_SECOND) * 1_000;
      const waitMs = earnedMs - (performance.now() - fromMs);
      if (waitMs > 0) await sleep(waitMs);
    },
  };
}

export function notACanary(canary: string): KilldeerError {
  return new KilldeerError(
    'usage',
    `${canary} is registered without the label ${CANARY_LABEL}: a drill would stop real work`,
  );
}

function requireApplied(effect: string, reason: string | null): void {
  if (effect !== 'applied') throw new KilldeerError('registry.refused', reason ?? effect);
}

function show(terminal: Terminal, drill: DrillAnswer): void {
  const { paint } = terminal;
  const rows = drill.stages.map((stage) => [
    STAGE_WORDS[stage.stage],
    milliseconds(stage.p50_ms),
    milliseconds(stage.p99_ms),
    milliseconds(stage.max_ms),
    stage.missed === 0
      ? paint.green(`${stage.reached} of ${stage.reached}`)
      : paint.red(`${stage.reached} of ${stage.reached + stage.missed}`),
  ]);
  terminal.table(['from the moment the stop was asked for', 'p50', 'p99', 'most', 'reached'], rows, [1, 2, 3]);
  const trees = `${count(drill.rounds)} stops of ${drill.canary} and ${count(drill.children)} sub-agents`;
  terminal.say(
    drill.ok
      ? paint.green(`${trees}: each was in force, and each was lifted`)
      : paint.red(`${trees}: not each came through; killdeer check says what stands in the way`),
  );
}

/** Whole where that tells enough. */
export function milliseconds(ms: number | null): string {
  return ms === null ? '-' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

async function list(terminal: Terminal, where: ClientChoice): Promise<void> {
  const { drills } = await clientOf(where, 'responder').drills();
  for (const drill of drills) terminal.emit(drill);
  const rows = drills.map((drill) => {
    const refused = drill.stages.find(({ stage }) => stage === 'refused');
    return [
      ...[new Date(drill.started_ms).toISOString(), drill.canary, drill.way, drill.rounds],
      ...[milliseconds(refused?.p50_ms ?? null), milliseconds(refused?.p99_ms ?? null), drill.ok ? 'yes' : 'no'],
    ];
  });
  terminal.table(['when', 'canary', 'held', 'rounds', 'refused p50', 'p99', 'all reached'], rows, [3, 4, 5]);
  terminal.say(`${count(drills.length)} drills`);
}
