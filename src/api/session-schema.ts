/** Sessions, login links and ways to log in, as they stand on the wire. */
import * as z from 'zod';
import { ROLES } from './contract.js';
import { answers, requests } from './schema.js';
import { PEOPLE } from './section.js';

const ms = z.number().describe('ms since the epoch');

export const linkBody = z
  .strictObject({
    roles: z.array(z.enum(PEOPLE)).min(1).max(PEOPLE.length).optional().describe("left out: those of the token's"),
  })
  .register(requests, { id: 'LoginLinkRequest' });

export const linkAnswer = z
  .object({
    path: z.string().describe("stands behind the server's address; the code is good once"),
    roles: z.array(z.enum(PEOPLE)),
    expires_ms: ms,
  })
  .register(answers, { id: 'LoginLink' });

export const sessionBody = z
  .strictObject({ code: z.string().min(1).max(100).describe('of a login link') })
  .register(requests, { id: 'SessionRequest' });

export const sessionAnswer = z
  .object({
    actor: z.string(),
    authority: z.string().describe('what stands in records beside the actor: a token, or issuer and subject'),
    roles: z.array(z.enum(ROLES)),
    tenants: z.array(z.string()).nullable(),
    agents: z.array(z.string()).nullable(),
    via: z.enum(['token', 'link', 'oidc']).describe('token: a bearer token, no session'),
    csrf: z.string().nullable().describe('for the header x-killdeer-csrf of every call that changes something'),
    idle_ms: ms.nullable().describe('when the session ends if nobody uses it'),
    expires_ms: ms.nullable().describe('when it ends at the latest'),
  })
  .register(answers, { id: 'Session' });

export const sessionEndQuery = z.strictObject({ person: z.string().min(1).max(200).describe('as in person:NAME') });
export const sessionEndAnswer = z.object({ ended: z.number() }).register(answers, { id: 'SessionsEnded' });

export const waysAnswer = z
  .object({
    link: z.literal(true).describe('by a login link of somebody with a token'),
    oidc: z.boolean().describe('by GET /v1/login'),
  })
  .register(answers, { id: 'LoginWays' });

export const loginAnswer = z.null().register(answers, { id: 'LoginRedirect' });

export type SessionAnswer = z.output<typeof sessionAnswer>;
export type LinkAnswer = z.output<typeof linkAnswer>;
export type LinkBody = z.input<typeof linkBody>;
