/** `killdeer demo`: the recording that is shipped, played through the whole live machinery, told as it happens. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import type { Client } from '../api/client.js';
import { KilldeerError } from '../errors.js';
import type { Label } from '../simulate/simulation.js';
import { clientOf } from './data-directory.js';
import { DemoStory } from './demo-story.js';
import { importOf, readRegistryFile } from './registry-file.js';
import { createReport, sayLogin } from './run.js';
import { type Served, serve } from './serve.js';
import { loadSetup } from './setup.js';
import { shippedPath } from './shipped.js';
import { count, type Terminal } from './terminal.js';
import { untilStopped, type VerbContext } from './verb.js';
import { momentText } from './voice.js';

interface Options {
  readonly exit?: boolean;
  /** Times as fast as recorded; infinite: as fast as it can be scored. */
  readonly speed: number;
}

/** The recording's stories take half a minute of a person's time. */
const SPEED = 1_800;
const RECORDING = 'replay/demo';
/** Shown at the chosen speed around the stories: before the first and after the last, ms. */
const LEAD_MS = 15 * 60_000;
const TRAIL_MS = 20 * 60_000;
/** Lines between two looks at the progress. */
const PROGRESS_LINES = 200;

export function addDemo(program: Command, { terminal }: VerbContext): void {
  program
    .command('demo')
    .description('play ten recorded days of twelve agents, four of which go wrong on the last')
    .option('--exit', 'end after the summary instead of serving on')
    .option('--speed <x>', "how fast the last day is played, times real time, or 'max'", readSpeed, SPEED)
    .action((options: Options) => demo(terminal, options));
}

function readSpeed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (speed >= 1 && speed <= 1e6) return speed;
  throw new KilldeerError('usage', `--speed ${text}: not a number from 1 to 1000000, nor max`);
}

async function demo(terminal: Terminal, options: Options): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'killdeer-demo-'));
  const stopped = untilStopped();
  try {
    const story = new DemoStory(terminal);
    const served = await serve({
      setup: loadSetup({ policy: 'enforce', data: dir }),
      dir,
      clock: 'recording',
      history: false,
      port: 0,
      onFinding: (finding) => story.finding(finding),
      onChange: (change) => story.change(change),
      report: createReport(terminal, { write: (line) => terminal.complain(line) }),
    });
    try {
      await play(terminal, served, story, clientOf({ data: dir }, 'gateway'), options, stopped);
      if (options.exit === true || story.isCut) return;
      story.invite(served.address, dir);
      sayLogin(terminal, served.loginUrl);
      await stopped;
    } finally {
      await served.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function play(
  terminal: Terminal,
  { live, address }: Served,
  story: DemoStory,
  gateway: Client,
  options: Options,
  stopped: Promise<unknown>,
): Promise<void> {
  const stage = readStage();
  terminal.emit({ type: 'started', address });
  terminal.say('Ten recorded days of twelve agents, played through log, engine, registry and API; policy enforce.');
  terminal.say(
    terminal.paint.dim(`What is normal is learned on the way. On the last day four go wrong. API: ${address}`),
  );
  terminal.say('');
  story.ask = (tenant, agent) => gateway.decide({ ...(tenant === '' ? {} : { tenant }), agent });
  void stopped.then(() => story.cut());
  const startedMs = performance.now();
  const progress = terminal.progress(stage.end);
  const part = (from: number, to: number) => story.lines(told(stage, from, to, progress));
  try {
    // The first event starts the clock, on which people then describe their agents.
    await live.feed(part(0, 1));
    for (const described of readRegistryFile(shippedPath(`${RECORDING}/registry.json`)).map(importOf)) {
      const by = { actor: 'person:demo', authority: 'system', parent: null };
      await live.registry.write({ type: 'register', ifVersion: null, tenant: '', ...described, ...by });
    }
    await live.feed(part(1, stage.paced));
    await live.drained();
    await live.feed(part(stage.paced, stage.end), Number.isFinite(options.speed) ? { speed: options.speed } : {});
    await live.drained();
    await story.settled();
  } finally {
    progress.stop();
  }
  story.summary(stage.end, performance.now() - startedMs, live.registry.view);
}

/** The recording's lines, where the paced part begins, and where the demo ends. */
interface Stage {
  readonly lines: readonly string[];
  readonly times: readonly string[];
  readonly paced: number;
  readonly end: number;
}

function readStage(): Stage {
  const text = gunzipSync(readFileSync(shippedPath(`${RECORDING}/events.jsonl.gz`))).toString('utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  const times = lines.map((line) => (JSON.parse(line) as { time: string }).time);
  const labels = JSON.parse(readFileSync(shippedPath(`${RECORDING}/labels.json`), 'utf8')) as Label[];
  const fromMs = Math.min(...labels.map(({ from }) => Date.parse(from))) - LEAD_MS;
  const toMs = Math.max(...labels.map(({ to }) => Date.parse(to))) + TRAIL_MS;
  const firstAt = (ms: number): number => {
    const at = times.findIndex((time) => Date.parse(time) >= ms);
    return at < 0 ? lines.length : at;
  };
  return { lines, times, paced: firstAt(fromMs), end: firstAt(toMs) };
}

function* told(stage: Stage, from: number, to: number, progress: ReturnType<Terminal['progress']>): Generator<string> {
  for (let i = from; i < to; i++) {
    if (i % PROGRESS_LINES === 0) progress.update(i, `${count(i)} events, ${momentText(stage.times[i])}`);
    yield stage.lines[i];
  }
}
