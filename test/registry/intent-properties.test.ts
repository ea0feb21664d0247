/** What must hold of permissions, leave and ladders, whatever was said before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ACTIONS, MODES } from '../../src/decide/finding.js';
import type { Permission } from '../../src/decide/intent.js';
import { createFold, restoreFold } from '../../src/registry/fold.js';
import type { Question, RegistryFold, RegistryRecord } from '../../src/registry/registry.js';
import {
  allow,
  answer,
  BOB,
  fold,
  permission,
  policy,
  proposal,
  register,
  release,
  seen,
  stop,
  throughJson,
  who,
  wish,
} from './records.js';

const runs = { numRuns: 150, seed: 20_261_120 };
const agent = fc.constantFrom('a', 'b', 'a/b', 'a/b/c', 'x');
const word = fc.constantFrom('chat', 'crm.list', 'crm.delete', 'mail.send', 'invoke_agent');
const list = fc.option(fc.uniqueArray(fc.constantFrom('chat', 'crm.*', '*.send', 'crm.list', 'invoke_agent', '*')), {
  freq: 2,
});
const level = fc.option(fc.constantFrom('L0' as const, 'L1' as const, 'L3' as const));

const some = fc.option(word);
const question: fc.Arbitrary<Question> = fc
  .tuple(some, some, some, some, fc.option(agent, { freq: 1 }))
  .map(([operation, endpoint, target, dataClass, parent]) => ({ operation, endpoint, target, dataClass, parent }));

const asks = fc
  .record({ operations: list, endpoints: list, targets: list, dataClasses: list })
  .map((lists) => ({ ...lists, name: 'asks', forMs: 50, uses: 1 }));

const permissions: fc.Arbitrary<Permission[]> = fc
  .array(
    fc.record({
      who: fc
        .record({ agents: list, trustMin: level, trustMax: level, roles: fc.subarray(['support']) })
        .map(({ agents, ...rest }) => who({ ...rest, agents: agents === null ? [] : [...agents, 'a'] })),
      allow: fc.record({ operations: list, endpoints: list, targets: list, dataClasses: list }).map(allow),
      approvals: fc.array(asks, { maxLength: 1 }),
      delegation: fc.option(
        fc.record({ depthMax: fc.option(fc.nat(2)), breadthMax: fc.option(fc.nat(2)), agents: fc.constant(null) }),
      ),
      mode: fc.option(fc.constantFrom(...MODES)),
    }),
    { maxLength: 3 },
  )
  .map((made) => made.map((one, index) => permission(`p${index}`, one)));

const said: fc.Arbitrary<RegistryRecord> = fc.oneof(
  fc
    .record({ agent, operations: list, endpoints: list, targets: list, trust: level, parent: fc.option(agent) })
    .map(({ agent: name, parent, ...registration }) =>
      register(0, name, { registration, role: 'support', ...(parent === null ? {} : { parentAgent: parent }) }),
    ),
  fc.record({ agent, parent: fc.option(agent) }).map((made) => seen(0, made.agent, { parentAgent: made.parent })),
  fc
    .record({ agent, action: fc.constantFrom(...ACTIONS) })
    .map((made) => stop(0, made.agent, made.action, { key: 'k', callsPerMinute: 5, forMs: 60 })),
  agent.map((name) => release(0, name, { mistake: true, role: 'admin' })),
  agent.map((name) => proposal(0, wish(name, 'suspend', { forMs: 40 }))),
);

/** Records with times that grow, beginning with a policy. */
function logOf(records: readonly RegistryRecord[], list: readonly Permission[], mode = 'enforce' as const) {
  const timed = records.map((record, index) => ({ ...record, timeMs: index * 10 }));
  return [policy(mode, {}, { permissions: list }), ...timed];
}

function decided(f: RegistryFold, name: string, nowMs: number, asked: Question): string {
  const { allow: passes, denial, status, reason } = f.decide('', name, nowMs, asked);
  return `${passes} ${denial} ${status} ${reason}`;
}

it('one permission more only narrows, and their order changes no answer', () => {
  const throttled = (record: RegistryRecord) => record.type === 'stop' && record.action === 'throttle';
  fc.assert(
    fc.property(
      fc.array(said, { maxLength: 12 }),
      permissions,
      permissions,
      agent,
      question,
      fc.nat(200),
      (records, some, more, name, asked, nowMs) => {
        // A throttle counts the calls that are made of it, which is another matter.
        const kept = records.filter((record) => !throttled(record));
        const renamed = more.map((one) => ({ ...one, name: `more-${one.name}` }));
        const passes = (of: readonly Permission[]) =>
          fold(...logOf(kept, of)).fold.decide('', name, nowMs, asked).allow;
        const narrowed = passes([...some, ...renamed]);
        if (narrowed) expect(passes(some)).toBe(true);
        expect(passes([...renamed, ...some])).toBe(narrowed);
      },
    ),
    runs,
  );
});

it('nobody may do what those it works for may not', () => {
  fc.assert(
    fc.property(
      fc.array(said, { maxLength: 12 }),
      permissions,
      question,
      fc.nat(200),
      (records, some, asked, nowMs) => {
        const quiet = records.filter(({ type }) => type === 'register' || type === 'seen');
        const { fold: f } = fold(...logOf(quiet, some));
        // Approvals are given to one agent, and depth is counted from above.
        const plain = { ...asked, operation: 'chat', parent: null };
        const without = some.map((one) => ({ ...one, approvals: [], who: who({ agents: one.who.agents }) }));
        f.apply(policy('enforce', {}, { permissions: without }));
        for (const [child, parent] of [['a/b', 'a'] as const, ['a/b/c', 'a'] as const]) {
          if (f.decide('', child, nowMs, plain).allow) expect(f.decide('', parent, nowMs, plain).allow).toBe(true);
        }
      },
    ),
    runs,
  );
});

it('what is looked up once is what a reader that starts now would say', () => {
  fc.assert(
    fc.property(
      fc.array(said, { maxLength: 15 }),
      permissions,
      fc.array(fc.tuple(agent, question), { minLength: 1, maxLength: 6 }),
      (records, some, asked) => {
        const kept = createFold();
        for (const [index, record] of logOf(records, some).entries()) {
          kept.apply(record);
          const fresh = restoreFold(throughJson(kept.snapshot()));
          const isThrottled = records.some((one) => one.type === 'stop' && one.action === 'throttle');
          if (isThrottled) continue;
          for (const [name, about] of asked) {
            expect(decided(kept, name, index * 10, about)).toBe(decided(fresh, name, index * 10, about));
          }
        }
      },
    ),
    runs,
  );
});

const steps: fc.Arbitrary<RegistryRecord> = fc.oneof(
  { weight: 4, arbitrary: said },
  fc
    .record({ id: fc.nat(5), said: fc.constantFrom('approve' as const, 'reject' as const), by: fc.boolean() })
    .map((made) => answer(0, `a-${made.id}`, made.said, made.by ? BOB : { actor: 'person:ada' })),
  fc.record({ id: fc.nat(5), agent }).map(
    (made): RegistryRecord => ({
      ...{ type: 'approval-request', timeMs: 0, id: `a-${made.id}`, tenant: '', agent: made.agent, forMs: 40 },
      subject: { kind: 'call', operation: null, endpoint: 'pay', target: null, rule: 'p/asks' },
      ...{ actor: 'system', authority: 'system', parent: null },
    }),
  ),
  fc.nat(5).map((id): RegistryRecord => ({ type: 'approval-use', timeMs: 0, id: `a-${id}`, count: 1, ...BOB })),
  fc
    .constantFrom(...MODES)
    .map((to): RegistryRecord => ({ type: 'ladder', timeMs: 0, policy: 'p', to, reason: 'r', ...BOB })),
  agent.map(
    (name): RegistryRecord => ({
      ...{ type: 'denied', timeMs: 0, tenant: '', agent: name, denial: 'endpoint', enforced: false, count: 2 },
      ...{ question: {}, rule: null, trail: [], actor: 'system', authority: 'system', parent: null },
    }),
  ),
);

it('two readers agree on all of it, wherever one of them restarts and whatever it is asked in between', () => {
  fc.assert(
    fc.property(
      fc.array(steps, { maxLength: 40 }),
      permissions,
      fc.array(fc.nat(40)),
      question,
      (records, some, cuts, asked) => {
        const ladder = { ladder: { promoteAfterMs: 20 }, permissions: some };
        const timed = records.map((record, index) => ({ ...record, timeMs: index * 10 }));
        const log = [policy('enforce', {}, ladder), ...timed];
        const first = createFold();
        let second = createFold();
        for (const [index, record] of log.entries()) {
          if (cuts.includes(index)) second = restoreFold(throughJson(second.snapshot()));
          const verdict = throughJson(first.apply(record));
          expect(throughJson(second.apply(throughJson(record)))).toEqual(verdict);
          second.decide('', 'a/b', index * 10, asked);
          second.drainNotes(index * 10);
        }
        expect(JSON.stringify(second.snapshot())).toBe(JSON.stringify(first.snapshot()));
        expect(second.ladder()).toEqual(first.ladder());
      },
    ),
    runs,
  );
});

it('nobody is revoked by one person, or by anybody who is none', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (records) => {
      const f = createFold();
      for (const [index, record] of records.entries()) {
        const wasRevoked = new Set([...f.entries()].filter((one) => one.status === 'revoked').map((one) => one.agent));
        f.apply({ ...record, timeMs: index * 10 });
        for (const entry of f.entries()) {
          if (entry.status !== 'revoked' || wasRevoked.has(entry.agent)) continue;
          expect(record).toMatchObject({ type: 'approval-answer', answer: 'approve' });
        }
      }
    }),
    runs,
  );
});
