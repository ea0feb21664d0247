/** What follows from the registry's records for the places that enforce. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyOfWish } from '../../src/connect/contract.js';
import { WishBook } from '../../src/connect/wish-book.js';
import { ACTIONS } from '../../src/decide/finding.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import {
  answer,
  BOB,
  policy,
  proposal,
  wish as proposed,
  register,
  release,
  seen,
  stop,
  time,
} from '../registry/records.js';

function follow(records: readonly RegistryRecord[]) {
  const fold = createFold();
  const book = new WishBook();
  const made = records.flatMap((record, offset) => book.note({ offset, record, verdict: fold.apply(record) }));
  return { fold, book, made };
}

const said = ({ made }: ReturnType<typeof follow>) => made.map((wish) => `${keyOfWish(wish)} ${wish.status}`);

it('makes a wish of what is in force, and of nothing else', () => {
  const records = [
    policy('observe'),
    seen(1, 'clerk'),
    register(2, 'clerk', { owner: 'ada' }),
    proposal(3, proposed('clerk')),
    stop(4, 'clerk', 'throttle', { callsPerMinute: 6, reason: 'too fast' }),
    release(5, 'clerk'),
    release(6, 'clerk'),
  ];
  const followed = follow(records);
  expect(said(followed)).toEqual(['/clerk/3 throttled', '/clerk/4 active']);
  expect(followed.made[0]).toMatchObject({
    ...{ action: 'throttle', callsPerMinute: 6, reason: 'too fast', owner: 'ada', by: 'person', timeMs: 4 },
  });
  expect(followed.made[1]).toMatchObject({ action: 'release', untilMs: null, by: 'person', timeMs: 5 });
});

it('tells a rule from a person, and an action from another of the same status', () => {
  const rule = follow([policy('enforce'), proposal(3, proposed('clerk', 'lower-trust'))]);
  expect(rule.made).toMatchObject([{ status: 'restricted', action: 'lower-trust', by: 'policy' }]);
  const over = follow([stop(1, 'clerk', 'suspend', { forMs: 10 }), time(11)]);
  expect(over.made).toMatchObject([{ status: 'suspended' }, { status: 'active', by: 'system', timeMs: 11 }]);
});

it('reaches whoever works below, by name or by parent, also who comes later, and no protected one by a rule', () => {
  const tree = [
    policy('enforce'),
    seen(1, 'crew/one'),
    seen(1, 'helper', { parentAgent: 'crew/one' }),
    register(1, 'crew/safe', { protected: true }),
    seen(1, 'other'),
  ];
  const byRule = follow([...tree, proposal(2, proposed('crew')), seen(3, 'crew/new')]);
  expect(said(byRule)).toEqual([
    ...['/crew/2 suspended', '/crew/one/crew@2 suspended', '/helper/crew@2 suspended', '/crew/new/crew@2 suspended'],
  ]);
  const byPerson = follow([...tree, stop(2, 'crew')]);
  expect(said(byPerson)).toContain('/crew/safe/crew@2 suspended');
});

it('follows what somebody’s leaving brings about: a setting’s doing, and protected agents below are spared', () => {
  const left = { type: 'sponsor', owner: 'eve', state: 'left', successor: null, ...BOB } as const;
  const agents = [
    register(1, 'clerk', { owner: 'eve' }),
    register(1, 'clerk/safe', { protected: true }),
    seen(1, 'clerk/sub'),
    register(1, 'other', { owner: 'bob' }),
  ];
  const on = (onLeave: 'suspend' | 'reassign') => policy('enforce', {}, { sponsors: { onLeave } });
  const followed = follow([on('suspend'), ...agents, { ...left, timeMs: 2 }, release(3, 'clerk')]);
  expect(said(followed)).toEqual([
    ...['/clerk/2 suspended', '/clerk/sub/clerk@2 suspended', '/clerk/3 active', '/clerk/sub/clerk@3 active'],
  ]);
  expect(followed.made[0]).toMatchObject({ by: 'policy', reason: 'its owner eve has left', timeMs: 2, owner: 'eve' });
  expect(follow([on('reassign'), ...agents, { ...left, timeMs: 2, successor: 'bob' }]).made).toEqual([]);
});

it('follows a revocation that a second person approved', () => {
  const { fold, made } = follow([
    register(1, 'clerk', { owner: 'ada' }),
    stop(2, 'clerk', 'revoke', { forMs: null, reason: 'sold its keys' }),
  ]);
  expect(made).toEqual([]);
  const [{ id }] = fold.approvals();
  const record = answer(3, id, 'approve');
  const book = new WishBook();
  const wishes = book.note({ offset: 2, record, verdict: fold.apply(record) });
  expect(wishes).toMatchObject([{ agent: 'clerk', status: 'revoked', action: 'revoke', by: 'person', timeMs: 3 }]);
});

it('knows whom the policy stops because their owner has left, and spares the protected below', () => {
  const left = { type: 'sponsor', timeMs: 3, owner: 'eve', state: 'left', successor: null } as const;
  const followed = follow([
    policy('enforce', {}, { sponsors: { onLeave: 'suspend' } }),
    register(1, 'crew', { owner: 'eve' }),
    register(1, 'crew/one'),
    register(1, 'crew/safe', { protected: true }),
    { ...left, actor: 'person:ada', authority: 't', parent: null },
  ]);
  expect(said(followed)).toEqual(['/crew/2 suspended', '/crew/one/crew@2 suspended']);
  expect(followed.made[0]).toMatchObject({ by: 'policy', reason: 'its owner eve has left', untilMs: null });
});

it('frees an agent that is moved from under a stopped one', () => {
  const followed = follow([
    register(1, 'helper', { parentAgent: 'crew' }),
    stop(2, 'crew'),
    register(3, 'helper', { parentAgent: null }),
  ]);
  expect(said(followed)).toEqual(['/crew/2 suspended', '/helper/crew@2 suspended', '/helper/2 active']);
});

it('forgets what is done and takes nothing away, and nothing else', () => {
  const { book } = follow([stop(1, 'a'), stop(1, 'b'), release(2, 'b')]);
  for (const wish of [...book.all()]) book.forget(wish);
  expect([...book.all()].map(({ agent }) => agent)).toEqual(['a']);
});

const agent = fc.constantFrom('a', 'a/b', 'a/b/c', 'd', 'e');
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.record({ agent, action: fc.constantFrom(...ACTIONS), forMs: fc.option(fc.nat(90)) }) },
  { weight: 2, arbitrary: fc.record({ agent, released: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ agent, proposed: fc.constantFrom(...ACTIONS), forMs: fc.option(fc.nat(90)) }) },
  { weight: 2, arbitrary: fc.record({ agent, parentAgent: fc.option(agent) }) },
  { weight: 1, arbitrary: fc.record({ agent, seen: fc.option(agent) }) },
  { weight: 1, arbitrary: fc.record({ agent, owner: fc.constantFrom('eve', 'bob') }) },
  { weight: 1, arbitrary: fc.record({ agent, state: fc.constantFrom('left', 'returned') }) },
);

/** Throttles let every question of the test pass: a refusal would hide what lies above them. */
const MANY = { callsPerMinute: 1_000_000 };

function recordOf(step: { agent: string } & Record<string, unknown>, timeMs: number): RegistryRecord {
  const forMs = step['forMs'] as number | null;
  if ('action' in step) return stop(timeMs, step.agent, step['action'] as 'suspend', { forMs, ...MANY });
  if ('released' in step) return release(timeMs, step.agent, { role: 'admin' });
  if ('parentAgent' in step) return register(timeMs, step.agent, { parentAgent: step['parentAgent'] as string | null });
  if ('owner' in step) return register(timeMs, step.agent, { owner: step['owner'] as string });
  if ('state' in step) {
    return { type: 'sponsor', timeMs, owner: 'eve', state: step['state'] as 'left', successor: null, ...BOB };
  }
  if ('seen' in step) return seen(timeMs, step.agent, { parentAgent: step['seen'] as string | null });
  return proposal(timeMs, proposed(step.agent, step['proposed'] as 'suspend', { forMs, ...MANY }));
}

it('wishes of every agent what the registry decides of its calls, whatever happened', () => {
  const brakes = { stopsMax: 1_000, cooldownMs: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(steps, fc.nat(40)), { maxLength: 40 }), (moves) => {
      let atMs = 1;
      const records = moves.map(([step, gapMs]) => {
        atMs += gapMs;
        return recordOf(step, atMs);
      });
      // What ends at the very time of the last record is ended by a later one.
      const { fold, book } = follow([
        policy('enforce', brakes, { sponsors: { onLeave: 'suspend' } }),
        ...records,
        time(atMs + 1),
      ]);
      for (const { agent: name } of fold.entries()) {
        const { status } = fold.decide('', name, fold.clockMs());
        expect(book.of('', name)?.status ?? 'active', name).toBe(status);
      }
    }),
    { numRuns: 400, seed: 20_260_105 },
  );
});
