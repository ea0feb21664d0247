/** What agents used, on the real engine: the ground of right-sizing and of access reviews. */
import { expect, it } from 'vitest';
import type { AgentEvent } from '../../src/event/event.js';
import { EVENTS_FEED, FINDINGS_FEED } from '../../src/store/row.js';
import type { Store } from '../../src/store/store.js';
import { NAMES_MAX } from '../../src/store/usage.js';
import { usageOf } from '../../src/verbs/audit.js';
import { describeStore, eventLine, projectorParts } from './world.js';

const ORIGIN = { topic: 'events', partition: 0, stored: Math.floor(Date.now() / 1000) };
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2025, 5, 30);

function event(i: number, changes: Partial<AgentEvent>): AgentEvent {
  const record = projectorParts({} as Store, []).decode(eventLine(i), 0);
  if (!('event' in record)) throw new Error('the sample is an event');
  return { ...record.event, tenant: 't', ...changes };
}

async function filled(store: Store, events: readonly AgentEvent[]): Promise<Store> {
  const items = events.map((of, offset) => ({
    offset,
    value: { event: of, root: of.agent.split('/')[0] as string, bound: true },
  }));
  await store.insert('events', EVENTS_FEED.rows(items, ORIGIN), null);
  return store;
}

describeStore('what was used', (engine) => {
  it('is told of an agent and its sub-agents, in the days asked for', async () => {
    const at = (days: number, changes: Partial<AgentEvent>) =>
      event(days, { timeMs: NOW_MS - days * DAY_MS, ...changes });
    const store = await filled(await engine().store(), [
      at(40, { agent: 'old', scope: 'x' }),
      at(20, { agent: 'clerk', scope: 'mail:send mail:read', endpoint: 'mail.send', target: 'a@b' }),
      at(10, { agent: 'clerk/sub', scope: null, operation: 'chat', endpoint: 'm', target: null }),
    ]);
    const about = { tenant: 't', agent: 'clerk/sub', root: 'clerk', session: null, severity: 'medium', kind: 'spend' };
    const rest = {
      title: 'x',
      p: 0.1,
      risk: 1,
      attribution: [],
      evidence: [],
      model: 'm',
      config: 'c',
      status: 'open',
    };
    const findings = [1, 2].map((i) => ({
      offset: i,
      value: {
        finding: {
          id: 'f1',
          time: new Date(NOW_MS - i * DAY_MS).toISOString(),
          ...about,
          ...rest,
          bound: true,
          proposal: null,
        },
        json: '{}',
      },
    }));
    await store.insert('findings', FINDINGS_FEED.rows(findings as never, { ...ORIGIN, topic: 'findings' }), null);

    const known = await usageOf(store, NOW_MS - 30 * DAY_MS);
    expect(known.note).toBeNull();
    const clerk = known.usageOf?.('t', 'clerk');
    expect(clerk?.lastMs).toBe(NOW_MS - 10 * DAY_MS);
    expect(clerk?.names.scopes).toEqual(expect.arrayContaining(['mail:send', 'mail:read']));
    expect([...(clerk?.names.endpoints ?? [])].sort()).toEqual(['m', 'mail.send']);
    expect(clerk?.names.targets).toEqual(['a@b']);
    expect(known.usageOf?.('t', 'clerk/sub')?.names).toMatchObject({ scopes: [], endpoints: ['m'], targets: [] });
    expect(known.usageOf?.('t', 'old')).toBeNull();
    expect(known.usageOf?.('', 'clerk')).toBeNull();
    expect([known.findingsOf?.('t', 'clerk'), known.findingsOf?.('t', 'old')]).toEqual([1, 0]);
  });

  it('is not told of days that history does not hold', async () => {
    const empty = await engine().store();
    expect(await usageOf(empty, NOW_MS)).toMatchObject({
      usageOf: null,
      note: expect.stringContaining('holds no event'),
    });
    await filled(empty, [event(0, { timeMs: NOW_MS })]);
    expect(await usageOf(empty, NOW_MS - 1)).toMatchObject({
      usageOf: null,
      note: 'history goes back to 2025-06-30T00:00:00.000Z only: name fewer days',
    });
  });

  it('of more names than are listed, none is called unused', async () => {
    const many = Array.from({ length: NAMES_MAX + 5 }, (_, i) =>
      event(i, { timeMs: NOW_MS + i, agent: 'a', target: `t${i}` }),
    );
    const known = await usageOf(await filled(await engine().store(), many), NOW_MS);
    expect(known.usageOf?.('t', 'a')?.names.targets).toBeNull();
  });
});
