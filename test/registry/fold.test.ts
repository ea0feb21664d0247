import { describe, expect, it } from 'vitest';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import { fold, HOUR_MS, last, policy, proposal, register, release, seen, stop, time, wish } from './records.js';

const ENFORCE = policy('enforce');

describe('the inventory', () => {
  it('takes in what traffic shows, unregistered', () => {
    const { fold: f, verdicts } = fold(
      seen(5, 'a', { agentVersion: '1' }),
      seen(6, 'a', { agentVersion: '1' }),
      seen(7, 'a', { agentVersion: '2' }),
    );
    expect(verdicts.map((verdict) => verdict.effect)).toEqual(['applied', 'none', 'applied']);
    expect(f.entry('', 'a')).toMatchObject({ registered: false, status: 'active', version: 1, firstSeenMs: 5 });
    expect(f.entry('', 'a')?.agentVersions).toEqual(['1', '2']);
    expect(f.entry('other', 'a')).toBeNull();
  });

  it('keeps the 16 newest versions of an agent', () => {
    const { fold: f } = fold(...Array.from({ length: 20 }, (_, i) => seen(i, 'a', { agentVersion: `v${i}` })));
    expect(f.entry('', 'a')?.agentVersions).toEqual(Array.from({ length: 16 }, (_, i) => `v${i + 4}`));
  });

  it('is bounded against floods of names, and a person still gets in', () => {
    const f = createFold({ agentsMax: 1 });
    f.apply(ENFORCE);
    expect(f.apply(seen(1, 'a')).effect).toBe('applied');
    expect(f.apply(seen(1, 'b'))).toMatchObject({ effect: 'refused', reason: 'inventory is full: 1 agents' });
    expect(f.apply(stop(1, 'b')).effect).toBe('applied');
    expect(f.apply(proposal(1, wish('c'))).effect).toBe('applied');
  });

  it('registers and updates with optimistic versions', () => {
    const { fold: f, verdicts } = fold(
      register(1, 'a', { ifVersion: 0, owner: 'ops', labels: ['eu'] }),
      register(2, 'a', { ifVersion: 1, role: 'support' }),
      register(3, 'a', { ifVersion: 1, role: 'sales' }),
    );
    expect(verdicts.map((verdict) => verdict.code)).toEqual([null, null, 'registry.conflict']);
    expect(verdicts[2]?.reason).toBe('version 1 was read, it is 2 now');
    expect(f.entry('', 'a')).toMatchObject({
      registered: true,
      version: 2,
      owner: 'ops',
      role: 'support',
      labels: ['eu'],
    });
  });

  it('lets nobody but a person or the system register', () => {
    expect(last(register(1, 'a', { actor: 'sender:x' })).effect).toBe('refused');
  });

  it('never changes an entry that was handed out', () => {
    const { fold: f } = fold(seen(1, 'a'));
    const before = f.entry('', 'a');
    f.apply(stop(2, 'a'));
    expect(before?.status).toBe('active');
  });
});

describe('a proposal', () => {
  it('stops nothing before there is a policy, or where the policy or the engine only observes', () => {
    for (const records of [
      [proposal(1, wish('a'))],
      [policy('observe'), proposal(1, wish('a'))],
      [ENFORCE, proposal(1, wish('a', 'suspend', { mode: 'observe' }))],
    ]) {
      expect(last(...records)).toMatchObject({
        effect: 'observed',
        reason: 'would have been done: suspend a for 3600 s',
      });
    }
  });

  it('tells in observe what would have stood against it', () => {
    expect(last(policy('observe', {}, { protectedAgents: ['a*'] }), proposal(1, wish('abc'))).reason).toBe(
      'would have been refused: abc is protected: only a person stops it',
    );
  });

  it('waits for a person in recommend, worst first, until answered or a day old', () => {
    const { fold: f } = fold(
      policy('recommend'),
      seen(0, 'a'),
      proposal(1, wish('a')),
      proposal(2, wish('b', 'suspend', { severity: 'critical' })),
      proposal(3, wish('c')),
    );
    expect(f.recommendations().map(({ agent }) => agent)).toEqual(['b', 'a', 'c']);
    f.apply(stop(4, 'b'));
    expect(f.apply(release(5, 'a')).effect).toBe('applied');
    expect(f.recommendations().map(({ agent }) => agent)).toEqual(['c']);
    f.apply(time(3 + 24 * HOUR_MS));
    expect(f.recommendations()).toEqual([]);
  });

  it('is put in force in enforce, for as long as it asks, on the registry clock', () => {
    const { fold: f, verdicts } = fold(ENFORCE, proposal(1_000, wish('a')));
    expect(verdicts[1]).toMatchObject({ effect: 'applied', entry: { status: 'suspended', untilMs: 1_000 + HOUR_MS } });
    expect(f.apply(time(999 + HOUR_MS)).expired).toEqual([]);
    expect(f.nextExpiryMs()).toBe(1_000 + HOUR_MS);
    expect(f.apply(time(1_000 + HOUR_MS)).expired).toMatchObject([{ agent: 'a', status: 'active', untilMs: null }]);
    expect(f.nextExpiryMs()).toBeNull();
  });

  it('delivered twice has one effect', () => {
    const made = wish('a');
    const { fold: f, verdicts } = fold(ENFORCE, proposal(1, made), release(2, 'a'), proposal(3, made));
    expect(verdicts[3]?.effect).toBe('duplicate');
    expect(f.entry('', 'a')?.status).toBe('active');
  });

  it("of an older owner is refused, and the rightful owner's same key still counts", () => {
    const made = wish('a', 'suspend', { epoch: 4 });
    const { verdicts } = fold(
      ENFORCE,
      proposal(1, wish('b', 'suspend', { epoch: 5 })),
      proposal(2, made),
      proposal(3, { ...made, partition: 1 }),
      proposal(4, { ...made, epoch: 5, key: `${made.key}2` }),
    );
    expect(verdicts.map(({ effect }) => effect)).toEqual(['applied', 'applied', 'refused', 'applied', 'refused']);
    expect(verdicts[2]?.reason).toBe('epoch 4 of partition 0 is over: 5 owns it');
    expect(
      last(
        ENFORCE,
        proposal(1, wish('b', 'suspend', { epoch: 5 })),
        proposal(2, made),
        proposal(3, { ...made, epoch: 5 }),
      ),
    ).toMatchObject({ effect: 'applied' });
  });

  it('never stops a protected agent, hard budget or not', () => {
    expect(last(ENFORCE, register(1, 'a', { protected: true }), proposal(2, wish('a'))).effect).toBe('refused');
    const named = policy('enforce', {}, { protectedAgents: ['a'] });
    expect(last(named, proposal(2, wish('a', 'suspend', { hardBudget: true }))).effect).toBe('refused');
    expect(last(named, proposal(2, wish('ab'))).effect).toBe('applied');
  });

  it('never names the fleet', () => {
    expect(last(ENFORCE, proposal(1, wish('fleet'))).effect).toBe('refused');
  });

  it('leaves an agent alone while it cools down after a release', () => {
    const early = [ENFORCE, proposal(1, wish('a')), release(2, 'a'), proposal(1 + HOUR_MS, wish('a'))];
    expect(last(...early)).toMatchObject({ effect: 'refused', reason: 'a cools down for 1 s more' });
    expect(last(...early, proposal(2 + HOUR_MS, wish('a'))).effect).toBe('applied');
  });

  it('leaves an agent alone while it cools down after an expiry', () => {
    const records = [ENFORCE, proposal(0, wish('a')), time(HOUR_MS)];
    expect(last(...records, proposal(2 * HOUR_MS - 1, wish('a'))).effect).toBe('refused');
    expect(last(...records, proposal(2 * HOUR_MS, wish('a'))).effect).toBe('applied');
  });

  it('finds the cooldown run from the end itself, though the record that told of it came late', () => {
    const late = [ENFORCE, proposal(0, wish('a')), time(HOUR_MS + 500), proposal(2 * HOUR_MS, wish('a'))];
    expect(last(...late).effect).toBe('applied');
  });

  it('escalates, never weakens, and falls back to what stood beneath', () => {
    const { fold: f, verdicts } = fold(
      ENFORCE,
      stop(0, 'a', 'throttle', { forMs: null, callsPerMinute: 6 }),
      proposal(1, wish('a', 'suspend')),
      proposal(2, wish('a', 'restrict')),
      proposal(3, wish('a', 'suspend')),
    );
    expect(verdicts.map(({ effect }) => effect)).toEqual(['applied', 'applied', 'applied', 'refused', 'refused']);
    expect(verdicts[3]?.reason).toBe('a is suspended already');
    f.apply(time(1 + HOUR_MS));
    expect(f.entry('', 'a')).toMatchObject({
      status: 'throttled',
      callsPerMinute: 6,
      untilMs: null,
      reason: 'asked to',
    });
  });
});

describe('the brakes', () => {
  const braked = policy('enforce', { stopsMax: 2 });
  const three = [braked, proposal(1, wish('a')), proposal(2, wish('b')), proposal(3, wish('c'))];

  it('open the breaker at one stop too many, and list what was skipped, worst first', () => {
    const { fold: f, verdicts } = fold(...three, proposal(4, wish('d', 'suspend', { severity: 'critical' })));
    expect(verdicts.map(({ effect }) => effect)).toEqual(['applied', 'applied', 'applied', 'refused', 'refused']);
    expect(f.brakes()).toMatchObject({ left: 0, open: true });
    expect(f.brakes().skipped.map(({ agent }) => agent)).toEqual(['d', 'c']);
  });

  it('stay shut for a whole interval after that, though old stops no longer count', () => {
    expect(last(...three, proposal(2 + HOUR_MS, wish('e'))).effect).toBe('refused');
    const { fold: f } = fold(...three, time(3 + HOUR_MS));
    expect(f.brakes()).toMatchObject({ left: 2, open: false });
  });

  it('count a stop for exactly one interval', () => {
    const two = [braked, proposal(1, wish('a')), proposal(2, wish('b'))];
    expect(last(...two, proposal(HOUR_MS, wish('c'))).effect).toBe('refused');
    expect(last(...two, proposal(1 + HOUR_MS, wish('c'))).effect).toBe('applied');
  });

  it('do not hold a person, nor a hard budget', () => {
    expect(last(...three, stop(4, 'c')).effect).toBe('applied');
    const { fold: f } = fold(...three, proposal(4, wish('c', 'suspend', { hardBudget: true })));
    expect(f.entry('', 'c')?.status).toBe('suspended');
    expect(f.brakes().skipped).toEqual([]);
  });

  it('close with a new policy, which gives no new stops by itself', () => {
    const { fold: f } = fold(...three, { ...braked, timeMs: 4 });
    expect(f.brakes()).toMatchObject({ open: false, left: 0 });
  });

  it('at 0 stop nothing automatically', () => {
    expect(last(policy('enforce', { stopsMax: 0 }), proposal(1, wish('a'))).effect).toBe('refused');
  });

  it('keep the worst of the skipped, a bounded number of them', () => {
    const f = createFold({ openMax: 2 });
    f.apply(policy('enforce', { stopsMax: 0 }));
    for (const severity of ['high', 'low', 'critical'] as const) {
      f.apply(proposal(1, wish(severity, 'suspend', { severity })));
    }
    expect(f.brakes().skipped.map(({ agent }) => agent)).toEqual(['critical', 'high']);
  });
});

describe('a person', () => {
  it('stops, weakens and releases', () => {
    const { fold: f, verdicts } = fold(ENFORCE, proposal(1, wish('a')), stop(2, 'a', 'throttle'), release(3, 'a'));
    expect(verdicts.map(({ entry }) => entry?.status)).toEqual([undefined, 'suspended', 'throttled', 'active']);
    expect(f.entry('', 'a')?.version).toBe(4);
  });

  it('alone stops and releases: an agent never lifts its own restriction', () => {
    for (const actor of ['agent:a', 'sender:a', 'gateway:a', 'engine:0', 'system', '']) {
      expect(last(stop(1, 'a'), release(2, 'a', { actor, role: 'admin' }))).toMatchObject({
        effect: 'refused',
        entry: { status: 'suspended' },
      });
      expect(last(stop(1, 'a', 'suspend', { actor })).effect).toBe('refused');
    }
  });

  it('needs the admin role to undo a revocation, which has no end', () => {
    const revoked = stop(1, 'a', 'revoke', { forMs: 5 });
    const alone = policy('observe', {}, { twoPeople: [] });
    const { fold: f } = fold(alone, revoked, time(10 * HOUR_MS));
    expect(f.entry('', 'a')).toMatchObject({ status: 'revoked', untilMs: null });
    expect(f.apply(release(11 * HOUR_MS, 'a', { role: 'responder' })).reason).toBe(
      'a is revoked: only an admin releases it',
    );
    expect(f.apply(stop(11 * HOUR_MS, 'a', 'throttle')).effect).toBe('refused');
    expect(f.apply(register(11 * HOUR_MS, 'a')).entry?.status).toBe('revoked');
    expect(f.apply(release(11 * HOUR_MS, 'a', { role: 'admin' })).entry?.status).toBe('active');
  });

  it('repeats a call without repeating its effect, and may use one key for several agents', () => {
    const { verdicts } = fold(
      stop(1, 'a', 'suspend', { key: 'k' }),
      stop(1, 'b', 'suspend', { key: 'k' }),
      release(2, 'a'),
      stop(3, 'a', 'suspend', { key: 'k' }),
    );
    expect(verdicts.map(({ effect }) => effect)).toEqual(['applied', 'applied', 'applied', 'duplicate']);
    expect(verdicts[3]?.entry?.status).toBe('active');
  });

  it('is told of a release that finds nothing, or another version than read', () => {
    expect(last(release(1, 'a')).code).toBe('registry.unknown-agent');
    expect(last(seen(1, 'a'), release(2, 'a')).code).toBe('registry.refused');
    expect(last(stop(1, 'a'), release(2, 'a', { ifVersion: 7 })).code).toBe('registry.conflict');
  });
});

describe('the registry clock', () => {
  it('never goes back', () => {
    const { fold: f } = fold(time(10), stop(5, 'a', 'suspend', { forMs: 100 }), time(3));
    expect(f.clockMs()).toBe(10);
    expect(f.entry('', 'a')?.untilMs).toBe(110);
  });

  it("is not moved by what a proposal's sender says the time is", () => {
    const { fold: f } = fold(ENFORCE, proposal(1, wish('a', 'suspend', { time: '2099-01-01T00:00:00.000Z' })));
    expect(f.clockMs()).toBe(1);
  });
});

describe('a snapshot', () => {
  it('of something else is refused', () => {
    for (const snapshot of [null, 5, {}, { format: 1 }, { format: 2 }]) {
      expect(() => restoreFold(snapshot)).toThrow(/no registry snapshot/);
    }
  });

  it('of a version that knew of no approvals, refused calls or ladder is read on', () => {
    const { fold: f } = fold(stop(1, 'a'));
    const { approvals, denials, ladder, ...older } = f.snapshot() as Record<string, unknown>;
    expect([approvals, denials, ladder]).toEqual([[], [], null]);
    expect(restoreFold(older).snapshot()).toEqual(f.snapshot());
  });

  it('is a copy', () => {
    const { fold: f } = fold(stop(1, 'a'));
    const before = JSON.stringify(f.snapshot());
    const snapshot = f.snapshot();
    f.apply(release(2, 'a'));
    f.apply(seen(3, 'b'));
    expect(JSON.stringify(snapshot)).toBe(before);
  });
});

it('a record of a newer version is passed over', () => {
  const newer = { ...time(5), type: 'weather' } as unknown as Parameters<ReturnType<typeof createFold>['apply']>[0];
  expect(last(newer)).toMatchObject({ effect: 'none', reason: 'a record of an unknown type' });
});
