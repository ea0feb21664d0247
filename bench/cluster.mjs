/** A broker, installations on it and traffic in their logs, for the benches on Kafka. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../dist/config.js';
import { partitionOf } from '../dist/engine/partition.js';
import { PRICE_LIST } from '../dist/event/price-list.js';
import { createPriceTable } from '../dist/event/prices.js';
import { neutralModel } from '../dist/learn/neutral-model.js';
import { openKafkaLog } from '../dist/log/kafka-log.js';
import { createTopics } from '../dist/log/kafka-topics.js';
import { startCluster } from '../dist/pipeline/cluster.js';
import { encodeEvent, encodeRecord } from '../dist/pipeline/record-line.js';
import { topicPlans } from '../dist/pipeline/topics.js';
import { createKafkaAdapters, kafkaOptionsOf } from '../dist/verbs/kafka-adapters.js';
import { enforcePolicy } from './parts.mjs';

const BROKER = fileURLToPath(new URL('../test/kafka/broker.mjs', import.meta.url));
/** Lines of one append. */
const APPEND = 2_000;

/** Calls `work` with the addresses of KAFKA_BROKERS, or of a broker that is gone afterwards. */
export async function withBroker(work) {
  const given = process.env.KAFKA_BROKERS;
  if (given !== undefined && given !== '') return work(given.split(','));
  const child = spawn(process.execPath, [BROKER, '--json', '--with-parent'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  try {
    return await work(await Promise.race([addressOf(child), ended.then(() => fail('the broker did not start'))]));
  } finally {
    child.stdin.end();
    await ended;
  }
}

async function addressOf(child) {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line).brokers.split(',');
  return fail('the broker said nothing');
}

function fail(words) {
  throw new Error(words);
}

/** A new installation: its configuration and its topics. */
export async function createInstallation(brokers, folder, partitions, more = {}) {
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const config = parseConfig(
    {
      ...{ log: { kind: 'kafka' }, kafka: { brokers, prefix, session_timeout: '10s' }, partitions },
      ...{ learning: { inline: false }, store: { kind: 'none' }, data_dir: join(folder, prefix) },
      ...more,
    },
    'bench',
  );
  const kafka = kafkaOptionsOf(config, () => undefined);
  await createTopics(kafka, topicPlans(config), 1);
  return { config, kafka, prefix };
}

/** Writes events, and a tick in every partition whenever `timeMs` of them passes a multiple of 10 s of event time. */
export async function feedEvents({ config, kafka }, fleet, count, agentOf = () => undefined) {
  const { partitions } = config;
  const log = await openKafkaLog({ kafka, topics: { events: partitions } });
  let tickMs = Math.ceil(fleet.timeMs / 10_000) * 10_000;
  let batches = Array.from({ length: partitions }, () => []);
  const flush = async () => {
    await Promise.all(batches.map((lines, partition) => log.append('events', partition, lines)));
    batches = batches.map(() => []);
  };
  for (let i = 0; i < count; i++) {
    const line = fleet.line(agentOf(i));
    while (fleet.timeMs >= tickMs) {
      for (const batch of batches) batch.push(encodeRecord({ type: 'tick', timeMs: tickMs }));
      tickMs += 10_000;
    }
    const agent = /"agent":"([^"]+)"/.exec(line)[1];
    batches[partitionOf('', agent, partitions)].push(encodeEvent(line, true));
    if (i % APPEND === APPEND - 1) await flush();
  }
  await flush();
  const ends = await Promise.all(batches.map((_, partition) => log.end('events', partition)));
  await log.close();
  return ends.reduce((sum, end) => sum + end, 0);
}

/**
 * The role `score` in this process, its engines in worker threads. `onCommit(records)`: so many more are executed and
 * what follows from them is committed.
 */
export async function startScoring({ config, kafka }, { onCommit, onRestored } = {}) {
  const nothing = () => undefined;
  return startCluster({
    config,
    roles: ['score'],
    policy: await enforcePolicy(),
    startModel: neutralModel(),
    prices: createPriceTable(PRICE_LIST),
    adapters: createKafkaAdapters(config, kafka),
    scratch: join(config.data_dir, 'scratch'),
    findings: { add: nothing },
    clock: 'recording',
    report: ({ level, message, error }) => {
      if (level === 'error') console.error(message, error ?? '');
    },
    observer: {
      ...{ assigned: nothing, restoring: nothing, progress: nothing, batch: nothing, died: nothing, ticked: nothing },
      ...{ lag: nothing, learned: nothing, activated: nothing, registry: nothing, finding: nothing },
      restored: (partition, restored) => onRestored?.(partition, restored),
      committed: (_, { records }) => onCommit?.(records),
    },
  });
}
