/** What the live side stands on: the locked directory, the log of events, its own memory and its clock. */
import { settingsOf } from '../config.js';
import { nodeFiles } from '../log/files.js';
import { AgentRelay } from './agent-relay.js';
import { EventsLog } from './events-log.js';
import { FactBook } from './fact-book.js';
import { FindingsFollower } from './findings-follower.js';
import { EVENTS_TOPIC, findingsTopic, type Layout, layoutOf, REGISTRY_TOPIC } from './layout.js';
import type { LiveLog, LiveOptions, LiveRegistry, LiveReport } from './live-parts.js';
import { LiveState } from './live-state.js';
import { storeModel } from './model-folder.js';
import { encodeRecord } from './record-line.js';
import { SIGNALS_TOPIC } from './topics.js';

/** How what was opened is closed again, in reverse order. */
export type Closers = (() => Promise<void> | void)[];

/** Time as ticks and registry know it: the machine's, or that of the recording which is being fed. */
export interface LiveTime {
  readonly isRecorded: boolean;
  /** ms. */
  readonly now: () => number;
  /** Of the recording's last tick; 0 before the first. */
  recordingMs: number;
}

export interface Ground {
  readonly layout: Layout;
  readonly log: LiveLog;
  readonly events: EventsLog;
  readonly state: LiveState;
  readonly time: LiveTime;
  readonly report: (report: LiveReport) => void;
  /** A fault after which the process cannot go on; null: none. */
  fault: unknown;
}

export async function openGround<R extends LiveRegistry>(options: LiveOptions<R>, closers: Closers): Promise<Ground> {
  const { directory, config, adapters, startModel } = options;
  const layout = layoutOf(directory);
  const lock = adapters.lockDirectory(directory);
  closers.push(() => lock.release());
  const log = await adapters.openFileLog({
    directory: layout.log,
    topics: { [EVENTS_TOPIC]: config.partitions, [SIGNALS_TOPIC]: 1 },
    segmentBytesMax: config.log.segment_bytes,
    retainBytesMax: config.log.retention_bytes,
    retainAgeMs: config.log.retention_age,
  });
  closers.push(() => log.close());
  // Nothing goes before its partition has said how far it is.
  for (let partition = 0; partition < config.partitions; partition++) log.keepFrom(EVENTS_TOPIC, partition, 0);
  const events = await EventsLog.open(log, config.partitions);
  await storeModel(nodeFiles, layout.models, startModel);
  const settings = settingsOf(config, options.policy, options.drawSeed?.());
  const state = await LiveState.open(nodeFiles, layout.state, {
    epoch: 0,
    genesis: { settings, model: startModel.version },
    settings,
    model: startModel.version,
    told: 0,
  });
  const time = timeOf(options, events.lastTickMs);
  const report = options.report ?? (() => undefined);
  const ground: Ground = { layout, log, events, state, time, report, fault: null };
  events.onFault = (error) => fail(ground, error);
  return ground;
}

function timeOf<R extends LiveRegistry>(options: LiveOptions<R>, recordingMs: number): LiveTime {
  const isRecorded = options.clock === 'recording';
  const wall = options.now ?? Date.now;
  const time: LiveTime = { isRecorded, recordingMs, now: () => (isRecorded ? time.recordingMs : wall()) };
  return time;
}

/** Opens the registry, and lets the engines know what people said of agents. */
export async function openLiveRegistry<R extends LiveRegistry>(
  options: LiveOptions<R>,
  ground: Ground,
  closers: Closers,
): Promise<{ readonly registry: R; readonly relay: AgentRelay }> {
  const { events, state, time, report } = ground;
  const { adapters, policy } = options;
  const relay = new AgentRelay(
    state.now.told,
    async (records) => {
      await Promise.all(records.map((record) => events.control(record)));
    },
    (told) => state.save({ told }),
    (error) => report({ level: 'error', message: 'what was said of agents did not reach the engines', error }),
    // What is fed from a recording never met the registry: that it goes on after a stop proves nothing.
    new FactBook(!time.isRecorded),
  );
  // A log of its own: retention must never touch it.
  const log = await adapters.openFileLog({ directory: ground.layout.log, topics: { [REGISTRY_TOPIC]: 1 } });
  closers.push(() => log.close());
  const registry = await adapters.openRegistry({
    log,
    clock: time.now,
    policy,
    onChange: (change) => {
      relay.note(change);
      options.onRegistryChange?.(change);
    },
    onFault: (error) => fail(ground, error),
    ...(time.isRecorded ? { tickEveryMs: 0 } : {}),
  });
  closers.push(async () => {
    await relay.settled();
    await registry.close();
  });
  return { registry, relay };
}

/** Writes what was configured since the last life into the partitions. */
export async function announceConfig<R extends LiveRegistry>(options: LiveOptions<R>, ground: Ground): Promise<void> {
  const { events, state, time } = ground;
  const { config, policy, startModel } = options;
  const before = state.now.settings;
  const settings = settingsOf(config, policy, before.hashSeed);
  const timeMs = time.now();
  if (JSON.stringify(settings) !== JSON.stringify(before)) {
    await events.all(encodeRecord({ type: 'config', timeMs, settings }));
    await state.save({ settings });
  }
  // Where models are learned, the one that learning started from stays what it was.
  if (!config.learning.inline && startModel.version !== state.now.model) {
    await events.all(encodeRecord({ type: 'model', timeMs, version: startModel.version }));
    await state.save({ model: startModel.version });
  }
}

export interface FollowedFindings {
  readonly follower: FindingsFollower;
  /** A partition's findings are durable up to `end`. */
  readonly hint: (partition: number, end: number) => void;
}

/** Hands on recent findings, and from then on each new one. */
export async function followFindings<R extends LiveRegistry>(
  options: LiveOptions<R>,
  ground: Ground,
  closers: Closers,
): Promise<FollowedFindings> {
  const names = Array.from({ length: options.config.partitions }, (_, partition) => findingsTopic(partition));
  const log = await options.adapters.openFileLog({
    directory: ground.layout.log,
    topics: Object.fromEntries(names.map((name) => [name, 1])),
    readOnly: true,
  });
  const follower = new FindingsFollower(
    names.map((topic) => ({ log, topic, partition: 0 })),
    (finding, isNew) => {
      options.findings.add(finding);
      if (isNew) options.onFinding?.(finding);
    },
    (error) => fail(ground, error),
    options.config.triage.findings_max,
  );
  closers.push(async () => {
    follower.stop();
    await log.close();
    await follower.ended();
  });
  await follower.start();
  return { follower, hint: (partition, end) => log.setDurableEnd(findingsTopic(partition), 0, end) };
}

function fail(ground: Ground, error: unknown): void {
  // Told once: every later append fails of the same.
  if (ground.fault !== null) return;
  ground.fault = error;
  ground.report({ level: 'error', message: 'the live side cannot go on', error });
}
