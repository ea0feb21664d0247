/**
 * What the measurements of detection run on: everything that `killdeer replay` does with a recording, with the default
 * configuration, the shipped model and the shipped policy that stops, fed with events as they are made.
 */
import { readFileSync } from 'node:fs';
import { parseConfig } from '../../src/config.js';
import { compilePolicy } from '../../src/decide/compile-policy.js';
import { type Finding, isPage } from '../../src/decide/finding.js';
import type { Policy } from '../../src/decide/policy.js';
import type { CohortModel } from '../../src/detect/model.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { AgentEvent } from '../../src/event/event.js';
import type { DaySample } from '../../src/learn/laws.js';
import { modelFromJson } from '../../src/learn/model-file.js';
import type { ReplayDecision } from '../../src/pipeline/replay-summary.js';
import { type RegistryImport, Replayer } from '../../src/pipeline/replayer.js';
import { createMemoryShelf } from '../../src/pipeline/shelf.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';

const root = new URL('../../', import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** Default configuration: what nobody set. */
export const CONFIG = parseConfig({}, 'measurement');
/** The model that a fleet nobody has watched yet starts from. */
export const COLD_START: CohortModel = loadModel();
/** The shipped policy that stops. */
export const ENFORCE: Policy = loadPolicy();

function loadModel(): CohortModel {
  const model = modelFromJson(JSON.parse(text('models/cold-start.json')));
  if (typeof model === 'string') throw new Error(model);
  return model;
}

function loadPolicy(): Policy {
  const compiled = compilePolicy(text('policies/enforce.yaml'), 'enforce.yaml');
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  return compiled.policy;
}

/** What was said and done. */
export interface Outcome {
  readonly findings: readonly Finding[];
  readonly decisions: readonly ReplayDecision[];
  readonly events: number;
}

export interface PlayOptions {
  readonly agents?: readonly RegistryImport[];
  /** Looks into the engine after each event. */
  readonly look?: (engine: PartitionEngine, event: AgentEvent) => void;
  /** After every closed day of an agent, with the model in force. */
  readonly onDay?: (day: DaySample, model: CohortModel) => void;
}

/** Plays events, which must be in order. */
export function play(events: Iterable<AgentEvent>, { agents = [], look, onDay }: PlayOptions = {}): Outcome {
  const findings: Finding[] = [];
  const decisions: ReplayDecision[] = [];
  const replayer = new Replayer(
    {
      config: CONFIG,
      policy: ENFORCE,
      startModel: COLD_START,
      bound: true,
      registryImport: agents,
      registry: { create: () => createFold(), restore: (snapshot) => restoreFold(snapshot) },
      shelf: createMemoryShelf(),
    },
    {
      finding: (finding) => findings.push(finding),
      decision: (decision) => decisions.push(decision),
      after: (_record, _line, { samples }) => {
        for (const sample of samples) if (sample.kind === 'day') onDay?.(sample, replayer.engine.inside.model);
      },
    },
  );
  let count = 0;
  for (const event of events) {
    replayer.take(event, count++, '');
    look?.(replayer.engine, event);
  }
  replayer.finish();
  return { findings, decisions, events: count };
}

/** When a finding's line was caused, ms. */
export function timeOf(finding: Finding): number {
  return Date.parse(finding.time);
}

/** First line within a stretch of time that satisfies; null: none. */
export function firstWithin(
  findings: readonly Finding[],
  fromMs: number,
  toMs: number,
  wanted: (finding: Finding) => boolean = () => true,
): Finding | null {
  return findings.find((f) => timeOf(f) >= fromMs && timeOf(f) <= toMs && wanted(f)) ?? null;
}

/** Pages among findings. */
export function pagesOf(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => isPage(severity));
}
