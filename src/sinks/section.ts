/** The section `sinks` of the configuration, with every default. Secrets are named there, never held. */
import { z } from 'zod';
import { durationOrMs as duration } from '../decide/duration.js';
import { KINDS, SEVERITIES } from '../decide/finding.js';
import { TRIAGE_STATUSES } from '../triage/triage.js';

const text = z.string().min(1).max(1_000);
const pattern = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => !name.slice(0, -1).includes('*'), "'*' may stand only at the end");
const env = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is the name of an environment variable');

/** What a sink writes. */
export const SINK_FORMATS = ['json', 'ocsf', 'text'] as const;

const filter = z
  .strictObject({
    /** This severity or worse. */
    severity: z.enum(SEVERITIES).default('info'),
    /** Findings that page nobody are sent too. */
    notices: z.boolean().default(false),
    /** Findings that a verdict or a suppression made notices of are sent too. */
    suppressed: z.boolean().default(false),
    /** null: all. */
    kinds: z.array(z.enum(KINDS)).nullable().default(null),
    /** '' is the nameless tenant. null: all. */
    tenants: z.array(z.string().max(256)).nullable().default(null),
    /** Names, or prefixes ending in '*'; a name covers its sub-agents. null: all. */
    agents: z.array(pattern).nullable().default(null),
    /** As the finding stands when it is sent. null: all. */
    statuses: z.array(z.enum(TRIAGE_STATUSES)).min(1).nullable().default(null),
  })
  .prefault({});

/** What all of them have. */
const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is a name of a-z, 0-9 and -'),
  format: z.enum(SINK_FORMATS).default('json'),
  filter,
  /** What people make of findings is sent too: verdicts, statuses, assignments. */
  updates: z.boolean().default(false),
  /** What the registry does to agents is sent too: stops, releases, halts, effects. */
  actions: z.boolean().default(false),
  /** For people who are woken: the day's page budget counts here, and what is beyond it is gathered. */
  pages: z.boolean().default(false),
  /** Where a person looks at a finding; {id} stands for its id. */
  link: text
    .refine((link) => /^https?:\/\//.test(link), 'is an address that begins with http:// or https://')
    .nullable()
    .default(null),
  batch: z
    .strictObject({
      /** In one message. null: 100; of text 1. */
      max: z.number().int().min(1).max(1_000).nullable().default(null),
      /** How long the first waits for others. */
      wait: duration.default(1_000),
    })
    .prefault({}),
  /** Of one message. */
  timeout: duration.default(10_000),
  /** What nobody took by then is kept as a dead letter. */
  give_up_after: duration.default(86_400_000),
  /** Pauses between tries: upper ends of the first and of the longest. */
  retry_first: duration.default(1_000),
  retry_most: duration.default(300_000),
  /** Tries after which a message that is refused for what it is, is given up. */
  refusals_max: z.number().int().min(1).max(100).default(5),
  breaker_failures: z.number().int().min(1).max(1_000).default(5),
  breaker_rest: duration.default(15_000),
  /** Dead letters that are kept, bytes; the older half goes first. */
  dead_bytes: z.number().int().min(10_000).max(1_073_741_824).default(10_485_760),
};

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  url: text,
  /** Plain http beyond this machine must be said aloud. */
  insecure: z.boolean().default(false),
  /** Environment variable that holds the signing secret; wins over the file. Both null: nothing is signed. */
  secret_env: env.nullable().default(null),
  secret_file: text.nullable().default(null),
  /** Environment variable with the whole value of the header Authorization; null: none is sent. */
  authorization_env: env.nullable().default(null),
});

const kafka = z.strictObject({
  kind: z.literal('kafka'),
  ...common,
  /** The topic's whole name, on the brokers of the section kafka. It has to be there. */
  topic: z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/),
});

const file = z.strictObject({
  kind: z.literal('file'),
  ...common,
  /** null: NAME.jsonl below sinks/ in the data directory. */
  path: text.nullable().default(null),
  /** A file that has grown to this is set aside. */
  rotate_bytes: z.number().int().min(1_000).max(10_737_418_240).default(104_857_600),
  /** Files set aside that are kept. */
  keep: z.number().int().min(0).max(100).default(5),
});

export const sinksSchema = z
  .array(z.discriminatedUnion('kind', [webhook, kafka, file]))
  .max(32)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two have the same name')
  .default([]);

export type SinkConfig = z.infer<typeof sinksSchema>[number];
export type SinkOf<K extends SinkConfig['kind']> = Extract<SinkConfig, { kind: K }>;
export type SinkFilter = SinkConfig['filter'];
