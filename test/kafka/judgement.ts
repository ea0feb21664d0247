/**
 * What an installation's topics hold, held against engines and a registry that nobody disturbed: the same records, in
 * one go, in this process.
 */
import { expect } from 'vitest';
import { rootOf } from '../../src/agent/lineage.js';
import { settingsDigest, settingsOf } from '../../src/config.js';
import type { EngineCounts } from '../../src/engine/contract.js';
import { PartitionEngine } from '../../src/engine/engine.js';
import { clearOutcome, createOutcome } from '../../src/engine/outcome.js';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import { EVENTS_TOPIC, REGISTRY_TOPIC } from '../../src/pipeline/layout.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import { parseStoredSettings } from '../../src/pipeline/stored-settings.js';
import { DEAD_LETTER_TOPIC, FINDINGS_TOPIC } from '../../src/pipeline/topics.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryFold, RegistryRecord, Verdict } from '../../src/registry/registry.js';
import type { Setup } from '../../src/verbs/setup.js';
import { linesOf } from '../pipeline/live-world.js';
import type { Cluster } from './cluster.js';

/** One partition, or what one would have been. */
export interface PartitionLines {
  readonly findings: readonly string[];
  readonly dead: readonly string[];
}

export interface Kept {
  /** Of `events`, by partition. */
  readonly records: readonly (readonly string[])[];
  /** Committed, by partition. */
  readonly outputs: readonly PartitionLines[];
  readonly registry: readonly RegistryRecord[];
}

export interface Undisturbed {
  readonly outputs: readonly PartitionLines[];
  readonly counts: readonly Readonly<EngineCounts>[];
  readonly registry: readonly RegistryRecord[];
}

/** Reads every topic, committed records alone. */
export async function readKept({ kafka, partitions }: Cluster): Promise<Kept> {
  const topics = { [EVENTS_TOPIC]: partitions, [FINDINGS_TOPIC]: partitions, [DEAD_LETTER_TOPIC]: partitions };
  const log = await openKafkaLog({ kafka, topics: { ...topics, [REGISTRY_TOPIC]: 1 }, readCommitted: true });
  try {
    const all = (topic: string) =>
      Promise.all(Array.from({ length: partitions }, (_, partition) => linesOf({ log, topic, partition })));
    const [records, findings, dead] = [
      await all(EVENTS_TOPIC),
      await all(FINDINGS_TOPIC),
      await all(DEAD_LETTER_TOPIC),
    ];
    const registry = await linesOf({ log, topic: REGISTRY_TOPIC, partition: 0 });
    return {
      records,
      outputs: findings.map((lines, partition) => ({ findings: lines, dead: dead[partition] })),
      registry: registry.map((line) => JSON.parse(line) as RegistryRecord),
    };
  } finally {
    await log.close();
  }
}

/** What one owner of everything, that never died, makes of the records. */
export function undisturbed(records: Kept['records'], setup: Setup): Undisturbed {
  const registry: RegistryRecord[] = [policyRecord(setup)];
  const executed = records.map((lines, partition) => execute(lines, partition, setup, registry));
  return { outputs: executed, counts: executed.map(({ counts }) => counts), registry };
}

const SYSTEM = { actor: 'system', authority: 'system', parent: null } as const;

function policyRecord({ policy }: Setup): RegistryRecord {
  return { type: 'policy', policy, timeMs: 0, ...SYSTEM };
}

/** As the batch loop has it: dead letters are cut to this. */
const DEAD_LINE_MAX = 4_096;

function execute(
  lines: readonly string[],
  partition: number,
  { config, policy, startModel, prices }: Setup,
  registry: RegistryRecord[],
): PartitionLines & { readonly counts: Readonly<EngineCounts> } {
  const settings = settingsOf(config, policy);
  const shelf: Uint8Array[] = [];
  const engine = new PartitionEngine({
    settings,
    config: settingsDigest(settings),
    model: startModel,
    place: { partition, epoch: 1 },
    shelf: {
      append: (bytes) => shelf.push(bytes.slice()) - 1,
      read: (position) => shelf[position],
      size: () => shelf.length,
    },
    models: () => startModel,
    parseSettings: parseStoredSettings,
  });
  const outcome = createOutcome();
  const findings: string[] = [];
  const dead: string[] = [];
  for (const [offset, line] of lines.entries()) {
    const record = decodeRecord(line, offset, prices);
    if ('rejected' in record) {
      const { code, reason } = record;
      dead.push(JSON.stringify({ code, reason, offset, line: line.slice(0, DEAD_LINE_MAX) }));
      continue;
    }
    engine.step(record, offset, outcome);
    for (const finding of outcome.findings) findings.push(JSON.stringify(finding));
    for (const proposal of outcome.proposals) registry.push({ type: 'proposal', proposal, timeMs: 0, ...SYSTEM });
    const bound = record.type === 'event' && record.bound;
    for (const { tenant, agent, agentVersion, parent } of outcome.sightings) {
      const parentAgent = bound && isInTree(agent, parent) ? parent : null;
      registry.push({ type: 'seen', tenant, agent, agentVersion, parentAgent, timeMs: 0, ...SYSTEM });
    }
    clearOutcome(outcome);
  }
  return { findings, dead, counts: engine.counts };
}

/** A sender vouches for a parent of the agent's own tree alone. */
function isInTree(agent: string, parent: string | null): boolean {
  if (parent === null) return false;
  const root = rootOf(agent, parent);
  return parent === root || parent.startsWith(`${root}/`);
}

/** What the registry came to: every judgement by key, every agent. */
interface Judged {
  /** Effect of each proposal's key, sorted; a key that was judged twice stands twice. */
  readonly judgements: readonly string[];
  readonly applied: number;
  readonly agents: readonly object[];
  /** Proposals that said again what was judged, and those of owners whose time was over. */
  readonly repeated: number;
  readonly void: number;
}

export function judgeRegistry(records: readonly RegistryRecord[]): Judged {
  const fold = createFold();
  const judgements: string[] = [];
  let [applied, repeated, voided] = [0, 0, 0];
  for (const record of records) {
    const verdict = fold.apply(record);
    if (record.type !== 'proposal') continue;
    if (verdict.effect === 'duplicate') repeated += 1;
    else if (isVoid(verdict)) voided += 1;
    else judgements.push(`${record.proposal.key} ${verdict.effect}`);
    if (verdict.effect === 'applied') applied += 1;
  }
  return { judgements: judgements.sort(), applied, agents: agentsOf(fold), repeated, void: voided };
}

function isVoid({ effect, reason }: Verdict): boolean {
  return effect === 'refused' && /^epoch \d+ of partition \d+ is over/.test(reason ?? '');
}

/** Without what depends on the moment: when it was seen and changed. */
function agentsOf(fold: RegistryFold): object[] {
  return [...fold.entries()]
    .map(({ firstSeenMs: _, lastChangeMs: __, ...entry }) => entry)
    .sort((a, b) => (a.agent < b.agent ? -1 : 1));
}

/** Figures of an installation that met every expectation. */
export interface JudgedFigures {
  readonly records: number;
  readonly findings: number;
  readonly dead: number;
  readonly stops: number;
  readonly repeated: number;
  readonly void: number;
  readonly counts: Readonly<EngineCounts>;
}

/** Everything that must be the same whoever died: findings and dead letters line by line, and the registry. */
export function judge(kept: Kept, truth: Undisturbed): JudgedFigures {
  for (const [partition, { findings, dead }] of kept.outputs.entries()) {
    expect(findings.map(idOf)).toEqual(truth.outputs[partition].findings.map(idOf));
    expect(findings).toEqual(truth.outputs[partition].findings);
    expect(dead).toEqual(truth.outputs[partition].dead);
  }
  const [real, ideal] = [judgeRegistry(kept.registry), judgeRegistry(truth.registry)];
  expect(real.judgements).toEqual(ideal.judgements);
  expect(real.agents).toEqual(ideal.agents);
  expect(new Set(real.judgements.map((words) => words.split(' ')[0])).size).toBe(real.judgements.length);
  const count = (pick: (lines: PartitionLines) => readonly string[]) =>
    kept.outputs.reduce((sum, lines) => sum + pick(lines).length, 0);
  return {
    records: kept.records.reduce((sum, lines) => sum + lines.length, 0),
    findings: count(({ findings }) => findings),
    dead: count(({ dead }) => dead),
    stops: real.applied,
    repeated: real.repeated,
    void: real.void,
    counts: sumOf(truth.counts),
  };
}

function idOf(line: string): string {
  const { id, severity } = JSON.parse(line) as { id: string; severity: string };
  return `${id} ${severity}`;
}

/** Of all partitions together. */
export function sumOf(counts: readonly Readonly<EngineCounts>[]): EngineCounts {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, value] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + value;
  return sum as unknown as EngineCounts;
}
