/** The live side in a process that dies, again and again: what it acknowledged is scored, once, and as if it never died. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/config.js';
import { openFileLog } from '../../src/log/file-log.js';
import { deadLetterTopic, EVENTS_TOPIC, findingsTopic, layoutOf, REGISTRY_TOPIC } from '../../src/pipeline/layout.js';
import { loadModel } from '../../src/pipeline/model-folder.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { execute, freshDirectory, linesOf, policyOf, simulatedLines, talkative } from './live-world.js';

const CHILD = fileURLToPath(new URL('./live-child.mjs', import.meta.url));
const PARTITIONS = 2;
const CONFIG = {
  partitions: PARTITIONS,
  checkpoint: { every: 1 },
  learning: { every: '10m' },
  detection: { pages_per_agent_day: 0.3, notices_per_agent_day: 0.5 },
};

/** A failpoint, or the number of answers after which the process is killed from outside. */
type Death = string | number;

const children = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

class Child {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly answers: AsyncIterator<string>;
  private readonly gone: Promise<unknown>;
  stderr = '';

  constructor(task: object, failpoint: string | null) {
    const env = { ...process.env, ...(failpoint === null ? {} : { KILLDEER_FAILPOINT: failpoint }) };
    this.child = spawn(process.execPath, [CHILD, JSON.stringify(task)], { env });
    children.add(this.child);
    this.gone = new Promise((resolve) => this.child.on('exit', resolve));
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** The next answer; null: it died before. */
  async answer(): Promise<Record<string, unknown> | null> {
    const { value, done } = await this.answers.next();
    if (done !== true) return JSON.parse(value) as Record<string, unknown>;
    await this.ended();
    return null;
  }

  ask(command: object): Promise<Record<string, unknown> | null> {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    return this.answer();
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended();
  }

  async ended(): Promise<void> {
    await this.gone;
    children.delete(this.child);
  }
}

function batches(lines: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, i) => lines.slice(i * size, (i + 1) * size));
}

/** Ingests all batches through processes that die one after the other; what was not acknowledged is sent again. */
async function live(task: { readonly nowMs: number }, lines: readonly string[], deaths: readonly Death[]) {
  const left = batches(lines, 150);
  let died = 0;
  // Two minutes pass from batch to batch; a batch that is sent again is sent soon.
  let nowMs = task.nowMs;
  for (const death of deaths) {
    const child = new Child({ ...task, nowMs }, typeof death === 'string' ? death : null);
    let answered = 0;
    let alive = (await child.answer()) !== null;
    while (alive && left.length > 0) {
      const answer = await child.ask({ command: 'ingest', lines: left[0], nowMs });
      alive = answer !== null;
      if (!alive) break;
      expect(answer).toMatchObject({ accepted: left[0].length, rejected: 0 });
      left.shift();
      nowMs += 120_000;
      answered += 1;
      if (answered === death) break;
    }
    // Taking events in is faster than scoring them: the place where it dies may still lie ahead.
    if (alive && typeof death === 'string' && left.length === 0) {
      alive = (await child.ask({ command: 'finish' })) !== null;
    }
    expect(child.stderr).toBe('');
    if (!alive) died += 1;
    await child.kill();
  }
  const last = new Child({ ...task, nowMs }, null);
  await last.answer();
  for (const batch of left) {
    await last.ask({ command: 'ingest', lines: batch, nowMs });
    nowMs += 120_000;
  }
  const stats = await last.ask({ command: 'finish' });
  await last.ended();
  expect(last.stderr).toBe('');
  return { died, stats: stats as { partitions: { counts: Record<string, number> }[] } };
}

async function audit(directory: string) {
  const layout = layoutOf(directory);
  const outputs = Array.from({ length: PARTITIONS }, (_, i) => [findingsTopic(i), deadLetterTopic(i)]).flat();
  const topics = { [EVENTS_TOPIC]: PARTITIONS, [REGISTRY_TOPIC]: 1, ...Object.fromEntries(outputs.map((t) => [t, 1])) };
  const log = await openFileLog({ directory: layout.log, topics, readOnly: true });
  const settings = settingsOf(talkative(), policyOf('observe'));
  const partitions = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const records = await linesOf({ log, topic: EVENTS_TOPIC, partition });
      return {
        records,
        findings: await linesOf({ log, topic: findingsTopic(partition), partition: 0 }),
        dead: await linesOf({ log, topic: deadLetterTopic(partition), partition: 0 }),
        truth: execute(records, settings, (version) => loadModel(layout.models, version)),
      };
    }),
  );
  const fold = createFold();
  const registry = (await linesOf({ log, topic: REGISTRY_TOPIC, partition: 0 })).map(
    (line) => JSON.parse(line) as RegistryRecord,
  );
  const effects = registry.map((record) => ({ record, effect: fold.apply(record).effect }));
  await log.close();
  return { partitions, effects, fold };
}

describe('a live side that is killed', () => {
  const lines = simulatedLines(4, 4);
  const idOf = (line: string): string => (JSON.parse(line) as { id: string }).id;

  it.each<[string, Death[]]>([
    ['in the middle of events', ['event:300', 'event:200', 2, 'event:200']],
    ['around its checkpoints', ['checkpoint-written:2', 'checkpoint-renamed:2', 'checkpoint-begin:3', 4]],
    [
      'around findings and proposals',
      ['registry-written:3', 'findings-written:3', 'registry-write:2', 'findings-write:4', 5],
    ],
  ])('%s loses nothing and says nothing twice', async (_, deaths) => {
    const directory = freshDirectory();
    const task = {
      ...{ directory, config: CONFIG, policy: policyOf('observe') },
      nowMs: Date.UTC(2025, 5, 6),
    };
    const { died, stats } = await live(task, lines, deaths);
    // Where it is depends on how fast the threads are; that it dies on the way does not.
    expect(died).toBeGreaterThanOrEqual(2);
    const { partitions, effects } = await audit(directory);
    const ids = new Set(lines.map(idOf));
    let scored = 0;
    const kept = new Set<string>();
    for (const [partition, { records, findings, dead, truth }] of partitions.entries()) {
      expect(findings).toEqual(truth.findings);
      expect(dead).toEqual([]);
      // The clock may have ticked, or a model been activated, between the last look at the counts and the end.
      const { controls, ticks, ...counts } = stats.partitions[partition].counts;
      expect({ ...truth.counts, ...counts }).toEqual(truth.counts);
      expect(controls).toBeLessThanOrEqual(truth.counts.controls);
      expect(ticks).toBeLessThanOrEqual(truth.counts.ticks);
      scored += truth.counts.scored;
      for (const record of records) {
        const { type, event } = JSON.parse(record) as { type: string; event: { id: string } };
        if (type === 'event') kept.add(event.id);
      }
      const proposed = effects.filter(({ record, effect }) => record.type === 'proposal' && effect === 'observed');
      const keys = proposed.map(({ record }) => (record.type === 'proposal' ? record.proposal.key : ''));
      for (const key of truth.proposals) expect(keys.filter((one) => one === key)).toHaveLength(1);
    }
    expect(kept).toEqual(ids);
    expect(scored).toBe(ids.size);
    expect(partitions.flatMap(({ findings }) => findings).length).toBeGreaterThan(3);
    expect(partitions[0].records.some((record) => record.startsWith('{"type":"model"'))).toBe(true);
  });

  it('holds a stop that was answered, whatever happens next', async () => {
    const directory = freshDirectory();
    const task = {
      ...{ directory, config: CONFIG, policy: policyOf('enforce') },
      nowMs: Date.UTC(2025, 5, 6),
    };
    const first = new Child(task, null);
    await first.answer();
    expect(await first.ask({ command: 'suspend', agent: 'clerk' })).toMatchObject({ effect: 'applied' });
    await first.kill();
    const second = new Child(task, null);
    await second.answer();
    expect(await second.ask({ command: 'decide', agent: 'clerk' })).toMatchObject({
      allow: false,
      status: 'suspended',
    });
    expect(await second.ask({ command: 'suspend', agent: 'clerk' })).toMatchObject({ effect: 'duplicate' });
    await second.ask({ command: 'finish' });
    await second.ended();
    const { effects } = await audit(directory);
    expect(effects.filter(({ record }) => record.type === 'stop').map(({ effect }) => effect)).toEqual([
      'applied',
      'duplicate',
    ]);
  });
});
