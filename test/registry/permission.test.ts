import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/decide/policy.js';
import type { Question, RegistryRecord } from '../../src/registry/registry.js';
import { allow, fold, HOUR_MS, permission, policy, proposal, register, seen, stop, who, wish } from './records.js';

const READS: Question = { operation: 'execute_tool', endpoint: 'crm.list' };
const held = (rest: Partial<Policy>, ...records: readonly RegistryRecord[]) =>
  fold(policy('enforce', {}, rest), ...records).fold;

describe('what an agent is registered for', () => {
  const clerk = register(1, 'clerk', {
    registration: { endpoints: ['crm.list', 'mail.*'], targets: ['*@example.com'] },
  });

  it('is what it may do: the refusal names the limit, the value and whose limit it is', () => {
    const f = held({}, clerk);
    expect(f.decide('', 'clerk', 2, READS)).toMatchObject({ allow: true, denial: null });
    expect(f.decide('', 'clerk', 2, { operation: 'execute_tool', endpoint: 'crm.delete' })).toEqual({
      allow: false,
      status: 'active',
      denial: 'endpoint',
      reason: 'clerk may not use the endpoint crm.delete: clerk is registered for crm.list, mail.* only',
      retryAfterMs: null,
    });
    const mail = { operation: 'execute_tool', endpoint: 'mail.send' };
    expect(f.decide('', 'clerk', 2, { ...mail, target: 'a@example.com' }).allow).toBe(true);
    expect(f.decide('', 'clerk', 2, { ...mail, target: 'a@evil.com' })).toMatchObject({ denial: 'target' });
  });

  it('needs to be told of the call: an endpoint that is not named is refused, a target need not be there', () => {
    const f = held({}, clerk);
    expect(f.decide('', 'clerk', 2, { operation: 'chat' })).toMatchObject({
      allow: false,
      reason: 'clerk may not call without naming its endpoint: clerk is registered for crm.list, mail.* only',
    });
    expect(f.decide('', 'clerk', 2, {}).allow).toBe(true);
    expect(f.decide('', 'clerk', 2).allow).toBe(true);
  });

  it('holds everybody who works for it, by name or by parent, known or not', () => {
    const f = held({}, clerk, seen(2, 'helper', { parentAgent: 'clerk' }), register(3, 'clerk/own', {}));
    for (const agent of ['clerk/sub', 'clerk/own', 'helper', 'helper/sub']) {
      expect(f.decide('', agent, 4, { operation: 'chat', endpoint: 'crm.delete' })).toMatchObject({
        denial: 'endpoint',
        reason: `${agent} may not use the endpoint crm.delete: clerk is registered for crm.list, mail.* only`,
      });
      expect(f.decide('', agent, 4, READS).allow).toBe(true);
    }
    const stranger = { ...READS, endpoint: 'crm.delete' };
    expect(f.decide('', 'stranger', 4, stranger).allow).toBe(true);
    expect(f.decide('', 'stranger', 4, { ...stranger, parent: 'clerk' }).allow).toBe(false);
    expect(f.decide('', 'helper', 4, { ...stranger, parent: 'nobody' }).allow).toBe(false);
  });

  it('counts from the moment that it is said', () => {
    const f = held({}, clerk);
    const call = { operation: 'chat', endpoint: 'pay.out' };
    expect(f.decide('', 'clerk', 2, call).allow).toBe(false);
    expect(f.decide('', 'clerk/new', 2, call).allow).toBe(false);
    f.apply(register(3, 'clerk', { registration: { endpoints: null } }));
    expect(f.decide('', 'clerk', 4, call).allow).toBe(true);
    f.apply(register(5, 'clerk/new', { registration: { operations: [] } }));
    expect(f.decide('', 'clerk/new', 6, call)).toMatchObject({
      reason: 'clerk/new may not use the operation chat: clerk/new is registered for none',
    });
    f.apply(register(7, 'boss', { registration: { endpoints: ['x'] } }));
    f.apply(register(8, 'clerk', { parentAgent: 'boss' }));
    expect(f.decide('', 'clerk', 9, call)).toMatchObject({ allow: false, denial: 'endpoint' });
  });

  it('is only noted while the policy does not enforce', () => {
    for (const mode of ['observe', 'recommend'] as const) {
      const { fold: f } = fold(policy(mode), clerk);
      expect(f.decide('', 'clerk', 2, { ...READS, endpoint: 'crm.delete' }).allow).toBe(true);
      expect(f.drainNotes(3)).toMatchObject([{ type: 'denied', denial: 'endpoint', enforced: false, count: 1 }]);
    }
    expect(fold(clerk).fold.decide('', 'clerk', 2, { ...READS, endpoint: 'crm.delete' }).allow).toBe(true);
  });
});

describe('permissions', () => {
  it('all apply that are about the agent; what none speaks of is allowed', () => {
    const f = held(
      {
        permissions: [
          permission('all', { allow: allow({ endpoints: ['crm.*', 'mail.*'] }) }),
          permission('support', { who: who({ roles: ['support'] }), allow: allow({ operations: ['chat'] }) }),
        ],
      },
      register(1, 'clerk', { role: 'support' }),
      register(1, 'other'),
    );
    expect(f.decide('', 'other', 2, READS).allow).toBe(true);
    expect(f.decide('', 'unknown', 2, { ...READS, endpoint: 'pay.out' })).toMatchObject({
      allow: false,
      status: 'unknown',
      reason: 'unknown may not use the endpoint pay.out: the permission all allows crm.*, mail.* only',
    });
    expect(f.decide('', 'clerk', 2, READS)).toMatchObject({ denial: 'operation' });
    expect(f.decide('', 'clerk/sub', 2, READS)).toMatchObject({ denial: 'operation' });
    expect(f.decide('', 'clerk', 2, { ...READS, operation: 'chat' }).allow).toBe(true);
  });

  it('may be on trial by themselves', () => {
    const trial = permission('trial', { mode: 'recommend', allow: allow({ operations: [] }) });
    const firm = permission('firm', { allow: allow({ endpoints: ['crm.*'] }) });
    const f = held({ permissions: [trial, firm] }, register(1, 'clerk'));
    expect(f.decide('', 'clerk', 2, READS).allow).toBe(true);
    expect(f.decide('', 'clerk', 2, { ...READS, endpoint: 'pay' }).allow).toBe(false);
    expect(f.drainNotes(3).map((note) => 'enforced' in note && `${note.rule} ${note.enforced}`)).toEqual([
      'trial false',
      'firm true',
    ]);
  });

  it('know hours', () => {
    const hours = { days: ['mon' as const], fromMinute: 480, toMinute: 1_080, zone: 'UTC' };
    const f = held({ permissions: [permission('day', { allow: allow({ hours }) })] }, register(1, 'clerk'));
    const mondayMs = Date.parse('2026-01-05T00:00:00Z');
    expect(f.decide('', 'clerk', mondayMs + 9 * HOUR_MS, READS).allow).toBe(true);
    expect(f.decide('', 'clerk', mondayMs + 18 * HOUR_MS, READS)).toMatchObject({
      denial: 'hours',
      reason: 'clerk may not call now: the permission day allows mon 08:00 to 18:00 UTC only',
    });
  });

  it('hold a class of data', () => {
    const f = held({ permissions: [permission('public', { allow: allow({ dataClasses: ['public'] }) })] });
    expect(f.decide('', 'a', 1, { ...READS, dataClass: 'personal' })).toMatchObject({ denial: 'data-class' });
    expect(f.decide('', 'a', 1, { ...READS, dataClass: 'public' }).allow).toBe(true);
    expect(f.decide('', 'a', 1, READS).allow).toBe(true);
  });

  it('change with the policy', () => {
    const f = held({ permissions: [permission('none', { allow: allow({ operations: [] }) })] }, register(1, 'clerk'));
    expect(f.decide('', 'clerk', 2, READS).allow).toBe(false);
    f.apply(policy('enforce'));
    expect(f.decide('', 'clerk', 2, READS).allow).toBe(true);
  });
});

describe('trust', () => {
  const low = permission('low', { who: who({ trustMax: 'L0' }), allow: allow({ operations: ['chat'] }) });

  it('is none for whom nobody registered, and that of the agent by whose name it is registered', () => {
    const f = held({ permissions: [low] }, register(1, 'clerk'), seen(1, 'x'));
    expect(['x', 'nobody', 'clerk', 'clerk/sub'].map((agent) => f.decide('', agent, 2, READS).allow)).toEqual([
      ...[false, false, true, true],
    ]);
  });

  it('is none while it is lowered', () => {
    const f = held({ permissions: [low] }, register(1, 'clerk', { registration: { trust: 'L4' } }));
    f.apply(stop(2, 'clerk', 'lower-trust', { forMs: 100 }));
    expect(f.decide('', 'clerk', 3, READS)).toMatchObject({ allow: false, denial: 'trust', status: 'restricted' });
    expect(f.decide('', 'clerk/sub', 3, READS)).toMatchObject({ allow: false, denial: 'trust' });
    expect(f.decide('', 'clerk', 3, { ...READS, operation: 'chat' }).allow).toBe(true);
    expect(f.decide('', 'clerk', 102, READS).allow).toBe(true);
  });
});

describe('an agent under restrict', () => {
  const calls = (f: ReturnType<typeof held>, agent: string) => ({
    chat: f.decide('', agent, 3, { operation: 'chat', endpoint: 'm' }).allow,
    list: f.decide('', agent, 3, READS).allow,
    silent: f.decide('', agent, 3).allow,
    endpointAlone: f.decide('', agent, 3, { endpoint: 'crm.list' }).allow,
  });

  it('may think and not act, where nothing is said of it', () => {
    const f = held({}, stop(1, 'clerk', 'restrict'));
    expect(calls(f, 'clerk')).toEqual({ chat: true, list: false, silent: false, endpointAlone: false });
    expect(f.decide('', 'clerk', 2, READS)).toMatchObject({
      status: 'restricted',
      denial: 'restricted',
      reason: 'clerk may not use the operation execute_tool: a restricted agent keeps chat, embeddings, retrieval only',
    });
  });

  it('keeps what it is registered for', () => {
    const f = held({}, register(1, 'clerk', { registration: { endpoints: ['crm.*'] } }), stop(1, 'clerk', 'restrict'));
    expect(calls(f, 'clerk')).toEqual({ chat: false, list: true, silent: false, endpointAlone: true });
    expect(calls(f, 'clerk/sub')).toEqual({ chat: false, list: true, silent: false, endpointAlone: true });
  });

  it('keeps what the policy leaves it', () => {
    const restricted = { operations: null, endpoints: ['crm.list'], targets: null, dataClasses: null };
    const f = held({ restricted }, stop(1, 'clerk', 'restrict'));
    expect(calls(f, 'clerk')).toEqual({ chat: false, list: true, silent: false, endpointAlone: true });
  });

  it('is so in every mode, since somebody put it in force, and beneath a lowered trust too', () => {
    const { fold: f } = fold(stop(1, 'clerk', 'restrict'));
    expect(f.decide('', 'clerk', 2, READS).allow).toBe(false);
    const both = held({}, stop(1, 'clerk', 'restrict'), proposal(2, wish('clerk', 'lower-trust')));
    expect(both.decide('', 'clerk', 3, READS)).toMatchObject({ allow: false, denial: 'restricted' });
  });
});

describe('delegation', () => {
  const spawn = (target: string, operation = 'create_agent'): Question => ({ operation, endpoint: 'spawn', target });
  const limits = (over: object) => ({
    registration: { delegation: { depthMax: null, breadthMax: null, agents: null, ...over } },
  });

  it('goes as deep as the one at the top may hand work on', () => {
    const f = held({}, register(1, 'a', limits({ depthMax: 1 })), seen(2, 'a/b', { parentAgent: 'a' }));
    expect(f.decide('', 'a', 3, spawn('a/b')).allow).toBe(true);
    expect(f.decide('', 'a/b', 3, spawn('a/b/c'))).toMatchObject({
      denial: 'delegation',
      reason: 'a/b may not hand work to a/b/c: a is registered for 1 step of delegation',
    });
    expect(f.decide('', 'a/b', 3, { operation: 'chat', endpoint: 'm' }).allow).toBe(true);
    expect(held({}, register(1, 'a', limits({ depthMax: 0 }))).decide('', 'a', 2, spawn('a/b')).allow).toBe(false);
  });

  it('goes to whom it may, by name', () => {
    const f = held({}, register(1, 'a', limits({ agents: ['a/*'] })));
    expect(f.decide('', 'a', 3, spawn('a/b', 'invoke_agent')).allow).toBe(true);
    expect(f.decide('', 'a', 3, spawn('b', 'invoke_agent')).allow).toBe(false);
    expect(f.decide('', 'a', 3, { operation: 'invoke_agent' }).allow).toBe(false);
  });

  it('goes to so many at once: a known one is no new one, a revoked one and one of yesterday are none', () => {
    const f = held(
      { twoPeople: [] },
      register(1, 'a', limits({ breadthMax: 2 })),
      seen(2, 'a/1', { parentAgent: 'a' }),
      seen(2, 'helper', { parentAgent: 'a' }),
    );
    expect(f.decide('', 'a', 3, spawn('a/2')).allow).toBe(false);
    expect(f.decide('', 'a', 3, spawn('helper')).allow).toBe(true);
    expect(f.decide('', 'a', 3 + 25 * HOUR_MS, spawn('a/2')).allow).toBe(true);
    f.apply(stop(4, 'helper', 'revoke'));
    expect(f.decide('', 'a', 5, spawn('a/2')).allow).toBe(true);
    f.apply(seen(6, 'a/2', { parentAgent: 'a' }));
    expect(f.decide('', 'a', 7, spawn('a/3')).allow).toBe(false);
  });

  it('is held by permissions alike', () => {
    const delegation = { depthMax: 0, breadthMax: null, agents: null };
    const f = held({ permissions: [permission('alone', { who: who({ agents: ['a'] }), delegation })] });
    expect(f.decide('', 'a', 1, spawn('x'))).toMatchObject({ denial: 'delegation' });
    expect(f.decide('', 'b', 1, spawn('x')).allow).toBe(true);
  });
});

describe('the order of judging', () => {
  it('is stop, registration, permission, hours, delegation, approval', () => {
    const hours = { days: [], fromMinute: 0, toMinute: 1, zone: 'UTC' };
    const delegation = { depthMax: 0, breadthMax: null, agents: null };
    const none = { operations: null, endpoints: null, targets: null, dataClasses: null };
    const asks = { ...none, name: 'x', operations: ['invoke_agent'], forMs: 1_000, uses: 1 };
    const f = held(
      {
        permissions: [
          permission('asks', { approvals: [asks], delegation, allow: allow({ hours, targets: ['t'] }) }),
          permission('ends', { allow: allow({ endpoints: ['spawn'] }) }),
        ],
      },
      register(1, 'a', { registration: { operations: ['invoke_agent'] } }),
    );
    const denial = (question: Question) => f.decide('', 'a', 2, question).denial;
    expect(denial({ operation: 'chat', endpoint: 'm', target: 'x' })).toBe('operation');
    expect(denial({ operation: 'invoke_agent', endpoint: 'm', target: 'x' })).toBe('target');
    expect(denial({ operation: 'invoke_agent', endpoint: 'm', target: 't' })).toBe('endpoint');
    expect(denial({ operation: 'invoke_agent', endpoint: 'spawn', target: 't' })).toBe('hours');
    f.apply(stop(3, 'a'));
    expect(denial({ operation: 'chat', endpoint: 'm' })).toBe('stopped');
  });
});
