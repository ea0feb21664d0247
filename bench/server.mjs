/** The real server over a real file log, registry and token file in a folder; and a bare Fastify beside it. */
import { join } from 'node:path';
import fastify from 'fastify';
import { createIngest } from '../dist/api/ingest.js';
import { buildServer, listen } from '../dist/api/server.js';
import { parseConfig } from '../dist/config.js';
import { createPriceTable } from '../dist/event/prices.js';
import { openFileLog } from '../dist/log/file-log.js';
import { openRegistry } from '../dist/registry/journal.js';
import { SpendLedger } from '../dist/registry/spend.js';
import { SpendLimits } from '../dist/registry/spend-limits.js';
import { openTokens } from '../dist/registry/tokens.js';
import { createBoard } from '../dist/triage/board.js';
import { registryPortOf } from '../dist/verbs/face.js';
import { openIntake } from '../dist/verbs/intake.js';
import { spendPortOf } from '../dist/verbs/spend.js';

/** High enough that the server itself is measured, not its limits. */
const NO_LIMITS = { ingest: 1e9, gateway: 1e9, control: 1e9, failures: 1e9 };

/** A log at full speed would fill a disk; older segments go. */
export const RETAIN_BYTES = 268_435_456;

/** The defaults, with room for few: most benches show no findings. */
const SMALL = {
  findingsMax: 100,
  casePauseMs: 43_200_000,
  causeWithinMs: 600_000,
  decayMs: 86_400_000,
  pagesPerDay: null,
};

export async function openServer(folder, { triage = createBoard(SMALL) } = {}) {
  const directory = join(folder, 'log');
  const log = await openFileLog({ directory, topics: { events: 1, registry: 1 }, retainBytesMax: RETAIN_BYTES });
  const registry = await openRegistry({ log, clock: Date.now, policy: null });
  const secrets = {};
  const tokens = await openTokens({
    path: join(folder, 'tokens.json'),
    clock: Date.now,
    handOut: async (made) => {
      for (const { entry, token } of made) secrets[entry.roles[0]] = token;
    },
  });
  const intake = openIntake(parseConfig({}, 'bench'), log, false);
  const ledger = new SpendLedger({ reserveForMs: 60_000, prefix: 'rsv-bench' });
  const app = buildServer({
    authenticate: (header) => tokens.authenticate(header),
    ingest: createIngest({ intake, prices: createPriceTable([]), clock: Date.now, behind: () => 0 }),
    registry: registryPortOf(registry),
    spend: spendPortOf(ledger, new SpendLimits(registry.view)),
    triage,
    evidence: { event: async () => null },
    status: {
      health: () => ({ ok: true, reason: null }),
      ready: () => ({ ok: true, reason: null }),
      stats: () => ({}),
    },
    control: { write: async () => undefined },
    tokens,
    clock: Date.now,
    version: '0.0.0-bench',
    limits: NO_LIMITS,
  });
  const url = await listen(app, { port: 0 });
  return {
    url,
    log,
    registry,
    /** Calls for which money is reserved. */
    inFlight: () => ledger.inFlight,
    /** Headers of a call with the token of this role. */
    headers: (role, type) => ({ 'content-type': type, 'authorization': `Bearer ${secrets[role]}` }),
    close: async () => {
      await app.close();
      await registry.close();
      await log.close();
    },
  };
}

/** A route that reads a JSON body and answers a constant: what Fastify takes for itself. */
export async function openBareServer() {
  const app = fastify({ logger: false });
  const answer = { allow: true, status: 'active', reason: 'it is active', retry_after_ms: null };
  app.post('/bare', () => answer);
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
}
