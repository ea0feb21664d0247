/**
 * Every client of a Kafka cluster begins here: addresses, TLS, SASL, codecs, timeouts, and where kafkajs's own words
 * go. A client may be shut at once, whatever it is doing: it then opens no further connection, so that nothing it
 * still tries can reach a broker after its owner was told that it failed.
 *
 * No password and no key is ever reported.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import kafkajs, { type ISocketFactory, type Kafka, type KafkaConfig, type LogEntry, type SASLOptions } from 'kafkajs';
import { KilldeerError } from '../errors.js';
import { compressionOf, type KafkaCompression, registerCodecs } from './kafka-codecs.js';

const { logLevel } = kafkajs;

export { compressionOf, type KafkaCompression } from './kafka-codecs.js';
export { kafkaError, kafkaErrorType } from './kafka-error.js';

/** PEM, not the names of files. Left out: the system's authorities, no certificate of one's own. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface SaslLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaOptions {
  /** host:port, an IPv6 address in brackets. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Before the name of every topic, group and transaction of this installation. */
  readonly prefix: string;
  readonly tls: boolean | TlsMaterial;
  readonly sasl: SaslLogin | null;
  /** Of what is written; whatever codec is there is read. */
  readonly compression: KafkaCompression;
  /** A broker that has not answered a request by then is taken for gone. */
  readonly requestTimeoutMs: number;
  /** What an operator may want to know; never a secret. */
  report(level: 'debug' | 'info' | 'warn' | 'error', message: string, error?: unknown): void;
}

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Closes every connection at once and lets no new one be opened. */
  shut(): void;
}

/** A client that can be shut. Throws 'kafka.codec' where the compression cannot be used here. */
export function openKafkaClient(options: KafkaOptions): KafkaClient {
  const { config, shut } = kafkaConfig(options);
  return { kafka: new kafkajs.Kafka(config), shut };
}

/** Few and quick: the one who asked decides how often to ask again, and after how long. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.2, multiplier: 2, retries: 4 };
const CONNECTION_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;

/** kafkajs's configuration, and what shuts every connection made under it. */
export function kafkaConfig(options: KafkaOptions): { readonly config: KafkaConfig; shut(): void } {
  registerCodecs();
  compressionOf(options.compression);
  const { brokers, aliases } = nameAddresses(options.brokers);
  const sockets = new Set<Socket>();
  let closed = false;
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (closed) throw new KilldeerError('log.closed', 'the client of the Kafka brokers is closed');
    const address = { host: aliases.get(host) ?? host, port };
    const named = isIP(address.host) === 0 ? { servername: address.host } : {};
    // kafkajs's types want an emitter of its own; what it uses is that of a socket.
    const socket: Socket = ssl
      ? connectTls({ ...address, ...named, ...ssl }, onConnect)
      : connectPlain(address, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // One small request waits for the answer to the one before: Nagle's algorithm would add its delay to each.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const config: KafkaConfig = {
    brokers,
    clientId: options.clientId,
    ssl: options.tls === false ? false : options.tls === true ? {} : tlsOptions(options.tls),
    ...(options.sasl === null ? {} : { sasl: { ...options.sasl } as SASLOptions }),
    connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, options.requestTimeoutMs),
    authenticationTimeout: Math.min(CONNECTION_TIMEOUT_MS, options.requestTimeoutMs),
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      // What fails because the client was shut is no news.
      if (!closed) reportEntry(options, entry);
    },
  };
  const shut = () => {
    closed = true;
    // As an error, because kafkajs fails the requests under way on that alone.
    for (const socket of sockets) socket.destroy(new Error('closed'));
  };
  return { config, shut };
}

function tlsOptions({ ca, cert, key }: TlsMaterial) {
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** kafkajs cuts an address at its first colon: one of IPv6 goes by a name until the socket is made. */
function nameAddresses(brokers: readonly string[]): { brokers: string[]; aliases: ReadonlyMap<string, string> } {
  const aliases = new Map<string, string>();
  const named = brokers.map((broker, index) => {
    const address = /^\[([0-9a-fA-F:]+)\]:(\d+)$/.exec(broker);
    if (address === null) return broker;
    const alias = `broker-${index}.invalid`;
    aliases.set(alias, address[1]);
    return `${alias}:${address[2]}`;
  });
  return { brokers: named, aliases };
}

/** Advice of kafkajs about defaults that we have chosen on purpose. */
const ADVICE = /^KafkaJS v2\.0\.0 switched default partitioner|^Limiting retries for the idempotent producer/;

/** What kafkajs calls an error is often the first of several tries: whether it is one is said by the one who asked. */
/** What kafkajs says of a single request: whoever made it tells what it came to, in words of our own. */
function reportEntry(options: KafkaOptions, { namespace, log }: LogEntry): void {
  if (ADVICE.test(log.message)) return;
  const broker = typeof log['broker'] === 'string' ? ` (${log['broker']})` : '';
  const words = `kafka ${namespace}: ${log.message}${broker}`;
  const password = options.sasl?.password ?? '';
  const safe = password === '' ? words : words.replaceAll(password, '***');
  options.report('debug', safe);
}
