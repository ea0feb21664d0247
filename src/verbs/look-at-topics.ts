/** What `killdeer check` says of the brokers, and of each topic that the roles need; and how the topics are made. */
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { KafkaOptions } from '../log/kafka-connection.js';
import { openKafkaFetch } from '../log/kafka-fetch.js';
import { checkTopics, createTopics } from '../log/kafka-topics.js';
import { topicPlans } from '../pipeline/topics.js';
import { kafkaOptionsOf } from './kafka-adapters.js';
import type { Setup } from './setup.js';

/** One thing that was looked at. `ok` null: nothing is wrong, and nothing is there. */
export interface Look {
  readonly what: string;
  readonly ok: boolean | null;
  readonly words: string;
}

/** Nothing where the log is a file. `make`: topics that are missing are made before. */
export async function lookAtTopics({ config }: Setup, make: boolean): Promise<Look[]> {
  if (config.log.kind !== 'kafka') {
    if (make) throw new KilldeerError('usage', "--create-topics needs log.kind 'kafka' in the configuration");
    return [];
  }
  const kafka = kafkaOptionsOf(config, () => undefined);
  const plans = topicPlans(config);
  try {
    const made = make ? await createTopics(kafka, plans, config.kafka.replication) : [];
    const checks = await checkTopics(kafka, plans);
    const topics = checks.map(({ topic, state, words }): Look => {
      const next = state === 'missing' ? '; make it with --create-topics' : '';
      return { what: topic, ok: state === 'ok', words: `${made.includes(topic) ? 'made: ' : ''}${words}${next}` };
    });
    const sources = await lookAtSources(config, kafka);
    return [brokers(kafka, true, kafka.brokers.join(', ')), ...topics, ...sources];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [brokers(kafka, false, `${kafka.brokers.join(', ')}: ${reason}`)];
  }
}

/** Topics of others: they are never made here. */
async function lookAtSources({ sources }: Config, kafka: KafkaOptions): Promise<Look[]> {
  const fetch = openKafkaFetch(kafka, { readCommitted: true });
  try {
    const looks: Look[] = [];
    for (const { name, topic, format } of sources) {
      const what = `source ${name}`;
      try {
        const partitions = await fetch.partitions(topic);
        looks.push({ what, ok: true, words: `${topic}, ${partitions} partitions, ${format}` });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        looks.push({ what, ok: false, words: `${topic}: ${reason}` });
      }
    }
    return looks;
  } finally {
    fetch.close();
  }
}

function brokers({ sasl, tls }: KafkaOptions, ok: boolean, words: string): Look {
  const login = sasl === null ? '' : `, as ${sasl.username} (${sasl.mechanism})`;
  return { what: 'brokers', ok, words: `${words}${tls === false ? '' : ', TLS'}${login}` };
}
