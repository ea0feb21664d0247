/**
 * The one schema of the configuration, with every default. A file is YAML (JSON is YAML too); what it leaves out has
 * the default. Unknown members are errors that name themselves: a misspelt limit must not be silently ignored.
 */
import { z } from 'zod';
import { parseDuration } from './decide/compile-policy.js';
import type { Policy } from './decide/policy.js';
import type { Settings } from './engine/settings.js';
import { KilldeerError } from './errors.js';
import { priceRowSchema } from './event/prices.js';
import { hash64, hex64 } from './math/hash.js';

/** '90s', '30m', '12h', '7d', or ms as a number. */
const duration = z.union([
  z.number().int().positive(),
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null) return ms;
    context.addIssue({ code: 'custom', message: `'${text}' is not a duration such as 90s, 30m, 12h or 7d` });
    return z.NEVER;
  }),
]);
const count = (max: number) => z.number().int().min(1).max(max);
/** A budget per agent-day. Above one in two days every ordinary day would be a finding. */
const share = z.number().positive().max(0.5);

const detectionSchema = z
  .strictObject({
    /** False pages per agent-day that you accept: the only threshold there is. */
    pages_per_agent_day: share.default(0.03),
    notices_per_agent_day: share.default(0.1),
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

export const configSchema = z.strictObject({
  detection: detectionSchema,
  learning: learningSchema,
  /** 'observe', 'enforce' (the policies shipped), or a policy file. */
  policy: z.string().default('observe'),
  /** Further rows of the price table; they win over the ones shipped. */
  prices: z.array(priceRowSchema).default([]),
  data_dir: z.string().default('data'),
  partitions: count(64).default(1),
  log: z
    .strictObject({
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
    })
    .prefault({}),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8321),
      /** Listening beyond loopback without TLS must be said aloud. */
      insecure_remote: z.boolean().default(false),
    })
    .prefault({}),
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
