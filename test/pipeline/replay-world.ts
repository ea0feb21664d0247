/** A small recording with something to find in it, and the options to replay it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { compilePolicy } from '../../src/decide/compile-policy.js';
import type { Policy } from '../../src/decide/policy.js';
import { createPriceTable } from '../../src/event/prices.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import type { ReplayOptions } from '../../src/pipeline/replay.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';

export const FOLD = { create: () => createFold(), restore: (snapshot: unknown) => restoreFold(snapshot) };
export const PRICES = createPriceTable([]);

/** Stops for an hour whatever is found. */
export const STOPPING: Policy = compiled(`
name: stopping
mode: enforce
brakes: { stops_max: 2, interval: 1h, cooldown: 10m }
protected: []
rules:
  - name: all
    when: { severity: low, p_max: 1 }
    do: { action: suspend, for: 1h }
`);

function compiled(text: string): Policy {
  const result = compilePolicy(text, 'stopping');
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.policy;
}

/** Alert budgets that make a small recording talk, and a table too small for its agents. */
export const TALKATIVE = parseConfig(
  { detection: { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5, agents_max: 2 } },
  'test',
);

export async function freshDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'killdeer-replay-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Three agents, four days, two retry loops; about 5,000 lines. */
export const LINES: readonly string[] = Array.from(
  createSimulation(simulationOptions('retry-loop', { agents: 3, days: 4 })).events(),
  (event) => JSON.stringify(event),
);

/** Writes lines as DIR/events.jsonl; returns the folder. */
export async function recordingOf(lines: readonly string[], folder?: string): Promise<string> {
  const dir = folder ?? (await freshDir());
  await writeFile(join(dir, 'events.jsonl'), lines.map((line) => `${line}\n`).join(''));
  return dir;
}

export function optionsFor(recording: string, more: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    recording,
    config: TALKATIVE,
    policy: STOPPING,
    startModel: neutralModel(),
    prices: PRICES,
    registry: FOLD,
    findingsPath: null,
    ...more,
  };
}

/** Options with every output in `dir`. */
export function writingTo(dir: string, recording: string, more: Partial<ReplayOptions> = {}): ReplayOptions {
  return optionsFor(recording, {
    findingsPath: join(dir, 'findings.jsonl'),
    decisionsPath: join(dir, 'decisions.jsonl'),
    deadLetterPath: join(dir, 'dead-letter.jsonl'),
    ...more,
  });
}

export interface Written {
  readonly findings: string;
  readonly decisions: string;
  readonly deadLetter: string;
}

export async function writtenIn(dir: string): Promise<Written> {
  const [findings, decisions, deadLetter] = await Promise.all(
    ['findings', 'decisions', 'dead-letter'].map((name) => readFile(join(dir, `${name}.jsonl`), 'utf8')),
  );
  return { findings, decisions, deadLetter };
}

export const parsed = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
