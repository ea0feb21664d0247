/**
 * A process that can be killed: the compiled live side on a directory. Takes one JSON command a line on its standard
 * input and answers each with one line, once what it did is durable.
 */
import { createInterface } from 'node:readline';
import { createIngest } from '../../dist/api/ingest.js';
import { parseConfig } from '../../dist/config.js';
import { createPriceTable } from '../../dist/event/prices.js';
import { neutralModel } from '../../dist/learn/neutral-model.js';
import { openFileLog } from '../../dist/log/file-log.js';
import { lockDirectory } from '../../dist/log/lock.js';
import { createIntake } from '../../dist/pipeline/intake.js';
import { startLive } from '../../dist/pipeline/live.js';
import { openRegistry } from '../../dist/registry/journal.js';

let { nowMs, ...task } = JSON.parse(process.argv[2]);
const { directory, config, policy } = task;
const prices = createPriceTable([]);
const live = await startLive({
  directory,
  config: parseConfig(config, 'test'),
  policy,
  startModel: neutralModel(),
  prices,
  adapters: { lockDirectory, openFileLog, openRegistry },
  findings: { add: () => undefined },
  // Time moves as it is told, so that a slow machine sees the same hours pass as a fast one.
  now: () => nowMs,
  tickEveryMs: 20,
});
const memory = { dedupeMs: 600_000, idsMax: 100_000, seed: 1, edges: false };
const intake = createIntake({ log: live.log, clock: Date.now, ...memory });
const ingest = createIngest({ intake, prices, clock: Date.now, behind: () => live.behind() });
const identity = { id: 't', actor: 'person:t', roles: ['ingest'], bindings: { tenants: [''], agents: null } };
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const person = { actor: 'person:ann', authority: 't', parent: null };

const commands = {
  ingest: async ({ lines }) => ingest.accept(Buffer.from(lines.join('\n')), identity),
  suspend: async ({ agent }) =>
    live.registry.write({
      ...{ type: 'stop', key: `stop:${agent}`, tenant: '', agent, action: 'suspend', reason: 'test' },
      ...{ forMs: null, callsPerMinute: null, ...person },
    }),
  decide: async ({ agent }) => live.registry.view.decide('', agent, live.clock()),
  finish: async () => {
    await live.drained();
    const stats = live.status.stats();
    await live.stop();
    return stats;
  },
};

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  nowMs = Math.max(nowMs, rest.nowMs ?? 0);
  say(await commands[command](rest));
  if (command === 'finish') break;
}
process.stdin.destroy();
