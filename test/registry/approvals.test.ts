import { describe, expect, it } from 'vitest';
import type { ApprovalRule } from '../../src/decide/intent.js';
import type { Policy } from '../../src/decide/policy.js';
import { REVOKE_FOR_MS } from '../../src/registry/approval.js';
import { OPEN_PER_AGENT_MAX } from '../../src/registry/approvals.js';
import { restoreFold } from '../../src/registry/fold.js';
import type { Question, RegistryFold } from '../../src/registry/registry.js';
import {
  answer,
  BOB,
  fold,
  permission,
  policy,
  proposal,
  release,
  settle,
  stop,
  throughJson,
  time,
  wish,
} from './records.js';

const PAY: Question = { operation: 'execute_tool', endpoint: 'pay.out', target: 'acct-1' };
const CHAT: Question = { operation: 'chat', endpoint: 'm' };

function asking(over: Partial<ApprovalRule> = {}): Policy {
  const none = { operations: null, targets: null, dataClasses: null };
  const asks = { ...none, name: 'payments', endpoints: ['pay.*'], forMs: 1_000, uses: 1, ...over };
  return policy('enforce', {}, { permissions: [permission('money', { approvals: [asks] })] }).policy;
}

const start = (over: Partial<ApprovalRule> = {}): RegistryFold =>
  fold({ ...policy('enforce'), policy: asking(over) }).fold;

/** Asks for a call, and tells the log of it. */
function ask(f: RegistryFold, timeMs: number, question = PAY, agent = 'clerk') {
  const decision = f.decide('', agent, timeMs, question);
  settle(f, timeMs);
  return decision;
}

describe('a call that needs leave', () => {
  it('waits for a person, passes once, and then waits again', () => {
    const f = start();
    expect(ask(f, 1, CHAT).allow).toBe(true);
    const refused = ask(f, 2);
    expect(refused).toMatchObject({ allow: false, denial: 'approval' });
    expect(refused.reason).toBe(
      `clerk needs a person's leave (payments) for execute_tool pay.out acct-1: the permission money asks for it; ` +
        `it waits as ${refused.approval}`,
    );
    const id = refused.approval ?? '';
    expect(f.approvals()).toMatchObject([{ id, state: 'open', askedBy: 'system', untilMs: 1_002 }]);
    expect(f.apply(answer(10, id, 'approve')).effect).toBe('applied');
    expect(f.approvals()).toMatchObject([{ state: 'approved', answeredBy: 'person:bob', usesLeft: 1, untilMs: 1_010 }]);
    expect(f.decide('', 'clerk', 11, { ...PAY, target: 'acct-2' }).allow).toBe(false);
    expect(f.decide('', 'other', 11, PAY).allow).toBe(false);
    expect(f.decide('', 'clerk', 11, { ...PAY, approval: id }).allow).toBe(true);
    expect(f.decide('', 'clerk', 11, PAY).allow).toBe(false);
    settle(f, 12);
    expect(f.approvals().filter((one) => one.agent === 'clerk' && one.id === id)).toMatchObject([{ state: 'open' }]);
  });

  it('asks once, however often it is tried', () => {
    const f = start();
    const ids = [1, 2, 3].map((timeMs) => f.decide('', 'clerk', timeMs, PAY).approval);
    expect(new Set(ids).size).toBe(1);
    expect(settle(f, 4).filter(({ type }) => type === 'approval-request')).toHaveLength(1);
    f.decide('', 'clerk', 5, PAY);
    expect(f.drainNotes(6)).toEqual([]);
  });

  it('passes as often as the policy says, whatever restarts in between', () => {
    const f = start({ uses: 3 });
    f.apply(answer(2, ask(f, 1).approval ?? '', 'approve'));
    expect(ask(f, 3).allow).toBe(true);
    const later = restoreFold(throughJson(f.snapshot()));
    expect([4, 5, 6].map((timeMs) => later.decide('', 'clerk', timeMs, PAY).allow)).toEqual([true, true, false]);
  });

  it('lapses: the question where nobody answers, the leave where nobody uses it', () => {
    const f = start();
    const id = ask(f, 0).approval ?? '';
    expect(f.nextExpiryMs()).toBe(1_000);
    f.apply(time(1_000));
    expect(f.approvals()).toMatchObject([{ id, state: 'lapsed' }]);
    expect(f.apply(answer(1_001, id, 'approve'))).toMatchObject({
      effect: 'refused',
      reason: `${id} is lapsed already`,
    });
    expect(ask(f, 1_002).approval).toBe(id);
    f.apply(answer(1_500, id, 'approve'));
    expect(f.decide('', 'clerk', 2_500, PAY).allow).toBe(false);
    expect(f.decide('', 'clerk', 2_499, PAY).allow).toBe(true);
  });

  it('stays rejected for its time, so that asking again wears nobody down', () => {
    const f = start();
    const id = ask(f, 0).approval ?? '';
    f.apply(answer(5, id, 'reject'));
    expect(ask(f, 6)).toMatchObject({ allow: false, approval: id });
    expect(f.approvals()).toMatchObject([{ state: 'rejected' }]);
    f.apply(time(1_000));
    ask(f, 1_001);
    expect(f.approvals()).toMatchObject([{ state: 'open' }]);
  });

  it('is answered by people alone, and not in the name of the agent', () => {
    const f = start();
    const id = ask(f, 0, PAY, 'clerk').approval ?? '';
    for (const actor of ['gateway:clerk', 'engine:0', 'system', 'person:clerk']) {
      expect(f.apply(answer(1, id, 'approve', { actor })).effect).toBe('refused');
    }
    expect(f.apply(answer(1, 'a-unknown', 'approve')).effect).toBe('refused');
    expect(f.apply(answer(1, id, 'approve')).effect).toBe('applied');
    expect(f.apply(answer(1, id, 'approve')).effect).toBe('duplicate');
    expect(f.apply(answer(1, id, 'reject')).effect).toBe('refused');
  });

  it('of a flooding agent does not bury those of others', () => {
    const f = start();
    for (let i = 0; i < 100; i++) f.decide('', 'flood', 1, { ...PAY, target: `acct-${i}` });
    settle(f, 2);
    ask(f, 3);
    expect(f.approvals().filter(({ agent }) => agent === 'flood')).toHaveLength(OPEN_PER_AGENT_MAX);
    expect(f.approvals().filter(({ agent }) => agent === 'clerk')).toHaveLength(1);
  });

  it('asks nobody while the policy does not enforce', () => {
    const { fold: f } = fold({ ...policy('enforce'), policy: { ...asking(), mode: 'recommend' } });
    expect(f.decide('', 'clerk', 1, PAY).allow).toBe(true);
    expect(settle(f, 2)).toMatchObject([{ type: 'denied', denial: 'approval', enforced: false }]);
    expect(f.approvals()).toEqual([]);
  });

  it('is not asked for by anybody but deciding', () => {
    const f = start();
    const subject = { kind: 'call', operation: null, endpoint: null, target: null, rule: 'x/y' } as const;
    const request = { type: 'approval-request', timeMs: 1, id: 'a-1', tenant: '', agent: 'a', subject } as const;
    expect(f.apply({ ...request, forMs: 1, ...BOB }).effect).toBe('refused');
  });
});

describe('a revocation', () => {
  const asked = stop(1, 'clerk', 'revoke', { reason: 'stolen' });

  it('is one person under one name in any letters, and under one subject by any name', () => {
    const oidc = { actor: 'person:ada@x.example', authority: 'oidc:https://idp#1' };
    const { fold: f, verdicts } = fold(policy('observe'), { ...asked, ...oidc });
    const id = verdicts[1]?.approval ?? '';
    const say = (actor: string, authority: string) => f.apply(answer(2, id, 'approve', { actor, authority })).effect;
    expect(say('person:Ada@X.example', 'token-9')).toBe('refused');
    expect(say('person:renamed', 'oidc:https://idp#1')).toBe('refused');
    const restored = restoreFold(throughJson(f.snapshot()));
    expect(restored.apply(answer(2, id, 'approve', { ...oidc, actor: 'person:renamed' })).effect).toBe('refused');
    expect(say('person:eve', 'oidc:https://idp#2')).toBe('applied');
  });

  it('waits for another person, who may not be the one that asked, whatever the token', () => {
    const { fold: f, verdicts } = fold(policy('observe'), asked);
    const id = verdicts[1]?.approval ?? '';
    expect(verdicts[1]).toMatchObject({
      effect: 'recommended',
      reason: `person:ada asks to revoke clerk: a second person is needed, who approves ${id}`,
    });
    expect(f.decide('', 'clerk', 2).allow).toBe(true);
    expect(f.apply(answer(2, id, 'approve', { actor: 'person:ada', authority: 'token-9' }))).toMatchObject({
      effect: 'refused',
      reason: 'person:ada asked for it: another person approves',
    });
    expect(f.apply(answer(3, id, 'approve'))).toMatchObject({
      effect: 'applied',
      entry: { status: 'revoked', reason: 'stolen (asked by person:ada, approved by person:bob)' },
    });
    expect(f.decide('', 'clerk', 4)).toMatchObject({ allow: false, status: 'revoked' });
    expect(f.approvals()).toMatchObject([{ id, state: 'used', subject: { kind: 'revoke' } }]);
    expect(f.apply(stop(5, 'clerk', 'revoke')).reason).toBe('clerk is revoked already');
    expect(f.apply(release(6, 'clerk', { role: 'admin' })).entry?.status).toBe('active');
  });

  it('is one question, whoever asks and however often', () => {
    const { fold: f, verdicts } = fold(asked, asked, stop(2, 'clerk', 'revoke', BOB));
    expect(verdicts.map(({ effect }) => effect)).toEqual(['recommended', 'duplicate', 'recommended']);
    expect(new Set(verdicts.map(({ approval }) => approval)).size).toBe(1);
    expect(f.approvals()).toHaveLength(1);
  });

  it('lapses after a day, and may be rejected', () => {
    const { fold: f, verdicts } = fold(asked);
    f.apply(time(1 + REVOKE_FOR_MS));
    expect(f.apply(answer(2 + REVOKE_FOR_MS, verdicts[0]?.approval ?? '', 'approve')).effect).toBe('refused');
    const again = f.apply(stop(3 + REVOKE_FOR_MS, 'clerk', 'revoke'));
    expect(f.apply(answer(4 + REVOKE_FOR_MS, again.approval ?? '', 'reject', { actor: 'person:ada' })).effect).toBe(
      'applied',
    );
    expect(f.entry('', 'clerk')).toBeNull();
  });

  it('takes one where the policy says so, and nobody who is no person', () => {
    expect(fold(policy('observe', {}, { twoPeople: [] }), asked).verdicts[1]?.entry?.status).toBe('revoked');
    expect(fold(stop(1, 'clerk', 'revoke', { actor: 'sender:x' })).verdicts[0]?.effect).toBe('refused');
  });

  it('is never made by a rule alone', () => {
    const { fold: f, verdicts } = fold(policy('enforce'), proposal(1, wish('clerk', 'revoke')));
    expect(verdicts[1]?.effect).toBe('recommended');
    expect(f.recommendations()).toMatchObject([{ agent: 'clerk', action: 'revoke' }]);
    expect(f.decide('', 'clerk', 2).allow).toBe(true);
  });
});
