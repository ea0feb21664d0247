import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { createAdvice } from '../../src/verbs/advice.js';

const BY = { actor: 'person:ada', authority: 't1', parent: null } as const;
const PAGES = { perDay: 10, hours: [], today: 40, held: [] };

let registry: Registry | null = null;
afterEach(async () => {
  await registry?.close();
});

describe('advice on the alert budget', () => {
  it('follows from what people can bear and what is in force, and is another one once either changed', async () => {
    const log = createMemoryLog({ topics: { registry: 1 } });
    registry = await openRegistry({ log, clock: () => 1, policy: null, tickEveryMs: 0 });
    for (const agent of ['a', 'b', 'a/sub']) {
      await registry.write({ type: 'seen', tenant: '', agent, agentVersion: null, ...BY, actor: 'engine:0' });
    }
    const board = { pages: () => PAGES, precision: () => [] };
    const advice = createAdvice(board, registry, parseConfig({}, 'test'), () => 1);
    const [first] = advice.proposals();
    expect(first).toMatchObject({ noticesPerAgentDay: 0.075, reasons: [expect.stringContaining('40 pages a day')] });
    expect(first.pagesPerAgentDay).toBeLessThan(0.03);
    expect(advice.proposals()[0].id).toBe(first.id);

    const settings = { pagesPerAgentDay: first.pagesPerAgentDay, noticesPerAgentDay: 0.075 };
    const parent = first.id;
    await registry.write({ ...BY, parent, type: 'settings', key: 'k', settings, ifVersion: 0, comment: null });
    const [second] = advice.proposals();
    expect(second.id).not.toBe(first.id);
    expect(second.pagesPerAgentDay).toBeLessThan(first.pagesPerAgentDay);
  });
});
