/** The real server over the real registry, log and ledger, with agents in every state: what gateways are tried on. */

import type { Identity, ServerParts } from '../../src/api/contract.js';
import { RegistryFeed } from '../../src/api/registry-feed.js';
import type { FeedParts } from '../../src/api/route-stream.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry, type RegistryDraft } from '../../src/registry/journal.js';
import type { Verdict } from '../../src/registry/registry.js';
import { SpendLedger } from '../../src/registry/spend.js';
import { SpendLimits } from '../../src/registry/spend-limits.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { spendPortOf } from '../../src/verbs/spend.js';
import { createWorld, IDENTITIES, NOW_MS, type World } from './world.js';

export interface GatewayWorld {
  readonly world: World;
  readonly registry: Registry;
  readonly ledger: SpendLedger;
  readonly feed: RegistryFeed;
  write(draft: Record<string, unknown>): Promise<Verdict>;
  close(): Promise<void>;
}

const BY = { actor: 'person:ops', authority: 'ops', parent: null } as const;
/** A token that is bound to one agent. */
export const OF_ONE = 'of-one';

export async function createGatewayWorld(
  parts: Partial<ServerParts & FeedParts> = {},
  clock: () => number = () => NOW_MS,
): Promise<GatewayWorld> {
  const log = createMemoryLog({ topics: { registry: 1 } });
  const feed = parts.feed ?? new RegistryFeed();
  const onChange = feed.take.bind(feed);
  const registry = await openRegistry({ log, clock, policy: null, tickEveryMs: 0, onChange });
  const ledger = new SpendLedger({ reserveForMs: 60_000, prefix: 'rsv' });
  const one = { ...IDENTITIES.gateway, id: OF_ONE, bindings: { tenants: ['acme'], agents: ['lone'] } };
  const known: Readonly<Record<string, Identity>> = { ...IDENTITIES, [OF_ONE]: one };
  const world = createWorld({
    registry: registryPortOf(registry),
    parts: {
      authenticate: (header) => (header?.startsWith('Bearer ') ? (known[header.slice(7)] ?? null) : null),
      spend: spendPortOf(ledger, new SpendLimits(registry.view)),
      clock,
      feed,
      ...parts,
    },
  });
  const write = (draft: Record<string, unknown>) =>
    registry.write({ ...BY, tenant: '', ifVersion: null, ...draft } as unknown as RegistryDraft);
  const close = async () => {
    // Callers that opened a line and never used it are waited for otherwise.
    world.app.server.closeAllConnections();
    await world.app.close();
    await registry.close();
    await log.close();
  };
  return { world, registry, ledger, feed, write, close };
}

/** One agent of every kind. */
export async function enrol(write: GatewayWorld['write']): Promise<void> {
  for (const agent of ['free', 'slow', 'held', 'gone', 'broke', 'käfer']) await write({ type: 'register', agent });
  await write({ type: 'register', agent: 'lone', tenant: 'acme' });
  await write({ type: 'register', agent: 'broke', budgets: { sessionUsd: 1, dayUsd: null } });
  const stop = (agent: string, action: string, callsPerMinute: number | null = null) =>
    write({ type: 'stop', key: agent, agent, action, reason: 'looks hijacked', forMs: null, callsPerMinute });
  await stop('slow', 'throttle', 1);
  await stop('held', 'suspend');
  // A revocation takes two people.
  const { approval: id } = await stop('gone', 'revoke');
  await write({ type: 'approval-answer', id, answer: 'approve', comment: null, actor: 'person:another' });
}
