/** What the routes of operators have in common: the part that may be missing, and who may look at what is everybody's. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { identityOf } from './access.js';
import { isBound } from './binding.js';
import type { Identity, ServerParts } from './contract.js';
import type { OperationsPort } from './operations-contract.js';
import { authorityOf } from './route.js';

/** Throws 'registry.refused' in a process that does not have it. */
export function operationsOf({ operations }: Pick<ServerParts, 'operations'>): OperationsPort {
  if (operations !== undefined) return operations;
  throw new KilldeerError('registry.refused', 'this process has no part for operators: ask one that serves');
}

/** What is about the whole installation is not for a token that is bound to some of it. */
export function unboundOf(request: Pick<FastifyRequest, 'identity'>): Identity {
  const identity = identityOf(request);
  if (!isBound(identity.bindings)) return identity;
  throw new KilldeerError('api.forbidden', 'the token is bound, and this is about the whole installation');
}

/** A person's act that changes nothing in the registry stands in its log all the same. */
export async function recordDeed(
  parts: Pick<ServerParts, 'registry' | 'clock'>,
  request: Pick<FastifyRequest, 'identity' | 'id'>,
  what: string,
  about: string,
): Promise<void> {
  await createDeeds(parts)(identityOf(request), request.id, what, about);
}

/** Writes down what somebody did, also where the call itself came from nobody known. */
export type Deeds = (identity: Identity, requestId: string, what: string, about: string) => Promise<void>;

/** The registry refuses what is longer, and a deed cut short says more than one that was refused. */
const ABOUT_MAX = 1_000;

export function createDeeds({ registry, clock }: Pick<ServerParts, 'registry' | 'clock'>): Deeds {
  return async (identity, requestId, what, about) => {
    const by = authorityOf(identity, requestId);
    await registry.write({ type: 'deed', ...by, timeMs: clock(), what, about: about.slice(0, ABOUT_MAX) });
  };
}
