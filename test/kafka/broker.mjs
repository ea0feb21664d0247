/**
 * `npm run kafka`: one Kafka broker on loopback for tests and for trying things out, never for production. It is
 * fetched from Maven Central once (pom.xml names the version), keeps its data in a temporary folder and takes both
 * with it when it ends: on a signal, when its broker ends, or, with --with-parent, when its standard input closes.
 *
 *   --port N         of the plain listener; default: any free port
 *   --data DIR       keep the data there; default: a temporary folder, removed at the end
 *   --sasl           a second listener with PLAIN and SCRAM, user `alice` with the password `alice-secret`
 *   --tls            a third listener with TLS; its certificate is made for the occasion
 *   --with-parent    end when the standard input closes
 *   --json           say where it listens as one line of JSON
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { becomeReady, endWith, fail, fetchOnce, freePorts, isEnding, maven, start } from '../java-service.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const POM = join(HERE, 'pom.xml');
const CACHE = join(HERE, '../../node_modules/.cache/killdeer-kafka');
const USER = 'alice';
const PASSWORD = 'alice-secret';
const READY_WITHIN_MS = 60_000;

const { values: wanted } = parseArgs({
  options: {
    'port': { type: 'string' },
    'data': { type: 'string' },
    'sasl': { type: 'boolean', default: false },
    'tls': { type: 'boolean', default: false },
    'with-parent': { type: 'boolean', default: false },
    'json': { type: 'boolean', default: false },
  },
});

/** The folder with the broker's jars, filled once. */
function jars() {
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1];
  return fetchOnce(CACHE, version, (beside) => {
    console.error(`fetching Apache Kafka ${version} from Maven Central, this once`);
    const refused = maven(POM, ['dependency:copy-dependencies', `-DoutputDirectory=${beside}`]);
    return refused === null ? beside : new Error(`the broker could not be fetched: ${refused}`);
  });
}

function makeCertificate(folder) {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  if (!existsSync(certificate)) {
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', key, '-out', certificate],
    ]);
    if (made.status !== 0) fail('openssl could not make a certificate');
    writeFileSync(join(folder, 'keystore.pem'), readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'));
  }
  return { certificate, keystore: join(folder, 'keystore.pem') };
}

function settings(folder, ports, tls) {
  const listeners = [`PLAIN://127.0.0.1:${ports.plain}`, `CONTROLLER://127.0.0.1:${ports.controller}`];
  const kinds = ['PLAIN:PLAINTEXT', 'CONTROLLER:PLAINTEXT', 'SASL:SASL_PLAINTEXT', 'TLS:SSL'];
  if (ports.sasl !== null) listeners.push(`SASL://127.0.0.1:${ports.sasl}`);
  if (ports.tls !== null) listeners.push(`TLS://127.0.0.1:${ports.tls}`);
  const module = (name, more) => `org.apache.kafka.common.security.${name} required${more};`;
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    'listeners': listeners.join(','),
    'advertised.listeners': listeners.filter((listener) => !listener.startsWith('CONTROLLER')).join(','),
    'listener.security.protocol.map': kinds.join(','),
    'log.dirs': join(folder, 'log'),
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 8,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'min.insync.replicas': 1,
    'default.replication.factor': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'message.max.bytes': 16 * 1024 * 1024,
    'replica.fetch.max.bytes': 16 * 1024 * 1024,
    // Compaction and expiry are part of what is tested: they must come round within a test.
    'log.cleaner.enable': true,
    'log.cleaner.backoff.ms': 500,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'log.retention.check.interval.ms': 1000,
    'log.initial.task.delay.ms': 1000,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1000,
    'controlled.shutdown.enable': false,
    // A broker that comes back is let in once the session of the one before it is over.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 400,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': module('plain.PlainLoginModule', ` user_${USER}="${PASSWORD}"`),
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': module('scram.ScramLoginModule', ''),
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': module('scram.ScramLoginModule', ''),
    ...(tls === null ? {} : { 'listener.name.tls.ssl.keystore.type': 'PEM' }),
    ...(tls === null ? {} : { 'listener.name.tls.ssl.keystore.location': tls.keystore }),
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

const javaOptions = (classes, heap) => [
  ...[`-Xmx${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', `${classes}/*`],
];

/** Writes what the first start of a node needs; a folder that was used before is left as it is. */
function format(classes, folder, configuration) {
  if (existsSync(join(folder, 'log', 'meta.properties'))) return;
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${USER},password=${PASSWORD}]`,
  ]);
  const formatted = spawnSync(
    'java',
    [
      ...javaOptions(classes, '256m'),
      ...['kafka.tools.StorageTool', 'format', '-t', 'a2lsbGRlZXItdGVzdHMtMQ', '-c', configuration],
      ...(wanted.sasl ? scram : []),
    ],
    { encoding: 'utf8' },
  );
  if (formatted.status !== 0) fail(`the storage could not be formatted: ${formatted.error ?? formatted.stderr}`);
}

async function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function acceptAll(ports) {
  const all = Object.values(ports).filter((port) => port !== null);
  return (await Promise.all(all.map(accepts))).every((yes) => yes);
}

async function main() {
  const classes = jars();
  const folder = wanted.data ?? mkdtempSync(join(tmpdir(), 'killdeer-kafka-'));
  mkdirSync(folder, { recursive: true });
  endWith({ withParent: wanted['with-parent'], folder, keepsFolder: wanted.data !== undefined });
  const [plain, controller, sasl, encrypted] = await freePorts(4);
  const ports = {
    plain: wanted.port === undefined ? plain : Number(wanted.port),
    controller,
    sasl: wanted.sasl ? sasl : null,
    tls: wanted.tls ? encrypted : null,
  };
  const tls = wanted.tls ? makeCertificate(folder) : null;
  const configuration = join(folder, 'server.properties');
  writeFileSync(configuration, settings(folder, ports, tls));
  format(classes, folder, configuration);
  const logFile = join(folder, 'broker.log');
  const pid = start('java', [...javaOptions(classes, '512m'), 'kafka.Kafka', configuration], { folder, logFile });
  await becomeReady(() => acceptAll(ports), { withinMs: READY_WITHIN_MS, everyMs: 50, logFile });
  if (isEnding()) return;
  const address = (port) => (port === null ? null : `127.0.0.1:${port}`);
  const where = {
    brokers: address(ports.plain),
    sasl: address(ports.sasl),
    tls: address(ports.tls),
    certificate: tls?.certificate ?? null,
    pid,
    data: folder,
  };
  console.log(wanted.json ? JSON.stringify(where) : `kafka listens on ${where.brokers}`);
  if (!wanted.json && where.sasl !== null) console.log(`with SASL on ${where.sasl} (${USER}, ${PASSWORD})`);
  if (!wanted.json && where.tls !== null) console.log(`with TLS on ${where.tls} (${where.certificate})`);
}

await main();
