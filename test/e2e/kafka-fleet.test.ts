/** The fleet stage and verdicts of an installation on a broker: an outage of many is one finding, and a person's word counts. */
import { expect, it } from 'vitest';
import { partitionOf } from '../../src/engine/partition.js';
import { encodeEvent, encodeRecord } from '../../src/pipeline/record-line.js';
import { RecordingClock } from '../../src/pipeline/recording-clock.js';
import { describeKafka } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { type FedRecord, feed } from '../kafka/feed.js';
import { until } from './program.js';
import type { Server } from './server.js';

const PARTITIONS = 2;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2025, 5, 2);
/** In a row in each session: enough to page, and fewer than what nobody waits for. */
const FAILURES = 10;
const GAP_MS = 3 * SECOND_MS;
const COHORT = Array.from({ length: 10 }, (_, at) => `clerk-${at}`);
/** Of the cohort, and alone in its trouble. */
const LONE = 'clerk-lone';
/** Its trouble is a tool's. */
const LOOPING = 'crm';
/** Budgets that make little traffic talk. */
const TALKATIVE = { pages_per_agent_day: 0.5, notices_per_agent_day: 0.5 };
const POLICY = 'name: watch\nmode: observe\nbrakes: { stops_max: 5, interval: 1h, cooldown: 1h }\nrules: []\n';

interface Call {
  readonly agent: string;
  readonly timeMs: number;
}

interface Found {
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly root: string;
  readonly title: string;
  readonly muted_by: string | null;
}

const isOfFailures = ({ kind }: Found): boolean => kind === 'retry-loop' || kind === 'error-burst';
const isPage = ({ severity }: Found): boolean => severity !== 'low' && severity !== 'info';

/** Calls as records by time, with the ticks between them; the clock goes on from one list to the next. */
function recordsOf(clock: RecordingClock, calls: readonly (Call & Readonly<Record<string, unknown>>)[]): FedRecord[] {
  const sorted = [...calls].sort((a, b) => a.timeMs - b.timeMs);
  return sorted.flatMap(({ timeMs, ...more }, i) => {
    const ticks = ticksUntil(clock, timeMs);
    const what = { operation: 'chat', endpoint: 'gpt-4o', status: 'ok', ...more };
    const event = { id: `${timeMs}-${i}`, time: new Date(timeMs).toISOString(), session: `s-${timeMs}`, ...what };
    const record = {
      partition: partitionOf('', more.agent, PARTITIONS),
      line: encodeEvent(JSON.stringify(event), true),
    };
    return [...ticks, record];
  });
}

function ticksUntil(clock: RecordingClock, timeMs: number): FedRecord[] {
  const ticks: FedRecord[] = [];
  for (let at = clock.nextTick(timeMs); at !== null; at = clock.nextTick(timeMs)) {
    const line = encodeRecord({ type: 'tick', timeMs: at });
    for (let partition = 0; partition < PARTITIONS; partition++) ticks.push({ partition, line });
  }
  clock.see(timeMs);
  return ticks;
}

/** Calls of ordinary sessions, two at a time, as close to each other as those that will fail. */
function task(agent: string, fromMs: number) {
  return sessions(agent, fromMs, 12, {});
}

/** The model fails on both sessions of an agent. */
function trouble(agent: string, fromMs: number) {
  return sessions(agent, fromMs, FAILURES, { status: 'error' });
}

function sessions(agent: string, fromMs: number, calls: number, more: Readonly<Record<string, unknown>>) {
  return [0, 1].flatMap((which) =>
    Array.from({ length: calls }, (_, i) => {
      const timeMs = fromMs + i * GAP_MS + which * SECOND_MS;
      return { agent, timeMs, session: `${agent}-${fromMs}-${which}`, ...more };
    }),
  );
}

/** A tool that fails again and again. */
function loop(agent: string, fromMs: number) {
  const tool = { operation: 'execute_tool', endpoint: 'crm.update', target: 'case-7', status: 'error' };
  const session = `loop-${fromMs}`;
  return Array.from({ length: 60 }, (_, i) => ({ agent, timeMs: fromMs + i * SECOND_MS, session, ...tool }));
}

async function findingsOf(server: Server, agent?: string): Promise<Found[]> {
  const query = agent === undefined ? '?limit=1000' : `?agent=${agent}`;
  const { status, body } = await server.ask(`/v1/findings${query}`);
  if (status !== 200) throw new Error(`the findings were answered with ${status}: ${JSON.stringify(body)}`);
  return body.findings as Found[];
}

/** Resolves with the first finding of an agent that is meant. */
async function found(server: Server, agent: string, isMeant: (finding: Found) => boolean): Promise<Found> {
  let one: Found | undefined;
  await server.until(`what is meant is found of ${agent}`, async () => {
    one = (await findingsOf(server, agent)).find(isMeant);
    return one !== undefined;
  });
  return one as unknown as Found;
}

describeKafka('a fleet on a broker', (broker) => {
  it('tells an outage once and holds back its pages, and obeys what a person says of a finding', async () => {
    const cluster = await Cluster.create(broker.options(), {
      partitions: PARTITIONS,
      policy: POLICY,
      config: { learning: { inline: true, every: '24h' }, detection: TALKATIVE },
    });
    const server = await cluster.join({ roles: 'score,learn,serve' });
    await cluster.shared();
    const log = await cluster.openLog(true);
    const clock = new RecordingClock();
    const play = (records: readonly FedRecord[]) => feed(log, records, { leastMs: 1 });

    // Ordinary days; at their end one agent's model fails, and another's tool.
    const calm = [...COHORT, LONE].flatMap((agent, at) =>
      Array.from({ length: 36 }, (_, i) => task(agent, START_MS + (120 * i + at) * MINUTE_MS)).flat(),
    );
    const aloneMs = START_MS + 72 * HOUR_MS;
    await play(recordsOf(clock, [...calm, ...trouble(LONE, aloneMs), ...loop(LOOPING, aloneMs)]));
    await play(ticksUntil(clock, aloneMs + 10 * MINUTE_MS));
    // Nobody else fails: its page waited and came.
    await found(server, LONE, (finding) => isPage(finding) && isOfFailures(finding));
    const page = await found(server, LOOPING, (finding) => isPage(finding) && isOfFailures(finding));

    // An hour later the same happens to all at once.
    const outMs = START_MS + 73 * HOUR_MS;
    await play(
      recordsOf(
        clock,
        COHORT.flatMap((agent, at) => trouble(agent, outMs + at * 10)),
      ),
    );
    await play(ticksUntil(clock, outMs + MINUTE_MS));
    const outage = await found(server, 'fleet', ({ kind }) => kind === 'provider-outage');
    expect(outage.title).toContain('gpt-4o');
    await play(ticksUntil(clock, outMs + 10 * MINUTE_MS));

    // A person looked at the loop: the like of it wakes nobody.
    const said = { finding: page.id, verdict: 'false-positive', for_ms: 7 * 24 * HOUR_MS };
    const given = await server.ask('/v1/verdicts', { json: said });
    expect(given).toMatchObject({ status: 200, body: { agent: LOOPING, finding: page.id } });
    await play(recordsOf(clock, loop(LOOPING, START_MS + 100 * HOUR_MS)));
    await play(ticksUntil(clock, START_MS + 101 * HOUR_MS));
    const muted = await found(server, LOOPING, ({ muted_by }) => muted_by === given.body.id);
    expect(muted).toMatchObject({ kind: page.kind, severity: 'low' });

    await until('everything is told', async () => (await server.status()).behind === 0);
    const all = await findingsOf(server);
    expect(all.filter(({ kind }) => kind === 'provider-outage')).toHaveLength(1);
    const failing = all.filter((finding) => COHORT.includes(finding.root) && isOfFailures(finding));
    expect(failing.length).toBeGreaterThan(0);
    expect(failing.filter(isPage)).toEqual([]);
    const pages = all.filter((finding) => finding.root === LOOPING && isPage(finding) && finding.kind === page.kind);
    expect(pages.map(({ id }) => id)).toEqual([page.id]);
    await cluster.leave(server);
  }, 120_000);
});
