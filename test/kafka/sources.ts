/**
 * Senders of every format that a source can have, as their own tools write them; and what an installation says it made
 * of what they sent, by source.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { CloudEvent, Kafka as CloudKafka } from 'cloudevents';
import { Kafka, logLevel } from 'kafkajs';
import { onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { decodeRecord } from '../../src/pipeline/record-line.js';
import type { DeadLetter } from '../../src/pipeline/source-items.js';
import { REJECTED_TOPIC } from '../../src/pipeline/topics.js';
import { readServerNote } from '../../src/verbs/data-directory.js';
import type { Server } from '../e2e/server.js';
import { NO_PRICES } from '../event/wire.js';
import { linesOf } from '../pipeline/live-world.js';
import type { Cluster } from './cluster.js';

/** A record of a source's topic. */
export interface SourceMessage {
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Spans of one request, as a collector's batches have them. */
const SPANS = 20;

/** A step that has just happened, in our own form. */
export function stepOf(agent: string, id: string): Record<string, unknown> {
  const time = new Date().toISOString();
  return { id, time, agent, operation: 'chat', endpoint: 'model-1', input_tokens: 100, output_tokens: 20 };
}

/** As the CloudEvents SDK writes them: one in binary mode, the next in structured mode. */
export function cloudMessages(agent: string, count: number): SourceMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const { id, time, ...data } = stepOf(agent, `${agent}-${i}`);
    const envelope = { id: String(id), time: String(time), source: '/desk', type: 'desk.step', subject: agent };
    const event = new CloudEvent({ ...envelope, data: { ...data, agent: '' } });
    const { headers, value } = i % 2 === 0 ? CloudKafka.binary(event) : CloudKafka.structured(event);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    // kafkajs cannot write the attributes that the SDK names without a value.
    const named = Object.entries(headers as Record<string, string>).filter(([, word]) => word !== undefined);
    return { value: text, headers: Object.fromEntries(named) };
  });
}

/** CloudTrail's files as they are forwarded: some entries in each. */
export function trailMessages(agent: string, records: number, entries: number): SourceMessage[] {
  return Array.from({ length: records }, (_, record) => {
    const all = Array.from({ length: entries }, (_, entry) => ({
      eventVersion: '1.11',
      eventCategory: 'Management',
      eventID: `${agent}-${record}-${entry}`,
      eventTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      eventSource: 's3.amazonaws.com',
      eventName: 'GetObject',
      userIdentity: { type: 'IAMUser', arn: agent, accessKeyId: 'AKIAEXAMPLE' },
      sourceIPAddress: '10.0.0.1',
      recipientAccountId: '111122223333',
    }));
    return { value: JSON.stringify({ Records: all }) };
  });
}

/**
 * Records as the Collector's Kafka exporter writes them, an ExportTraceServiceRequest each: the bodies of the official
 * exporter's own requests. Of `count` steps and as many spans of a database.
 */
export async function traceMessages(kind: 'json' | 'proto', agent: string, count: number): Promise<SourceMessage[]> {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await exportSpans(kind, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, { agent, count });
  } finally {
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
  }
  return bodies.map((value) => ({ value }));
}

/** Sends spans by the official exporter; resolves once all of them were sent. */
export async function exportSpans(
  kind: 'json' | 'proto',
  url: string,
  headers: Readonly<Record<string, string>>,
  { agent, count }: { readonly agent: string; readonly count: number },
): Promise<void> {
  const Exporter = kind === 'json' ? JsonExporter : ProtoExporter;
  const exporter: SpanExporter = new Exporter({ url, headers: { ...headers } });
  const limits = { maxExportBatchSize: SPANS, maxQueueSize: 10_000 };
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter, limits)] });
  const tracer = provider.getTracer('steps');
  for (let i = 0; i < count; i++) {
    const startTime = Date.now() - 1_000;
    const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'refund' };
    const step = tracer.startSpan('refund', { startTime, attributes: { ...attributes, 'gen_ai.agent.id': agent } });
    if (i % 10 === 0) step.setStatus({ code: SpanStatusCode.ERROR });
    step.end(startTime + 200);
    tracer.startSpan('SELECT', { startTime, attributes: { 'db.system.name': 'x' } }).end(startTime + 100);
  }
  await provider.shutdown();
}

export interface Senders {
  /** Resolves once the brokers have them; in turn over the topic's partitions. */
  send(topic: string, messages: readonly SourceMessage[]): Promise<void>;
}

/** Senders of other people, who know nothing of the installation; gone when the test is over. */
export async function openSenders(kafka: KafkaOptions, topics: Readonly<Record<string, number>>): Promise<Senders> {
  const producer = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  const sent = new Map<string, number>();
  return {
    async send(topic, messages) {
      const first = sent.get(topic) ?? 0;
      sent.set(topic, first + messages.length);
      const placed = messages.map((message, i) => ({ ...message, partition: (first + i) % topics[topic] }));
      await producer.send({ topic: kafka.prefix + topic, messages: placed });
    },
  };
}

/** What a process's metrics say of a source. */
export interface SourceNumbers {
  readonly accepted: number;
  readonly duplicates: number;
  readonly skipped: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly refusals: number;
  readonly lag: number;
}

/** By /metrics of one process, since its start. */
export async function sourceNumbers(server: Server, source: string): Promise<SourceNumbers> {
  const lines = (await metricsText(server)).split('\n').filter((line) => line.includes(`source="${source}"`));
  const of = (name: string): number => valueAt(lines.find((line) => line.startsWith(`killdeer_${name}{`)));
  const rejected = lines
    .filter((line) => line.startsWith('killdeer_ingest_rejected_total{'))
    .map((line) => [/code="([^"]*)"/.exec(line)?.[1] ?? '', valueAt(line)] as const);
  return {
    accepted: of('ingest_accepted_total'),
    duplicates: of('ingest_duplicates_total'),
    skipped: of('ingest_skipped_total'),
    rejected: Object.fromEntries(rejected.filter(([, count]) => count > 0)),
    refused: of('source_refused'),
    refusals: of('source_refusals_total'),
    lag: of('source_lag_records'),
  };
}

/** Everything that became of what a source sent, together. */
export function itemsOf({ accepted, duplicates, skipped, rejected }: SourceNumbers): number {
  return accepted + duplicates + skipped + Object.values(rejected).reduce((sum, count) => sum + count, 0);
}

async function metricsText(server: Server): Promise<string> {
  const response = await fetch(new URL('/metrics', readServerNote(server.data)?.address), {
    headers: { authorization: `Bearer ${server.token('admin')}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the metrics were answered with ${response.status}`);
  return await response.text();
}

function valueAt(line: string | undefined): number {
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** An event that stands in the installation's log. */
export interface LoggedEvent {
  readonly tenant: string;
  readonly agent: string;
  readonly id: string;
  readonly bound: boolean;
}

/** All events of the log, in the order of its partitions; throws where a record is none of ours. */
export async function loggedEvents(cluster: Cluster): Promise<LoggedEvent[]> {
  const log = await cluster.openLog(true);
  try {
    const all: LoggedEvent[] = [];
    for (let partition = 0; partition < cluster.partitions; partition++) {
      const lines = await linesOf({ log, topic: 'events', partition });
      for (const [offset, line] of lines.entries()) {
        const record = decodeRecord(line, offset, NO_PRICES);
        if ('rejected' in record) throw new Error(`a record of the log is refused: ${record.reason}`);
        if (record.type !== 'event') continue;
        const { tenant, agent, id } = record.event;
        all.push({ tenant, agent, id, bound: record.bound });
      }
    }
    return all;
  } finally {
    await log.close();
  }
}

/** All dead letters of sources. */
export async function deadLetters(cluster: Cluster): Promise<DeadLetter[]> {
  const log = await cluster.openLog(true, { [REJECTED_TOPIC]: 1 });
  try {
    const lines = await linesOf({ log, topic: REJECTED_TOPIC, partition: 0 });
    return lines.map((line) => JSON.parse(line) as DeadLetter);
  } finally {
    await log.close();
  }
}

/** How many there are of each. */
export function tally(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
