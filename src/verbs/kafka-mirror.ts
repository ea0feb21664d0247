/** The topic `registry-current`, written by this process for as long as it is the one to do so. */
import type { RegistryFeed } from '../api/registry-feed.js';
import { type MirrorTopic, RegistryMirror } from '../api/registry-mirror.js';
import type { KafkaOptions } from '../log/kafka-connection.js';
import { readKeyed } from '../log/kafka-keyed.js';
import { openTransactionalWriter } from '../log/kafka-transaction.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { CURRENT_TOPIC } from '../pipeline/topics.js';
import type { Registry } from '../registry/journal.js';

interface MirrorParts {
  readonly kafka: KafkaOptions;
  readonly feed: RegistryFeed;
  readonly registry: Registry;
  readonly report: (report: LiveReport) => void;
}

export function createMirror({ kafka, feed, registry, report }: MirrorParts): RegistryMirror {
  return new RegistryMirror({
    feed,
    entries: () => registry.view.entries(),
    open: () => openTopic(kafka),
    report: (message, error) => report({ level: 'warn', message, error }),
  });
}

async function openTopic(kafka: KafkaOptions): Promise<MirrorTopic> {
  const transactionalId = kafka.prefix + CURRENT_TOPIC;
  const writer = await openTransactionalWriter({ kafka, transactionalId, topics: [CURRENT_TOPIC] });
  return {
    read: async (take) => {
      await readKeyed({ kafka, topic: CURRENT_TOPIC, partition: 0 }, take);
    },
    commit: (records) =>
      writer.commit(records.map(({ key, value }) => ({ topic: CURRENT_TOPIC, partition: 0, key, value }))),
    close: () => writer.close(),
  };
}
