/** What all routes share: the typed instance, the table of routes, and small answers. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type * as z from 'zod';
import type { Authority } from '../registry/registry.js';
import type { RouteFacts } from './access.js';
import type { Identity } from './contract.js';

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** One route as registered: what the document, the 405 answers and the tests read. */
export interface RouteRow extends RouteFacts {
  readonly method: string;
  /** Fastify's form, '/v1/agents/:agent'. */
  readonly url: string;
  readonly params: z.ZodObject | null;
  readonly query: z.ZodObject | null;
  readonly body: z.ZodType | null;
  /** By status. */
  readonly answers: Readonly<Record<string, z.ZodType>>;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly routeTable: RouteRow[];
  }
}

/** On whose authority a write happens; the request id ties the record to the server's log. */
export function authorityOf(identity: Identity, requestId: string): Authority {
  return { actor: identity.actor, authority: identity.id, parent: requestId };
}
