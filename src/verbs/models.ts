/** `killdeer models ...`: the models there are, and the one that new installations start from. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { KilldeerError } from '../errors.js';
import { modelToJson } from '../learn/model-file.js';
import { readModel } from '../pipeline/model-folder.js';
import { writeRecording } from '../pipeline/write-recording.js';
import { createSimulation, simulationOptions } from '../simulate/simulation.js';
import { addModelChoice } from './model-choice.js';
import { loadSetup } from './setup.js';
import { COLD_START, shippedPath } from './shipped.js';
import { count, type Terminal } from './terminal.js';
import { train } from './train.js';
import { several, type VerbContext, wholeNumber } from './verb.js';

interface TrainOptions {
  readonly recording?: string[];
  readonly simulate?: string[];
  readonly agents: number;
  readonly days: number;
  readonly out: string;
  readonly config?: string;
}

export function addModels(program: Command, { terminal }: VerbContext): void {
  const models = program.command('models').description('cohort models: list them, train one for a cold start');
  models
    .command('list')
    .description('the models shipped, and those of a data directory')
    .option('--data <dir>', 'data directory', 'data')
    .action(({ data }: { data: string }) => list(terminal, data));
  addModelChoice(models, terminal);
  models
    .command('train')
    .description('make a cold-start model, and its card beside it, from recordings or from simulated fleets')
    .option('--recording <path...>', 'recordings to learn from', several)
    .option(
      '--simulate <seed...>',
      "also 'quiet' fleets of these seeds (no attacks), made in a temporary folder",
      several,
    )
    .option('--agents <n>', 'of each simulated fleet', wholeNumber('--agents', 1, 10_000), 24)
    .option('--days <n>', 'of each simulated fleet', wholeNumber('--days', 2, 366), 21)
    .option('--config <file>', 'configuration')
    .requiredOption('--out <file>', 'the model; its card goes to FILE.card.json')
    .action((options: TrainOptions) => trainModel(terminal, options));
}

async function list(terminal: Terminal, data: string): Promise<void> {
  const shipped = dirname(shippedPath(COLD_START));
  const found = [...(await modelsIn(shipped, 'shipped')), ...(await modelsIn(join(data, 'models'), data))];
  for (const model of found) terminal.emit(model);
  terminal.table(
    ['model', 'cohorts', 'agents', 'where'],
    found.map(({ version, cohorts, agents, where }) => [version, cohorts, agents, where]),
    [1, 2],
  );
}

async function modelsIn(folder: string, where: string) {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json') && !name.endsWith('.card.json')).sort();
  return files.map((name) => {
    const { version, cohorts, cohortOf } = readModel(join(folder, name));
    return { version, cohorts: cohorts.length, agents: cohortOf.size, where, file: join(folder, name) };
  });
}

async function trainModel(terminal: Terminal, options: TrainOptions): Promise<void> {
  const seeds = (options.simulate ?? []).map(wholeNumber('--simulate', 0, Number.MAX_SAFE_INTEGER));
  if (seeds.length === 0 && options.recording === undefined) {
    throw new KilldeerError('usage', 'nothing to learn from: name --recording or --simulate');
  }
  // The model that is about to be made is not there to start from.
  const { config, policy, prices } = loadSetup({ ...options, model: null });
  const scratch = await mkdtemp(join(tmpdir(), 'killdeer-models-'));
  try {
    const fleets = await simulateFleets(scratch, seeds, options);
    const { model, card } = await train(
      [...(options.recording ?? []), ...fleets],
      { config, policy, prices },
      (one) => {
        terminal.say(
          `${one.name}: ${count(one.events)} events, ${count(one.agents)} agents, ${count(one.agentDays)} agent-days`,
        );
      },
    );
    const path = resolve(options.out);
    await writeFile(path, `${JSON.stringify(modelToJson(model), null, 1)}\n`);
    await writeFile(cardPath(path), `${JSON.stringify({ ...card, simulated: simulated(seeds, options) }, null, 1)}\n`);
    terminal.emit({ ...card, file: path });
    terminal.say(`${model.version} in ${options.out}, its card in ${cardPath(options.out)}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function simulateFleets(scratch: string, seeds: readonly number[], { agents, days }: TrainOptions) {
  const paths: string[] = [];
  for (const seed of seeds) {
    const path = join(scratch, `quiet-${seed}`);
    await writeRecording(path, createSimulation(simulationOptions('quiet', { seed, agents, days })));
    paths.push(path);
  }
  return paths;
}

function simulated(seeds: readonly number[], { agents, days }: TrainOptions) {
  return seeds.length === 0 ? null : { scenario: 'quiet', seeds, agents, days };
}

function cardPath(path: string): string {
  return join(dirname(path), `${basename(path, '.json')}.card.json`);
}
