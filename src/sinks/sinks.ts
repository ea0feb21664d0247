/**
 * All sinks of a process as one: opened from the configuration, told what the registry does, started where this process
 * is the one that delivers. Without any configured it holds nothing and does nothing.
 */
import { resolve } from 'node:path';
import type { OutboxPorts } from '../connect/outbox.js';
import { KilldeerError } from '../errors.js';
import type { Files } from '../log/files.js';
import type { TriageInput } from '../triage/triage.js';
import type { FindingsPlace, Publish, StateOf, Way } from './contract.js';
import { openDeadLetters } from './dead-letters.js';
import { createFileWay } from './file-way.js';
import { writtenOf } from './format.js';
import { createKafkaWay } from './kafka-way.js';
import { LineFile } from './line-file.js';
import { ChangeMemory } from './memory.js';
import { createFilePositions, createToldPositions } from './position.js';
import type { SinkConfig } from './section.js';
import { Sink } from './sink.js';
import { Source } from './source.js';
import type { SinksStatus } from './status.js';
import { openWebhookWay } from './webhook-way.js';

/** What sinks work on while this process delivers. */
export interface SinkPorts {
  readonly places: readonly FindingsPlace[];
  /** Into partition 0, where it becomes a finding. */
  readonly control: OutboxPorts['control'];
  /** Into the registry's log, where positions are kept; null: in files of this process. */
  readonly write: OutboxPorts['write'] | null;
}

export interface Sinks {
  /** Whether none is configured. */
  readonly isEmpty: boolean;
  /** To be told every change of the registry, from the first one of its log. Must be quick. */
  note(change: TriageInput): void;
  /** Starts or stops delivering; in the order of the calls. */
  setActive(ports: SinkPorts | null): Promise<void>;
  status(): Promise<SinksStatus>;
}

export interface SinksOptions {
  readonly config: readonly SinkConfig[];
  /** Relative paths of secrets are taken from here. */
  readonly folder: string;
  /** Files, positions and dead letters are kept below sinks/ in it. */
  readonly dataDir: string;
  readonly files: Files;
  /** Of this program. */
  readonly version: string;
  readonly stateOf: StateOf;
  /** Pages a day over all agents; null: nobody said. */
  readonly pagesPerDay: () => number | null;
  /** null: no brokers are configured. */
  readonly publish: Publish | null;
  readonly now: () => number;
  /** Uniform in [0, 1), for pauses. */
  readonly draw: () => number;
  readonly onFault: (error: unknown) => void;
}

/** People are told of one sink's dead letters this often at most. */
const ALARM_EVERY_MS = 3_600_000;
const REASON_MAX = 300;

/** Throws 'config.invalid' where one of them cannot work as it is configured. */
export function openSinks(options: SinksOptions): Sinks {
  const { config, pagesPerDay } = options;
  // What is wrong with one is told at once, not when it is its turn to deliver.
  for (const one of config) void openWay(one, options).close();
  const memory = new ChangeMemory();
  let running: readonly Sink[] | null = null;
  let changing: Promise<void> = Promise.resolve();

  const setActive = async (ports: SinkPorts | null): Promise<void> => {
    const before = running;
    if (ports === null) {
      running = null;
      await Promise.all((before ?? []).map((sink) => sink.stop()));
    } else if (before === null && config.length > 0) {
      running = config.map((one) => createSink(one, options, memory, ports));
      for (const sink of running) sink.start();
    }
  };

  return {
    isEmpty: config.length === 0,
    note: (change) => {
      if (config.length > 0) memory.note(change);
    },
    setActive: (ports) => {
      changing = changing.then(() => setActive(ports));
      return changing;
    },
    status: async () => ({
      active: running !== null,
      pagesPerDay: pagesPerDay(),
      sinks: await Promise.all((running ?? []).map((sink) => sink.status())),
    }),
  };
}

function createSink(config: SinkConfig, options: SinksOptions, memory: ChangeMemory, ports: SinkPorts): Sink {
  const { files, dataDir, version, stateOf, pagesPerDay, now, draw, onFault } = options;
  const folder = folderOf(dataDir);
  const takenOf = (finding: string) => memory.takenOf(finding);
  return new Sink({
    ...{ config, pagesPerDay, now, draw, onFault },
    way: openWay(config, options),
    source: new Source({ places: ports.places, memory, config, stateOf }),
    positions:
      ports.write === null
        ? createFilePositions(files, folder)
        : createToldPositions((name) => memory.positionOf(name), ports.write),
    dead: openDeadLetters(files, resolve(folder, `${config.name}.dead.jsonl`), config.dead_bytes, onFault),
    write: (item) => writtenOf(item, { config, version, stateOf, takenOf }),
    alarm: alarmOf(config.name, ports, options),
  });
}

function openWay(config: SinkConfig, { folder, dataDir, files, publish, now }: SinksOptions): Way {
  switch (config.kind) {
    case 'webhook':
      return openWebhookWay(config, (path) => resolve(folder, path), now);
    case 'kafka':
      if (publish !== null) return createKafkaWay(config.topic, publish);
      throw new KilldeerError('config.invalid', `sinks.${config.name}: a topic needs kafka.brokers`);
    case 'file': {
      const path = resolve(folderOf(dataDir), config.path ?? `${config.name}.jsonl`);
      return createFileWay(new LineFile({ files, path, bytesMax: config.rotate_bytes, keep: config.keep }));
    }
  }
}

function folderOf(dataDir: string): string {
  return resolve(dataDir, 'sinks');
}

/** A finding that pages, seldom: it goes out by the same sinks, and must not feed itself. */
function alarmOf(name: string, { control }: SinkPorts, { now, onFault }: SinksOptions) {
  let lastMs: number | null = null;
  let untold = 0;
  return async (count: number, reason: string): Promise<void> => {
    untold += count;
    const timeMs = now();
    if (lastMs !== null && timeMs - lastMs < ALARM_EVERY_MS) return;
    const things = untold === 1 ? 'one alert' : `${untold} alerts`;
    const words = `the sink ${name} did not take ${things}, kept now as dead letters: ${reason.slice(0, REASON_MAX)}`;
    try {
      const what = 'delivery-dead' as const;
      const about = { tenant: '', agent: 'fleet', key: `sink:${name} ${timeMs}`, agents: [] };
      await control({ type: 'responder', timeMs, what, ...about, words });
      lastMs = timeMs;
      untold = 0;
    } catch (error) {
      onFault(error);
    }
  };
}
