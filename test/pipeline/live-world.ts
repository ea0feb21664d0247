/** Traffic for the live side, a partition in this process, and a plain re-execution to hold against what was written. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseConfig, settingsDigest, settingsOf } from '../../src/config.js';
import { compilePolicy } from '../../src/decide/compile-policy.js';
import type { Finding, Proposal } from '../../src/decide/finding.js';
import type { Policy } from '../../src/decide/policy.js';
import type { CohortModel } from '../../src/detect/model.js';
import { PartitionEngine } from '../../src/engine/engine.js';
import { clearOutcome, createOutcome, type Sighting } from '../../src/engine/outcome.js';
import { createPriceTable } from '../../src/event/prices.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { nodeFiles } from '../../src/log/files.js';
import type { Log } from '../../src/log/log.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import type { Failpoint } from '../../src/pipeline/failpoint.js';
import { createFilePartition, type FilePartitionParts } from '../../src/pipeline/file-partition.js';
import type { LogPlace } from '../../src/pipeline/output.js';
import type { Partition, PartitionParts } from '../../src/pipeline/partition-parts.js';
import { decodeRecord, encodeEvent, encodeRecord } from '../../src/pipeline/record-line.js';
import { RecordingClock } from '../../src/pipeline/recording-clock.js';
import { parseStoredSettings } from '../../src/pipeline/stored-settings.js';
import { createSimulation, simulationOptions } from '../../src/simulate/simulation.js';

export const PRICES = createPriceTable([]);
export const HOUR_MS = 3_600_000;

export function policyOf(mode: 'observe' | 'enforce'): Policy {
  const text = `
name: test
mode: ${mode}
rules:
  - name: all
    when: { severity: low }
    do: { action: suspend, for: 1h }
`;
  const compiled = compilePolicy(text, 'test');
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

/** Alert budgets that make little traffic talk. */
export function talkative(more: Record<string, unknown> = {}) {
  const detection = { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5 };
  return parseConfig({ detection, ...more }, 'test');
}

export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'killdeer-live-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A few agents over a few days, with retry loops among them. */
export function simulatedLines(agents: number, days: number): string[] {
  const simulation = createSimulation(simulationOptions('retry-loop', { agents, days }));
  return Array.from(simulation.events(), (event) => JSON.stringify(event));
}

/** The lines as records of one partition, with ticks on the recording's grid. */
export function recordsOf(lines: readonly string[], bound = true): string[] {
  const clock = new RecordingClock();
  return lines.flatMap((line) => {
    const { time } = JSON.parse(line) as { time: string };
    const timeMs = Date.parse(time);
    const records: string[] = [];
    for (let at = clock.nextTick(timeMs); at !== null; at = clock.nextTick(timeMs)) {
      records.push(encodeRecord({ type: 'tick', timeMs: at }));
    }
    clock.see(timeMs);
    records.push(encodeEvent(line, bound));
    return records;
  });
}

/** Every line of a partition that is still kept. */
export async function linesOf({ log, topic, partition }: LogPlace): Promise<string[]> {
  const lines: string[] = [];
  const end = await log.end(topic, partition);
  for (let at = await log.begin(topic, partition); at < end; ) {
    const { records, next } = await log.read(topic, partition, at, 1_000);
    for (const { value } of records) lines.push(value);
    at = next;
  }
  return lines;
}

export interface Executed {
  readonly findings: string[];
  readonly proposals: string[];
  readonly counts: PartitionEngine['counts'];
}

/** What an engine that never stopped makes of the records: the truth that every other run is held against. */
export function execute(
  records: readonly string[],
  settings = settingsOf(talkative(), policyOf('observe')),
  models: (version: string) => CohortModel = neutralModel,
  start = 'neutral',
): Executed {
  const shelf = new Map<number, Uint8Array>();
  const engine = new PartitionEngine({
    settings,
    config: settingsDigest(settings),
    model: models(start),
    place: { partition: 0, epoch: 1 },
    shelf: {
      append: (bytes) => shelf.set(shelf.size, bytes.slice()).size - 1,
      read: (position) => shelf.get(position) as Uint8Array,
      size: () => shelf.size,
    },
    models,
    parseSettings: parseStoredSettings,
  });
  const outcome = createOutcome();
  const findings: string[] = [];
  const proposals: string[] = [];
  for (const [offset, line] of records.entries()) {
    const record = decodeRecord(line, offset, PRICES);
    if ('rejected' in record) continue;
    engine.step(record, offset, outcome);
    for (const finding of outcome.findings) findings.push(JSON.stringify(finding));
    for (const { key } of outcome.proposals) proposals.push(key);
    clearOutcome(outcome);
  }
  return { findings, proposals, counts: engine.counts };
}

export function idsOf(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as Finding).id);
}

/** One partition in this process, on a log in memory and files in a folder: what survives it when it dies. */
export class PartitionWorld {
  readonly log: Log;
  readonly directory: string;
  readonly events: LogPlace;
  readonly findings: LogPlace;
  readonly deadLetter: LogPlace;
  readonly samples: LogPlace;
  readonly proposals: Proposal[] = [];
  readonly sightings: Sighting[] = [];
  readonly checkpoints: number[] = [];
  nowMs = 0;
  private epoch = 0;

  constructor(log?: Log) {
    this.directory = freshDirectory();
    this.log = log ?? createMemoryLog({ topics: { events: 1, findings: 1, dead: 1, samples: 1 } });
    const place = (topic: string): LogPlace => ({ log: this.log, topic, partition: 0 });
    this.events = place('events');
    this.findings = place('findings');
    this.deadLetter = place('dead');
    this.samples = place('samples');
  }

  async open(more: Partial<FilePartitionParts> = {}): Promise<Partition> {
    this.epoch += 1;
    return createFilePartition({
      place: { partition: 0, epoch: this.epoch },
      events: this.events,
      findings: this.findings,
      deadLetter: this.deadLetter,
      samples: { place: this.samples, everyMs: HOUR_MS },
      genesis: { settings: settingsOf(talkative(), policyOf('observe')), model: 'neutral' },
      models: neutralModel,
      shelf: { directory: this.directory },
      prices: PRICES,
      state: {
        files: nodeFiles,
        path: join(this.directory, 'checkpoint'),
        dailyDirectory: join(this.directory, 'daily'),
        dailyMax: 2,
      },
      checkpointEveryMs: 1,
      // Each look at the clock is a step of it: a checkpoint is due after every other batch.
      clock: () => {
        this.nowMs += 0.3;
        return this.nowMs;
      },
      emit: {
        registry: async (proposals, sightings) => {
          this.proposals.push(...proposals);
          this.sightings.push(...sightings);
        },
        progress: () => undefined,
        checkpointed: (offset) => this.checkpoints.push(offset),
      },
      pass: () => undefined,
      ...more,
    });
  }

  /** Runs until everything is executed, and stops in order. */
  async finish(more: Partial<FilePartitionParts> = {}): Promise<Partition> {
    const end = await this.log.end('events', 0);
    let loop: Partition | null = null;
    const emit: PartitionParts['emit'] = {
      registry: async (proposals, sightings) => {
        this.proposals.push(...proposals);
        this.sightings.push(...sightings);
      },
      progress: ({ offset }) => {
        if (offset >= end) loop?.stop();
      },
      checkpointed: (offset) => this.checkpoints.push(offset),
    };
    loop = await this.open({ emit, ...more });
    if (loop.progress.offset >= end) loop.stop();
    await loop.run();
    return loop;
  }
}

/** Throws at the n-th passage of any point, as a crash would cut a process short there. */
export function crashAt(passage: number): { readonly pass: Failpoint; readonly isCrash: (error: unknown) => boolean } {
  const crash = new Error('crash');
  let left = passage;
  return {
    pass: () => {
      left -= 1;
      if (left === 0) throw crash;
    },
    isCrash: (error) => {
      for (let at = error; at instanceof Error; at = at.cause) if (at === crash) return true;
      return false;
    },
  };
}
