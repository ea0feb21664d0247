/** What a process among several needs of the brokers, made of the configuration and the environment. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import type { KafkaOptions, TlsMaterial } from '../log/kafka-connection.js';
import { joinGroup } from '../log/kafka-group.js';
import { readKeyed } from '../log/kafka-keyed.js';
import { openKafkaLog } from '../log/kafka-log.js';
import { openTransactionalWriter } from '../log/kafka-transaction.js';
import type { ClusterAdapters } from '../pipeline/cluster-parts.js';
import type { LiveReport } from '../pipeline/live-parts.js';
import { MODELS_TOPIC } from '../pipeline/topics.js';
import { openRegistry, type Registry } from '../registry/journal.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Report = (report: LiveReport) => void;

/** Throws 'config.invalid' where brokers, a password or a file are missing. */
export function kafkaOptionsOf(config: Config, report: Report, environment: Environment = process.env): KafkaOptions {
  const { brokers, client_id: clientId, prefix, tls, sasl, compression, request_timeout: timeoutMs } = config.kafka;
  if (brokers.length === 0) throw new KilldeerError('config.invalid', "log.kind 'kafka' needs kafka.brokers");
  return {
    brokers,
    clientId,
    prefix,
    tls: typeof tls === 'boolean' ? tls : materialOf(tls),
    sasl: sasl === null ? null : { ...sasl, password: passwordOf(sasl.password_env, environment) },
    compression,
    requestTimeoutMs: timeoutMs,
    report: (level, message, error) => {
      if (level !== 'debug') report({ level, message, ...(error === undefined ? {} : { error }) });
    },
  };
}

function materialOf(tls: { ca: string | null; cert: string | null; key: string | null }): TlsMaterial {
  const read = (path: string | null) => (path === null ? undefined : readPem(path));
  const [ca, cert, key] = [read(tls.ca), read(tls.cert), read(tls.key)];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KilldeerError('config.invalid', `kafka.tls: ${path} cannot be read`, error);
  }
}

function passwordOf(name: string, environment: Environment): string {
  const password = environment[name];
  if (password !== undefined && password !== '') return password;
  throw new KilldeerError('config.invalid', `kafka.sasl: the environment variable ${name} holds no password`);
}

/** The adapters; `kafka` as above. */
export function createKafkaAdapters(config: Config, kafka: KafkaOptions): ClusterAdapters<Registry> {
  const { report: _, ...plain } = kafka;
  const url = new URL('../pipeline/kafka-worker.js', import.meta.url);
  return {
    openLog: (topics, committed) => openKafkaLog({ kafka, topics, readCommitted: committed }),
    openRegistry,
    openTransactions: (id) => openTransactionalWriter({ kafka, transactionalId: kafka.prefix + id }),
    readModels: async (take) => {
      await readKeyed({ kafka, topic: MODELS_TOPIC, partition: 0 }, take);
    },
    join: ({ group, topic, onAssigned }) =>
      joinGroup({
        kafka,
        groupId: kafka.prefix + group,
        topics: [topic],
        prefixed: true,
        sessionTimeoutMs: config.kafka.session_timeout,
        onAssigned: (assignment) => onAssigned(assignment.map(({ partition }) => partition)),
      }),
    spawnOwner: async (task) =>
      new Worker(url, { workerData: { kind: 'owner', kafka: plain, ...task }, name: `partition-${task.partition}` }),
    spawnLearner: async (task) =>
      new Worker(url, { workerData: { kind: 'learner', kafka: plain, ...task }, name: 'learner' }),
  };
}

/** A folder of this process's own below the data directory; what processes that died have left goes. */
export function openScratch(dataDir: string): { readonly path: string; remove(): void } {
  const scratch = join(dataDir, 'scratch');
  mkdirSync(scratch, { recursive: true });
  for (const name of readdirSync(scratch)) {
    if (!isAlive(Number(name.split('-', 1)[0]))) rmSync(join(scratch, name), { recursive: true, force: true });
  }
  const path = join(scratch, `${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(path);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
