/**
 * Explains one event or finding of a data directory: takes the newest snapshot before its record and executes the
 * partition's log again up to it, with every output muted. Where that cannot be, it says why, and what was stored
 * with the finding is all there is. Reads alone, so a server may go on meanwhile.
 */
import { join } from 'node:path';
import type { Finding, Proposal } from '../decide/finding.js';
import { clearOutcome, createOutcome } from '../engine/outcome.js';
import { KilldeerError } from '../errors.js';
import type { PriceTable } from '../event/prices.js';
import { nodeFiles } from '../log/files.js';
import type { LogRecord } from '../log/log.js';
import type { RegistryRecord } from '../registry/registry.js';
import { readCheckpointHeader } from './checkpoint.js';
import { Execution, type ExecutionParts } from './execution.js';
import type { Explanation } from './explanation.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf, partitionLayout, REGISTRY_TOPIC } from './layout.js';
import type { LiveAdapters, LiveLog, LiveRegistry } from './live-parts.js';
import { type LiveMemory, readLiveMemory } from './live-state.js';
import { loadModel } from './model-folder.js';
import { viewShelf } from './numbered-shelf.js';
import type { LogPlace } from './output.js';
import {
  belongsTo,
  dailyNames,
  firstHeader,
  type PartitionHeader,
  readPartitionCheckpoint,
} from './partition-state.js';
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

/** Records read at once, and between two words about the progress. */
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
    const finding = found.stored ?? (await findingAt(log, found));
    return { exact: false, why: error.message, finding };
  }
}

/** Throws a KilldeerError that says what is missing. */
async function execute(
  question: DirectoryQuestion,
  log: LiveLog,
  memory: LiveMemory,
  found: Found,
): Promise<Explanation> {
  const { directory } = question;
  const snapshot = await snapshotBefore(directory, log, memory, found);
  const scratch = await openScratchShelf();
  try {
    const { directory: own } = partitionLayout(directory, found.partition);
    const shelf = viewShelf({ directory: own }, snapshot.header.shelf, scratch.shelf);
    try {
      const parts: ExecutionParts = {
        place: { partition: found.partition, epoch: memory.epoch },
        shelf,
        models: (version) => loadModel(layoutOf(directory).models, version),
      };
      return await executeTo(
        question,
        log,
        new Execution(parts, snapshot.header, snapshot.engine),
        snapshot.header.offset,
        found,
      );
    } finally {
      shelf.close();
    }
  } finally {
    await scratch.close();
  }
}

async function executeTo(
  { id, prices, registry, onProgress }: DirectoryQuestion,
  log: LiveLog,
  execution: Execution,
  from: number,
  { partition, offset, stored }: Found,
): Promise<Explanation> {
  const witness = new Witness({ id, stored, partition });
  const outcome = createOutcome();
  for await (const { offset: at, value } of recordsOf(eventsOf(log, partition), from, offset + 1)) {
    const record = decodeRecord(value, at, prices);
    if ('rejected' in record) {
      if (at === offset) return witness.explainRejection(record, at);
      continue;
    }
    if (at === offset) witness.before(execution.engine.inside, true);
    execution.step(record, at, outcome);
    if (at === offset) {
      const explanation = witness.explain(execution.engine.inside, record, at, outcome);
      if (explanation !== null) return { ...explanation, ...(await judge(log, registry, explanation.proposals)) };
    }
    clearOutcome(outcome);
    if (at % READ_MAX === 0) onProgress?.(at - from, offset - from);
  }
  throw new KilldeerError('log.corrupt', `record ${offset} of partition ${partition} is neither event nor tick`);
}

interface Snapshot {
  readonly header: PartitionHeader;
  /** Left out: an engine before its first record. */
  readonly engine?: Uint8Array;
}

/** The newest that stands at or before the record, and from which the log still goes on. */
async function snapshotBefore(
  directory: string,
  log: LiveLog,
  { genesis }: LiveMemory,
  { partition, offset }: Found,
): Promise<Snapshot> {
  const begin = await log.begin(EVENTS_TOPIC, partition);
  const paths = await checkpointsBefore(directory, partition, offset);
  for (const { path, at } of paths) {
    if (at < begin) break;
    try {
      const snapshot = await readPartitionCheckpoint(nodeFiles, path, belongsTo(partition));
      if (snapshot !== null) return snapshot;
    } catch (error) {
      // An older one may be whole.
      if (!(error instanceof KilldeerError)) throw error;
    }
  }
  if (begin === 0) return { header: firstHeader(genesis.settings, genesis.model) };
  const reason = `the log of partition ${partition} goes back to record ${begin}, and no snapshot between it and record ${offset} is kept`;
  throw new KilldeerError('log.offset-out-of-range', reason);
}

/** Newest first. */
async function checkpointsBefore(directory: string, partition: number, offset: number) {
  const { checkpoint, daily: dailyDirectory } = partitionLayout(directory, partition);
  const dailies = await dailyNames({ files: nodeFiles, dailyDirectory });
  const found: { readonly path: string; readonly at: number }[] = [];
  for (const path of [checkpoint, ...dailies.map((name) => join(dailyDirectory, name))]) {
    const header = (await readCheckpointHeader(nodeFiles, path)) as PartitionHeader | null;
    if (header !== null && header.offset <= offset) found.push({ path, at: header.offset });
  }
  return found.sort((a, b) => b.at - a.at);
}

/** The proposals as they were written, and what the registry made of them. */
async function judge(
  log: LiveLog,
  registry: FoldSource,
  proposals: readonly Proposal[],
): Promise<Pick<Explanation, 'proposals' | 'decisions'>> {
  const written = new Map<string, Proposal>();
  const decisions: ReplayDecision[] = [];
  const place = { log, topic: REGISTRY_TOPIC, partition: 0 };
  const keys = new Set(proposals.map(({ key }) => key));
  const fold = registry.create();
  for await (const { value } of recordsOf(place, 0, keys.size === 0 ? 0 : await log.end(REGISTRY_TOPIC, 0))) {
    const record = JSON.parse(value) as RegistryRecord;
    const verdict = fold.apply(record);
    // Told again after a crash: the first one counts.
    if (record.type !== 'proposal' || !keys.has(record.proposal.key) || written.has(record.proposal.key)) continue;
    written.set(record.proposal.key, record.proposal);
    decisions.push(decisionOf(record.proposal, verdict, record.timeMs));
  }
  return { proposals: proposals.map((proposal) => written.get(proposal.key) ?? proposal), decisions };
}

async function findFinding(log: LiveLog, partitions: number, id: string): Promise<Found | null> {
  for (let partition = 0; partition < partitions; partition++) {
    const stored = await findingWhere(log, partition, id, (finding) => finding.id === id);
    if (stored !== null) return { partition, offset: stored.evidence[0].offset, stored };
  }
  return null;
}

/** The first line of a finding that rests on the record. */
async function findingAt(log: LiveLog, { partition, offset }: Found): Promise<Finding | null> {
  return findingWhere(log, partition, String(offset), ({ evidence }) => evidence.some((one) => one.offset === offset));
}

async function findingWhere(
  log: LiveLog,
  partition: number,
  word: string,
  isMeant: (finding: Finding) => boolean,
): Promise<Finding | null> {
  for await (const { value } of recordsOf({ log, topic: findingsTopic(partition), partition: 0 })) {
    // Only lines that name it are worth parsing.
    if (!value.includes(word)) continue;
    const finding = JSON.parse(value) as Finding;
    if (isMeant(finding)) return finding;
  }
  return null;
}

async function findEvent(log: LiveLog, partitions: number, { id, agent }: DirectoryQuestion): Promise<Found | null> {
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { offset, value } of recordsOf(eventsOf(log, partition))) {
      // A sender may have escaped what it need not have.
      if (!value.includes(id) && !value.includes('\\')) continue;
      const event = eventOf(value);
      if (event?.id === id && (agent ?? event.agent) === event.agent) return { partition, offset, stored: null };
    }
  }
  return null;
}

/** As its sender wrote it; null where the line is something else. */
function eventOf(line: string): { readonly id?: unknown; readonly agent?: unknown } | null {
  try {
    const record = JSON.parse(line) as { type?: unknown; event?: object } | null;
    return record?.type === 'event' ? (record.event ?? null) : null;
  } catch {
    return null;
  }
}

function eventsOf(log: LiveLog, partition: number): LogPlace {
  return { log, topic: EVENTS_TOPIC, partition };
}

/** From `from`, or the first that is kept, up to `end`, or what was durable at the start. */
async function* recordsOf({ log, topic, partition }: LogPlace, from?: number, end?: number): AsyncGenerator<LogRecord> {
  const until = end ?? (await log.end(topic, partition));
  let at = from ?? (await log.begin(topic, partition));
  while (at < until) {
    const { records, next } = await log.read(topic, partition, at, Math.min(READ_MAX, until - at));
    yield* records;
    at = next;
  }
}
