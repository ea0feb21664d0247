/**
 * Topics as they should be and as they are: compared in words for a person, and made where they are missing. What is
 * there already is never changed, for its data may be somebody's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { KilldeerError } from '../errors.js';
import { type KafkaOptions, kafkaError, kafkaErrorType, openKafkaClient } from './kafka-connection.js';

/** How long a new topic is waited for: brokers tell each other within moments. */
const LOOK_EVERY_MS = 200;
const LOOKS_MAX = 100;

/** A topic as it should be. */
export interface TopicShape {
  /** Without the installation's prefix. */
  readonly topic: string;
  readonly partitions: number;
  /** Of the broker, by its own names. */
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicCheck {
  /** As the broker knows it, prefix included. */
  readonly topic: string;
  readonly state: 'ok' | 'missing' | 'wrong';
  /** What is wrong, for a person; for 'ok' what it is. */
  readonly words: string;
}

/**
 * Compares each topic with its plan. A wrong number of partitions, or settings that could lose data or refuse records
 * (what is cleaned up how, how long is kept, how long a record may be), are wrong. Rejects as the brokers refuse.
 */
export async function checkTopics(options: KafkaOptions, plans: readonly TopicShape[]): Promise<TopicCheck[]> {
  return withAdmin(options, 'the topics could not be checked', async (admin) => {
    const counts = await countPartitions(admin, options.prefix, plans);
    const present = plans.filter(({ topic }) => counts.has(topic));
    const configs = await readConfigs(admin, options, present);
    return plans.map((plan) => compare(options.prefix, plan, counts.get(plan.topic), configs.get(plan.topic)));
  });
}

/** Makes those that are missing; resolves with the names of the new ones, prefix included. */
export async function createTopics(
  options: KafkaOptions,
  plans: readonly TopicShape[],
  replication: number,
): Promise<string[]> {
  return withAdmin(options, 'the topics could not be created', async (admin) => {
    const counts = await countPartitions(admin, options.prefix, plans);
    const missing = plans.filter(({ topic }) => !counts.has(topic));
    const made: string[] = [];
    // One by one: of several in a request the broker makes some although it refuses another.
    for (const { topic, partitions, config } of missing) {
      const name = options.prefix + topic;
      const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
      // False where somebody else has just made it.
      const isNew = await admin.createTopics({
        // Asking for a topic that not all brokers know yet is an error to kafkajs; below it is waited for.
        waitForLeaders: false,
        topics: [{ topic: name, numPartitions: partitions, replicationFactor: replication, configEntries }],
      });
      if (isNew) made.push(name);
    }
    await untilKnown(admin, options.prefix, missing);
    return made;
  });
}

async function untilKnown(admin: Admin, prefix: string, plans: readonly TopicShape[]): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const counts = await countPartitions(admin, prefix, plans);
    if (plans.every(({ topic, partitions }) => counts.get(topic) === partitions)) return;
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * The longest batch that each topic takes, bytes; infinite where the broker does not say. Rejects with
 * 'kafka.missing-topic' and 'kafka.wrong-topic', naming every topic that is not there, or not with so many partitions.
 */
export async function batchBytesMax(
  options: KafkaOptions,
  topics: Readonly<Record<string, number>>,
): Promise<Map<string, number>> {
  const plans = Object.entries(topics).map(([topic, partitions]) => ({ topic, partitions, config: {} }));
  return withAdmin(options, 'the topics could not be read', async (admin) => {
    const counts = await countPartitions(admin, options.prefix, plans);
    const checks = plans.map((plan) => compare(options.prefix, plan, counts.get(plan.topic), undefined));
    const bad = checks.filter(({ state }) => state !== 'ok');
    if (bad.length > 0) {
      const code = bad.some(({ state }) => state === 'wrong') ? 'kafka.wrong-topic' : 'kafka.missing-topic';
      throw new KilldeerError(code, bad.map(({ words }) => words).join('; '));
    }
    const configs = await readConfigs(admin, options, plans);
    const limitOf = (topic: string) => Number(configs.get(topic)?.get('max.message.bytes')) || Number.POSITIVE_INFINITY;
    return new Map(plans.map(({ topic }) => [topic, limitOf(topic)]));
  });
}

async function withAdmin<T>(options: KafkaOptions, failed: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { kafka, shut } = openKafkaClient(options);
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw kafkaError(error, failed);
  } finally {
    await admin.disconnect().catch(() => {});
    shut();
  }
}

async function countPartitions(
  admin: Admin,
  prefix: string,
  plans: readonly TopicShape[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  // One by one, and not all there are: to kafkajs a fault of one topic, be it a stranger's, is a fault of them all.
  for (const { topic } of plans) {
    const name = prefix + topic;
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      counts.set(topic, topics.find((found) => found.name === name)?.partitions.length ?? 0);
    } catch (error) {
      if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
  }
  return counts;
}

/** By topic without its prefix, settings by name. Empty where we may not read them: that is no reason to stop. */
async function readConfigs(
  admin: Admin,
  { prefix, report }: KafkaOptions,
  plans: readonly TopicShape[],
): Promise<Map<string, ReadonlyMap<string, string>>> {
  if (plans.length === 0) return new Map();
  const asked = plans.map(({ topic }) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + topic }));
  try {
    const { resources } = await admin.describeConfigs({ resources: asked, includeSynonyms: false });
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName.slice(prefix.length),
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  } catch (error) {
    if (!/AUTHORIZATION_FAILED$/.test(kafkaErrorType(error) ?? '')) throw error;
    report('info', 'the settings of the topics may not be read, so they are taken to be right');
    return new Map();
  }
}

function compare(
  prefix: string,
  { topic, partitions, config }: TopicShape,
  count: number | undefined,
  actual: ReadonlyMap<string, string> | undefined,
): TopicCheck {
  const name = prefix + topic;
  if (count === undefined) return { topic: name, state: 'missing', words: `topic ${name} is missing` };
  const wrong = Object.entries(config).flatMap(([key, wanted]) => difference(key, wanted, actual?.get(key)));
  if (count !== partitions) wrong.unshift(`it has ${count} partitions, wanted ${partitions}`);
  if (wrong.length > 0) return { topic: name, state: 'wrong', words: `topic ${name}: ${wrong.join('; ')}` };
  return { topic: name, state: 'ok', words: `topic ${name} with ${count} partitions` };
}

/** Settings that may exceed what is wanted without harm; -1 is no limit. */
const AT_LEAST = new Set(['max.message.bytes', 'retention.ms', 'retention.bytes']);
/** Settings that must be just as wanted; any other is a matter of speed and size. */
const EXACT = new Set(['cleanup.policy']);

function difference(key: string, wanted: string, actual: string | undefined): string[] {
  if (actual === undefined || actual === wanted) return [];
  if (AT_LEAST.has(key)) {
    const enough = amount(actual) >= amount(wanted);
    return enough ? [] : [`its ${key} is ${actual}, wanted at least ${wanted}`];
  }
  return EXACT.has(key) ? [`its ${key} is ${actual}, wanted ${wanted}`] : [];
}

function amount(value: string): number {
  return value === '-1' ? Number.POSITIVE_INFINITY : Number(value);
}
