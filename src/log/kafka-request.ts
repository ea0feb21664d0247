/**
 * Requests that are encoded and answers that are decoded here, sent over kafkajs's connections: its own codecs lose
 * what fetching takes, and spend most of a core on what producing takes. What lies inside its broker is named in this
 * file alone, as far as it is used.
 */
import { createRequire } from 'node:module';
import { KilldeerError } from '../errors.js';

export interface RequestBroker {
  readonly nodeId: string | number;
  readonly versions: Readonly<Record<string, { readonly maxVersion: number } | undefined>>;
  readonly connectionPool: { getConnection(index: number): Promise<RequestConnection> };
  listOffsets(request: {
    isolationLevel: number;
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
  }): Promise<{ responses: readonly { partitions: readonly { offset: string }[] }[] }>;
  initProducerId(request: { transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>;
}

interface RequestConnection {
  send(protocol: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<EncodedBody> };
    response: { decode(payload: Buffer): Promise<Answer>; parse(payload: Answer): Promise<Answer> };
    requestTimeout: number;
  }): Promise<Answer>;
}

/** As much of kafkajs's encoder as a connection looks at. */
interface EncodedBody {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

interface Answer {
  readonly payload: Buffer;
  /** How long the broker wants to be left alone, ms; by this name the connection reads it. */
  readonly clientSideThrottleTime: number;
}

export interface PlainRequest {
  /** Number of the request in the protocol, and the version that is spoken. */
  readonly api: number;
  readonly version: number;
  readonly name: string;
  readonly body: Buffer;
  /** How long the broker may take on purpose, ms; the client's request timeout where that is longer. */
  readonly timeoutMs: number;
  /** Where the answer says how long the broker wants to be left alone, from its beginning or, below 0, its end. */
  readonly throttleAt: number;
}

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error & { readonly type: string; readonly retriable: boolean };
};

/** Resolves with the body of the answer. Rejects with errors of kafkajs's kinds. */
export async function sendRequest(broker: RequestBroker, request: PlainRequest): Promise<Buffer> {
  const { api, version, name, body, timeoutMs, throttleAt } = request;
  if ((broker.versions[api]?.maxVersion ?? 0) < version) {
    throw new KilldeerError('kafka.refused', `the broker does not speak version ${version} of ${name}: it is too old`);
  }
  // The first of its two connections: it is there already, and nobody else has long waits on it.
  const connection = await broker.connectionPool.getConnection(0);
  const { payload } = await connection.send({
    request: { apiKey: api, apiVersion: version, apiName: name, encode: async () => ({ buf: body, buffer: body }) },
    response: {
      decode: async (bytes) => ({ payload: bytes, clientSideThrottleTime: throttleOf(bytes, throttleAt) }),
      parse: async (answer) => answer,
    },
    requestTimeout: timeoutMs,
  });
  return payload;
}

function throttleOf(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at < 0 ? bytes.length + at : at);
}

/** What the broker says by a number: null for success, else an error of kafkajs's kind. */
export function brokerError(code: number) {
  return code === 0 ? null : createErrorFromCode(code);
}

/** An answer's fields, one after the other. */
export class Fields {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  /** Exact below 2^53. */
  int64(): number {
    this.at += 8;
    return Number(this.buffer.readBigInt64BE(this.at - 8));
  }

  text(): string {
    return this.bytes(this.int16()).toString('utf8');
  }

  /** None where the length is negative, which stands for null. */
  bytes(length: number): Buffer {
    const start = this.at;
    this.at += Math.max(0, length);
    return this.buffer.subarray(start, this.at);
  }

  /** So many times as the next number says. */
  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}
