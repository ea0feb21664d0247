/** The roles ingest, score and serve as processes of their own, fed by senders of every format through the brokers. */
import { CloudEvent, HTTP } from 'cloudevents';
import { expect, it } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { readServerNote } from '../../src/verbs/data-directory.js';
import { describeKafka, makeTopics } from '../kafka/broker.js';
import { Cluster } from '../kafka/cluster.js';
import { scoredThrough, sourcesThroughKills } from '../kafka/killed-sources.js';
import {
  cloudMessages,
  deadLetters,
  exportSpans,
  itemsOf,
  openSenders,
  type Senders,
  type SourceMessage,
  type SourceNumbers,
  sourceNumbers,
  stepOf,
  tally,
  traceMessages,
  trailMessages,
} from '../kafka/sources.js';
import { until } from './program.js';
import type { Server } from './server.js';

const TOPICS = { 'crm': 3, 'desk': 2, 'traces-json': 1, 'traces-proto': 2, 'trail': 1, 'noise': 2 };
type SourceName = keyof typeof TOPICS;
const ASK_MS = 150;
const native = (agent: string, from: number, count: number): SourceMessage[] =>
  Array.from({ length: count }, (_, i) => ({ value: JSON.stringify(stepOf(agent, `${agent}-${from + i}`)) }));
const junk = (count: number): SourceMessage[] => Array.from({ length: count }, () => ({ value: 'no event at all' }));

/** A tenth of it is junk, of every kind. */
function mixed(): SourceMessage[] {
  const ahead = new Date(Date.now() + 3_600_000).toISOString();
  const bad: SourceMessage[] = [
    ...junk(7),
    ...Array.from({ length: 6 }, (_, i) => ({ value: JSON.stringify({ ...stepOf('crm-1', `x${i}`), endpoint: '' }) })),
    ...Array.from({ length: 4 }, (_, i) => ({ value: JSON.stringify({ ...stepOf('crm-1', `y${i}`), time: ahead }) })),
    ...Array.from({ length: 5 }, (_, i) => ({ value: JSON.stringify(stepOf('elsewhere', `z${i}`)) })),
    // Two lines, one of which is good.
    { value: `${JSON.stringify(stepOf('crm-2', 'crm-2-line'))}\n{"id":` },
    { value: Buffer.from([0xff, 0xfe, 0x80]) },
  ];
  const good = [...native('crm-1', 0, 100), ...native('crm-2', 0, 115)];
  const all = good.flatMap((message, i) => (i % 9 === 0 && i / 9 < bad.length ? [bad[i / 9], message] : [message]));
  // A tombstone says nothing.
  return [...all, { value: null }];
}

describeKafka('sources', (broker) => {
  it('of every format are scored; junk is accounted for, and a source of nothing else is refused for a while', async () => {
    const world = await install(broker.options());
    await expectFormats(world);
    await expectRefusal(world);
    await callIn(world.ingest);
    const { cluster, scorer } = world;
    const events = await scoredThrough(cluster, scorer);
    expect(tally(events.map(({ tenant, agent }) => `${tenant}/${agent}`))).toEqual({
      ...{ 'acme/crm-1': 150, 'acme/crm-2': 116, '/desk-1': 60, '/tracer-json': 50, '/tracer-proto': 50 },
      ...{ '111122223333/trail-user': 60, '/noise-1': 120, '/http-json': 30, '/http-proto': 30, '/http-cloud': 2 },
    });
    expect(new Set(events.filter(({ bound }) => bound).map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    const letters = await deadLetters(cluster);
    expect(tally(letters.map(({ source, code }) => `${source} ${code}`))).toEqual({
      ...{ 'crm event.bad-json': 8, 'crm event.invalid': 6, 'crm event.time-ahead': 4, 'crm event.not-bound': 5 },
      ...{ 'crm event.bad-utf8': 1, 'noise event.bad-json': 300 },
    });
    expect(letters.every(({ reason, line }) => reason !== '' && line !== '')).toBe(true);
    for (const server of [...cluster.servers]) await cluster.leave(server);
  }, 120_000);

  it('lose nothing and count nothing twice when the process that reads them is killed', async () => {
    const figures = await sourcesThroughKills(broker.options(), {
      ...{ seed: 'short', kills: 2, processes: 1, sessionTimeoutMs: 3_000 },
    });
    console.log(`killed sources: ${JSON.stringify(figures)}`);
    expect(figures.kills).toBe(2);
  }, 120_000);
});

/** An installation that reads a source of each format, and who sends to them. */
interface World {
  readonly cluster: Cluster;
  readonly senders: Senders;
  readonly ingest: Server;
  readonly scorer: Server;
}

async function install(kafka: KafkaOptions): Promise<World> {
  await makeTopics(kafka, TOPICS);
  const source = (name: SourceName, format: string, more: object = {}) => ({
    ...{ name, format, topic: kafka.prefix + name, rejections_of: 60, rest: '1s', ...more },
  });
  const sources = [
    source('crm', 'native', { tenant: 'acme', binding: { tenants: ['acme'], agents: ['crm-*'] } }),
    source('desk', 'cloudevents'),
    source('traces-json', 'otlp_json'),
    source('traces-proto', 'otlp_proto'),
    source('trail', 'cloudtrail'),
    source('noise', 'native'),
  ];
  const policy = 'name: watch\nmode: observe\nrules: []\n';
  const cluster = await Cluster.create(kafka, { partitions: 2, policy, sessionTimeoutMs: 3_000, config: { sources } });
  const [ingest, scorer] = await Promise.all([
    cluster.join({ roles: 'ingest', isWallClock: true }),
    cluster.join({ roles: 'score,serve', isWallClock: true }),
  ]);
  return { cluster, ingest, scorer, senders: await openSenders(kafka, TOPICS) };
}

/** Resolves once so many items of a source were read and all that became of them is durable. */
async function taken(ingest: Server, name: SourceName, items: number): Promise<SourceNumbers> {
  let numbers = await sourceNumbers(ingest, name);
  const isTaken = async (): Promise<boolean> => {
    numbers = await sourceNumbers(ingest, name);
    return itemsOf(numbers) >= items && numbers.lag === 0;
  };
  await until(`${items} items of ${name} are taken`, isTaken, ASK_MS);
  return numbers;
}

const CLEAN = { duplicates: 0, skipped: 0, rejected: {}, refused: 0, refusals: 0, lag: 0 };

/** All formats at once, a tenth of one of them junk: each item becomes exactly one thing, and nobody is refused. */
async function expectFormats({ senders, ingest }: World): Promise<void> {
  await senders.send('crm', mixed());
  await senders.send('desk', [...cloudMessages('desk-1', 60), ...cloudMessages('desk-1', 10)]);
  await senders.send('traces-json', await traceMessages('json', 'tracer-json', 50));
  await senders.send('traces-proto', await traceMessages('proto', 'tracer-proto', 50));
  await senders.send('trail', trailMessages('trail-user', 6, 10));
  await taken(ingest, 'crm', 241);
  // What was written is known wherever it comes from next.
  await senders.send('crm', native('crm-1', 0, 10));
  expect(await taken(ingest, 'crm', 251)).toEqual({
    ...CLEAN,
    ...{ accepted: 216, duplicates: 10, skipped: 1 },
    rejected: {
      ...{ 'event.bad-json': 8, 'event.invalid': 6, 'event.time-ahead': 4, 'event.not-bound': 5 },
      'event.bad-utf8': 1,
    },
  });
  expect(await taken(ingest, 'desk', 70)).toEqual({ ...CLEAN, accepted: 60, duplicates: 10 });
  expect(await taken(ingest, 'traces-json', 100)).toEqual({ ...CLEAN, accepted: 50, skipped: 50 });
  expect(await taken(ingest, 'traces-proto', 100)).toEqual({ ...CLEAN, accepted: 50, skipped: 50 });
  expect(await taken(ingest, 'trail', 60)).toEqual({ ...CLEAN, accepted: 60 });
}

/** Nothing but junk: refused and paged about, while others go on; accepted again once it has sent what is good. */
async function expectRefusal({ senders, ingest, scorer }: World): Promise<void> {
  await senders.send('noise', junk(300));
  await until('the source is refused', async () => (await sourceNumbers(ingest, 'noise')).refused === 1, ASK_MS);
  await senders.send('crm', native('crm-1', 100, 50));
  await taken(ingest, 'crm', 301);
  expect(await sourceNumbers(ingest, 'noise')).toMatchObject({ accepted: 0, refused: 1, refusals: 1 });
  const page = await pageAbout(scorer, 'noise');
  expect(page).toMatchObject({ tenant: '', agent: 'fleet', severity: 'high' });
  expect(page.title).toMatch(
    /^source noise is refused: \d+ of its last \d+ records were rejected \(event\.bad-json: line is not JSON/,
  );
  await senders.send('noise', native('noise-1', 0, 120));
  expect(await taken(ingest, 'noise', 420)).toMatchObject({
    ...{ accepted: 120, duplicates: 0, skipped: 0, rejected: { 'event.bad-json': 300 }, refused: 0 },
  });
}

/** The page about a source, as people see it. */
async function pageAbout(server: Server, source: string): Promise<{ title: string }> {
  let found: { title: string } | undefined;
  await server.until(`there is a page about ${source}`, async () => {
    const { body } = await server.ask('/v1/findings?kinds=source-refused');
    found = (body.findings as { title: string }[]).find(({ title }) => title.includes(`source ${source} `));
    return found !== undefined;
  });
  return found as { title: string };
}

/** What the official tools send by HTTP. */
async function callIn(ingest: Server): Promise<void> {
  const address = readServerNote(ingest.data)?.address;
  const headers = { authorization: `Bearer ${ingest.token('ingest')}` };
  await exportSpans('json', `${address}/v1/traces`, headers, { agent: 'http-json', count: 30 });
  await exportSpans('proto', `${address}/v1/traces`, headers, { agent: 'http-proto', count: 30 });
  for (const mode of ['structured', 'binary'] as const) {
    const { id, time, ...data } = stepOf('http-cloud', mode);
    const event = new CloudEvent({ id: String(id), time: String(time), source: '/x', type: 'step', data });
    const message = HTTP[mode](event);
    const body = typeof message.body === 'string' ? message.body : JSON.stringify(message.body);
    const answer = await ingest.post(body, message.headers as Record<string, string>);
    expect({ status: answer.status, ...answer.body }).toMatchObject({ status: 202, accepted: 1 });
  }
}
