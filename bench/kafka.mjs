/**
 * A topic through the role `score`: fetch, decode, check, score, dead letters, findings and samples in transactions.
 * Beside it the least that any consumer does: a bare kafkajs consumer that JSON.parses the same topic and forgets.
 */
import { Kafka, logLevel } from 'kafkajs';
import { createInstallation, feedEvents, startScoring, withBroker } from './cluster.mjs';
import { Fleet } from './fleet.mjs';
import { compare, row } from './measure.mjs';
import { inFolder } from './parts.mjs';

const EVENTS = 1_600_000;
const AGENTS = 1_000;
const PARTITIONS = 4;
const RUNS = 3;
const TARGET = 'at least 0.4, aim 0.6';

export async function run() {
  return inFolder((folder) =>
    withBroker(async (brokers) => {
      const pairs = [];
      // The first one warms the broker up and is not counted.
      for (let i = 0; i <= RUNS; i++) {
        const installation = await createInstallation(brokers, folder, PARTITIONS);
        const records = await feedEvents(installation, new Fleet(AGENTS), EVENTS);
        const reference = await consume(installation, records);
        const ours = await score(installation, records);
        if (i > 0) pairs.push({ reference, ours });
      }
      return [row('kafka', 'topic to findings', 'records/s', compare(pairs), 'kafkajs + JSON.parse', TARGET)];
    }),
  );
}

/** Records a second, from the first batch to the last record. */
async function consume({ kafka, prefix }, records) {
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const consumer = client.consumer({ groupId: `${prefix}bare`, maxBytesPerPartition: 4_194_304 });
  await consumer.connect();
  await consumer.subscribe({ topics: [`${prefix}events`], fromBeginning: true });
  let seen = 0;
  let startMs = 0;
  const seconds = await new Promise((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          if (startMs === 0) startMs = performance.now();
          for (const { value } of batch.messages) if (typeof JSON.parse(value.toString()) === 'object') seen++;
          if (seen === records) resolve((performance.now() - startMs) / 1000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return records / seconds;
}

/** Records a second, from the moment when every partition is up to the commit that covers the last record. */
async function score(installation, records) {
  let executed = 0;
  let restored = 0;
  let startMs = 0;
  let done = () => undefined;
  const finished = new Promise((resolve) => {
    done = resolve;
  });
  const cluster = await startScoring(installation, {
    onRestored: () => {
      restored += 1;
      // From the first: its records are executed while the others come up.
      if (restored === 1) startMs = performance.now();
    },
    onCommit: (count) => {
      executed += count;
      if (executed >= records) done((performance.now() - startMs) / 1000);
    },
  });
  const seconds = await finished;
  await cluster.stop();
  return records / seconds;
}
