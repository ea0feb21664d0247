/**
 * An installation on a broker: its configuration and topics, and the processes of the built program that join it, die
 * and leave. Everything of it ends with the test.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { openKafkaLog } from '../../src/log/kafka-log.js';
import type { Log } from '../../src/log/log.js';
import { EVENTS_TOPIC } from '../../src/pipeline/layout.js';
import { readServerNote } from '../../src/verbs/data-directory.js';
import { loadSetup, type Setup } from '../../src/verbs/setup.js';
import { freshDirectory, run, until } from '../e2e/program.js';
import { Server, type Status } from '../e2e/server.js';

export interface ClusterOptions {
  readonly partitions: number;
  /** Text of the policy file. */
  readonly policy: string;
  /** Further members of the configuration, by section. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly sessionTimeoutMs?: number;
}

export interface JoinOptions {
  readonly roles?: string;
  /** Default: ticks and time come from the records. */
  readonly isWallClock?: boolean;
  /** Where it kills itself, as failpoint.ts says. */
  readonly failpoint?: string;
  /** Another configuration file of this cluster. */
  readonly config?: string;
}

/** Status of a process among several. */
export interface MemberStatus extends Status {
  readonly partitions: readonly (Status['partitions'][number] & {
    readonly partition: number;
    readonly offset: number;
  })[];
  readonly registry: { readonly offset: number; readonly stale_ms: number };
}

/** No faster than a process lets anybody ask. */
const ASK_EVERY_MS = 150;

export class Cluster {
  /** Those that are meant to be alive. */
  readonly servers: Server[] = [];

  private constructor(
    readonly kafka: KafkaOptions,
    readonly partitions: number,
    /** Path of the configuration. */
    readonly config: string,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  /** Writes the configuration and makes the topics, as an operator does. */
  static async create(kafka: KafkaOptions, options: ClusterOptions): Promise<Cluster> {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'policy.yaml'), options.policy);
    const { brokers, prefix } = kafka;
    const values = {
      log: { kind: 'kafka' },
      partitions: options.partitions,
      policy: 'policy.yaml',
      learning: { inline: false },
      store: { kind: 'none' },
      kafka: { brokers, prefix, session_timeout: options.sessionTimeoutMs ?? 6_000, request_timeout: 5_000 },
      ...options.config,
    };
    const path = join(directory, 'killdeer.json');
    writeFileSync(path, JSON.stringify(values));
    const { code, err, out } = await run(['check', '--config', path, '--create-topics']);
    if (code !== 0) throw new Error(`the topics were not made: ${out}${err}`);
    return new Cluster(kafka, options.partitions, path, values);
  }

  get setup(): Setup {
    return loadSetup({ config: this.config });
  }

  /** A configuration that differs from the cluster's in some sections; its path. */
  vary(name: string, more: Readonly<Record<string, unknown>>): string {
    const path = join(this.config, '..', `${name}.json`);
    writeFileSync(path, JSON.stringify({ ...this.values, ...more }));
    return path;
  }

  /** Resolves once the process is a member and has its first partitions, restored or not. */
  async join(options: JoinOptions = {}): Promise<Server> {
    const { roles = 'score,serve', isWallClock = false, failpoint, config = this.config } = options;
    const words = ['--config', config, '--roles', roles, ...(isWallClock ? [] : ['--recorded-time'])];
    const env = failpoint === undefined ? {} : { KILLDEER_FAILPOINT: failpoint };
    const server = await Server.start({ words, env });
    this.servers.push(server);
    return server;
  }

  async kill(server: Server): Promise<void> {
    this.forget(server);
    await server.program.kill();
  }

  /** In order: exit code 0, or an error with what it said. */
  async leave(server: Server): Promise<void> {
    this.forget(server);
    const { code, signal, err } = await server.program.stop();
    if (code !== 0) throw new Error(`a process that was told to leave ended with ${code ?? signal}: ${err}`);
  }

  forget(server: Server): void {
    const at = this.servers.indexOf(server);
    if (at >= 0) this.servers.splice(at, 1);
  }

  /** Resolves once every partition is running in one of the processes. */
  async shared(): Promise<void> {
    await until('every partition has an owner that runs', () => this.isShared(), ASK_EVERY_MS);
  }

  async isShared(): Promise<boolean> {
    return (await this.owners()).size === this.partitions;
  }

  /** In which process each partition runs; those that die meanwhile count as without any. */
  async owners(): Promise<Map<number, Server>> {
    const owned = await Promise.all(
      this.servers.map(async (server) => (await ownedBy(server)).map((partition) => [partition, server] as const)),
    );
    return new Map(owned.flat());
  }

  /** Resolves once this process alone owns everything and has executed all that stands in the log. */
  async finished(server: Server): Promise<MemberStatus> {
    const log = await this.openLog(true);
    const ends = await Promise.all(
      Array.from({ length: this.partitions }, (_, partition) => log.end(EVENTS_TOPIC, partition)),
    );
    await log.close();
    let status: MemberStatus | null = null;
    await until(
      'one process has executed everything',
      async () => {
        status = await statusOf(server);
        const done = status.partitions.filter(
          ({ partition, state, offset, counts }) => state === 'running' && counts !== null && offset >= ends[partition],
        );
        return done.length === this.partitions;
      },
      ASK_EVERY_MS,
    );
    return status as unknown as MemberStatus;
  }

  /** The log of the events, and of other topics by their numbers of partitions; closed at the latest with the test. */
  async openLog(readCommitted: boolean, topics: Readonly<Record<string, number>> = {}): Promise<Log> {
    const all = { [EVENTS_TOPIC]: this.partitions, ...topics };
    const log = await openKafkaLog({ kafka: this.kafka, topics: all, readCommitted });
    onTestFinished(() => log.close());
    return log;
  }
}

export async function statusOf(server: Server): Promise<MemberStatus> {
  return (await server.status()) as MemberStatus;
}

async function ownedBy(server: Server): Promise<number[]> {
  try {
    const { partitions } = await statusOf(server);
    return partitions.filter(({ state }) => state === 'running').map(({ partition }) => partition);
  } catch (error) {
    if (server.program.hasEnded) return [];
    throw error;
  }
}

/** Value of a metric, summed over its labels; 0 where it was not told yet. */
export async function metricOf(server: Server, name: string): Promise<number> {
  const { status, text } = await metricsOf(server);
  if (status !== 200) throw new Error(`the metrics were answered with ${status}`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function metricsOf(server: Server): Promise<{ status: number; text: string }> {
  const response = await fetch(new URL('/metrics', readServerNote(server.data)?.address), {
    headers: { authorization: `Bearer ${server.token('admin')}` },
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, text: await response.text() };
}
