import { describe, expect, it } from 'vitest';
import type { Finding, Kind, Mode } from '../../src/decide/finding.js';
import { type AgentFacts, BRAKES_DEFAULT, type Policy, type PolicyRule } from '../../src/decide/policy.js';
import { propose } from '../../src/decide/propose.js';

const FINDING: Finding = {
  id: 'f-1',
  time: '2026-01-05T10:00:00.000Z',
  tenant: 'acme',
  agent: 'crew/sub-1',
  root: 'crew',
  session: 's1',
  severity: 'high',
  kind: 'retry-loop',
  title: 'crew repeats one failing call 40 times a minute',
  p: 1e-5,
  risk: 90,
  attribution: [],
  evidence: [{ offset: 17, event: 'e-17' }],
  model: 'm',
  config: 'c',
  status: 'open',
  bound: true,
  proposal: null,
};

const RULE: PolicyRule = {
  name: 'loops',
  kinds: ['retry-loop', 'budget'],
  severity: 'high',
  pMax: 1e-4,
  observedMin: 0,
  ratioMin: 0,
  mode: null,
  roles: [],
  labels: [],
  action: 'suspend',
  forMs: 3_600_000,
  callsPerMinute: null,
};

const NOBODY = { role: null, labels: [] };
const POSITION = { partition: 3, epoch: 7, offset: 17 };

function policyOf(...rules: PolicyRule[]): Policy {
  return { name: 'p', mode: 'enforce', brakes: BRAKES_DEFAULT, rules, protectedAgents: [] };
}

describe('a proposal', () => {
  it('asks to stop the root, with all that the registry needs to judge it', () => {
    expect(propose(policyOf(RULE), FINDING, NOBODY, POSITION)).toEqual({
      key: 'f-1:suspend',
      time: FINDING.time,
      tenant: 'acme',
      agent: 'crew',
      action: 'suspend',
      mode: 'enforce',
      reason: FINDING.title,
      finding: 'f-1',
      kind: 'retry-loop',
      severity: 'high',
      forMs: 3_600_000,
      callsPerMinute: null,
      policy: 'p',
      rule: 'loops',
      hardBudget: false,
      evidence: FINDING.evidence,
      partition: 3,
      epoch: 7,
      offset: 17,
    });
  });

  it('is made in mode observe too, and says so', () => {
    expect(propose({ ...policyOf(RULE), mode: 'observe' }, FINDING, NOBODY, POSITION)?.mode).toBe('observe');
  });

  it('comes of the first rule that matches', () => {
    const first = { ...RULE, name: 'first', kinds: ['fan-out' as const] };
    const second = { ...RULE, name: 'second', action: 'throttle' as const, callsPerMinute: 6 };
    expect(propose(policyOf(first, second, RULE), FINDING, NOBODY, POSITION)).toMatchObject({
      rule: 'second',
      key: 'f-1:throttle',
      callsPerMinute: 6,
    });
  });

  it('passes the brakes for a budget alone, and only once that is used up', () => {
    const passes = (kind: Kind, observed: number) => {
      const attribution = [{ detector: 'budget', feature: 'day budget', observed, expected: 20, share: 1 }];
      return propose(policyOf({ ...RULE, kinds: [] }), { ...FINDING, kind, attribution }, NOBODY, POSITION)?.hardBudget;
    };
    expect(passes('budget', 20)).toBe(true);
    expect(passes('budget', 19.99)).toBe(false);
    expect(passes('spend', 100)).toBe(false);
  });

  it.each<[string, Partial<Finding>]>([
    ['unbound evidence', { bound: false }],
    ['a fleet finding', { agent: 'fleet', root: 'fleet' }],
    ['less severity', { severity: 'medium' }],
    ['a larger p', { p: 2e-4 }],
    ['a p that is no number', { p: Number.NaN }],
    ['another kind', { kind: 'quiet' }],
  ])('is not made for %s', (_, change) => {
    expect(propose(policyOf(RULE), { ...FINDING, ...change }, NOBODY, POSITION)).toBeNull();
  });

  it('asks for the role and for one of the labels where the rule names them', () => {
    const rule = { ...RULE, roles: ['support'], labels: ['eu', 'beta'] };
    const made = (role: string | null, labels: string[]) =>
      propose(policyOf(rule), FINDING, { role, labels }, POSITION) !== null;
    expect(made('support', ['beta'])).toBe(true);
    expect(made('support', [])).toBe(false);
    expect(made('sales', ['eu'])).toBe(false);
    expect(made(null, ['eu'])).toBe(false);
  });

  it('is not made for a trifle, however improbable', () => {
    const rule = { ...RULE, observedMin: 30, ratioMin: 5 };
    const made = (observed: number, expected: number) => {
      const attribution = [
        { detector: 'errors', feature: 'failures of one call in a row', observed, expected, share: 1 },
      ];
      return propose(policyOf(rule), { ...FINDING, attribution }, NOBODY, POSITION) !== null;
    };
    expect(made(30, 6)).toBe(true);
    expect(made(29, 1)).toBe(false);
    expect(made(30, 7)).toBe(false);
    expect(made(Number.NaN, 1)).toBe(false);
    expect(propose(policyOf(rule), FINDING, NOBODY, POSITION)).toBeNull();
  });

  it('throttles in proportion to the distance from the usual, where the rule says so', () => {
    const throttle: PolicyRule = { ...RULE, action: 'throttle', callsPerMinute: 30, proportional: true };
    const rate = (observed: number, expected: number, rule = throttle) => {
      const attribution = [{ detector: 'rate', feature: 'calls in 1 h', observed, expected, share: 1 }];
      return propose(policyOf(rule), { ...FINDING, attribution }, NOBODY, POSITION)?.callsPerMinute;
    };
    expect([rate(200, 100), rate(300, 100), rate(1_000, 100)]).toEqual([15, 10, 3]);
    // Never above the rate stated, nor below one call a minute.
    expect([rate(50, 100), rate(1e9, 100), rate(100, 0), rate(0, 0)]).toEqual([30, 1, 1, 30]);
    expect([rate(Number.NaN, 1), rate(100, Number.NaN)]).toEqual([30, 30]);
    expect(rate(300, 100, { ...throttle, proportional: false })).toBe(30);
    expect(propose(policyOf(throttle), FINDING, NOBODY, POSITION)?.callsPerMinute).toBe(30);
  });

  it('carries what the finding was judged by', () => {
    const attribution = [{ detector: 'rate', feature: 'calls in 1 h', observed: 90, expected: 3, share: 1 }];
    const made = propose(policyOf(RULE), { ...FINDING, attribution }, NOBODY, POSITION);
    expect(made?.measured).toEqual({ feature: 'calls in 1 h', observed: 90 });
  });

  it('takes the milder of the modes of policy and rule', () => {
    const mode = (policy: Mode, rule: Mode | null) =>
      propose({ ...policyOf({ ...RULE, mode: rule }), mode: policy }, FINDING, NOBODY, POSITION)?.mode;
    expect(mode('enforce', 'recommend')).toBe('recommend');
    expect(mode('observe', 'enforce')).toBe('observe');
    expect(mode('recommend', null)).toBe('recommend');
  });

  it('asks for trust and environment as people registered them', () => {
    const rule = (over: Partial<PolicyRule>) => policyOf({ ...RULE, ...over });
    const asked = (policy: Policy, facts: AgentFacts) => propose(policy, FINDING, facts, POSITION) !== null;
    const low = rule({ trustMax: 'L1' });
    expect(asked(low, NOBODY)).toBe(true);
    expect(asked(low, { role: 'support', labels: [] })).toBe(true);
    expect(asked(low, { ...NOBODY, trust: 'L2' })).toBe(false);
    expect(asked(rule({ trustMax: 'L0' }), { role: 'support', labels: [] })).toBe(false);
    const live = rule({ environments: ['live'] });
    expect(asked(live, { ...NOBODY, environment: 'live' })).toBe(true);
    expect(asked(live, { ...NOBODY, environment: 'test' })).toBe(false);
    expect(asked(live, NOBODY)).toBe(false);
  });
});
