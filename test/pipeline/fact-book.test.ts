import { describe, expect, it } from 'vitest';
import type { Permission } from '../../src/decide/intent.js';
import type { AgentRecord } from '../../src/engine/record.js';
import { FactBook } from '../../src/pipeline/fact-book.js';
import type { LiveChange } from '../../src/pipeline/live-parts.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { finding } from '../api/world.js';
import { verdictOn } from '../engine/verdict-of.js';
import {
  answer,
  BOB,
  HOUR_MS,
  policy,
  proposal,
  register,
  release,
  seen,
  stop,
  time,
  wish,
} from '../registry/records.js';

/** The changes that a registry makes of records. */
function changesOf(...records: readonly RegistryRecord[]): LiveChange[] {
  const fold = createFold();
  return records.map((record, offset) => ({ offset, record, verdict: fold.apply(record) }));
}

function bookOf(...records: readonly RegistryRecord[]) {
  return bookOfKind(new FactBook(), ...records);
}

function bookOfKind(book: FactBook, ...records: readonly RegistryRecord[]) {
  const each = changesOf(...records).map((change) => book.note(change));
  // Most changes lead to one record or to none.
  const follows = each.map(([record]) => record ?? null);
  return { book, each, follows };
}

const NO_BUDGETS = { sessionUsd: null, dayUsd: null };

describe('the book of facts', () => {
  it('makes a control record of what people say of an agent', () => {
    const budgets = { sessionUsd: 1, dayUsd: 5 };
    const { book, follows } = bookOf(register(7, 'a', { role: 'support', labels: ['eu'], budgets }));
    const record = { type: 'agent', timeMs: 7, tenant: '', agent: 'a', role: 'support', labels: ['eu'], budgets };
    expect(follows).toEqual([record]);
    expect(book.since(0)).toEqual([record]);
    expect(book.next).toBe(1);
  });

  it('tells of the stops that somebody’s leaving brings about, and of one that a second person approved', () => {
    const left = { type: 'sponsor', timeMs: 2, owner: 'eve', state: 'left', successor: null, ...BOB } as const;
    const on = policy('enforce', {}, { sponsors: { onLeave: 'suspend' } });
    const { follows } = bookOf(on, register(1, 'a', { owner: 'eve' }), left);
    expect(follows[2]).toMatchObject({ agent: 'a', stopped: { action: 'suspend', sinceMs: 2, automatic: true } });

    const fold = createFold();
    const asked = stop(1, 'b', 'revoke', { forMs: null });
    fold.apply(asked);
    const record = answer(2, fold.approvals()[0].id, 'approve');
    const [told] = new FactBook().note({ offset: 1, record, verdict: fold.apply(record) });
    expect(told).toMatchObject({ agent: 'b', stopped: { action: 'revoke', sinceMs: 2, automatic: false } });
  });

  it('is silent about what changes nothing of it', () => {
    const { book, follows } = bookOf(
      seen(1, 'a'),
      register(2, 'a', { owner: 'ops' }),
      stop(3, 'a', 'throttle'),
      register(4, 'a', { role: 'sales' }),
      register(5, 'a', { role: 'sales', owner: 'it' }),
      register(6, 'a', { role: 'support', ifVersion: 99 }),
      register(7, 'a', { role: 'support', actor: 'sender:x' }),
    );
    expect(follows.map((record) => (record as AgentRecord | null)?.role ?? null)).toEqual([
      null,
      null,
      null,
      'sales',
      null,
      null,
      null,
    ]);
    expect(book.since(0)).toHaveLength(1);
    expect(book.next).toBe(7);
  });

  it('gives the last word about each agent, where it was said at the offset named or later', () => {
    const { book } = bookOf(
      register(1, 'a', { role: 'one' }),
      register(2, 'b', { role: 'two' }),
      register(3, 'a', { role: 'three' }),
      register(4, 'a', { tenant: 't', role: 'four' }),
    );
    const said = (told: number) =>
      (book.since(told) as AgentRecord[]).map(({ tenant, agent, role }) => `${tenant}/${agent}=${role}`);
    expect(said(0).sort()).toEqual(['/a=three', '/b=two', 't/a=four']);
    expect(said(2).sort()).toEqual(['/a=three', 't/a=four']);
    expect(said(3)).toEqual(['t/a=four']);
    expect(said(book.next)).toEqual([]);
  });

  it('tells every verdict and what takes it back, in order, until they have run out', () => {
    const by = { actor: 'person:ann', authority: 'token', parent: null } as const;
    const give = (timeMs: number, id: string, untilMs: number): RegistryRecord => ({
      type: 'verdict',
      ...{ ...by, timeMs, verdict: { ...verdictOn(finding('f-1'), { timeMs: 0, id }), untilMs } },
    });
    const undo = (timeMs: number, id: string): RegistryRecord => ({ type: 'verdict-undo', ...by, timeMs, id });
    const records = [give(1, 'v-1', 100), register(2, 'a', { role: 'one' }), undo(3, 'v-1'), give(4, 'v-2', 100)];
    const { book, follows } = bookOf(...records);
    expect(follows.map((record) => record?.type)).toEqual(['verdict', 'agent', 'verdict-undo', 'verdict']);
    expect(follows[0]).toMatchObject({ id: 'v-1', timeMs: 1 });
    expect(book.since(0)).toEqual(follows);
    expect(book.since(3)).toEqual(follows.slice(3));
    const later = bookOf(...records, give(200, 'v-3', 300));
    expect(later.book.since(0).map((record) => ('id' in record ? record.id : record.type))).toEqual(['agent', 'v-3']);
    const refused = bookOf(undo(1, 'v-9'), { ...give(2, 'v-1', 100), actor: 'sender:x' });
    expect(refused.follows).toEqual([null, null]);
  });

  it('tells also what was taken back', () => {
    const { book, follows } = bookOf(
      register(1, 'a', { role: 'one', labels: ['eu'] }),
      register(2, 'a', { role: null, labels: [] }),
    );
    expect(follows[1]).toMatchObject({ role: null, labels: [], budgets: NO_BUDGETS });
    expect(book.since(0)).toEqual([follows[1]]);
  });

  const stops = (records: readonly unknown[]) =>
    records.map((record) => (record as AgentRecord | null)?.stopped ?? null);
  const fact = { action: 'suspend', untilMs: null, version: 2, automatic: false } as const;

  it('tells of a stop as it begins and as it ends, by a person or by time', () => {
    const forMs = HOUR_MS;
    const { follows } = bookOf(
      ...[seen(1, 'a'), stop(2, 'a', 'suspend', { forMs: null }), register(3, 'a', { owner: 'ops' }), release(4, 'a')],
      ...[stop(5, 'a', 'suspend', { forMs }), stop(6, 'b', 'throttle'), time(5 + HOUR_MS)],
    );
    expect(stops(follows)).toEqual([
      ...[null, { ...fact, sinceMs: 2 }, null, null],
      ...[{ ...fact, sinceMs: 5, untilMs: 5 + HOUR_MS, version: 5 }, null, null],
    ]);
    expect(follows.map((record) => record?.timeMs ?? null)).toEqual([null, 2, null, 4, 5, null, 5 + HOUR_MS]);
  });

  it('tells of a stop that is prolonged as the same one, and of one that a person makes anew as another', () => {
    const { follows } = bookOf(
      ...[policy('enforce'), proposal(1, wish('a')), proposal(HOUR_MS / 2, wish('a'))],
      ...[stop(HOUR_MS, 'a', 'suspend', { forMs: null })],
    );
    const automatic = { ...fact, automatic: true, sinceMs: 1 };
    expect(stops(follows)).toEqual([
      ...[null, { ...automatic, untilMs: HOUR_MS + 1 }, { ...automatic, untilMs: 1.5 * HOUR_MS }],
      { ...fact, sinceMs: HOUR_MS, version: 4 },
    ]);
  });

  it('tells of a stop that follows from an owner who left as one of the policy', () => {
    const by = { actor: 'person:ann', authority: 'token', parent: null } as const;
    const { follows } = bookOf(
      ...[policy('enforce', {}, { sponsors: { onLeave: 'suspend' } }), register(1, 'a', { owner: 'eve' })],
      { type: 'sponsor', timeMs: 2, owner: 'eve', state: 'left', successor: null, ...by },
    );
    expect(follows[2]).toMatchObject({ agent: 'a', stopped: { ...fact, sinceMs: 2, automatic: true } });
  });

  it('tells of every agent whose stop ends at one time', () => {
    const { each } = bookOf(stop(1, 'a'), stop(1, 'b'), time(1 + HOUR_MS));
    expect(each[2].map((record) => (record as AgentRecord).agent)).toEqual(['a', 'b']);
  });

  it('tells nothing of stops where the events never met the registry', () => {
    const { follows } = bookOfKind(new FactBook(false), stop(1, 'a'), release(2, 'a'), register(3, 'a', { role: 'x' }));
    expect(follows.map((record) => record?.type ?? null)).toEqual([null, null, 'agent']);
  });

  it('makes a page of a breaker that opened, with whom it skipped, and of a halt', () => {
    const by = { actor: 'person:ann', authority: 'token', parent: null } as const;
    const skipped = Array.from({ length: 7 }, (_, i) => proposal(1, wish(`a-${i}`)));
    const { book, follows } = bookOf(...[policy('enforce', { stopsMax: 0 }), ...skipped, time(2_001)], {
      type: 'halt',
      timeMs: 3_000,
      key: 'k',
      tenant: 't',
      reason: 'a leak',
      ...by,
    });
    const pages = follows.filter((record) => record !== null);
    expect(pages).toEqual([
      {
        ...{ type: 'responder', timeMs: 2_001, what: 'breaker-open', tenant: '', agent: 'fleet', key: '8' },
        words:
          'the breaker is open: rule r of policy p asks for more automatic stops than the brakes allow; ' +
          '7 stops were skipped: a-0, a-1, a-2, a-3, a-4 and 2 more',
        agents: skipped.map((record) => record.proposal.agent),
      },
      {
        ...{ type: 'responder', timeMs: 3_000, what: 'halt', tenant: 't', agent: 'fleet', key: 'k' },
        ...{ words: 'all agents of tenant t are halted by person:ann: a leak', agents: [] },
      },
    ]);
    expect(book.since(0)).toEqual(pages);
    expect(book.since(9)).toEqual(pages.slice(1));
  });

  it('tells trust and environment where people said them', () => {
    const registration = { trust: 'L2', environment: 'live' } as const;
    const { follows } = bookOf(register(1, 'a', { registration }), register(2, 'a', { registration: { trust: null } }));
    expect(follows[0]).toMatchObject({ agent: 'a', trust: 'L2', environment: 'live' });
    expect(follows[1]).toMatchObject({ environment: 'live' });
    expect(follows[1]).not.toHaveProperty('trust');
  });

  it('tells the lower of an agent and the permissions that are about it, whoever changes', () => {
    const permissions = (...list: Permission[]) => ({ ...policy('observe', {}, { permissions: list }), timeMs: 5 });
    const book = new FactBook();
    const told = changesOf(
      register(1, 'a', { budgets: { sessionUsd: 9, dayUsd: null } }),
      seen(2, 'b'),
      permissions(permission(5)),
      seen(6, 'c'),
      permissions(permission(7)),
      permissions(),
    ).map((change) =>
      (book.note(change) as AgentRecord[]).map(({ agent, budgets }) => `${agent} ${budgets.sessionUsd}`).sort(),
    );
    expect(told).toEqual([['a 9'], [], ['a 5', 'b 5'], ['c 5'], ['a 7', 'b 7', 'c 7'], ['a 9', 'b null', 'c null']]);
  });

  it('knows an agent as it is now when the policy changes: a stop that is over stays over', () => {
    const book = new FactBook();
    const changes = changesOf(
      stop(1, 'a', 'suspend', { forMs: 10 }),
      { ...policy('observe'), timeMs: 20 },
      { ...policy('observe', {}, { permissions: [permission(5)] }), timeMs: 30 },
    );
    const told = changes.flatMap((change) => book.note(change) as AgentRecord[]);
    expect(told.map(({ stopped }) => stopped?.action ?? null)).toEqual(['suspend', null, null]);
    expect(told.at(-1)?.budgets.sessionUsd).toBe(5);
  });
});

/** About everybody. */
function permission(sessionUsd: number): Permission {
  return {
    name: 'p',
    who: { agents: [], roles: [], labels: [], trustMin: null, trustMax: null, environments: [] },
    allow: { operations: null, endpoints: null, targets: null, dataClasses: null, hours: null },
    budgets: { sessionUsd, dayUsd: null },
    delegation: null,
    approvals: [],
    mode: null,
  };
}
