/** What kafkajs throws, as the errors of our one table: the words of a broker become a code that says what to do. */
import { type ErrorCode, KilldeerError } from '../errors.js';

/** Members that kafkajs's errors may have. */
interface ErrorLike {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  /** Of several refusals at once; the first stands for them all. */
  readonly errors?: unknown;
}

const BY_TYPE: ReadonlyMap<string, ErrorCode> = new Map([
  ['SASL_AUTHENTICATION_FAILED', 'kafka.refused'],
  ['UNSUPPORTED_SASL_MECHANISM', 'kafka.refused'],
  ['TOPIC_AUTHORIZATION_FAILED', 'kafka.refused'],
  ['GROUP_AUTHORIZATION_FAILED', 'kafka.refused'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'kafka.refused'],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'kafka.refused'],
  ['SECURITY_DISABLED', 'kafka.refused'],
  ['POLICY_VIOLATION', 'kafka.refused'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'kafka.missing-topic'],
  ['INVALID_TOPIC_EXCEPTION', 'kafka.wrong-topic'],
  ['INVALID_CONFIG', 'kafka.wrong-topic'],
  ['INVALID_PARTITIONS', 'kafka.wrong-topic'],
  ['INVALID_REPLICATION_FACTOR', 'kafka.wrong-topic'],
  ['MESSAGE_TOO_LARGE', 'log.too-long'],
  ['RECORD_LIST_TOO_LARGE', 'log.too-long'],
  ['OFFSET_OUT_OF_RANGE', 'log.offset-out-of-range'],
  ['UNSUPPORTED_COMPRESSION_TYPE', 'kafka.codec'],
  ['INVALID_PRODUCER_EPOCH', 'kafka.fenced'],
  ['TRANSACTION_COORDINATOR_FENCED', 'kafka.fenced'],
] satisfies [string, ErrorCode][]);

/** PRODUCER_FENCED is younger than kafkajs, which knows it by its number alone. */
const FENCED_BY_NUMBER = /Unknown error code 90\b/;
const CAUSES_MAX = 8;

/** The error as one of ours; `what` says what was being done and to what. One of ours stays as it is. */
export function kafkaError(error: unknown, what: string): KilldeerError {
  const chain = causesOf(error);
  const own = chain.find((cause) => cause instanceof KilldeerError);
  if (own !== undefined) return own;
  for (const cause of chain) {
    const code = codeOf(cause as ErrorLike);
    if (code !== null) return new KilldeerError(code, `${what}: ${messageOf(cause)}`, error);
  }
  return new KilldeerError('kafka.unreachable', `${what}: ${messageOf(error)}`, error);
}

/** kafkajs's word for the error, found in its causes too ('NOT_LEADER_FOR_PARTITION'); null where it has none. */
export function kafkaErrorType(error: unknown): string | null {
  for (const cause of causesOf(error)) {
    const { type } = cause as ErrorLike;
    if (typeof type === 'string') return type;
  }
  return null;
}

function codeOf(error: ErrorLike): ErrorCode | null {
  if (error.name === 'KafkaJSSASLAuthenticationError') return 'kafka.refused';
  if (typeof error.type === 'string') {
    const code = BY_TYPE.get(error.type);
    if (code !== undefined) return code;
  }
  return FENCED_BY_NUMBER.test(messageOf(error)) ? 'kafka.fenced' : null;
}

/** The error and what it was made of, outermost first. */
function causesOf(error: unknown): object[] {
  const chain: object[] = [];
  let at = error;
  while (typeof at === 'object' && at !== null && chain.length < CAUSES_MAX) {
    chain.push(at);
    const { cause, errors } = at as ErrorLike;
    at = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return chain;
}

function messageOf(error: unknown): string {
  const message = (error as ErrorLike | null)?.message;
  return typeof message === 'string' && message !== '' ? message : String(error);
}
