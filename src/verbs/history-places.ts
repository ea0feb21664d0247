/** What is carried into the history: on one machine all of its log, among several the partitions of each process. */
import { openFileLog } from '../log/file-log.js';
import type { Log } from '../log/log.js';
import type { ClusterAdapters } from '../pipeline/cluster-parts.js';
import { deadLetterTopic, EVENTS_TOPIC, findingsTopic, layoutOf, REGISTRY_TOPIC } from '../pipeline/layout.js';
import { createPatientLog } from '../pipeline/patient-log.js';
import { DEAD_LETTER_TOPIC, FINDINGS_TOPIC } from '../pipeline/topics.js';
import type { Registry } from '../registry/journal.js';
import type { ProjectedPlace, ProjectedTopic } from '../store/batch.js';
import { History, type HistoryOptions } from './history.js';

/** Ends after what is under way. */
export type StopHistory = () => Promise<void>;

/** Follows the log of a data directory; null where the configuration wants no history. */
export async function openFileHistory(options: HistoryOptions): Promise<StopHistory | null> {
  const { config } = options.setup;
  if (config.store.kind === 'none') return null;
  const { partitions } = config;
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const outputs = numbers.flatMap((partition) => [findingsTopic(partition), deadLetterTopic(partition)]);
  const log = await openFileLog({
    directory: layoutOf(options.dir).log,
    topics: {
      [EVENTS_TOPIC]: partitions,
      [REGISTRY_TOPIC]: 1,
      ...Object.fromEntries(outputs.map((topic) => [topic, 1])),
    },
    readOnly: true,
  });
  const place = (topic: string, partition: number, as: ProjectedPlace['as']): ProjectedPlace => {
    return { log, topic, partition, as };
  };
  const history = new History(options);
  void history.project([
    place(REGISTRY_TOPIC, 0, { topic: 'registry', partition: 0 }),
    ...numbers.flatMap((partition) => [
      place(EVENTS_TOPIC, partition, { topic: 'events', partition }),
      place(findingsTopic(partition), 0, { topic: 'findings', partition }),
      place(deadLetterTopic(partition), 0, { topic: 'dead-letter', partition }),
    ]),
  ]);
  return async () => {
    await history.stop();
    await log.close();
  };
}

/** The role `project` of a process among several; null where the configuration wants no history. */
export async function openClusterHistory(
  options: HistoryOptions,
  adapters: Pick<ClusterAdapters<Registry>, 'openLog' | 'join'>,
): Promise<StopHistory | null> {
  const { config } = options.setup;
  if (config.store.kind === 'none') return null;
  const { partitions } = config;
  const topics = { [EVENTS_TOPIC]: partitions, [FINDINGS_TOPIC]: partitions, [DEAD_LETTER_TOPIC]: partitions };
  const opened = await adapters.openLog({ ...topics, [REGISTRY_TOPIC]: 1 }, true);
  const log = createPatientLog(opened, () => performance.now());
  const history = new History(options);
  const close = async (): Promise<void> => {
    // Otherwise it would wait for brokers that are away.
    log.hurry();
    await history.stop();
    await log.close();
  };
  try {
    const onAssigned = (assigned: readonly number[]): void => void history.project(placesOf(log, assigned));
    const membership = await adapters.join({ group: 'project', topic: EVENTS_TOPIC, onAssigned });
    return async () => {
      await membership.leave();
      await close();
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function placesOf(log: Log, assigned: readonly number[]): readonly ProjectedPlace[] {
  const same = (topic: ProjectedTopic, partition: number): ProjectedPlace => {
    return { log, topic, partition, as: { topic, partition } };
  };
  const own = assigned.flatMap((partition) => [
    same('events', partition),
    same('findings', partition),
    same('dead-letter', partition),
  ]);
  // The registry has one partition: whoever has the first of the others has it too.
  return assigned.includes(0) ? [same('registry', 0), ...own] : own;
}
