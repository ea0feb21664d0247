/** The real server over the real board, registry and log: where people work on findings. */
import type { InjectOptions } from 'fastify';
import type { Identity, ServerParts } from '../../src/api/contract.js';
import type { FeedParts } from '../../src/api/route-stream.js';
import type { Finding } from '../../src/decide/finding.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry, type RegistryDraft } from '../../src/registry/journal.js';
import type { RegistryRecord, Verdict } from '../../src/registry/registry.js';
import { createBoard } from '../../src/triage/board.js';
import type { TriageBoard } from '../../src/triage/triage.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { createWorld, finding, IDENTITIES, type InjectAnswer, NOW_MS, type World } from './world.js';

export interface TriageWorld {
  readonly world: World;
  readonly registry: Registry;
  readonly board: TriageBoard;
  /** What stands in the registry's log of triage. */
  readonly triaged: Extract<RegistryRecord, { type: 'triage' }>[];
  raise(id: string, over?: Partial<Finding>): Finding;
  write(draft: object): Promise<Verdict>;
  get(token: string, url: string): Promise<InjectAnswer>;
  post(token: string, url: string, payload: object, headers?: InjectOptions['headers']): Promise<InjectAnswer>;
  close(): Promise<void>;
}

const BY = { actor: 'person:ops', authority: 'ops', parent: null } as const;
/** A token that sees one agent alone. */
export const OF_ONE = 'of-one';
const HOUR_MS = 3_600_000;

export async function createTriageWorld(parts: Partial<ServerParts & FeedParts> = {}): Promise<TriageWorld> {
  const log = createMemoryLog({ topics: { registry: 1 } });
  const triaged: TriageWorld['triaged'] = [];
  const board = createBoard({
    ...{ findingsMax: 1_000, casePauseMs: 12 * HOUR_MS, causeWithinMs: 600_000, decayMs: 24 * HOUR_MS },
    pagesPerDay: 5,
  });
  const registry = await openRegistry({
    ...{ log, clock: () => NOW_MS, policy: null, tickEveryMs: 0 },
    onChange: (change) => {
      if (change.record.type === 'triage') triaged.push(change.record);
      board.note(change);
    },
  });
  const one = { ...(IDENTITIES['analyst'] as Identity), id: OF_ONE, bindings: { tenants: null, agents: ['lone'] } };
  const known: Readonly<Record<string, Identity>> = { ...IDENTITIES, [OF_ONE]: one };
  const world = createWorld({
    registry: registryPortOf(registry),
    parts: {
      authenticate: (header) => (header?.startsWith('Bearer ') ? (known[header.slice(7)] ?? null) : null),
      triage: board,
      ...parts,
    },
  });
  return {
    ...{ world, registry, board, triaged },
    raise: (id, over = {}) => {
      const line = finding(id, over);
      board.add(line);
      return line;
    },
    write: (draft) => registry.write({ ...BY, tenant: '', ...draft } as unknown as RegistryDraft),
    get: (token, url) => world.call(token, { method: 'GET', url }),
    post: (token, url, payload, headers = {}) => world.call(token, { method: 'POST', url, payload, headers }),
    close: async () => {
      world.app.server.closeAllConnections();
      await world.app.close();
      await registry.close();
      await log.close();
    },
  };
}

/** ISO time so many minutes before the clock of all worlds. */
export function minutesAgo(minutes: number): string {
  return new Date(NOW_MS - minutes * 60_000).toISOString();
}
