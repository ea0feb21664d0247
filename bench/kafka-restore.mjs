/**
 * Taking over a fleet: 100,000 agents with a history are on the log of states; a new process reads them, puts the
 * engines together and is ready. Beside it the bytes read from the same topic and thrown away.
 */
import { Kafka, logLevel } from 'kafkajs';
import { createInstallation, feedEvents, startScoring, withBroker } from './cluster.mjs';
import { Fleet } from './fleet.mjs';
import { compare, row, secondsOf } from './measure.mjs';
import { inFolder } from './parts.mjs';

const AGENTS = 100_000;
const ROUNDS = 3;
const PARTITIONS = 8;
const RUNS = 3;
const TARGET = 'ours at most 30 s';

export async function run() {
  return inFolder((folder) =>
    withBroker(async (brokers) => {
      const installation = await createInstallation(brokers, folder, PARTITIONS);
      const fleet = new Fleet(AGENTS);
      const records = await feedEvents(installation, fleet, ROUNDS * AGENTS, (i) => i % AGENTS);
      await scoreAll(installation, records);
      const pairs = [];
      for (let i = 0; i < RUNS; i++) {
        pairs.push({ reference: await readAll(installation), ours: await takeOver(installation) });
      }
      return [row('kafka-restore', '100,000 agents, 8 partitions', 's', compare(pairs), 'reading the state', TARGET)];
    }),
  );
}

async function scoreAll(installation, records) {
  let executed = 0;
  let done = () => undefined;
  const finished = new Promise((resolve) => {
    done = resolve;
  });
  const cluster = await startScoring(installation, {
    onCommit: (count) => {
      executed += count;
      if (executed >= records) done();
    },
  });
  await finished;
  await cluster.stop();
}

/** From the start of the process's part to the last partition that is ready. */
async function takeOver(installation) {
  let restored = 0;
  let done = () => undefined;
  const finished = new Promise((resolve) => {
    done = resolve;
  });
  const startMs = performance.now();
  const cluster = await startScoring(installation, {
    onRestored: () => {
      restored += 1;
      if (restored === PARTITIONS) done((performance.now() - startMs) / 1000);
    },
  });
  const seconds = await finished;
  await cluster.stop();
  return seconds;
}

async function readAll({ kafka, prefix }) {
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(`${prefix}state`);
  await admin.disconnect();
  const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  const consumer = client.consumer({ groupId: `${prefix}bare-${Date.now()}`, maxBytesPerPartition: 4_194_304 });
  await consumer.connect();
  await consumer.subscribe({ topics: [`${prefix}state`], fromBeginning: true });
  const left = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition));
  const seconds = await secondsOf(
    () =>
      new Promise((resolve, reject) => {
        consumer
          .run({
            autoCommit: false,
            eachBatch: async ({ batch }) => {
              // The very last offset is a marker of a transaction.
              if (Number(batch.lastOffset()) >= ends.get(batch.partition) - 2) left.delete(batch.partition);
              if (left.size === 0) resolve();
            },
          })
          .catch(reject);
      }),
  );
  await consumer.disconnect();
  return seconds;
}
