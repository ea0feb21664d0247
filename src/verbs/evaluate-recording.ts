/** One recording for `evaluate`: replayed as `killdeer replay` does it, and judged against its labels. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DETECTORS } from '../agent/layout.js';
import { type Finding, isPage } from '../decide/finding.js';
import type { CohortModel } from '../detect/model.js';
import { KilldeerError } from '../errors.js';
import { isRejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { parseTime } from '../event/time.js';
import type { DaySample } from '../learn/laws.js';
import { openRecording } from '../pipeline/recording.js';
import { replay } from '../pipeline/replay.js';
import { trueDay } from '../score/calibrate.js';
import { type CalibrationTally, CleanDays } from '../tune/calibration.js';
import { type Judged, judge } from '../tune/judge.js';
import { type Label, parseLabels, parseTrainUntil } from '../tune/labels.js';
import { createRule, RULES, type RuleName } from '../tune/rules.js';
import { SessionWatch } from '../tune/session-auc.js';
import { type Facts, Traffic } from '../tune/traffic.js';
import type { Raised } from '../tune/windows.js';
import { FOLD, importsOf } from './replay.js';
import { loadSetup, type Setup, type SetupOptions } from './setup.js';

/** Everything that decides what comes out; plain values, so that a thread can be handed it. */
export interface EvaluationTask {
  /** Folder with events.jsonl(.gz), labels.json and perhaps key.json and registry.json. */
  readonly recording: string;
  /** False pages per agent-day; null: the configuration's. */
  readonly budget: number | null;
  /** Files of configuration, policy and start model. */
  readonly setup: SetupOptions;
  /** Whether to tell the agents of registry.json, where the folder has one. */
  readonly withRegistry: boolean;
  readonly unbound: boolean;
  /** Whether to count how true the stated probabilities were. */
  readonly calibration: boolean;
}

/** What one task came to. */
export interface Evaluation {
  readonly recording: string;
  readonly budget: number;
  readonly judged: Judged;
  /** The trivial rules on the same recording. */
  readonly rules: Readonly<Record<RuleName, Judged>>;
  /** Null where it was not asked for. */
  readonly calibration: CalibrationTally | null;
}

/** What is known of a recording beside its events. */
interface Known {
  readonly labels: readonly Label[];
  /** ms since the epoch; null: not said. */
  readonly trainUntilMs: number | null;
}

/** Of the work on a recording, reading it for the labels; the replay is the rest. */
const READING_SHARE = 0.25;

/**
 * `told` hears how far it is, 0 to 1. Rejects with 'recording.unreadable' where the events or labels cannot be had, and
 * with what loadSetup and replay throw.
 */
export async function evaluateRecording(task: EvaluationTask, told: (part: number) => void): Promise<Evaluation> {
  const { recording } = task;
  const known = readKnown(recording);
  const setup = setupOf(task);
  const { facts, rulePages } = await readTraffic(recording, known, setup.prices, (part) => told(part * READING_SHARE));
  const raised: Raised[] = [];
  const watch = new SessionWatch(known.labels, facts.startMs);
  const days = task.calibration ? new CleanDays(known.labels, DETECTORS, facts.startMs) : null;
  await replay({
    ...setup,
    recording,
    registry: FOLD,
    findingsPath: null,
    bound: !task.unbound,
    registryImport: importsOf(registryOf(task)),
    onFinding: (finding) => {
      raised.push(raisedOf(finding));
    },
    onScored: ({ agent, session }, p) => watch.take(agent, session, p),
    ...(days === null ? {} : { onDay: (day, model) => takeDay(days, day, model) }),
    onProgress: ({ bytesRead, bytes }) => {
      told(READING_SHARE + (1 - READING_SHARE) * (bytesRead / Math.max(1, bytes)));
    },
  });
  return {
    recording,
    budget: setup.config.detection.pages_per_agent_day,
    judged: judge(known.labels, facts, raised, watch.surprises()),
    rules: rulesOf((name) => judge(known.labels, facts, rulePages[name])),
    calibration: days?.tally() ?? null,
  };
}

/** Labels name no tenant: agents of one name are one. */
function takeDay(days: CleanDays, { agent, timeMs, surprise }: DaySample, model: CohortModel): void {
  days.take(agent.slice(agent.indexOf('\u0000') + 1), timeMs, trueDay(surprise, model));
}

/** Labels and the end of the training days. Throws 'recording.unreadable', which names the file and the member. */
export function readKnown(recording: string): Known {
  const labels = join(recording, 'labels.json');
  const parsed = parseLabels(readJson(labels));
  if ('problem' in parsed) throw new KilldeerError('recording.unreadable', `${labels}: ${parsed.problem}`);
  const key = join(recording, 'key.json');
  if (!existsSync(key)) return { labels: parsed.labels, trainUntilMs: null };
  const until = parseTrainUntil(readJson(key));
  if ('problem' in until) throw new KilldeerError('recording.unreadable', `${key}: ${until.problem}`);
  return { labels: parsed.labels, trainUntilMs: until.trainUntilMs };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('recording.unreadable', `${path} cannot be read as JSON: ${reason}`, error);
  }
}

function setupOf({ budget, setup: options }: EvaluationTask): Setup {
  const setup = loadSetup(options);
  if (budget === null) return setup;
  const detection = { ...setup.config.detection, pages_per_agent_day: budget };
  return { ...setup, config: { ...setup.config, detection } };
}

function registryOf({ recording, withRegistry }: EvaluationTask): string | undefined {
  const path = join(recording, 'registry.json');
  return withRegistry && existsSync(path) ? path : undefined;
}

async function readTraffic(
  path: string,
  { labels, trainUntilMs }: Known,
  prices: PriceTable,
  told: (part: number) => void,
): Promise<{ facts: Facts; rulePages: Readonly<Record<RuleName, readonly Raised[]>> }> {
  const recording = await openRecording(path, prices);
  const traffic = new Traffic(labels, trainUntilMs);
  const rules = rulesOf(createRule);
  for await (const { decoded } of recording.batches(0)) {
    for (const event of decoded) {
      if (event === null || isRejection(event)) continue;
      traffic.take(event);
      for (const name of RULES) rules[name].take(event, traffic.judgedFromMs);
    }
    told(recording.bytesRead() / Math.max(1, recording.bytes));
  }
  const facts = traffic.facts();
  if (facts === null) throw new KilldeerError('recording.unreadable', `${path} holds no event`);
  return { facts, rulePages: rulesOf((name) => rules[name].pages) };
}

function rulesOf<T>(of: (name: RuleName) => T): Readonly<Record<RuleName, T>> {
  return Object.fromEntries(RULES.map((name) => [name, of(name)])) as Record<RuleName, T>;
}

function raisedOf({ id, time, agent, session, severity, p }: Finding): Raised {
  return { id, timeMs: parseTime(time), agent, session, isPage: isPage(severity), p };
}
