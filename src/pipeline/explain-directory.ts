/**
 * Explains one event or finding of a data directory: takes the newest snapshot before its record and executes the
 * partition's log again up to it, with every output muted. Where that cannot be, it says why, and what was stored
 * with the finding is all there is. Reads alone, so a server may go on meanwhile.
 */
import { join } from 'node:path';
import type { Finding, Proposal } from '../decide/finding.js';
import { createOutcome } from '../engine/outcome.js';
import { partitionOf } from '../engine/partition.js';
import { KilldeerError } from '../errors.js';
import { isRejection } from '../event/event.js';
import type { PriceTable } from '../event/prices.js';
import { nodeFiles } from '../log/files.js';
import type { RegistryRecord } from '../registry/registry.js';
import { readCheckpointHeader } from './checkpoint.js';
import { Execution } from './execution.js';
import type { Explanation } from './explanation.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf, partitionLayout, REGISTRY_TOPIC } from './layout.js';
import type { LiveAdapters, LiveLog, LiveRegistry } from './live-parts.js';
import { type LiveMemory, readLiveMemory } from './live-state.js';
import { loadModel } from './model-folder.js';
import { viewShelf } from './numbered-shelf.js';
import type { LogPlace } from './output.js';
import { dailyNames, firstHeader, type PartitionHeader, readPartitionCheckpoint } from './partition-state.js';
import { decodeRecord } from './record-line.js';
import { openScratchShelf } from './replay.js';
import { decisionOf, type ReplayDecision } from './replay-summary.js';
import type { FoldSource } from './replayer.js';
import { Witness } from './witness.js';

export interface DirectoryQuestion {
  readonly directory: string;
  /** Of an event or a finding. */
  readonly id: string;
  /** Of the event, where several agents use its id. Left out: the first event of that id. */
  readonly agent?: string;
  /** Those of the server, or prices that it filled in come out otherwise. */
  readonly prices: PriceTable;
  readonly registry: FoldSource;
  readonly adapters: Pick<LiveAdapters<LiveRegistry>, 'openFileLog'> & {
    /** How many a topic has; null: there is no such topic. */
    partitionsOf(directory: string, topic: string): Promise<number | null>;
  };
  readonly onProgress?: (done: number, total: number) => void;
}

export type DirectoryAnswer =
  | { readonly exact: true; readonly explanation: Explanation }
  /** Stored attribution only. */
  | { readonly exact: false; readonly why: string; readonly finding: Finding | null };

/** Where the record stands that the question is about. */
interface Found {
  readonly partition: number;
  readonly offset: number;
  /** The finding asked about; null where the id is an event's. */
  readonly stored: Finding | null;
}

const READ_MAX = 1_000;

/** null where neither an event nor a finding of that id is kept. Rejects with 'usage' where no server ever kept data there. */
export async function explainDirectory(question: DirectoryQuestion): Promise<DirectoryAnswer | null> {
  const { directory, adapters } = question;
  const layout = layoutOf(directory);
  const memory = await readLiveMemory(nodeFiles, layout.state);
  const partitions = await adapters.partitionsOf(layout.log, EVENTS_TOPIC);
  if (memory === null || partitions === null) throw new KilldeerError('usage', `${directory} holds no server's data`);
  const findings = Array.from({ length: partitions }, (_, partition) => [findingsTopic(partition), 1] as const);
  const topics = { [EVENTS_TOPIC]: partitions, [REGISTRY_TOPIC]: 1, ...Object.fromEntries(findings) };
  const log = await adapters.openFileLog({ directory: layout.log, topics, readOnly: true });
  try {
    const found = (await findFinding(log, partitions, question.id)) ?? (await findEvent(log, partitions, question));
    return found === null ? null : await answer(question, log, memory, found);
  } finally {
    await log.close();
  }
}

async function answer(
  question: DirectoryQuestion,
  log: LiveLog,
  memory: LiveMemory,
  found: Found,
): Promise<DirectoryAnswer> {
  try {
    const explanation = await execute(question, log, memory, found);
    const { stored } = found;
    const again = explanation.finding.lines.find(({ id }) => id === stored?.id);
    if (stored === null || JSON.stringify(again) === JSON.stringify(stored)) return { exact: true, explanation };
    const why = 'executed again it comes out otherwise: another version wrote it, or other prices were in force';
    return { exact: false, why, finding: stored };
  } catch (error) {
    if (!(error instanceof KilldeerError)) throw error;
    const finding = found.stored ?? (await findingOf(log, found));
    return { exact: false, why: error.message, finding };
  }
}

/** Throws a KilldeerError that says what is missing. */
async function execute(
  { directory, id, prices, registry, onProgress }: DirectoryQuestion,
  log: LiveLog,
  memory: LiveMemory,
  { partition, offset, stored }: Found,
): Promise<Explanation> {
  const { header, engine } = await snapshotBefore(directory, log, memory, partition, offset);
  const own = partitionLayout(directory, partition);
  const models = (version: string) => loadModel(layoutOf(directory).models, version);
  const scratch = await openScratchShelf();
  try {
    const shelf = viewShelf({ directory: own.directory }, header.shelf, scratch.shelf);
    try {
      const place = { partition, epoch: memory.epoch };
      const execution = new Execution({ place, shelf, models }, header, engine);
      const witness = new Witness({ id, stored, partition });
      const total = offset - header.offset;
      for await (const { line, at } of linesOf({ log, topic: EVENTS_TOPIC, partition }, header.offset, offset + 1)) {
        const record = decodeRecord(line, at, prices);
        const outcome = createOutcome();
        if (at === offset && 'rejected' in record) return witness.explainRejection(record, at);
        if (at === offset) witness.before(execution.engine.inside, true);
        if (!('rejected' in record)) execution.step(record, at, outcome);
        if (at === offset && !('rejected' in record)) {
          const explanation = witness.explain(execution.engine.inside, record, at, outcome);
          if (explanation !== null) return { ...explanation, ...(await judged(log, registry, explanation.proposals)) };
        }
        if ((at - header.offset) % READ_MAX === 0) onProgress?.(at - header.offset, total);
      }
      throw new KilldeerError('log.corrupt', `record ${offset} of partition ${partition} is no event and no tick`);
    } finally {
      shelf.close();
    }
  } finally {
    await scratch.close();
  }
}
