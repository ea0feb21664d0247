/** The section `api` of the configuration: where the API listens, over what, and which identity provider it trusts. */
import { z } from 'zod';

/** Roles of people, the lowest first: each is let into all that the one before is. */
export const PEOPLE = ['viewer', 'analyst', 'responder', 'admin'] as const;
export type PersonRole = (typeof PEOPLE)[number];

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Over plain http only from this machine to itself: whoever stood between could be anybody. */
const secureUrl = z.url().refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));
}, 'is an https address; http only on this machine');

const origin = z
  .url()
  .refine((text) => /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text.replace(/\/$/, ''), {
    message: 'is an address without a path, such as https://killdeer.example',
  })
  .transform((text) => new URL(text).origin);

const claim = z.string().min(1).max(200);

const oidcSchema = z
  .strictObject({
    /** Exactly as the provider names itself. */
    issuer: secureUrl,
    client_id: z.string().min(1).max(200),
    /** Environment variable with the client's secret; null: a public client. */
    client_secret_env: z.string().min(1).nullable().default(null),
    /** What a token must be meant for; null: the client's id. */
    audience: z.string().min(1).max(200).nullable().default(null),
    scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['openid', 'profile', 'email']),
    /** Names the person in records; the same name is the same person, however they come in. */
    name_claim: claim.default('email'),
    /** Where the roles stand; dots lead into objects. */
    roles_claim: claim.default('roles'),
    /** A value of that claim, and the role that it gives here. */
    roles: z.record(z.string().min(1).max(200), z.enum(PEOPLE)),
    /** Claims with the tenants and agents that the person is bound to; null: bound to nobody. */
    tenants_claim: claim.nullable().default(null),
    agents_claim: claim.nullable().default(null),
    /** Registered at the provider; ends in /v1/login/callback. null: that of public_url. */
    redirect_url: secureUrl
      .refine((text) => new URL(text).pathname.endsWith('/v1/login/callback'), 'ends in /v1/login/callback')
      .nullable()
      .default(null),
    /** Its access tokens are taken as bearer tokens. */
    bearer: z.boolean().default(true),
    /** People can log in with it. */
    login: z.boolean().default(true),
  })
  .refine(({ scopes }) => scopes.includes('openid'), { path: ['scopes'], message: 'has openid in it' });

export type OidcConfig = z.infer<typeof oidcSchema>;

/** The section, with every default. */
export const apiSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.number().int().min(0).max(65_535).default(8321),
    /** Listening beyond loopback without TLS must be said aloud. */
    insecure_remote: z.boolean().default(false),
    /** Calls a minute of one token or session to all routes but those of events and decisions. */
    calls_per_minute: z.number().int().min(1).max(10_000_000).default(600),
    /** As people's browsers name the server, where a name or a proxy stands before it. */
    public_url: origin.nullable().default(null),
    /** Files in PEM, read again when they change. */
    tls: z
      .strictObject({ cert_file: z.string().min(1), key_file: z.string().min(1) })
      .nullable()
      .default(null),
    /** An identity provider of people; null: there is none. */
    oidc: oidcSchema.nullable().default(null),
  })
  .refine(({ oidc, public_url }) => oidc?.login !== true || oidc.redirect_url !== null || public_url !== null, {
    path: ['oidc', 'redirect_url'],
    message: 'is needed for login, or public_url',
  })
  .prefault({});

export type ApiConfig = z.infer<typeof apiSchema>;
