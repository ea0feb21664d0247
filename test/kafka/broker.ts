/**
 * The real broker for tests. `describeKafka` runs its tests on KAFKA_BROKERS where that is set, else on the one broker
 * that the run starts for itself, and skips them, loudly, where there is neither Java nor Maven; under CI that is a
 * failure. Every test takes a prefix of its own (`broker.options()`), so that one broker serves all.
 */
import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { describe, inject } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { brokerMissing, type Listeners } from './child-broker.js';
import type { BrokerAnswer } from './global-setup.js';

export { type BrokerOptions, type ChildBroker, SASL_USER, startBroker } from './child-broker.js';

export interface TestBroker extends Listeners {
  /** Options for this broker with a prefix that nobody else has; what it reports is kept for nobody. */
  options(overrides?: Partial<KafkaOptions>): KafkaOptions;
}

/** Tests on the broker that all share. */
export function describeKafka(name: string, body: (broker: TestBroker) => void): void {
  declare(name, shared, body);
}

/** Tests that start brokers of their own (`startBroker`), to stop them. */
export function describeOutage(name: string, body: () => void): void {
  declare(name, ownMissing() === null ? {} : null, body);
}

/** Options for any broker; each call has a prefix of its own. */
export function kafkaOptions(brokers: readonly string[], overrides: Partial<KafkaOptions> = {}): KafkaOptions {
  return {
    brokers,
    clientId: 'killdeer-test',
    prefix: `t${randomBytes(6).toString('hex')}.`,
    tls: false,
    sasl: null,
    compression: 'none',
    requestTimeoutMs: 10_000,
    report: () => {},
    ...overrides,
  };
}

/** Makes topics with the options' prefix and waits until they can be used. */
export async function makeTopics(
  options: KafkaOptions,
  topics: Readonly<Record<string, number>>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: Object.entries(topics).map(([topic, numPartitions]) => ({
        topic: options.prefix + topic,
        numPartitions,
        replicationFactor: 1,
        configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
      })),
    });
  } finally {
    await admin.disconnect();
  }
}

function declare<T>(name: string, broker: T | null, body: (broker: T) => void): void {
  if (broker === null && process.env['CI']) throw new Error(`${name}: ${missing}`);
  const title = broker === null ? `${name} (SKIPPED: ${missing})` : name;
  // The body of a skipped suite still runs, to count its tests: it must not look at the broker outside of them.
  describe.skipIf(broker === null)(title, () => body(broker as T));
}

async function ask(): Promise<BrokerAnswer> {
  const response = await fetch(`http://127.0.0.1:${inject('kafkaPort')}/`);
  const answer = (await response.json()) as BrokerAnswer;
  // A broker that could be here and is not is a fault, not a reason to skip.
  if (!response.ok) throw new Error(`no broker for the tests: ${JSON.stringify(answer)}`);
  return answer;
}

function ownMissing(): string | null {
  return process.env['KAFKA_BROKERS'] === undefined ? missing : brokerMissing();
}

const answer = await ask();
const missing = 'missing' in answer ? answer.missing : null;
const shared: TestBroker | null =
  'found' in answer ? { ...answer.found, options: (overrides) => kafkaOptions(answer.found.brokers, overrides) } : null;
