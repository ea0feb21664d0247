/** The section `connectors` of the configuration, with every default. Secrets are named there, never held. */
import { z } from 'zod';
import { durationOrMs as duration } from '../decide/duration.js';
import type { AgentStatus } from '../registry/registry.js';

const text = z.string().min(1).max(1_000);
const pattern = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => !name.slice(0, -1).includes('*'), "'*' may stand only at the end");
const env = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is the name of an environment variable');

const STOPS = ['throttled', 'restricted', 'suspended', 'revoked'] as const satisfies readonly AgentStatus[];
const statuses = z.array(z.enum(STOPS)).min(1);
/** A directory knows on and off alone. */
const SWITCHED: z.infer<typeof statuses> = ['suspended', 'revoked'];

const secret = {
  /** Environment variable that holds the secret; wins over the file. */
  secret_env: env.nullable().default(null),
  /** File that holds it; read anew each time, so that a rotated one is taken without a restart. */
  secret_file: text.nullable().default(null),
};

/** What all of them have. */
const common = {
  /** Names it in effects, findings and metrics. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is a name of a-z, 0-9 and -')
    .refine((name) => name !== 'traffic', 'traffic stands for what is seen of an agent after its stop'),
  url: text,
  /** Plain http beyond this machine must be said aloud. */
  insecure: z.boolean().default(false),
  /** Of whose agents; null: of all. '' is the nameless tenant. */
  tenants: z.array(z.string().max(256)).nullable().default(null),
  /** Names, or prefixes ending in '*'; a name covers its sub-agents. null: all. */
  agents: z.array(pattern).nullable().default(null),
  /** Of one call. */
  timeout: duration.default(10_000),
  /** Without an answer that takes it, a delivery is given up after this long. */
  give_up_after: duration.default(86_400_000),
  /** Pauses between tries: upper ends of the first and of the longest. */
  retry_first: duration.default(1_000),
  retry_most: duration.default(300_000),
  /** Failures in a row after which the place is left alone for a while. */
  breaker_failures: z.number().int().min(1).max(1_000).default(5),
  breaker_rest: duration.default(15_000),
  /** Calls at once. */
  parallel: z.number().int().min(1).max(64).default(4),
};

/** A stop that is not proved within this becomes a finding that pages. */
const proof = {
  verify_within: duration.default(30_000),
  /** A stop in force is read again this often: whoever undid it is found out. */
  reread_every: duration.default(300_000),
};

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  ...proof,
  ...secret,
  statuses: statuses.default([...STOPS]),
  /** Where it says how an agent stands with it; null: stops cannot be proved there. */
  status_url: text.nullable().default(null),
  /** Findings of severity medium and above are sent too. */
  pages: z.boolean().default(false),
});

/** An OAuth client that gets tokens; left out: the secret is the token itself. */
const oauth = z.strictObject({ token_url: text, client_id: text }).nullable().default(null);

const scim = z.strictObject({
  kind: z.literal('scim'),
  ...common,
  ...proof,
  ...secret,
  statuses: statuses.default(SWITCHED),
  oauth,
  resource: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
    .default('Users'),
  attribute: z.enum(['userName', 'externalId']).default('userName'),
  /** What an agent is called there, with {tenant} and {agent}. */
  subject: text.default('{agent}'),
  /** 'ignore': an agent without an account is fine. */
  unknown: z.enum(['fail', 'ignore']).default('fail'),
});

const keycloak = z.strictObject({
  kind: z.literal('keycloak'),
  ...common,
  ...proof,
  ...secret,
  statuses: statuses.default(SWITCHED),
  realm: text,
  /** Where the administering client is; null: in the same realm. */
  admin_realm: text.nullable().default(null),
  client_id: text,
  subjects: z.enum(['client', 'user']).default('client'),
  subject: text.default('{agent}'),
  unknown: z.enum(['fail', 'ignore']).default('fail'),
});

const caep = z.strictObject({
  kind: z.literal('caep'),
  ...common,
  ...proof,
  /** The signing key, PKCS #8 in PEM. */
  ...secret,
  statuses: statuses.default([...STOPS]),
  issuer: text,
  audience: text,
  algorithm: z.enum(['ES256', 'EdDSA', 'RS256']).default('ES256'),
  key_id: text.nullable().default(null),
  /** `sub_id` of an agent (RFC 9493), with {tenant} and {agent}. */
  subject: z.record(z.string().min(1).max(64), text).default({ format: 'opaque', id: '{agent}' }),
  credential_type: text.default('app'),
  /** Environment variable with a bearer token for the push; null: none. */
  token_env: env.nullable().default(null),
});

const notify = z.strictObject({
  kind: z.literal('notify'),
  ...common,
  ...secret,
  /** Of which owners; names, or prefixes ending in '*'. null: of all, and of agents without one. */
  owners: z.array(pattern).nullable().default(null),
  /** Messages a minute for one owner; what is more is told in one summary. */
  per_minute: z.number().int().min(1).max(1_000).default(10),
});

export const connectorsSchema = z
  .array(z.discriminatedUnion('kind', [webhook, scim, keycloak, caep, notify]))
  .max(32)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two have the same name')
  .default([]);

export type ConnectorConfig = z.infer<typeof connectorsSchema>[number];
export type ConnectorOf<K extends ConnectorConfig['kind']> = Extract<ConnectorConfig, { kind: K }>;
