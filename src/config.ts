/**
 * The one schema of the configuration, with every default. A file is YAML (JSON is YAML too); what it leaves out has
 * the default. Unknown members are errors that name themselves: a misspelt limit must not be silently ignored.
 */
import { z } from 'zod';
import { apiSchema } from './api/section.js';
import { connectorsSchema } from './connect/section.js';
import { durationOrMs as duration } from './decide/duration.js';
import type { Policy } from './decide/policy.js';
import type { Settings } from './engine/settings.js';
import { KilldeerError } from './errors.js';
import { priceRowSchema } from './event/prices.js';
import { SOURCE_FORMATS } from './event/source-format.js';
import { hash64, hex64 } from './math/hash.js';
import { sinksSchema } from './sinks/section.js';
import { triageSchema } from './triage/section.js';

const count = (max: number) => z.number().int().min(1).max(max);
/** A budget per agent-day. Above one in two days every ordinary day would be a finding. */
const share = z.number().positive().max(0.5);

const detectionSchema = z
  .strictObject({
    /** False pages per agent-day that you accept: the only threshold there is. */
    pages_per_agent_day: share.default(0.03),
    notices_per_agent_day: share.default(0.075),
    agents_max: count(1_000_000).default(100_000),
    sessions_max: count(4_000_000).default(200_000),
    /** Event ids remembered per generation (one hour) against duplicates. */
    ids_max: count(8_388_608).default(1_048_576),
    shelved_max: count(10_000_000).default(1_000_000),
    lateness: duration.default(60_000),
    session_idle: duration.default(1_800_000),
    close_after: duration.default(43_200_000),
    adopt_sessions: count(100).default(3),
    adopt_after: duration.default(86_400_000),
    /** Of the hashes of names. null: a server draws a secret one for a new data directory; elsewhere it is 1. */
    hash_seed: z.number().int().min(0).max(0xffffffff).nullable().default(null),
  })
  .prefault({});

const learningSchema = z
  .strictObject({
    /** Learn cohort models from the traffic itself; false: the start model stays in force. */
    inline: z.boolean().default(true),
    every: duration.default(3_600_000),
    /** Model file to start from, pinned where `inline` is false; null: the one shipped for a cold start. */
    model: z.string().nullable().default(null),
  })
  .prefault({});

/** What a process can be there for. */
export const ROLES = ['ingest', 'score', 'learn', 'project', 'serve'] as const;
export type ProcessRole = (typeof ROLES)[number];

const sourceSchema = z.strictObject({
  /** Names it in findings, dead letters and metrics. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is a name of a-z, 0-9 and -')
    .refine((name) => name !== 'http', 'http stands for the API'),
  /** The topic's whole name. */
  topic: z.string().min(1).max(249),
  format: z.enum(SOURCE_FORMATS),
  /** Of events that name none. */
  tenant: z.string().max(256).default(''),
  /** What it may speak about; left out: unbound, its events can alert but never stop. */
  binding: z
    .strictObject({
      tenants: z.array(z.string()).nullable().default(null),
      agents: z.array(z.string().min(1)).nullable().default(null),
    })
    .nullable()
    .default(null),
  /** Share of rejected records within a minute (of at least `rejections_of`) above which the source is refused. */
  rejections_max: z.number().positive().max(1).default(0.5),
  rejections_of: count(1_000_000).default(200),
  /** How long a refused source rests before it is tried again. */
  rest: duration.default(300_000),
});

export type SourceConfig = z.infer<typeof sourceSchema>;

const tlsSchema = z.strictObject({
  /** Files in PEM. */
  ca: z.string().nullable().default(null),
  cert: z.string().nullable().default(null),
  key: z.string().nullable().default(null),
});

const kafkaSchema = z
  .strictObject({
    brokers: z.array(z.string().regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'is host:port')).default([]),
    client_id: z.string().min(1).max(128).default('killdeer'),
    /** Before the name of every topic, group and transaction of this installation. */
    prefix: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{0,64}$/)
      .default('killdeer.'),
    /** Copies of each record, for topics that are created. */
    replication: count(16).default(1),
    tls: z.union([z.boolean(), tlsSchema]).default(false),
    sasl: z
      .strictObject({
        mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
        username: z.string().min(1),
        /** Environment variable that holds the password. */
        password_env: z.string().default('KILLDEER_KAFKA_PASSWORD'),
      })
      .nullable()
      .default(null),
    compression: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none'),
    /** After this long without a heartbeat a process's partitions go to another. */
    session_timeout: duration.default(30_000),
    request_timeout: duration.default(30_000),
  })
  .prefault({});

export type KafkaConfig = z.infer<typeof kafkaSchema>;

const storeSchema = z
  .strictObject({
    /** 'auto': the embedded engine where it is installed, else no history. */
    kind: z.enum(['auto', 'embedded', 'clickhouse', 'none']).default('auto'),
    url: z.string().default('http://127.0.0.1:8123'),
    database: z
      .string()
      .regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/)
      .default('killdeer'),
    username: z.string().default('default'),
    /** Environment variable that holds the password. */
    password_env: z.string().default('KILLDEER_CLICKHOUSE_PASSWORD'),
    /** Name of a ClickHouse cluster: tables are replicated and distributed over it. null: one server. */
    cluster: z
      .string()
      .regex(/^[a-zA-Z0-9_]{1,64}$/)
      .nullable()
      .default(null),
    keep: z
      .strictObject({
        events: duration.default(7_776_000_000),
        findings: duration.default(34_560_000_000),
        decisions: duration.default(34_560_000_000),
        minutes: duration.default(34_560_000_000),
      })
      .prefault({}),
  })
  .prefault({});

export type StoreConfig = z.infer<typeof storeSchema>;

const responderSchema = z
  .strictObject({
    /** What comes through this much later than a stop was not in flight when it was made: the stop did not work. */
    grace: duration.default(10_000),
  })
  .prefault({});

export const configSchema = z.strictObject({
  detection: detectionSchema,
  learning: learningSchema,
  responder: responderSchema,
  triage: triageSchema,
  /** 'observe', 'enforce' (the policies shipped), or a policy file. */
  policy: z.string().default('observe'),
  /** Further rows of the price table; they win over the ones shipped. */
  prices: z.array(priceRowSchema).default([]),
  data_dir: z.string().default('data'),
  partitions: count(64).default(1),
  /** What this process does; more than one process needs the log kind 'kafka'. */
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES]),
  log: z
    .strictObject({
      /** 'file': this machine's disk, one process. 'kafka': the brokers below, as many processes as there are partitions. */
      kind: z.enum(['file', 'kafka']).default('file'),
      segment_bytes: count(2_147_483_647).default(67_108_864),
      retention_bytes: z.number().int().positive().default(68_719_476_736),
      retention_age: duration.default(2_592_000_000),
    })
    .prefault({}),
  ingest: z
    .strictObject({
      /** An event further ahead of the server's clock than this is rejected. */
      skew_max: duration.default(300_000),
      /** Events waiting to be scored above which ingest answers 429. */
      behind_max: count(100_000_000).default(200_000),
      /** An event seen again within this time is dropped before the log; within an hour the engine drops it anyway. */
      dedupe: duration.default(600_000),
      /** Ids remembered for that at most; the oldest go first. */
      dedupe_max: count(8_388_608).default(1_048_576),
    })
    .prefault({}),
  /** Topics of others that are read; their events go to the log under their agents' keys. */
  sources: z
    .array(sourceSchema)
    .refine((sources) => new Set(sources.map(({ name }) => name)).size === sources.length, 'two have the same name')
    .default([]),
  /** Places that carry stops out, or are told of them (docs/connectors.md). */
  connectors: connectorsSchema,
  /** Where alerts go out to (docs/alerts.md). */
  sinks: sinksSchema,
  kafka: kafkaSchema,
  store: storeSchema,
  decide: z
    .strictObject({
      /** A registry that could not be read for this long is stale. */
      stale_after: duration.default(30_000),
      /** What is answered then for agents that were not stopped: a stop that is known holds in any case. */
      when_stale: z.enum(['allow', 'deny']).default('allow'),
      /** The same for single contracts; null: as above. */
      when_stale_by: z
        .strictObject({
          json: z.enum(['allow', 'deny']).nullable().default(null),
          envoy: z.enum(['allow', 'deny']).nullable().default(null),
          nginx: z.enum(['allow', 'deny']).nullable().default(null),
          mcp: z.enum(['allow', 'deny']).nullable().default(null),
        })
        .prefault({}),
      /** What is reserved for a call that nobody tells of is free again after this long. */
      reserve_for: duration.default(60_000),
    })
    .prefault({}),
  drill: z
    .strictObject({
      /** Between two drills that the server holds by itself, inside the process; null: none. */
      every: duration.nullable().default(null),
      /** Stopped and released, and nothing else: it must carry the label canary, and is registered where it is new. */
      canary: z.string().min(1).max(200).default('killdeer-canary'),
      children: z.number().int().min(0).max(100).default(3),
      rounds: count(200).default(5),
      /** Longest wait for one stage of one round. */
      patience: duration.default(10_000),
    })
    .prefault({}),
  ops: z
    .strictObject({
      /** Health and metrics of a process without an API; 0: any free port; null: none. */
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).nullable().default(null),
      /** Environment variable with the bearer token for /metrics; beyond loopback it must be set. */
      token_env: z.string().default('KILLDEER_METRICS_TOKEN'),
    })
    .prefault({}),
  custody: z
    .strictObject({
      /** Environment variable with the key that signs reviews: PKCS#8 in PEM, or a JWK; wins over the file. */
      key_env: z.string().default('KILLDEER_SIGNING_KEY'),
      /** Where that key is kept, made at first use; null: `signing-key.pem` in the data directory. */
      key_file: z.string().nullable().default(null),
    })
    .prefault({}),
  api: apiSchema,
  checkpoint: z
    .strictObject({
      every: duration.default(10_000),
      /** Daily snapshots kept for explain, days. */
      daily: count(365).default(14),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;

/** Checks a parsed file. Throws 'config.invalid' naming every wrong member and its value. */
export function parseConfig(value: unknown, source: string): Config {
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(file)'}: ${issue.message}`);
  throw new KilldeerError('config.invalid', `${source}: ${problems.join('; ')}`);
}

/** Where nobody has named or drawn one: the same recording gives the same bytes everywhere. */
export const HASH_SEED = 1;

/** The part of a configuration that an engine obeys. `hashSeed` is taken where the configuration names none. */
export function settingsOf(config: Config, policy: Policy, hashSeed = HASH_SEED): Settings {
  const d = config.detection;
  return {
    pagesPerAgentDay: d.pages_per_agent_day,
    noticesPerAgentDay: d.notices_per_agent_day,
    agentsMax: d.agents_max,
    sessionsMax: d.sessions_max,
    idsMax: d.ids_max,
    shelvedMax: d.shelved_max,
    latenessMs: d.lateness,
    sessionIdleMs: d.session_idle,
    closeAfterMs: d.close_after,
    stopGraceMs: config.responder.grace,
    adoption: { sessions: d.adopt_sessions, ageMs: d.adopt_after },
    hashSeed: d.hash_seed ?? hashSeed,
    policy,
  };
}

/**
 * Digest of the settings in force, carried by every finding. The secret seed has no part in it: it is short, and
 * whoever reads a finding could search for the one that gives the digest.
 */
export function settingsDigest(settings: Settings): string {
  const words = new Uint32Array(2);
  hash64(JSON.stringify({ ...settings, hashSeed: HASH_SEED }), 0, words);
  return `c-${hex64(words[0], words[1])}`;
}
