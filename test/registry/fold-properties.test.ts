/** What must hold of any sequence of records whatsoever. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ACTIONS, MODES, SEVERITIES } from '../../src/decide/finding.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import { EFFECT_STATES, type RegistryFold, type RegistryRecord, type Verdict } from '../../src/registry/registry.js';
import { effect, policy, proposal, register, release, seen, stop, throughJson, time, wish } from './records.js';

const STOPS_MAX = 3;
const INTERVAL_MS = 100;
const BRAKES = { stopsMax: STOPS_MAX, intervalMs: INTERVAL_MS, cooldownMs: 60 };
const RANK = { active: 0, throttled: 1, restricted: 2, suspended: 3, revoked: 4 };

const agent = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'a/b');
const action = fc.constantFrom(...ACTIONS);
const forMs = fc.option(fc.integer({ min: 1, max: 300 }));
const key = fc.integer({ min: 0, max: 40 }).map((number) => `k${number}`);
const owner = fc.constantFrom('eve', 'bob');
const actor = fc.constantFrom('person:ada', 'person:ada', 'agent:a', 'sender:x');

const wishes = fc.record({
  agent,
  action,
  forMs,
  key,
  epoch: fc.integer({ min: 1, max: 3 }),
  partition: fc.integer({ min: 0, max: 1 }),
  severity: fc.constantFrom(...SEVERITIES),
  hardBudget: fc.constantFrom(false, false, false, true),
  mode: fc.constantFrom('enforce' as const, 'enforce' as const, ...MODES),
});

/** Records at time 0; `timed` gives them their times. */
const records: fc.Arbitrary<RegistryRecord> = fc.oneof(
  { weight: 6, arbitrary: wishes.map((made) => proposal(0, wish(made.agent, made.action, made))) },
  {
    weight: 2,
    arbitrary: fc.record({ agent, action, forMs, key, actor }).map((made) => stop(0, made.agent, made.action, made)),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ agent, key, actor, role: fc.constantFrom('admin' as const, 'responder' as const) })
      .map((made) => release(0, made.agent, made)),
  },
  {
    weight: 1,
    arbitrary: fc.record({ agent, parentAgent: fc.option(agent) }).map((made) => seen(0, made.agent, made)),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ agent, owner, protected: fc.boolean(), ifVersion: fc.option(fc.integer({ min: 0, max: 3 })) })
      .map((made) => register(0, made.agent, made)),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        agent,
        version: fc.integer({ min: 1, max: 6 }),
        place: fc.constantFrom('gate', 'directory', 'traffic'),
        state: fc.constantFrom(...EFFECT_STATES),
        root: fc.constantFrom(null, 'a'),
        actor: fc.constantFrom('system', 'system', 'engine:0', 'person:ada'),
      })
      .map((made) => effect(0, made.agent, made)),
  },
  { weight: 1, arbitrary: fc.constant(time(0)) },
  {
    weight: 1,
    arbitrary: fc.record({ key, actor, share: fc.constantFrom(0, 0.1, 0.5, 1), tenant: fc.constantFrom(null, '') }).map(
      ({ share, ...made }): RegistryRecord => ({
        ...{ timeMs: 0, reason: 'test', authority: 'token-1', parent: null, ...made },
        ...(share === 0 ? { type: 'halt' } : { type: 'recover', share }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ owner, state: fc.constantFrom('left', 'left', 'returned'), successor: fc.option(owner), actor })
      .map((made) => ({ type: 'sponsor' as const, timeMs: 0, authority: 't', parent: null, ...made })),
  },
);

/** A log: records whose times mostly grow, sometimes by much, sometimes not, under one enforcing policy. */
const logs: fc.Arbitrary<RegistryRecord[]> = fc
  .array(fc.tuple(records, fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -5, max: 400 }))), {
    maxLength: 60,
  })
  .map((steps) => {
    let atMs = 0;
    const timed = steps.map(([record, gapMs]) => {
      atMs = Math.max(0, atMs + gapMs);
      return { ...record, timeMs: atMs };
    });
    return [policy('enforce', BRAKES, { twoPeople: [], sponsors: { onLeave: 'suspend' } }), ...timed];
  });

const runs = { numRuns: 200, seed: 20_260_105 };

/** Folds a log, telling each record's verdict and the fold after it. */
function follow(
  log: readonly RegistryRecord[],
  look: (record: RegistryRecord, verdict: Verdict, fold: RegistryFold) => void,
) {
  const fold = createFold();
  for (const record of log) look(record, fold.apply(record), fold);
  return fold;
}

it('two readers agree, wherever one of them restarts, whatever is asked of it in between, by way of JSON or not', () => {
  fc.assert(
    fc.property(logs, fc.array(fc.nat(60), { maxLength: 4 }), (log, cuts) => {
      const verdicts: Verdict[] = [];
      const first = follow(log, (_, verdict) => verdicts.push(verdict));
      let second = createFold();
      for (const [index, record] of log.entries()) {
        if (cuts.includes(index)) second = restoreFold(throughJson(second.snapshot()));
        expect(throughJson(second.apply(throughJson(record)))).toEqual(throughJson(verdicts[index]));
        second.decide('', 'a/b', index * 50);
        second.drainAttempts(index * 50);
        second.nextExpiryMs();
      }
      expect(JSON.stringify(second.snapshot())).toBe(JSON.stringify(first.snapshot()));
      expect([...second.entries()]).toEqual([...first.entries()]);
    }),
    runs,
  );
});

it('the brakes are never exceeded in any stretch of one interval', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const stopsMs: number[] = [];
      follow(log, (record, verdict, fold) => {
        // What is prolonged stops nobody new.
        const isNew = verdict.effect === 'applied' && verdict.reason === null;
        if (record.type === 'proposal' && isNew && !record.proposal.hardBudget) {
          stopsMs.push(fold.clockMs());
        }
      });
      for (const fromMs of stopsMs) {
        const within = stopsMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + INTERVAL_MS).length;
        expect(within).toBeLessThanOrEqual(STOPS_MAX);
      }
    }),
    runs,
  );
});

it("a person's stop always applies, once per key; nobody else's ever does", () => {
  fc.assert(
    fc.property(logs, (log) => {
      const before = createFold();
      const used = new Set<string>();
      for (const record of log) {
        before.apply(time(record.timeMs));
        const wasRevoked = record.type === 'stop' && before.entry('', record.agent)?.status === 'revoked';
        const verdict = before.apply(record);
        if (record.type !== 'stop') continue;
        const key = `${record.key} ${record.agent}`;
        if (record.actor !== 'person:ada' || (wasRevoked && record.action !== 'revoke')) {
          expect(verdict.effect).toBe('refused');
          continue;
        }
        expect(verdict.effect).toBe(used.has(key) ? 'duplicate' : 'applied');
        if (verdict.effect === 'applied') {
          const stops = record.action === 'suspend' || record.action === 'revoke';
          expect(before.decide('', record.agent, before.clockMs()).allow || !stops).toBe(!stops);
        }
        used.add(key);
      }
    }),
    runs,
  );
});

it('every record delivered twice leaves the registry as delivered once', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const keyed = log.filter(({ type }) => type === 'proposal' || type === 'policy' || type === 'time');
      const once = follow(keyed, () => undefined);
      const twice = follow(
        keyed.flatMap((record) => [record, record]),
        () => undefined,
      );
      expect([...twice.entries()]).toEqual([...once.entries()]);
    }),
    runs,
  );
});

it('an older owner never has an effect, and no engine weakens what is in force or touches the protected', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const epochs = new Map<number, number>();
      const fold = createFold();
      for (const record of log) {
        fold.apply(time(record.timeMs));
        const before = record.type === 'proposal' ? fold.entry('', record.proposal.agent) : null;
        const verdict = fold.apply(record);
        if (record.type !== 'proposal') continue;
        const { partition, epoch } = record.proposal;
        const newest = Math.max(epoch, epochs.get(partition) ?? 0);
        if (epoch < newest) expect(verdict.effect).toBe('refused');
        epochs.set(partition, newest);
        if (verdict.effect !== 'applied') continue;
        expect(before?.protected ?? false).toBe(false);
        expect(RANK[verdict.entry?.status ?? 'active']).toBeGreaterThanOrEqual(RANK[before?.status ?? 'active']);
      }
    }),
    runs,
  );
});

it('only a person releases; everything else ends by time alone, and a revocation not even then', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const fold = createFold();
      for (const record of log) {
        fold.apply(time(record.timeMs));
        const before = new Map([...fold.entries()].map((entry) => [entry.agent, entry.status]));
        const verdict = fold.apply(record);
        for (const { agent: name, status } of fold.entries()) {
          const was = before.get(name) ?? 'active';
          if (RANK[status] >= RANK[was]) continue;
          expect(['stop', 'release']).toContain(record.type);
          expect(record.actor).toBe('person:ada');
          expect(verdict.effect).toBe('applied');
          if (was === 'revoked') expect(record).toMatchObject({ type: 'release', role: 'admin' });
        }
      }
    }),
    runs,
  );
});

it('a halt refuses everybody until people let go; who was let go stays so until the next one', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const free = new Set<string>();
      follow(log, (record, verdict, fold) => {
        if (record.type === 'halt' && verdict.effect === 'applied') free.clear();
        // Whoever joins another tree goes with that one.
        if (record.type === 'seen' || record.type === 'register') free.clear();
        const halted = new Set(fold.halts().map(({ tenant }) => tenant));
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const { denial } = fold.decide('', name, fold.clockMs());
          if (denial === 'halted') expect(halted.size).toBeGreaterThan(0);
          if (free.has(name)) expect(denial).not.toBe('halted');
          if (denial !== 'halted') free.add(name);
        }
      });
    }),
    runs,
  );
});

it('an effect changes nobody, and the last word of a place never goes back to an older version', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const fold = createFold();
      for (const record of log) {
        fold.apply(time(record.timeMs));
        const before = JSON.stringify([...fold.entries()]);
        const known = record.type === 'effect' ? fold.effects('', record.agent) : [];
        const verdict = fold.apply(record);
        if (record.type !== 'effect') continue;
        expect(JSON.stringify([...fold.entries()])).toBe(before);
        const old = known.find(({ place }) => place === record.place);
        const now = fold.effects('', record.agent).find(({ place }) => place === record.place);
        if (verdict.effect === 'refused') expect(now).toEqual(old);
        else expect(now).toMatchObject({ version: record.version, state: record.state, root: record.root });
        if (old !== undefined && old.root === now?.root) expect(now.version).toBeGreaterThanOrEqual(old.version);
      }
    }),
    runs,
  );
});

it('the sponsor feed never touches the protected but to hand them over, and told twice says nothing new', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const fold = createFold();
      for (const record of log) {
        fold.apply(time(record.timeMs));
        const before = new Map([...fold.entries()].map((entry) => [entry.agent, entry]));
        const verdict = fold.apply(record);
        if (record.type !== 'sponsor') continue;
        if (record.actor !== 'person:ada') expect(verdict.effect).toBe('refused');
        for (const entry of fold.entries()) {
          const was = before.get(entry.agent);
          if (was?.protected === true) expect(entry.status).toBe(was.status);
          expect(RANK[entry.status]).toBeGreaterThanOrEqual(RANK[was?.status ?? 'active']);
        }
        const told = JSON.stringify(fold.snapshot());
        expect(['duplicate', 'refused']).toContain(fold.apply(record).effect);
        expect(JSON.stringify(fold.snapshot())).toBe(told);
      }
    }),
    runs,
  );
});
