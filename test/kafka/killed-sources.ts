/**
 * The story of sources whose readers die by SIGKILL while their senders go on: in the end every event was scored once,
 * and every junk record has its letter.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { createRandom } from '../../src/math/random.js';
import { until } from '../e2e/program.js';
import type { Server } from '../e2e/server.js';
import { makeTopics } from './broker.js';
import { Cluster, statusOf } from './cluster.js';
import { sumOf } from './judgement.js';
import {
  deadLetters,
  type LoggedEvent,
  loggedEvents,
  openSenders,
  type Senders,
  type SourceMessage,
  sourceNumbers,
  stepOf,
  traceMessages,
} from './sources.js';

export interface KilledSources {
  readonly seed: string;
  readonly kills: number;
  /** That read the sources. */
  readonly processes: number;
  readonly sessionTimeoutMs: number;
}

/** Figures of a run that met every expectation. */
export interface SourceFigures {
  readonly kills: number;
  readonly events: number;
  /** Lines of the log that say what was said: read again after a death. */
  readonly repeated: number;
  readonly letters: number;
  readonly lettersRepeated: number;
  /** From each death until its successor wrote something, s. */
  readonly handOverS: readonly number[];
}

const TOPICS = { crm: 3, traces: 2 };
const EVERY_MS = 40;
/** Events of a reader, before it may die. */
const LEAST = 100;
const ASK_MS = 150;

export async function sourcesThroughKills(kafka: KafkaOptions, plan: KilledSources): Promise<SourceFigures> {
  await makeTopics(kafka, TOPICS);
  const source = (name: string, format: string) => ({ name, format, topic: kafka.prefix + name });
  const cluster = await Cluster.create(kafka, {
    partitions: 2,
    policy: 'name: watch\nmode: observe\nrules: []\n',
    sessionTimeoutMs: plan.sessionTimeoutMs,
    config: { sources: [source('crm', 'native'), source('traces', 'otlp_json')] },
  });
  const join = () => cluster.join({ roles: 'ingest', isWallClock: true });
  const scorer = await cluster.join({ roles: 'score,serve', isWallClock: true });
  await Promise.all(Array.from({ length: plan.processes }, join));
  const feed = new Feed(await openSenders(kafka, TOPICS));
  const feeding = feed.run();
  feeding.catch(() => {});
  const random = createRandom(plan.seed);
  const handOverS: number[] = [];
  for (let kill = 0; kill < plan.kills; kill++) {
    const victim = random.pick(cluster.servers.filter((server) => server !== scorer));
    await hasRead(victim);
    // At once: while it catches up with what came in before it was there.
    await sleep(random.pick([0, random.below(300), random.below(1_500)]));
    await cluster.kill(victim);
    const diedMs = performance.now();
    const next = await join();
    await hasRead(next);
    handOverS.push(Math.round((performance.now() - diedMs) / 100) / 10);
  }
  feed.end();
  await feeding;
  await until(
    'every event stands in the log',
    async () => {
      const ids = new Set((await loggedEvents(cluster)).map(({ id }) => id));
      return [...feed.sent].every((id) => ids.has(id)) && (await lettersOf(cluster)).size >= feed.junk;
    },
    500,
  );
  const readers = cluster.servers.filter((server) => server !== scorer);
  for (const reader of readers) await cluster.leave(reader);
  const events = await scoredThrough(cluster, scorer);
  await cluster.leave(scorer);
  const letters = await deadLetters(cluster);
  expect(new Set(events.map(({ id }) => id))).toEqual(feed.sent);
  expect((await lettersOf(cluster)).size).toBe(feed.junk);
  return {
    kills: plan.kills,
    events: feed.sent.size,
    repeated: events.length - feed.sent.size,
    letters: feed.junk,
    lettersRepeated: letters.length - feed.junk,
    handOverS,
  };
}

async function lettersOf(cluster: Cluster): Promise<Set<string>> {
  const letters = await deadLetters(cluster);
  return new Set(letters.map(({ source, partition, offset, item }) => `${source} ${partition} ${offset} ${item}`));
}

/** Resolves once the process has written some of the source itself. */
async function hasRead(server: Server): Promise<void> {
  await until(
    'a process has read some of the sources',
    async () => {
      const [crm, traces] = [await sourceNumbers(server, 'crm'), await sourceNumbers(server, 'traces')];
      return crm.accepted + traces.accepted >= LEAST;
    },
    ASK_MS,
  );
}

/**
 * Resolves once everything in the log was executed by `scorer`, which owns all of it, with the events that stand there.
 * Of those with the same id one was scored and the others were dropped: none is missing, none counted twice.
 */
export async function scoredThrough(cluster: Cluster, scorer: Server): Promise<LoggedEvent[]> {
  await cluster.finished(scorer);
  const { partitions } = await statusOf(scorer);
  const events = await loggedEvents(cluster);
  const unique = new Set(events.map(({ tenant, agent, id }) => `${tenant}\n${agent}\n${id}`)).size;
  expect(sumOf(partitions.map(({ counts }) => counts))).toMatchObject({
    ...{ events: events.length, scored: unique, duplicates: events.length - unique, notAdmitted: 0 },
  });
  expect(partitions.map(({ dead_lettered: dead }) => dead)).toEqual(partitions.map(() => 0));
  return events;
}

/** Steady traffic of two senders, a little junk among it, until told to end. */
class Feed {
  /** Ids of all events that were sent. */
  readonly sent = new Set<string>();
  junk = 0;
  private isEnding = false;

  constructor(private readonly senders: Senders) {}

  end(): void {
    this.isEnding = true;
  }

  async run(): Promise<void> {
    for (let turn = 0; !this.isEnding; turn++) {
      await this.senders.send('crm', this.steps(turn));
      if (turn % 10 === 0) await this.spans(turn);
      await sleep(EVERY_MS);
    }
  }

  private steps(turn: number): SourceMessage[] {
    return Array.from({ length: 12 }, (_, i) => {
      if (i === 11) {
        this.junk += 1;
        return { value: 'no event at all' };
      }
      const id = `crm-${turn}-${i}`;
      this.sent.add(id);
      return { value: JSON.stringify(stepOf(`crm-${i}`, id)) };
    });
  }

  private async spans(turn: number): Promise<void> {
    const messages = await traceMessages('json', `tracer-${turn % 3}`, 20);
    for (const { value } of messages) for (const id of stepIds(String(value))) this.sent.add(id);
    await this.senders.send('traces', messages);
  }
}

/** Ids that the spans of steps get, by the request that carries them. */
function stepIds(text: string): string[] {
  const { resourceSpans } = JSON.parse(text) as {
    resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string; name: string }[] }[] }[];
  };
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  return spans.filter(({ name }) => name === 'refund').map(({ traceId, spanId }) => `${traceId}-${spanId}`);
}
