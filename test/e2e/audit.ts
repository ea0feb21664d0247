/**
 * What a data directory holds after its server ended, held against an engine that never stopped: the same compiled
 * engine, given the same records of `log:events` in one go.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineCounts } from '../../src/engine/contract.js';
import type { Log } from '../../src/log/log.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import type { Setup } from '../../src/verbs/setup.js';
import { ROOT } from './program.js';

/** Modules as they were built, so that what is compared is one version. */
async function built<T>(path: string): Promise<T> {
  return (await import(/* @vite-ignore */ pathToFileURL(join(ROOT, 'dist', path)).href)) as T;
}

async function modules() {
  return {
    ...(await built<typeof import('../../src/config.js')>('config.js')),
    ...(await built<typeof import('../../src/engine/engine.js')>('engine/engine.js')),
    ...(await built<typeof import('../../src/engine/outcome.js')>('engine/outcome.js')),
    ...(await built<typeof import('../../src/log/file-log.js')>('log/file-log.js')),
    ...(await built<typeof import('../../src/pipeline/layout.js')>('pipeline/layout.js')),
    ...(await built<typeof import('../../src/pipeline/model-folder.js')>('pipeline/model-folder.js')),
    ...(await built<typeof import('../../src/pipeline/record-line.js')>('pipeline/record-line.js')),
    ...(await built<typeof import('../../src/pipeline/stored-settings.js')>('pipeline/stored-settings.js')),
    ...(await built<typeof import('../../src/registry/fold.js')>('registry/fold.js')),
    ...(await built<typeof import('../../src/verbs/setup.js')>('verbs/setup.js')),
  };
}
type Modules = Awaited<ReturnType<typeof modules>>;

export interface AuditedPartition {
  readonly records: readonly string[];
  readonly findings: readonly string[];
  readonly dead: readonly string[];
  readonly truth: Executed;
}

export interface Executed {
  readonly findings: readonly string[];
  /** Keys. */
  readonly proposals: readonly string[];
  readonly counts: Readonly<EngineCounts>;
}

export interface Audited {
  readonly partitions: readonly AuditedPartition[];
  /** Every record of `log:registry` with what the fold made of it. */
  readonly registry: readonly { readonly record: RegistryRecord; readonly effect: string }[];
}

/** `config` and `policy` as the server was given them. */
export async function audit(
  directory: string,
  options: { readonly config?: string; readonly policy: string },
): Promise<Audited> {
  const m = await modules();
  const setup = m.loadSetup(options);
  const count = setup.config.partitions;
  const outputs = Array.from({ length: count }, (_, i) => [m.findingsTopic(i), m.deadLetterTopic(i)]).flat();
  const { log: directoryOfLog, models } = m.layoutOf(directory);
  const log = await m.openFileLog({
    directory: directoryOfLog,
    topics: { [m.EVENTS_TOPIC]: count, [m.REGISTRY_TOPIC]: 1, ...Object.fromEntries(outputs.map((t) => [t, 1])) },
    readOnly: true,
  });
  try {
    const partitions: AuditedPartition[] = [];
    for (let partition = 0; partition < count; partition++) {
      const records = await linesOf(log, m.EVENTS_TOPIC, partition);
      partitions.push({
        records,
        findings: await linesOf(log, m.findingsTopic(partition), 0),
        dead: await linesOf(log, m.deadLetterTopic(partition), 0),
        truth: execute(m, setup, records, models),
      });
    }
    const fold = m.createFold();
    const lines = await linesOf(log, m.REGISTRY_TOPIC, 0);
    const registry = lines.map((line) => {
      const record = JSON.parse(line) as RegistryRecord;
      return { record, effect: fold.apply(record).effect };
    });
    return { partitions, registry };
  } finally {
    await log.close();
  }
}

async function linesOf(log: Log, topic: string, partition: number): Promise<string[]> {
  const lines: string[] = [];
  const end = await log.end(topic, partition);
  for (let at = await log.begin(topic, partition); at < end; ) {
    const { records, next } = await log.read(topic, partition, at, 1_000);
    for (const { value } of records) lines.push(value);
    at = next;
  }
  return lines;
}

function execute(m: Modules, setup: Setup, records: readonly string[], modelsDirectory: string): Executed {
  const settings = m.settingsOf(setup.config, setup.policy);
  const shelf: Uint8Array[] = [];
  const models = (version: string) => m.loadModel(modelsDirectory, version);
  const engine = new m.PartitionEngine({
    settings,
    config: m.settingsDigest(settings),
    model: models(setup.startModel.version),
    place: { partition: 0, epoch: 1 },
    shelf: {
      append: (bytes) => shelf.push(bytes.slice()) - 1,
      read: (position) => shelf[position] as Uint8Array,
      size: () => shelf.length,
    },
    models,
    parseSettings: m.parseStoredSettings,
  });
  const outcome = m.createOutcome();
  const findings: string[] = [];
  const proposals: string[] = [];
  for (const [offset, line] of records.entries()) {
    const record = m.decodeRecord(line, offset, setup.prices);
    if ('rejected' in record) continue;
    engine.step(record, offset, outcome);
    findings.push(...outcome.findings.map((finding) => JSON.stringify(finding)));
    proposals.push(...outcome.proposals.map(({ key }) => key));
    m.clearOutcome(outcome);
  }
  return { findings, proposals, counts: engine.counts };
}
