/** The live side on a real log with real threads: dist/ must be built, since threads run compiled files. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerParts } from '../../src/api/contract.js';
import { createIngest } from '../../src/api/ingest.js';
import { type Config, parseConfig, settingsDigest, settingsOf } from '../../src/config.js';
import type { Finding } from '../../src/decide/finding.js';
import { partitionOf } from '../../src/engine/partition.js';
import { decodeLine } from '../../src/event/decode.js';
import { isRejection } from '../../src/event/event.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { openFileLog } from '../../src/log/file-log.js';
import { nodeFiles } from '../../src/log/files.js';
import { lockDirectory } from '../../src/log/lock.js';
import { createIntake } from '../../src/pipeline/intake.js';
import { EVENTS_TOPIC, findingsTopic, layoutOf, partitionLayout } from '../../src/pipeline/layout.js';
import { type Live, startLive } from '../../src/pipeline/live.js';
import type { PartitionStatus } from '../../src/pipeline/live-partitions.js';
import type { LiveOptions, LiveReport } from '../../src/pipeline/live-parts.js';
import { loadModel, storeModel } from '../../src/pipeline/model-folder.js';
import { encodeEvent, encodeRecord } from '../../src/pipeline/record-line.js';
import { Replayer } from '../../src/pipeline/replayer.js';
import { createMemoryShelf } from '../../src/pipeline/shelf.js';
import { createFold } from '../../src/registry/fold.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { createBoard } from '../../src/triage/board.js';
import { boardOptions } from '../../src/triage/section.js';
import type { TriageBoard } from '../../src/triage/triage.js';
import { execute, freshDirectory, idsOf, linesOf, PRICES, policyOf, simulatedLines, talkative } from './live-world.js';

const WORKER = new URL('../../dist/pipeline/worker.js', import.meta.url);
const IDENTITY = {
  id: 't1',
  actor: 'person:test',
  roles: ['ingest'] as const,
  bindings: { tenants: [''], agents: null },
};
const LINES = simulatedLines(4, 4);

const running = new Set<Live<Registry>>();

interface World {
  readonly live: Live<Registry>;
  readonly findings: TriageBoard;
  readonly fresh: Finding[];
  readonly reports: LiveReport[];
  ingest(lines: readonly string[]): ReturnType<ServerParts['ingest']['accept']>;
  partitions(): PartitionStatus[];
}

async function start(directory: string, config: Config, more: Partial<LiveOptions<Registry>> = {}): Promise<World> {
  const findings = createBoard(boardOptions(parseConfig({}, 'the test').triage));
  const fresh: Finding[] = [];
  const reports: LiveReport[] = [];
  const live = await startLive<Registry>({
    directory,
    config,
    policy: policyOf('observe'),
    startModel: neutralModel(),
    prices: PRICES,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings,
    onFinding: (finding) => fresh.push(finding),
    report: (report) => reports.push(report),
    workerUrl: WORKER,
    restart: { restartsMax: 2, pauseMs: 10, healthyMs: 60_000 },
    ...more,
  });
  running.add(live);
  const { log, behind } = live;
  const ingest = createIngest({
    intake: intakeOf(log),
    prices: PRICES,
    clock: Date.now,
    behind: () => behind.call(live),
  });
  return {
    live,
    findings,
    fresh,
    reports,
    ingest: (lines) => ingest.accept(Buffer.from(lines.join('\n')), IDENTITY),
    partitions: () => live.status.stats()['partitions'] as PartitionStatus[],
  };
}

function intakeOf(log: Live<Registry>['log']) {
  return createIntake({ log, clock: Date.now, dedupeMs: 600_000, idsMax: 100_000, seed: 1, edges: false });
}

async function stop({ live }: World): Promise<void> {
  running.delete(live);
  await live.stop();
}

afterEach(async () => {
  for (const live of running) await live.stop();
  running.clear();
});

/** Everything that a directory's logs hold of one partition, and what a re-execution of it gives. */
async function audit(directory: string, config: Config, partition: number) {
  const layout = layoutOf(directory);
  const topics = { [EVENTS_TOPIC]: config.partitions, [findingsTopic(partition)]: 1 };
  const log = await openFileLog({ directory: layout.log, topics, readOnly: true });
  const records = await linesOf({ log, topic: EVENTS_TOPIC, partition });
  const findings = await linesOf({ log, topic: findingsTopic(partition), partition: 0 });
  await log.close();
  const settings = settingsOf(config, policyOf('observe'));
  const truth = execute(records, settings, (version) => loadModel(layout.models, version));
  return { records, findings, truth };
}

/** What a replay finds in the same recording. */
function replayed(config: Config): Finding[] {
  const findings: Finding[] = [];
  const registry = { create: () => createFold(), restore: () => createFold() };
  const options = { config, policy: policyOf('observe'), startModel: neutralModel(), bound: true, registryImport: [] };
  const replayer = new Replayer(
    { ...options, registry, shelf: createMemoryShelf() },
    { finding: (finding) => findings.push(finding) },
  );
  for (const [line, text] of LINES.entries()) {
    const event = decodeLine(text, line, PRICES);
    if (isRejection(event)) throw new Error(event.reason);
    replayer.take(event, line, text);
  }
  replayer.finish();
  return findings;
}

describe('the live side', () => {
  it('runs compiled threads', () => {
    expect(existsSync(fileURLToPath(WORKER)), 'npm run build comes first').toBe(true);
  });

  it('scores what was accepted, once, and says how far it is', async () => {
    const config = talkative({ partitions: 2, learning: { inline: false } });
    const directory = freshDirectory();
    const world = await start(directory, config);
    expect(world.live.status.ready()).toEqual({ ok: true, reason: null });
    expect(world.live.status.health()).toEqual({ ok: true, reason: null });
    const lines = LINES.slice(0, 3_000);
    const answer = await world.ingest([...lines, 'junk', ...lines.slice(0, 100)]);
    expect(answer).toMatchObject({ accepted: 3_100, duplicates: 100, rejected: 1 });
    expect(world.live.behind()).toBeGreaterThan(0);
    const agent = (JSON.parse(lines[0]) as { agent: string }).agent;
    const junkAt = partitionOf('', agent, 2);
    await world.live.log.append(EVENTS_TOPIC, junkAt, ['{"type":"junk"}']);
    // Past the intake, as by one that has forgotten its ids: the engine remembers them.
    const again = lines.filter((line) => (JSON.parse(line) as { agent: string }).agent === agent).slice(0, 50);
    expect(again).toHaveLength(50);
    await world.live.log.append(
      EVENTS_TOPIC,
      junkAt,
      again.map((line) => encodeEvent(line, true)),
    );
    await world.live.drained();
    expect(world.live.behind()).toBe(0);
    const status = world.partitions();
    const sum = (pick: (one: PartitionStatus) => number): number => status.reduce((all, one) => all + pick(one), 0);
    expect(sum((one) => one.counts?.scored ?? 0)).toBe(3_000);
    expect(sum((one) => one.counts?.duplicates ?? 0)).toBe(50);
    expect(sum((one) => one.dead_lettered)).toBe(1);
    expect(status[junkAt].dead_lettered).toBe(1);
    const agents = new Set(lines.map((line) => (JSON.parse(line) as { agent: string }).agent));
    for (const name of agents) expect(world.live.registry.view.entry('', name)).toMatchObject({ registered: false });
    await stop(world);
  });

  it('draws a seed for a new directory, keeps it, and shows it to nobody', async () => {
    const directory = freshDirectory();
    const seedOf = () => JSON.parse(readFileSync(layoutOf(directory).state, 'utf8')).settings.hashSeed;
    const config = talkative({ learning: { inline: false } });
    const first = await start(directory, config, { drawSeed: () => 123_454_321 });
    await first.ingest(LINES.slice(0, 500));
    await first.live.drained();
    expect(JSON.stringify([first.live.status.stats(), first.reports])).not.toContain('123454321');
    expect(first.live.status.stats()).toMatchObject({
      config: settingsDigest(settingsOf(config, policyOf('observe'))),
    });
    await stop(first);
    expect(seedOf()).toBe(123_454_321);
    const second = await start(directory, config, { drawSeed: () => 7 });
    await stop(second);
    expect(seedOf()).toBe(123_454_321);
    const named = talkative({ learning: { inline: false }, detection: { hash_seed: 99 } });
    await stop(await start(directory, named, { drawSeed: () => 7 }));
    expect(seedOf()).toBe(99);
    const { records } = await audit(directory, config, 0);
    const changes = records.filter((line) => line.startsWith('{"type":"config"'));
    expect(changes.map((line) => JSON.parse(line).settings.hashSeed)).toEqual([99]);
  });

  it('is refused where another holds the directory, and leaves nothing open', async () => {
    const directory = freshDirectory();
    const config = talkative({ learning: { inline: false } });
    const world = await start(directory, config);
    await expect(start(directory, config)).rejects.toMatchObject({ code: 'log.locked' });
    await stop(world);
    await stop(await start(directory, config));
  });

  it('plays a recording as a replay would, learning included, and goes on after a stop', async () => {
    const directory = freshDirectory();
    const config = talkative({ partitions: 2, learning: { every: '6h' } });
    const cut = LINES.length >> 1;
    const first = await start(directory, config, { clock: 'recording' });
    const fed = await first.live.feed(LINES.slice(0, cut));
    expect(fed).toMatchObject({ events: cut, rejected: 0 });
    await first.live.drained();
    const before = first.findings.list({}, 'last', 1_000, null).rows;
    await stop(first);
    const second = await start(directory, config, { clock: 'recording' });
    expect(second.findings.list({}, 'last', 1_000, null).rows).toEqual(expect.arrayContaining([...before]));
    expect(second.fresh).toEqual([]);
    await second.live.feed(LINES.slice(cut));
    await second.live.drained();
    expect(second.live.clock()).toBe(Math.floor(Date.parse(JSON.parse(LINES.at(-1) as string).time) / 60_000) * 60_000);
    const all = [...first.fresh, ...second.fresh].map((finding) => finding.id);
    await stop(second);
    const ids: string[] = [];
    const models = new Set<string>();
    for (const partition of [0, 1]) {
      const { findings, truth, records } = await audit(directory, config, partition);
      expect(findings).toEqual(truth.findings);
      ids.push(...idsOf(findings));
      for (const line of records) if (line.startsWith('{"type":"model"')) models.add(JSON.parse(line).version);
    }
    expect(ids.length).toBeGreaterThan(5);
    expect(all.sort()).toEqual(ids.sort());
    expect(models.size).toBeGreaterThan(10);

    // Played in one go, live or not, it says the same with the same models.
    const elsewhere = freshDirectory();
    const third = await start(elsewhere, config, { clock: 'recording' });
    await third.live.feed(LINES);
    await third.live.drained();
    await stop(third);
    const say = ({ id, severity, p, model }: Finding) => `${id} ${severity} ${p} ${model}`;
    const once = [...first.fresh, ...second.fresh].map(say).sort();
    expect(third.fresh.map(say).sort()).toEqual(once);
    expect(replayed(config).map(say).sort()).toEqual(once);
  });

  it('tells engines what people said, and keeps a stop over a restart', async () => {
    const directory = freshDirectory();
    const config = talkative({ learning: { inline: false } });
    const person = { actor: 'person:ann', authority: 't1', parent: null };
    const agent = 'clerk';
    const budgets = { sessionUsd: null, dayUsd: 5 };
    const first = await start(directory, config);
    const register = { type: 'register', tenant: '', agent, ifVersion: null, ...person } as const;
    await first.live.registry.write({ ...register, role: 'teller', labels: ['vip'], budgets });
    await first.live.registry.write({ ...register, owner: 'bea' });
    const stopIt = { type: 'stop', key: 'k', tenant: '', agent, action: 'suspend', reason: 'r', forMs: null } as const;
    await first.live.registry.write({ ...stopIt, callsPerMinute: null, ...person });
    await first.live.control.write({ type: 'reset', timeMs: 1, tenant: '', agent, actor: 'person:ann' });
    await stop(first);
    const second = await start(directory, config, { policy: policyOf('enforce') });
    expect(second.live.registry.view.decide('', agent, Date.now())).toMatchObject({
      allow: false,
      status: 'suspended',
    });
    await second.live.drained();
    await stop(second);
    const { records } = await audit(directory, config, 0);
    const all = records.map((line) => JSON.parse(line));
    const types = all.filter(({ type }) => type !== 'tick');
    const ticks = all.filter(({ type }) => type === 'tick').map(({ timeMs }) => timeMs);
    expect(ticks).toHaveLength(2);
    expect(ticks[1]).toBeGreaterThan(ticks[0]);
    // What the relay writes and what a person writes meet in no fixed order.
    expect(types.map(({ type }) => type).sort()).toEqual(['agent', 'agent', 'config', 'reset']);
    const told = types.filter(({ type }) => type === 'agent');
    expect(told[0]).toMatchObject({ agent, role: 'teller', labels: ['vip'], budgets });
    expect(told[1]).toMatchObject({ agent, role: 'teller', stopped: { action: 'suspend', automatic: false } });
    expect(types.at(-1).settings.policy.mode).toBe('enforce');
  });

  it('starts a partition again, and says so when it is down while others go on', async () => {
    const directory = freshDirectory();
    const config = talkative({ partitions: 2, learning: { inline: false } });
    const world = await start(directory, config, { tickEveryMs: 3_600_000 });
    // A model without a file is a fault of ours, again and again.
    await world.live.log.append(EVENTS_TOPIC, 1, [encodeRecord({ type: 'model', timeMs: 1, version: 'late' })]);
    await expect(world.live.drained()).rejects.toMatchObject({ code: 'partition.fault' });
    expect(world.live.status.ready()).toEqual({ ok: false, reason: 'partition 1 is down' });
    expect(world.live.status.health().ok).toBe(true);
    expect(world.partitions()[1]).toMatchObject({ state: 'down', restarts: 2 });
    expect(world.partitions()[1].fault).toContain('late.json cannot be read');
    expect(world.reports.filter(({ level }) => level === 'error')).toHaveLength(3);
    const event = (agent: string, i: number) =>
      JSON.stringify({ id: `${i}`, time: '2025-06-02T00:00:00.000Z', agent, operation: 'chat', endpoint: 'm' });
    const names = Array.from({ length: 20 }, (_, i) => `a${i}`);
    await world.ingest(names.map(event));
    const mine = names.filter((name) => partitionOf('', name, 2) === 0).length;
    await expect.poll(() => world.partitions()[0].counts?.scored).toBe(mine);
    expect(world.live.behind()).toBe(0);
    expect(world.partitions()[1].behind).toBeGreaterThan(names.length - mine);
    await stop(world);
    // The cause is mended; nothing was lost.
    await storeModel(nodeFiles, layoutOf(directory).models, { ...neutralModel(), version: 'late' });
    const again = await start(directory, config);
    await again.live.drained();
    expect(again.partitions()[1].counts?.scored).toBe(names.length - mine);
    await stop(again);
  });

  it('falls behind where a thread does not run, refuses more, and recovers', async () => {
    const directory = freshDirectory();
    const config = talkative({ learning: { inline: false } });
    await stop(await start(directory, config));
    const world = await start(directory, config, { restart: { restartsMax: 12, pauseMs: 400, healthyMs: 60_000 } });
    await world.live.log.append(EVENTS_TOPIC, 0, [encodeRecord({ type: 'model', timeMs: 1, version: 'late' })]);
    await expect.poll(() => world.partitions()[0].state).toBe('restarting');
    await world.live.log.append(
      EVENTS_TOPIC,
      0,
      LINES.slice(0, 900).map((line) => encodeEvent(line, true)),
    );
    expect(world.live.behind()).toBeGreaterThan(900);
    const narrow = createIngest({
      intake: intakeOf(world.live.log),
      prices: PRICES,
      clock: Date.now,
      behind: () => world.live.behind(),
      behindMax: 500,
    });
    await expect(narrow.accept(Buffer.from(LINES[0]), IDENTITY)).rejects.toMatchObject({ code: 'api.behind' });
    await storeModel(nodeFiles, layoutOf(directory).models, { ...neutralModel(), version: 'late' });
    await world.live.drained();
    expect(world.live.behind()).toBe(0);
    expect(world.partitions()[0].counts?.scored).toBe(900);
    expect(await narrow.accept(Buffer.from(LINES[901]), IDENTITY)).toMatchObject({ accepted: 1 });
    expect(existsSync(join(partitionLayout(directory, 0).directory, 'shelf-0'))).toBe(true);
    await stop(world);
  });
});
