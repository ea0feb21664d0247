/** What a partition made of a record, read off an engine that executes the log again, beside the one that wrote it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { settingsDigest, settingsOf } from '../../src/config.js';
import type { Finding, Proposal } from '../../src/decide/finding.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { type FileLog, openFileLog, partitionsOf } from '../../src/log/file-log.js';
import { nodeFiles } from '../../src/log/files.js';
import { renderExplanation } from '../../src/pipeline/explain.js';
import {
  type DirectoryAnswer,
  type DirectoryQuestion,
  explainDirectory,
} from '../../src/pipeline/explain-directory.js';
import { createFilePartition } from '../../src/pipeline/file-partition.js';
import {
  deadLetterTopic,
  EVENTS_TOPIC,
  findingsTopic,
  layoutOf,
  partitionLayout,
  REGISTRY_TOPIC,
} from '../../src/pipeline/layout.js';
import { LiveState } from '../../src/pipeline/live-state.js';
import { loadModel, storeModel } from '../../src/pipeline/model-folder.js';
import { encodeRecord } from '../../src/pipeline/record-line.js';
import { createFold } from '../../src/registry/fold.js';
import { freshDirectory, linesOf, PRICES, policyOf, recordsOf, simulatedLines, talkative } from './live-world.js';
import { FOLD } from './replay-world.js';

const LINES = simulatedLines(6, 4);
const DETECTION = { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5 };
// Two places for six agents, so that profiles come from the shelf; later there is room for all of them.
const TIGHT = settingsOf(talkative({ detection: { ...DETECTION, agents_max: 2 } }), policyOf('enforce'));
const ROOMY = settingsOf(talkative({ detection: DETECTION }), policyOf('enforce'));
const RECORDS = recordsOf(LINES);
const CHANGING = withChange(RECORDS);

function withChange(records: readonly string[]): string[] {
  const at = Math.floor(records.length * 0.6);
  const change = encodeRecord({ type: 'config', timeMs: 0, settings: ROOMY });
  return [...records.slice(0, at), 'junk', change, ...records.slice(at)];
}

interface Kept {
  readonly directory: string;
  readonly log: FileLog;
  /** The first line of each. */
  readonly findings: Finding[];
  ask(id: string, more?: Partial<DirectoryQuestion>): Promise<DirectoryAnswer | null>;
}

/** A data directory as a server keeps it, with the log still open for writing. */
async function keep(records = CHANGING, segmentBytesMax?: number): Promise<Kept> {
  const directory = freshDirectory();
  const layout = layoutOf(directory);
  const topics = { [EVENTS_TOPIC]: 1, [findingsTopic(0)]: 1, [deadLetterTopic(0)]: 1, [REGISTRY_TOPIC]: 1 };
  const limits = segmentBytesMax === undefined ? {} : { segmentBytesMax, retainBytesMax: 4 * segmentBytesMax };
  const log = await openFileLog({ directory: layout.log, topics, ...limits });
  onTestFinished(() => log.close());
  await storeModel(nodeFiles, layout.models, neutralModel());
  const genesis = { settings: TIGHT, model: 'neutral' };
  const memory = { epoch: 3, genesis, settings: TIGHT, model: 'neutral', told: 0 };
  await LiveState.open(nodeFiles, layout.state, memory);
  log.keepFrom(EVENTS_TOPIC, 0, 0);
  for (let at = 0; at < records.length; at += 1_000) await log.append(EVENTS_TOPIC, 0, records.slice(at, at + 1_000));
  await execute(directory, log);
  const place = { log, topic: findingsTopic(0), partition: 0 };
  return {
    directory,
    log,
    findings: firstLines((await linesOf(place)).map((line) => JSON.parse(line) as Finding)),
    ask: (id, more = {}) =>
      explainDirectory({
        ...{ directory, id, prices: PRICES, registry: FOLD, adapters: { openFileLog, partitionsOf } },
        ...more,
      }),
  };
}

function firstLines(lines: readonly Finding[]): Finding[] {
  return lines.filter((line, i) => lines.findIndex(({ id }) => id === line.id) === i);
}

async function execute(directory: string, log: FileLog): Promise<void> {
  const own = partitionLayout(directory, 0);
  mkdirSync(own.directory, { recursive: true });
  const end = await log.end(EVENTS_TOPIC, 0);
  const place = (topic: string) => ({ log, topic, partition: 0 });
  let nowMs = 0;
  const loop = await createFilePartition({
    place: { partition: 0, epoch: 3 },
    events: place(EVENTS_TOPIC),
    findings: place(findingsTopic(0)),
    deadLetter: place(deadLetterTopic(0)),
    samples: null,
    genesis: { settings: TIGHT, model: 'neutral' },
    models: (version) => loadModel(layoutOf(directory).models, version),
    shelf: { directory: own.directory, rewriteFromBytes: 1 },
    prices: PRICES,
    state: { files: nodeFiles, path: own.checkpoint, dailyDirectory: own.daily, dailyMax: 9 },
    checkpointEveryMs: 1,
    clock: () => {
      nowMs += 0.6;
      return nowMs;
    },
    emit: {
      registry: (proposals) => tell(log, proposals),
      progress: ({ offset }) => {
        if (offset >= end) loop.stop();
      },
      checkpointed: (offset) => log.keepFrom(EVENTS_TOPIC, 0, offset),
    },
    pass: () => undefined,
  });
  await loop.run();
}

async function tell(log: FileLog, proposals: readonly Proposal[]): Promise<void> {
  const by = { actor: 'engine:0', authority: 'test', parent: null };
  const policy = JSON.stringify({ type: 'policy', timeMs: 0, policy: policyOf('enforce'), ...by });
  const records = proposals.map((proposal) => JSON.stringify({ type: 'proposal', timeMs: 1, proposal, ...by }));
  if (records.length > 0) await log.append(REGISTRY_TOPIC, 0, [policy, ...records]);
}

function exactOf(answer: DirectoryAnswer | null) {
  if (answer?.exact !== true) throw new Error(JSON.stringify(answer));
  return answer.explanation;
}

describe('explaining from a data directory', () => {
  it('says again what each finding says, from a snapshot and across a change of settings', async () => {
    const { findings, ask, directory, log } = await keep();
    expect(readdirSync(partitionLayout(directory, 0).daily).length).toBeGreaterThan(2);
    expect(findings.length).toBeGreaterThan(2);
    const configOf = async (line: string) => exactOf(await ask(JSON.parse(line).id)).step?.identity.config;
    expect(await configOf(LINES[500])).toBe(settingsDigest(TIGHT));
    expect(await configOf(LINES.at(-50) as string)).toBe(settingsDigest(ROOMY));
    const fold = createFold();
    const verdicts = (await linesOf({ log, topic: REGISTRY_TOPIC, partition: 0 })).map((line) => {
      const record = JSON.parse(line);
      return [record.proposal?.key, fold.apply(record).effect];
    });
    const effects = new Map(verdicts as [string, string][]);
    for (const finding of findings) {
      const explanation = exactOf(await ask(finding.id));
      expect(explanation.stored).toEqual(finding);
      expect(explanation.finding.lines).toContainEqual(finding);
      expect(explanation).toMatchObject({ partition: 0, offset: finding.evidence[0].offset });
      expect(Number(explanation.step?.p.toPrecision(4))).toBe(finding.p);
      expect(explanation.step?.identity).toMatchObject({ root: finding.root, config: finding.config });
      for (const { proposal, effect } of explanation.decisions) expect(effect).toBe(effects.get(proposal ?? ''));
      expect(explanation.decisions).toHaveLength(explanation.proposals.length);
      expect(renderExplanation(explanation)).toContain(`record ${explanation.offset} of partition 0`);
    }
  });

  it('explains any event, and by its agent where ids repeat', async () => {
    const { ask } = await keep();
    const { id, agent } = JSON.parse(LINES[500]) as { id: string; agent: string };
    const explanation = exactOf(await ask(id));
    expect(explanation).toMatchObject({ fate: 'scored', event: { id, agent }, stored: null });
    expect(CHANGING[explanation.offset]).toContain(JSON.stringify(id));
    expect(exactOf(await ask(id, { agent }))).toEqual(explanation);
    expect(await ask(id, { agent: 'nobody' })).toBeNull();
    expect(await ask('no-such-id')).toBeNull();
  });

  it('executes from the beginning where there is no snapshot yet, and from an older one where one is spoilt', async () => {
    const { directory, findings, ask } = await keep();
    const { daily, checkpoint } = partitionLayout(directory, 0);
    const last = findings[findings.length - 1];
    const whole = exactOf(await ask(last.id));
    for (const name of readdirSync(daily).sort().slice(-1)) {
      const bytes = readFileSync(join(daily, name));
      bytes[bytes.length - 40] ^= 1;
      writeFileSync(join(daily, name), bytes);
    }
    expect(exactOf(await ask(last.id))).toEqual(whole);
    rmSync(daily, { recursive: true });
    rmSync(checkpoint);
    expect(exactOf(await ask(last.id))).toEqual(whole);
  });

  it('says why it cannot, and what was stored, where something is gone', async () => {
    const { directory, findings, log, ask } = await keep(RECORDS, 500_000);
    const { daily, directory: own } = partitionLayout(directory, 0);
    const { id, agent } = JSON.parse(LINES.at(-50) as string) as { id: string; agent: string };
    const { offset } = exactOf(await ask(id));
    const late = { ...findings[0], id: 'f-late', agent, evidence: [{ offset, event: id }] };
    await log.append(findingsTopic(0), 0, [JSON.stringify(late)]);
    for (const name of readdirSync(own).filter((one) => one.startsWith('shelf-'))) rmSync(join(own, name));
    expect(await ask('f-late')).toMatchObject({ exact: false, why: expect.stringContaining('shelf-'), finding: late });
    rmSync(daily, { recursive: true });
    await log.retain();
    const begin = await log.begin(EVENTS_TOPIC, 0);
    expect(begin).toBeGreaterThan(0);
    expect(begin).toBeLessThan(offset);
    const why = expect.stringContaining(`no snapshot between it and record ${offset}`);
    expect(await ask('f-late')).toEqual({ exact: false, why, finding: late });
    expect(await ask(id)).toEqual({ exact: false, why, finding: late });
  });

  it('does not pass off as exact what comes out otherwise', async () => {
    const { findings, log, ask } = await keep();
    const forged = { ...findings[0], id: 'f-forged', p: 0.123 };
    await log.append(findingsTopic(0), 0, [JSON.stringify(forged)]);
    expect(await ask('f-forged')).toEqual({
      exact: false,
      why: expect.stringContaining('comes out otherwise'),
      finding: forged,
    });
  });

  it('refuses a folder in which no server kept anything', async () => {
    const directory = freshDirectory();
    const question = { directory, id: 'x', prices: PRICES, registry: FOLD, adapters: { openFileLog, partitionsOf } };
    await expect(explainDirectory(question)).rejects.toMatchObject({ code: 'usage' });
    expect(readdirSync(directory)).toEqual([]);
  });
});
