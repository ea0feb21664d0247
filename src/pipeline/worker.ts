/**
 * Entry of the worker threads: a partition's engine, or the learner, each with its own view of the log. It wires the
 * adapters, as main.ts does for the process, and speaks protocol.ts with the main thread.
 */
import { mkdirSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type FileLog, openFileLog } from '../log/file-log.js';
import { nodeFiles } from '../log/files.js';
import { createFileLearnerStore } from './file-learner-store.js';
import { createFilePartition } from './file-partition.js';
import { inspectAnswer } from './inspect-answer.js';
import {
  deadLetterTopic,
  EVENTS_TOPIC,
  findingsTopic,
  type Layout,
  layoutOf,
  partitionLayout,
  samplesTopic,
  signalsTopic,
} from './layout.js';
import { createLiveLearner } from './live-learner.js';
import { loadModel } from './model-folder.js';
import {
  type FromLearner,
  type FromPartition,
  faultOf,
  type LearnerTask,
  type PartitionTask,
  type ToLearner,
  type ToPartition,
  type WorkerTask,
} from './protocol.js';
import { createRegistryLink } from './registry-link.js';
import { standBack } from './thread-priority.js';

/** Samples that were learned are of no use: small segments, so that they soon go. */
const SAMPLE_SEGMENT_BYTES = 8 * 1024 * 1024;

async function runPartition(task: PartitionTask, port: MessagePort): Promise<void> {
  const { directory, partition, learnEveryMs } = task;
  const layout = layoutOf(directory);
  const own = partitionLayout(directory, partition);
  mkdirSync(own.directory, { recursive: true });
  const [events, outputs, samples] = await openPartitionLogs(task, layout.log);
  const registry = createRegistryLink((message) => say(port, message));
  const loop = await createFilePartition({
    place: { partition, epoch: task.epoch },
    events: { log: events, topic: EVENTS_TOPIC, partition },
    findings: { log: outputs, topic: findingsTopic(partition), partition: 0 },
    deadLetter: { log: outputs, topic: deadLetterTopic(partition), partition: 0 },
    signals: { log: outputs, topic: signalsTopic(partition), partition: 0 },
    samples:
      samples === null || learnEveryMs === null
        ? null
        : { place: { log: samples, topic: samplesTopic(partition), partition: 0 }, everyMs: learnEveryMs },
    genesis: task.genesis,
    models: (version) => loadModel(layout.models, version),
    shelf: { directory: own.directory },
    prices: task.prices,
    state: { files: nodeFiles, path: own.checkpoint, dailyDirectory: own.daily, dailyMax: task.dailyMax },
    checkpointEveryMs: task.checkpointEveryMs,
    clock: Date.now,
    emit: {
      registry: registry.tell,
      progress: (progress) => say(port, { type: 'progress', progress }),
      checkpointed: (offset) => say(port, { type: 'checkpointed', offset }),
    },
  });
  port.on('message', (message: ToPartition) => {
    if (message.type === 'end') events.setDurableEnd(EVENTS_TOPIC, partition, message.end);
    else if (message.type === 'acknowledged') registry.acknowledge(message);
    else if (message.type === 'inspect') say(port, inspectAnswer(loop, message));
    else if (message.type === 'stop') loop.stop();
    else if (message.type === 'learned') forgetSamples(samples, samplesTopic(partition), message.samples);
  });
  say(port, { type: 'ready', progress: loop.progress });
  await loop.run();
  await Promise.all([events.close(), outputs.close(), samples?.close()]);
}

/** The events to follow; findings and dead letter to write; samples, with a retention of their own. */
async function openPartitionLogs(task: PartitionTask, directory: string): Promise<[FileLog, FileLog, FileLog | null]> {
  const { partition, partitions, segmentBytesMax, retainBytesMax, retainAgeMs } = task;
  const events = await openFileLog({ directory, topics: { [EVENTS_TOPIC]: partitions }, readOnly: true });
  const topics = { [findingsTopic(partition)]: 1, [deadLetterTopic(partition)]: 1, [signalsTopic(partition)]: 1 };
  const outputs = await openFileLog({ directory, topics, segmentBytesMax, retainBytesMax, retainAgeMs });
  if (task.learnEveryMs === null) return [events, outputs, null];
  const topic = samplesTopic(partition);
  const limits = { segmentBytesMax: SAMPLE_SEGMENT_BYTES, retainBytesMax: 1 };
  const samples = await openFileLog({ directory, topics: { [topic]: 1 }, ...limits });
  samples.keepFrom(topic, 0, 0);
  return [events, outputs, samples];
}

function forgetSamples(samples: FileLog | null, topic: string, before: number): void {
  samples?.keepFrom(topic, 0, before);
  // What cannot be removed now is removed after a later window.
  samples?.retain().catch(() => {});
}

async function runLearner(task: LearnerTask, port: MessagePort): Promise<void> {
  const layout: Layout = layoutOf(task.directory);
  const names = Array.from({ length: task.partitions }, (_, partition) => samplesTopic(partition));
  const topics = Object.fromEntries(names.map((name) => [name, 1]));
  const log = await openFileLog({ directory: layout.log, topics, readOnly: true });
  const activations = new Map<string, () => void>();
  const learner = await createLiveLearner({
    samples: names.map((topic) => ({ log, topic, partition: 0 })),
    start: loadModel(layout.models, task.start),
    pagesPerAgentDay: task.pagesPerAgentDay,
    store: createFileLearnerStore(nodeFiles, layout.learner, layout.models),
    activate: (version, timeMs) =>
      new Promise((resolve) => {
        activations.set(version, resolve);
        say(port, { type: 'model', version, timeMs });
      }),
    onClosed: (closed) => say(port, { type: 'closed', closed }),
  });
  port.on('message', (message: ToLearner) => {
    if (message.type === 'end') log.setDurableEnd(samplesTopic(message.partition), 0, message.end);
    else if (message.type === 'stop') learner.stop();
    else if (message.type === 'budget') learner.setBudget(message.pagesPerAgentDay);
    else {
      activations.get(message.version)?.();
      activations.delete(message.version);
    }
  });
  say(port, { type: 'ready', closed: learner.closed });
  await learner.run();
  await log.close();
}

function say(port: MessagePort, message: FromPartition | FromLearner): void {
  port.postMessage(message);
}

async function main(task: WorkerTask, port: MessagePort): Promise<void> {
  standBack();
  try {
    await (task.kind === 'partition' ? runPartition(task, port) : runLearner(task, port));
    port.close();
  } catch (error) {
    say(port, { type: 'fatal', fault: faultOf(error) });
    // Whatever is open stands in the way of the thread's end; nothing of it is worth closing in order.
    process.exit(1);
  }
}

if (parentPort !== null) await main(workerData as WorkerTask, parentPort);
