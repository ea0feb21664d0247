/**
 * Trains the model that new installations start from: recordings are replayed with learning, and what holds for all
 * their agents (laws of daily maxima, tails, counts per window) is averaged. Nothing of a single agent is kept.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { F, Profile, WINDOW_COUNT, WINDOW_STEP_4, WINDOW_STEP_8 } from '../agent/layout.js';
import { type Config, settingsDigest, settingsOf } from '../config.js';
import type { Policy } from '../decide/policy.js';
import type { CohortModel, DayLaw, TailLaw } from '../detect/model.js';
import type { EngineState } from '../engine/state.js';
import { isRejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { type DaySample, Laws } from '../learn/laws.js';
import { modelToJson } from '../learn/model-file.js';
import { neutralModel } from '../learn/neutral-model.js';
import { openRecording } from '../pipeline/recording.js';
import { openScratchShelf, replayerOptions } from '../pipeline/replay.js';
import { Replayer } from '../pipeline/replayer.js';
import { FOLD } from './replay.js';

export interface TrainingOptions {
  readonly config: Config;
  readonly policy: Policy;
  readonly prices: PriceTable;
}

/** One recording of a card, with what was measured on it. */
export interface CardRecording {
  readonly name: string;
  /** SHA-256 of the uncompressed lines. */
  readonly digest: string;
  readonly events: number;
  readonly agents: number;
  readonly agentDays: number;
  /** Pages a day and agent while it learned from nothing, injected attacks included. */
  readonly pagesPerAgentDay: number;
  readonly notices: number;
}

/** What a person should know of a model before using it. */
export interface ModelCard {
  readonly model: string;
  readonly purpose: string;
  readonly configuration: string;
  readonly recordings: readonly CardRecording[];
  readonly limits: string;
}

interface Measured {
  readonly days: readonly DayLaw[];
  readonly tails: readonly TailLaw[];
  readonly windowMean: readonly number[];
  readonly windowSquare: readonly number[];
  readonly card: CardRecording;
}

/** Trains on recordings (FILE or DIR each), in the order given; `told` is called after each. */
export async function train(
  recordings: readonly string[],
  options: TrainingOptions,
  told: (card: CardRecording) => void,
): Promise<{ readonly model: CohortModel; readonly card: ModelCard }> {
  const measured: Measured[] = [];
  for (const recording of recordings) {
    const one = await measure(recording, options);
    measured.push(one);
    told(one.card);
  }
  const model = average(measured);
  const card: ModelCard = {
    model: model.version,
    purpose: 'laws that a fleet nobody has watched yet starts from; replaced by its own within days',
    configuration: settingsDigest(settingsOf(options.config, options.policy)),
    recordings: measured.map((one) => one.card),
    limits:
      'the mean of these recordings: no cohorts, no agents, no hours of the day; whatever attacks they hold were not removed',
  };
  return { model, card };
}

async function measure(path: string, options: TrainingOptions): Promise<Measured> {
  const { config, policy, prices } = options;
  const recording = await openRecording(path, prices);
  const scratch = await openScratchShelf();
  try {
    const samples: DaySample[] = [];
    const start = neutralModel();
    const replayer = new Replayer(
      replayerOptions({ config, policy, startModel: start, registry: FOLD }, scratch.shelf),
      {
        after: (_record, _offset, outcome) => {
          for (const sample of outcome.samples) if (sample.kind === 'day') samples.push(sample);
        },
      },
    );
    const hash = createHash('sha256');
    let lines = 0;
    for await (const batch of recording.batches(0)) {
      batch.decoded.forEach((event, i) => {
        const text = batch.lines[i];
        hash.update(`${typeof text === 'string' ? text : ''}\n`);
        lines++;
        if (event === null) return;
        if (isRejection(event)) replayer.reject(event, null);
        else replayer.take(event, batch.first + i, typeof text === 'string' ? text : '');
      });
    }
    replayer.finish();
    const summary = replayer.summary({ lines, wallMs: 0, eventsHere: replayer.counts.events, resumedAt: 0 });
    const laws = new Laws(Number.POSITIVE_INFINITY, options.config.detection.pages_per_agent_day);
    for (const sample of samples.sort(inOrder)) laws.learn(sample, start.days);
    return {
      ...laws.laws(start),
      ...windowsOf(replayer.engine.inside),
      card: {
        name: basename(path),
        digest: hash.digest('hex'),
        events: summary.events,
        agents: summary.agents,
        agentDays: summary.agentDays,
        pagesPerAgentDay: round(summary.pagesPerAgentDay),
        notices: summary.findings - summary.pages,
      },
    };
  } finally {
    await scratch.close();
  }
}

/** Mean over the agents that have counted at all, each as much as another. */
function windowsOf({ table }: EngineState): Pick<Measured, 'windowMean' | 'windowSquare'> {
  const mean = new Array<number>(WINDOW_COUNT).fill(0);
  const square = new Array<number>(WINDOW_COUNT).fill(0);
  const agents = new Array<number>(WINDOW_COUNT).fill(0);
  const profile = new Profile();
  for (const slot of table.oldestFirst()) {
    table.aim(profile, slot);
    for (let w = 0; w < WINDOW_COUNT; w++) {
      if (profile.f32[profile.at4 + F.windowWeight + WINDOW_STEP_4 * w] === 0) continue;
      agents[w]++;
      mean[w] += profile.f64[profile.at8 + F.windowMean + WINDOW_STEP_8 * w];
      square[w] += profile.f64[profile.at8 + F.windowSquare + WINDOW_STEP_8 * w];
    }
  }
  const perAgent = (sum: number, w: number) => (agents[w] === 0 ? 0 : sum / agents[w]);
  return { windowMean: mean.map(perAgent), windowSquare: square.map(perAgent) };
}

function average(all: readonly Measured[]): CohortModel {
  const mean = (of: (one: Measured) => number) => round(all.reduce((sum, one) => sum + of(one), 0) / all.length);
  const [first] = all;
  const laws = {
    days: first.days.map((_, d) => ({
      mean: mean((one) => one.days[d].mean),
      share: mean((one) => one.days[d].share),
      within: mean((one) => one.days[d].within),
      between: mean((one) => one.days[d].between),
    })),
    tails: first.tails.map((_, d) => ({
      share: mean((one) => one.tails[d].share),
      from: mean((one) => one.tails[d].from),
      stretch: mean((one) => one.tails[d].stretch),
    })),
    windowMean: first.windowMean.map((_, w) => mean((one) => one.windowMean[w])),
    windowSquare: first.windowSquare.map((_, w) => mean((one) => one.windowSquare[w])),
    bar: 1,
  };
  const nobody = { cohortOf: new Map(), cohorts: [], targets: new Map(), users: new Map() };
  const unnamed: CohortModel = { version: '', ...nobody, ...laws };
  const digest = createHash('sha256')
    .update(JSON.stringify(modelToJson(unnamed)))
    .digest('hex');
  return { ...unnamed, version: `cold-start-${digest.slice(0, 8)}` };
}

/** Six significant digits: more would be noise, and unreadable. */
function round(x: number): number {
  return Number(x.toPrecision(6));
}

/** The order that learning is defined in. */
function inOrder(a: DaySample, b: DaySample): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  return a.agent < b.agent ? -1 : a.agent > b.agent ? 1 : 0;
}
