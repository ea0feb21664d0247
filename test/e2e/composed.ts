/**
 * The services of docker-compose.yml as processes of this machine, each with the command, the environment and the
 * health check that stand there. Replaced is what containers would provide: the names of brokers and of ClickHouse,
 * mounted paths, ports; and the session is shorter, so that nobody waits. Everything of it ends with the test.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../src/api/contract.js';
import type { KafkaOptions } from '../../src/log/kafka-connection.js';
import { ownServices, readCompose } from '../deploy/compose.js';
import { Container, fillEnvironment, type Image, layOutImage, type Swap } from '../deploy/container.js';
import { type Ended, freshDirectory, Program, run } from './program.js';

export const METRICS_TOKEN = 'of-whoever-scrapes';
export const DATA = '/var/lib/killdeer';

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One container of a service. */
export class Running {
  private constructor(
    readonly service: string,
    readonly container: Container,
    readonly program: Program,
    readonly ops: URL,
    /** null: it has none. */
    readonly api: URL | null,
  ) {}

  static async start(service: string, container: Container): Promise<Running> {
    const program = new Program(container.words, { command: container.command });
    const { ops, address } = await program.said('started');
    const api = address === null ? null : here(address);
    return new Running(service, container, program, here(ops), api);
  }

  /** Another command within the container, to its end. */
  exec(words: readonly string[]): Promise<Ended> {
    return run(
      words.map((word) => this.container.outside(word)),
      { command: this.container.command },
    );
  }

  /** As the health check of the service has it. */
  async isHealthy(): Promise<boolean> {
    const ports = [this.ops, ...(this.api === null ? [] : [this.api])].map(({ port }) => port);
    return (await run(ports, { command: this.container.healthCommand })).code === 0;
  }

  /** Why it is not ready, on each of its addresses. */
  async unready(): Promise<unknown[]> {
    const asked = [this.ops, this.api].filter((address) => address !== null);
    const answers = await Promise.all(asked.map((address) => ask(new URL('/readyz', address))));
    return answers.filter(({ status }) => status !== 200).map(({ text }) => text);
  }

  /** Sum of the metric's lines that hold this text. */
  async metric(name: string, holding: string): Promise<number> {
    const { status, text } = await ask(new URL('/metrics', this.ops), METRICS_TOKEN);
    if (status !== 200) throw new Error(`the metrics of ${this.service} were answered with ${status}`);
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(holding));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** As `cat tokens.json` in the container shows it. */
  token(role: Role): string {
    const text = readFileSync(join(this.container.outside(DATA), 'tokens.json'), 'utf8');
    return (JSON.parse(text) as Record<Role, string>)[role];
  }

  /** Lines of JSON where there are several values. */
  async post(path: string, token: string, ...values: unknown[]): Promise<Reply> {
    if (this.api === null) throw new Error(`${this.service} has no API`);
    const type = values.length === 1 ? 'application/json' : 'application/x-ndjson';
    const body = { type, text: values.map((value) => JSON.stringify(value)).join('\n') };
    const { status, text } = await ask(new URL(path, this.api), token, body);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  }
}

/** Where it can be asked from this machine. */
function here(address: unknown): URL {
  return new URL(`http://127.0.0.1:${new URL(String(address)).port}`);
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

export async function ask(url: URL, token?: string, body?: Body): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body: body.text }),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': body.type }),
    },
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, text: await response.text() };
}

/** Every file below a folder, with the time of its last change. */
export function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return entries.map((entry) => `${entry} ${lstatSync(join(folder, entry)).mtimeMs}`);
}

/** All services, and what they share. */
export class Composed {
  readonly image: Image = layOutImage(freshDirectory());
  readonly filesAtFirst = filesOf(this.image.app);
  readonly running: Running[] = [];
  private readonly services = ownServices(readCompose());
  private readonly swaps: readonly Swap[];
  private readonly variables: Readonly<Record<string, string>>;

  constructor({ brokers, prefix }: KafkaOptions, { url, password }: { url: string; password: string }) {
    this.swaps = [
      ['kafka:9092', brokers.join(', ')],
      ['\nkafka:\n', `\nkafka:\n  prefix: ${prefix}\n`],
      ['http://clickhouse:8123', url],
      ['session_timeout: 30s', 'session_timeout: 6s'],
      ['port: 8321', 'port: 0'],
      ['port: 9464', 'port: 0'],
    ];
    this.variables = fillEnvironment({
      KILLDEER_CLICKHOUSE_PASSWORD: password,
      KILLDEER_METRICS_TOKEN: METRICS_TOKEN,
    });
  }

  /** What stands in .env. */
  get secrets(): string[] {
    return Object.values(this.variables);
  }

  /** Runs the services that end by themselves, one after the other. */
  async complete(): Promise<(Ended & { service: string })[]> {
    const ended = [];
    for (const [service, { restart }] of this.services) {
      if (restart !== 'on-failure') continue;
      const container = this.create(service);
      ended.push({ service, ...(await run(container.words, { command: container.command })) });
    }
    return ended;
  }

  /** Starts the others, with as many containers as each wants. */
  async up(): Promise<void> {
    const wanted = this.services.flatMap(([service, { restart, deploy }]) =>
      restart === 'on-failure' ? [] : Array.from({ length: deploy?.replicas ?? 1 }, () => service),
    );
    const started = wanted.map((service) => Running.start(service, this.create(service)));
    this.running.push(...(await Promise.all(started)));
  }

  of(service: string): Running[] {
    return this.running.filter((one) => one.service === service);
  }

  one(service: string): Running {
    const [first] = this.of(service);
    if (first === undefined) throw new Error(`no ${service} runs`);
    return first;
  }

  /** Of all containers of a service together. */
  async metric(service: string, name: string, holding = ''): Promise<number> {
    const numbers = await Promise.all(this.of(service).map((one) => one.metric(name, holding)));
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  private create(service: string): Container {
    const [, shape] = this.services.find(([name]) => name === service) ?? [];
    if (shape === undefined) throw new Error(`there is no service ${service}`);
    const container = new Container(this.image, shape, freshDirectory(), this.variables);
    container.mount(this.swaps);
    return container;
  }
}
