/**
 * Entry of the worker threads of a process among several: the owner of a partition, or the learner, on Kafka. It wires
 * the adapters, as main.ts does for the process, and speaks protocol.ts with the main thread.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { KilldeerError } from '../errors.js';
import type { KafkaOptions } from '../log/kafka-connection.js';
import { readKeyed } from '../log/kafka-keyed.js';
import { openKafkaLog } from '../log/kafka-log.js';
import { openTransactionalWriter, type TransactionalWriter } from '../log/kafka-transaction.js';
import type { Log } from '../log/log.js';
import type { ClusterTask, KeyedLearnerTask, OwnerTask } from './cluster-protocol.js';
import { inspectAnswer } from './inspect-answer.js';
import { openKeyedFleet } from './keyed-fleet.js';
import { openKeyedLedger } from './keyed-ledger.js';
import { KeyedModels, learnerRecord, modelRecord } from './keyed-models.js';
import { EVENTS_TOPIC } from './layout.js';
import { createLiveLearner } from './live-learner.js';
import { createPartition } from './partition.js';
import { createPatientLog, type PatientLog, seldom } from './patient-log.js';
import { type FromLearner, type FromPartition, faultOf, type ToLearner, type ToPartition } from './protocol.js';
import { createRegistryLink } from './registry-link.js';
import { standBack } from './thread-priority.js';
import {
  DEAD_LETTER_TOPIC,
  FINDINGS_TOPIC,
  MODELS_TOPIC,
  SAMPLES_TOPIC,
  SIGNALS_TOPIC,
  STATE_TOPIC,
} from './topics.js';

type Task = ClusterTask<Omit<KafkaOptions, 'report'>>;
type Say = (message: FromPartition | FromLearner) => void;

interface Activation {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Longest wait for an activation that is under way when the learner has to stop. */
const ACTIVATION_MS_MAX = 5_000;
/** Between two words about how much was restored, bytes. */
const RESTORING_BYTES = 8 * 1024 * 1024;

async function runOwner(task: Extract<Task, OwnerTask<unknown>>, port: MessagePort, say: Say): Promise<void> {
  const { partition, partitions, genesis, learnEveryMs } = task;
  const startedMs = performance.now();
  const kafka = kafkaOf(task, say);
  const models = modelsOf(kafka);
  // The fence comes first: what is read after it is the last word of whoever owned the partition before.
  const transactions = await openTransactionalWriter({
    kafka,
    transactionalId: `${kafka.prefix}score-${partition}`,
    topics: [FINDINGS_TOPIC, DEAD_LETTER_TOPIC, SAMPLES_TOPIC, SIGNALS_TOPIC, STATE_TOPIC],
  });
  const opened = await openKafkaLog({ kafka, topics: { [EVENTS_TOPIC]: partitions } });
  const log = patient(opened, say);
  const events = { log, topic: EVENTS_TOPIC, partition };
  const ledger = await openKeyedLedger({
    partition,
    events,
    transactions,
    readState: (take) => readState(kafka, partition, take, say),
    genesis: { settings: genesis.settings, model: genesis.model },
    directory: task.directory,
    now: Date.now,
    onUnreadable: (error) => {
      const message = `the snapshot of partition ${partition} cannot be used, its records are executed again`;
      say({ type: 'note', level: 'warn', message: `${message}: ${faultOf(error).message}` });
    },
    onCommit: (facts) => say({ type: 'committed', facts }),
  });
  await models.fetch(ledger.start.position.model);
  const registry = createRegistryLink(say);
  const loop = createPartition({
    place: { partition, epoch: ledger.epoch },
    events,
    ledger,
    samplesEveryMs: learnEveryMs,
    models: models.source,
    fetchModel: (version) => models.fetch(version),
    prices: task.prices,
    checkpointEveryMs: task.checkpointEveryMs,
    // Paces alone, so it may not be set back.
    clock: () => performance.now(),
    emit: {
      registry: registry.tell,
      progress: (progress) => say({ type: 'progress', progress }),
      checkpointed: () => undefined,
      batch: (records, ms) => say({ type: 'batch', records, ms }),
    },
  });
  port.on('message', (message: ToPartition) => {
    if (message.type === 'acknowledged') registry.acknowledge(message);
    else if (message.type === 'inspect') say(inspectAnswer(loop, message));
    else if (message.type === 'told') ledger.setTold(message.told);
    else if (message.type === 'stop') {
      loop.stop();
      log.hurry();
    }
  });
  const { epoch, told, committed, restoredBytes: bytes } = ledger;
  const restored = { epoch, told, committed, bytes, ms: performance.now() - startedMs };
  say({ type: 'ready', progress: loop.progress, restored });
  await loop.run();
  await log.close();
}

async function readState(
  kafka: KafkaOptions,
  partition: number,
  take: (key: string, value: Uint8Array | null) => void,
  say: Say,
): Promise<void> {
  let bytes = 0;
  let told = 0;
  await readKeyed({ kafka, topic: STATE_TOPIC, partition }, (key, value) => {
    take(key, value);
    bytes += value?.length ?? 0;
    if (bytes - told < RESTORING_BYTES) return;
    told = bytes;
    say({ type: 'restoring', bytes });
  });
}

async function runLearner(task: Extract<Task, KeyedLearnerTask<unknown>>, port: MessagePort, say: Say): Promise<void> {
  const { partitions } = task;
  const kafka = kafkaOf(task, say);
  const models = modelsOf(kafka);
  const writer: TransactionalWriter = await openTransactionalWriter({
    kafka,
    transactionalId: `${kafka.prefix}learn`,
    topics: [MODELS_TOPIC],
  });
  const topics = { [SAMPLES_TOPIC]: partitions, [SIGNALS_TOPIC]: partitions, [EVENTS_TOPIC]: partitions };
  const opened = await openKafkaLog({ kafka, topics, readCommitted: true });
  const log = patient(opened, say);
  await models.fetch(task.start);
  const activations = new Map<string, Activation>();
  const learner = await createLiveLearner({
    samples: Array.from({ length: partitions }, (_, partition) => ({ log, topic: SAMPLES_TOPIC, partition })),
    start: models.source(task.start),
    pagesPerAgentDay: task.pagesPerAgentDay,
    store: {
      name: MODELS_TOPIC,
      read: async () => models.learnerState,
      write: (bytes) => writer.commit([learnerRecord(bytes)]),
      storeModel: (model) => writer.commit([modelRecord(model)]),
    },
    activate: (version, timeMs) =>
      new Promise((resolve, reject) => {
        activations.set(version, { resolve, reject });
        say({ type: 'model', version, timeMs });
      }),
    onClosed: (closed) => say({ type: 'closed', closed }),
  });
  port.on('message', (message: ToLearner) => {
    if (message.type === 'stop') {
      learner.stop();
      log.hurry();
      setTimeout(abandon, ACTIVATION_MS_MAX, activations).unref();
    } else if (message.type === 'budget') learner.setBudget(message.pagesPerAgentDay);
    else if (message.type === 'activated') {
      activations.get(message.version)?.resolve();
      activations.delete(message.version);
    }
  });
  const fleet = openKeyedFleet({ log, partitions, writer, kept: models.fleetState, say });
  say({ type: 'ready', closed: learner.closed });
  await Promise.race([learner.run(), fleet.failed]);
  await fleet.stop();
  await log.close();
  await writer.close();
}

/** What is not activated when it has to stop, the next learner activates. */
function abandon(activations: ReadonlyMap<string, Activation>): void {
  for (const { reject } of activations.values()) reject(new KilldeerError('log.closed', 'learning was stopped'));
}

function patient(log: Log, say: Say): PatientLog {
  const tell = (error: unknown): void =>
    say({ type: 'note', level: 'warn', message: `waiting for the log: ${faultOf(error).message}` });
  return createPatientLog(log, () => performance.now(), seldom(tell));
}

function kafkaOf(task: Task, say: Say): KafkaOptions {
  return {
    ...task.kafka,
    report: (level, message, error) => {
      if (level === 'debug') return;
      const cause = error === undefined ? '' : `: ${faultOf(error).message}`;
      say({ type: 'note', level, message: message + cause });
    },
  };
}

function modelsOf(kafka: KafkaOptions): KeyedModels {
  return new KeyedModels(async (take) => {
    await readKeyed({ kafka, topic: MODELS_TOPIC, partition: 0 }, take);
  });
}

async function main(task: Task, port: MessagePort): Promise<void> {
  const say: Say = (message) => port.postMessage(message);
  standBack();
  try {
    await (task.kind === 'owner' ? runOwner(task, port, say) : runLearner(task, port, say));
    port.close();
  } catch (error) {
    say({ type: 'fatal', fault: faultOf(error) });
    // Whatever is open stands in the way of the thread's end; nothing of it is worth closing in order.
    process.exit(1);
  }
}

if (parentPort !== null) await main(workerData as Task, parentPort);
