import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { Policy } from '../../src/decide/policy.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { openFileLog } from '../../src/log/file-log.js';
import { lockDirectory } from '../../src/log/lock.js';
import { type Live, startLive } from '../../src/pipeline/live.js';
import type { LiveReport } from '../../src/pipeline/live-parts.js';
import { openRegistry } from '../../src/registry/journal.js';
import { freshDirectory, PRICES, policyOf, talkative } from './live-world.js';

const WORKER = new URL('../../dist/pipeline/worker.js', import.meta.url);
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2025, 5, 2);
const AGENTS = ['ada', 'ben', 'cleo', 'dora', 'emil'];
const PARTITIONS = 2;
/** Partitions of an agent differ: an outage is seen only where they are joined. */
const CALM_HOURS = 72;

function event(agent: string, timeMs: number, more: Record<string, unknown> = {}): string {
  const common = { id: `${agent}-${timeMs}`, time: new Date(timeMs).toISOString(), agent, session: `s-${timeMs}` };
  return JSON.stringify({ ...common, operation: 'chat', endpoint: 'gpt-4o', status: 'ok', ...more });
}

/** Three days in which each agent calls a model every quarter of an hour, then minutes in which three of them fail. */
function outage(): string[] {
  const lines: string[] = [];
  const quarters = CALM_HOURS * 4;
  for (let i = 0; i < quarters; i++) {
    for (const [at, agent] of AGENTS.entries()) lines.push(event(agent, START_MS + (i * 15 + at) * MINUTE_MS));
  }
  const badMs = START_MS + CALM_HOURS * 60 * MINUTE_MS;
  for (let minute = 0; minute < 6; minute++) {
    for (const [at, agent] of AGENTS.slice(0, 3).entries()) {
      lines.push(event(agent, badMs + minute * MINUTE_MS + at * 1_000, { status: 'error' }));
    }
  }
  lines.push(event('ada', badMs + 7 * MINUTE_MS));
  return lines;
}

/** Known for two days, then used by another agent. */
function theft(): string[] {
  const lines = Array.from({ length: 48 }, (_, hour) =>
    event('ada', START_MS + hour * 60 * MINUTE_MS, { credential: 'c0ffee00' }),
  );
  const afterMs = START_MS + 49 * 60 * MINUTE_MS;
  lines.push(event('thief', afterMs, { credential: 'c0ffee00' }));
  for (let minute = 1; minute < 10; minute++) lines.push(event('ada', afterMs + minute * MINUTE_MS));
  return lines;
}

const running = new Set<Live<Awaited<ReturnType<typeof openRegistry>>>>();

afterEach(async () => {
  for (const live of running) await live.stop();
  running.clear();
});

async function play(directory: string, lines: readonly string[], policy: Policy = policyOf('observe')) {
  const fresh: Finding[] = [];
  const reports: LiveReport[] = [];
  const live = await startLive({
    directory,
    config: talkative({ partitions: PARTITIONS, learning: { inline: false } }),
    policy,
    startModel: neutralModel(),
    prices: PRICES,
    adapters: { lockDirectory, openFileLog, openRegistry },
    findings: { add: () => undefined },
    onFinding: (finding) => fresh.push(finding),
    report: (report) => reports.push(report),
    clock: 'recording',
    workerUrl: WORKER,
  });
  running.add(live);
  await live.feed(lines);
  await live.drained();
  await live.stop();
  running.delete(live);
  return { fresh, faults: reports.filter(({ level }) => level === 'error') };
}

describe('the fleet stage of a running process', () => {
  it('joins what the partitions see: one outage, told once, over all lives', async () => {
    const directory = freshDirectory();
    const lines = outage();
    const first = await play(directory, lines);
    const told = first.fresh.filter(({ kind }) => kind === 'provider-outage');
    expect(told).toMatchObject([{ agent: 'fleet', severity: 'medium' }]);
    expect(told[0].title).toContain('calls of gpt-4o fail for ');
    expect(first.faults).toEqual([]);
    const lastMs = START_MS + (CALM_HOURS * 60 + 9) * MINUTE_MS;
    const second = await play(directory, [event('ada', lastMs), event('ben', lastMs + MINUTE_MS)]);
    expect(second.fresh.filter(({ kind }) => kind === 'provider-outage')).toEqual([]);
  });

  it('follows the edges of what is fed: a credential that passes on', async () => {
    const { fresh, faults } = await play(freshDirectory(), theft());
    expect(fresh.filter(({ kind }) => kind === 'shared-credential')).toMatchObject([
      { agent: 'thief', root: 'thief', severity: 'medium' },
    ]);
    expect(faults).toEqual([]);
  });
});
