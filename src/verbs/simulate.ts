/** `killdeer simulate`: a labelled fleet, written as a recording. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { writeRecording } from '../pipeline/write-recording.js';
import { SCENARIOS, type Scenario } from '../simulate/scenario.js';
import { createSimulation, registryRows, simulationOptions } from '../simulate/simulation.js';
import { count } from './terminal.js';
import { type VerbContext, wholeNumber } from './verb.js';

interface Options {
  readonly out: string;
  readonly seed?: number;
  readonly agents?: number;
  readonly days?: number;
}

export function addSimulate(program: Command, context: VerbContext): void {
  program
    .command('simulate')
    .description('write a simulated, labelled fleet as a recording (docs/simulate.md)')
    .argument('<scenario>', SCENARIOS.join(', '))
    .requiredOption('--out <dir>', 'folder of the recording')
    .option('--seed <n>', 'everything that is drawn; 1 by default', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER))
    .option('--agents <n>', 'size of the fleet', wholeNumber('--agents', 1, 10_000))
    .option('--days <n>', 'length in days', wholeNumber('--days', 2, 366))
    .action(async (scenario: string, options: Options) => simulate(scenario as Scenario, options, context));
}

/** Writes the recording, and beside it registry.json: what people would have told of the fleet. */
async function simulate(scenario: Scenario, options: Options, { terminal }: VerbContext): Promise<void> {
  const { out, seed, agents, days } = options;
  const wanted = Object.entries({ seed, agents, days }).filter(([, value]) => value !== undefined);
  const simulation = createSimulation(simulationOptions(scenario, Object.fromEntries(wanted)));
  const meta = await writeRecording(out, simulation);
  await writeFile(join(out, 'registry.json'), `${JSON.stringify(registryRows(simulation.key), null, 2)}\n`);
  terminal.emit({ recording: out, ...meta });
  const { options: made } = simulation;
  terminal.say(
    `${count(meta.events)} events of ${made.agents} agents over ${made.days} days, ${meta.labels} labels, in ${out}`,
  );
}
