/** No container engine is asked here: the file's shape, and everything in it that is ours, against the program. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig, ROLES } from '../../src/config.js';
import { parseCommand } from './command-line.js';
import { ownServices, parseCompose, ROOT, readCompose, type Service } from './compose.js';

const file = readCompose();
const services = Object.entries(file.services);
const own = ownServices(file);
const MOUNTED = '/etc/killdeer/killdeer.yaml';

function configuration() {
  return parseConfig(parse(readFileSync(`${ROOT}deploy/killdeer.yaml`, 'utf8')), 'deploy/killdeer.yaml');
}

/** What the configuration reads of the environment, where nothing else is named in it. */
function readVariables(): string[] {
  const config = configuration();
  const { kafka } = parseConfig({ kafka: { sasl: { mechanism: 'plain', username: 'u' } } }, 'test');
  return [config.store.password_env, config.ops.token_env, kafka.sasl?.password_env ?? ''];
}

describe('the shape', () => {
  it('finds a misspelt member, and one that is missing', () => {
    const text = readFileSync(`${ROOT}docker-compose.yml`, 'utf8');
    expect(() => parseCompose(text.replace('stop_grace_period', 'stop_grace_periode'))).toThrow(/stop_grace_periode/);
    expect(() => parseCompose(text.replace('mem_limit: 4g', ''))).toThrow(/mem_limit/);
  });

  it('names only networks, volumes and services that are there', () => {
    for (const [, service] of services) {
      for (const network of service.networks) expect(Object.keys(file.networks)).toContain(network);
      for (const other of Object.keys(service.depends_on)) expect(Object.keys(file.services)).toContain(other);
      for (const { type, source } of service.volumes) {
        if (type === 'volume' && source !== undefined) expect(Object.keys(file.volumes)).toContain(source);
        if (type === 'bind') expect(existsSync(`${ROOT}${source}`), source).toBe(true);
      }
    }
  });

  it('waits for health only where health is asked', () => {
    for (const [, { depends_on }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const { healthcheck, restart } = file.services[other] as Service;
        if (condition === 'service_healthy') expect(healthcheck).toHaveProperty('test');
        // What always starts again never completes.
        if (condition === 'service_completed_successfully') expect(restart).toBe('on-failure');
      }
    }
  });
});

describe.each(services)('%s', (name, service) => {
  it('is pinned to a version', () => {
    expect(service.image).toMatch(/^[a-z0-9./-]+:\d+\.\d+[\w.-]*$/);
  });

  it('is no root, cannot write into its root and can become nobody else', () => {
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    for (const { type, read_only } of service.volumes) if (type === 'bind') expect(read_only).toBe(true);
  });

  it('is asked for its health, unless it ends by itself', () => {
    const ends = service.restart === 'on-failure';
    expect('disable' in service.healthcheck).toBe(ends);
  });

  it('publishes nothing beyond this machine', () => {
    expect(service.ports).toEqual(name === 'serve' ? ['127.0.0.1:8321:8321'] : []);
    if (name !== 'serve') expect(service.networks).toEqual(['inside']);
  });

  it('holds no secret itself', () => {
    for (const [variable, value] of Object.entries(service.environment)) {
      if (/PASSWORD|TOKEN|SECRET|KEY/.test(variable)) expect(value).toMatch(new RegExp(`^\\$\\{${variable}:\\?`));
    }
  });
});

describe('the services of the program', () => {
  it('are of one image, named after the version', () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
    expect(new Set(own.map(([, { image }]) => image))).toEqual(new Set([`killdeer:${version}`]));
  });

  it('are every role once, and the one that makes the topics', () => {
    const commands = own.map(([name, { command }]) => [name, parseCommand(command)] as const);
    const runs = commands.filter(([, { verb }]) => verb === 'run');
    expect(runs.map(([name]) => name).sort()).toEqual([...ROLES].sort());
    for (const [name, { options }] of runs) expect([options['roles']].flat()).toEqual([name]);
    const others = commands.filter(([, { verb }]) => verb !== 'run');
    expect(others.map(([name, { verb, options }]) => [name, verb, options['createTopics']])).toEqual([
      ['topics', 'check', true],
    ]);
  });

  it('would not start with an option that the program does not know', () => {
    expect(() => parseCommand(['run', '--role', 'score'])).toThrow('unknown option');
    expect(() => parseCommand(['walk'])).toThrow();
  });

  it.each(own)('%s reads the mounted configuration, and has a data directory of its own', (_, service) => {
    expect(parseCommand(service.command).options['config']).toBe(MOUNTED);
    expect(service.volumes.find(({ target }) => target === MOUNTED)?.source).toBe('./deploy/killdeer.yaml');
    const data = service.volumes.find(({ target }) => target === configuration().data_dir);
    expect(data?.type).toBe('volume');
    // A named volume is one for all replicas, and a data directory belongs to one process.
    if ((service.deploy?.replicas ?? 1) > 1) expect(data?.source).toBeUndefined();
  });

  it('share no named data directory', () => {
    const named = own.flatMap(([, { volumes }]) =>
      volumes.flatMap(({ type, source }) => (type === 'volume' && source) || []),
    );
    expect(new Set(named).size).toBe(named.length);
  });

  it.each(own)('%s is given only variables that the configuration reads', (_, { environment }) => {
    for (const variable of Object.keys(environment)) expect(readVariables()).toContain(variable);
  });

  it('wait for the topics', () => {
    for (const [name, { depends_on }] of own) {
      expect(depends_on).toHaveProperty('kafka.condition', 'service_healthy');
      if (name !== 'topics') expect(depends_on).toHaveProperty('topics.condition', 'service_completed_successfully');
    }
  });
});

describe('deploy/env.example', () => {
  it('asks for every variable of the compose file, and fills in none', () => {
    const text = readFileSync(`${ROOT}docker-compose.yml`, 'utf8');
    const wanted = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
    const lines = readFileSync(`${ROOT}deploy/env.example`, 'utf8')
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));
    expect(lines.sort()).toEqual([...wanted].map((name) => `${name}=`).sort());
    expect(text).not.toMatch(/\$\{?\w+\}/);
  });
});

describe('the mounted configuration', () => {
  const config = configuration();

  it('names the services by their host names', () => {
    expect(config.log.kind).toBe('kafka');
    expect(config.store.kind).toBe('clickhouse');
    const hosts = [...config.kafka.brokers.map((broker) => broker.split(':')[0]), new URL(config.store.url).hostname];
    expect(hosts).toEqual(['kafka', 'clickhouse']);
    for (const host of hosts) expect(Object.keys(file.services)).toContain(host);
  });

  it('has partitions for every replica that scores', () => {
    expect(config.partitions).toBeGreaterThanOrEqual(file.services['score']?.deploy?.replicas ?? 1);
  });

  it('listens where the health check asks and where the port is published', () => {
    const health = readFileSync(`${ROOT}deploy/health.mjs`, 'utf8');
    expect(health).toContain(`const PORTS = [${config.api.port}, ${config.ops.port}];`);
    expect(file.services['serve']?.ports).toEqual([`127.0.0.1:${config.api.port}:${config.api.port}`]);
    expect([config.api.host, config.api.insecure_remote, config.ops.host]).toEqual(['0.0.0.0', true, '0.0.0.0']);
  });

  it('logs in as the user that ClickHouse is given, with the same variable', () => {
    const users = readFileSync(`${ROOT}deploy/clickhouse-users.xml`, 'utf8');
    expect(users).toContain(`<${config.store.username}>`);
    expect(users).toContain(`from_env="${config.store.password_env}"`);
    expect(file.services['clickhouse']?.environment).toHaveProperty(config.store.password_env);
    expect(users).toContain('<default remove="remove"/>');
  });

  it('fits the broker: its address, its copies, its longest record', () => {
    const lines = readFileSync(`${ROOT}deploy/kafka.properties`, 'utf8').split('\n');
    const pairs = lines.filter((line) => /^[a-z.]+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2));
    const broker = Object.fromEntries(pairs) as Record<string, string>;
    expect(broker['advertised.listeners']).toBe(`INSIDE://${config.kafka.brokers[0]}`);
    expect(Number(broker['default.replication.factor'])).toBe(config.kafka.replication);
    expect(Number(broker['message.max.bytes'])).toBeGreaterThan(8 * 1024 * 1024);
    const data = file.services['kafka']?.volumes.find(({ type }) => type === 'volume');
    expect(broker['log.dirs']?.startsWith(`${data?.target}/`)).toBe(true);
    expect(file.services['kafka']?.command.join(' ')).toContain('/etc/killdeer/kafka.properties');
  });
});
