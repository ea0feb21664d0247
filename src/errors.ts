/**
 * Every error that a person or a program can meet, in one table. An error names the thing and the value, carries its
 * cause and says whether the same call may succeed later. API errors are RFC 9457 problem details of the same rows.
 */

interface Row {
  /** HTTP status where the error reaches an API caller. */
  readonly status: number;
  /** Whether the same call, unchanged, may succeed later. */
  readonly retry: boolean;
  /** What to do next, for a person. */
  readonly next: string;
}

const row = (status: number, retry: boolean, next: string): Row => ({ status, retry, next });

/** The table. */
export const ERRORS = {
  // event: rejections of single lines
  'event.bad-json': row(400, false, 'send one JSON object a line'),
  'event.bad-utf8': row(400, false, 'send UTF-8'),
  'event.too-long': row(413, false, 'shorten the line'),
  'event.invalid': row(400, false, 'mend the member named'),
  'event.time-ahead': row(400, false, "check the sender's clock"),
  'event.not-bound': row(403, false, 'use a token bound to this tenant or agent'),
  'event.all-rejected': row(400, false, 'mend the lines named'),
  // partition: records that are no event
  'record.invalid': row(400, false, 'see the dead letter: only this program writes control records'),
  'partition.fault': row(500, false, 'see the cause; the partition goes on from its checkpoint after a restart'),
  'partition.away': row(503, true, 'ask again: its thread is being started, or see its fault in /v1/status'),
  'partition.elsewhere': row(409, false, 'ask the process that owns the partition: one with the role score'),
  // log
  'log.offset-out-of-range': row(500, false, 'restore from a checkpoint inside the range, or reset the partition'),
  'log.fsync-failed': row(503, false, 'check the disk, then restart: what was answered as durable is kept'),
  'log.disk-full': row(503, true, 'free space, then repeat the call: repeated events are scored once'),
  'log.corrupt': row(500, false, 'restore the named file from a backup'),
  'log.locked': row(409, true, 'stop the process that holds the data directory, or use another'),
  'log.closed': row(503, true, 'start the server again'),
  'log.write-failed': row(503, false, 'check the disk, then restart: what was answered as durable is kept'),
  'log.bad-record': row(400, false, 'send each record as one line of well-formed text'),
  'log.too-long': row(413, false, 'split the append'),
  'log.unknown-partition': row(500, false, 'name a topic and a partition that the log was opened with'),
  'log.read-only': row(500, false, 'append through the log that writes this topic'),
  // log on Kafka
  'kafka.unreachable': row(503, true, 'start the brokers, or mend kafka.brokers, tls and sasl in the configuration'),
  'kafka.missing-topic': row(503, false, 'run killdeer check --create-topics'),
  'kafka.wrong-topic': row(503, false, 'mend the topic as the message says, or use another kafka.prefix'),
  'kafka.codec': row(503, false, 'install the named package, or use another compression'),
  'kafka.refused': row(503, false, "check the broker's access lists for what the message names"),
  'kafka.fenced': row(503, false, 'nothing: another process owns the partition now'),
  'kafka.commit-unknown': row(503, true, 'nothing: the partition is restored from what was committed'),
  // store
  'store.unreachable': row(503, true, 'start ClickHouse, or mend store.url; scoring and stops go on without it'),
  'store.absent': row(503, false, 'install the optional dependency chdb, or name a ClickHouse in store'),
  'store.refused': row(500, false, 'see the reason: the statement or its data are wrong'),
  'store.schema': row(500, false, 'use the version of killdeer that made the schema, or a newer one'),
  'store.query': row(400, false, 'mend the query'),
  // sources
  'source.refused': row(503, true, 'mend what the source sends; it is tried again after its rest'),
  'source.undecodable': row(400, false, "see killdeer decode FILE --format with the source's format"),
  // configuration and use
  'config.invalid': row(400, false, 'mend the member named'),
  'policy.invalid': row(400, false, 'mend the line named'),
  'usage': row(400, false, 'see killdeer --help'),
  'recording.unreadable': row(400, false, 'name a .jsonl or .jsonl.gz file, or a folder with events.jsonl(.gz)'),
  'recording.truncated': row(400, false, 'copy the recording again: what stands before the cut was read'),
  'csv.unreadable': row(400, false, 'name a CSV file, or mend what the message names'),
  'csv.unwritable': row(500, true, 'name a place that can be written, or make room there'),
  'checkpoint.corrupt': row(500, false, 'remove the checkpoint to start from the beginning of the log'),
  'checkpoint.mismatch': row(
    409,
    false,
    'use the configuration and recording of the checkpoint, or another state folder',
  ),
  'model.invalid': row(400, false, 'pin a model file made by this version'),
  // api
  'api.unauthorized': row(401, false, 'send a bearer token'),
  'api.forbidden': row(403, false, 'use a token with the role named'),
  'api.not-found': row(404, false, 'check the path or the id'),
  'api.invalid': row(400, false, 'mend the member named'),
  'api.method-not-allowed': row(405, false, 'use a method named in the Allow header'),
  'api.unsupported-media': row(415, false, 'send a content type and encoding that the route takes'),
  'api.unreachable': row(503, true, 'start the server, or check its address'),
  'api.too-large': row(413, false, 'split the call'),
  'api.behind': row(429, true, 'send again after Retry-After seconds'),
  'api.rate-limited': row(429, true, 'send again after Retry-After seconds'),
  'api.misdirected': row(421, false, 'call the server by its own name, or name it in api.public_url'),
  'api.key-reused': row(422, false, 'take a new idempotency key for another call'),
  'api.in-flight': row(409, true, 'wait for the answer of the first call with this key'),
  'api.no-history': row(409, false, 'set store.kind to embedded or clickhouse, and run without --no-history'),
  'api.internal': row(500, true, "see the server's log"),
  // identity provider of people
  'oidc.unreachable': row(503, true, 'start the identity provider, or mend api.oidc; tokens of this server still work'),
  // registry
  'registry.unknown-agent': row(404, false, 'check the agent name'),
  'registry.conflict': row(409, true, 'read the agent again and repeat with its version'),
  'registry.refused': row(409, false, 'see the reason'),
  'registry.tokens-unreadable': row(500, false, 'restore the token file, or remove it to have new tokens made'),
  // custody
  'custody.key': row(500, false, 'name a file or an environment variable with an Ed25519 key: PKCS#8 in PEM, or a JWK'),
  'custody.seal': row(409, false, 'take a new review from this server: this one was changed, or is of another key'),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

/** The one exception type of the project; bad input is a Rejection value instead. */
export class KilldeerError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'KilldeerError';
    this.code = code;
  }

  get retry(): boolean {
    return ERRORS[this.code].retry;
  }

  get next(): string {
    return ERRORS[this.code].next;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
