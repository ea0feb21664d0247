import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy, parseDuration } from '../../src/decide/compile-policy.js';
import type { Policy } from '../../src/decide/policy.js';

function policyOf(text: string): Policy {
  const compiled = compilePolicy(text, 'p.yaml');
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

/** 'line:column path message' of each problem. */
function problemsOf(text: string): string[] {
  const compiled = compilePolicy(text, 'p.yaml');
  if ('policy' in compiled) return [];
  return compiled.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
}

describe('a policy file', () => {
  it('becomes a policy', () => {
    const policy = policyOf(`
name: night
mode: recommend
unregistered: deny
brakes: { stops_max: 2, interval: 30m, cooldown: 2d }
protected: [billing, 'core/*']
rules:
  - name: loops
    mode: observe
    when: { kinds: [retry-loop, fan-out], severity: critical, p_max: 1.0e-5, observed_min: 15, ratio_min: 5, roles: [support], labels: [eu] }
    do: { action: throttle, for: 15s, calls_per_minute: 10 }
  - name: rest
    do: { action: suspend, for: until-released }
  - name: worst
    when: { severity: critical }
    do: { action: revoke }
`);
    expect(policy).toEqual({
      name: 'night',
      mode: 'recommend',
      unregistered: 'deny',
      brakes: { stopsMax: 2, intervalMs: 1_800_000, cooldownMs: 172_800_000 },
      protectedAgents: ['billing', 'core/*'],
      rules: [
        {
          name: 'loops',
          kinds: ['retry-loop', 'fan-out'],
          severity: 'critical',
          pMax: 1e-5,
          observedMin: 15,
          ratioMin: 5,
          mode: 'observe',
          roles: ['support'],
          labels: ['eu'],
          action: 'throttle',
          forMs: 15_000,
          callsPerMinute: 10,
        },
        {
          name: 'rest',
          kinds: [],
          severity: 'high',
          pMax: 1,
          observedMin: 0,
          ratioMin: 0,
          mode: null,
          roles: [],
          labels: [],
          action: 'suspend',
          forMs: null,
          callsPerMinute: null,
        },
        {
          name: 'worst',
          kinds: [],
          severity: 'critical',
          pMax: 1,
          observedMin: 0,
          ratioMin: 0,
          mode: null,
          roles: [],
          labels: [],
          action: 'revoke',
          forMs: null,
          callsPerMinute: null,
        },
      ],
    });
  });

  it('has brakes where it names none', () => {
    expect(policyOf('name: a\nmode: observe\nrules: []\n').brakes).toEqual({
      stopsMax: 5,
      intervalMs: 3_600_000,
      cooldownMs: 3_600_000,
    });
  });

  it('says what becomes of the agents of an owner who leaves, or nothing at all', () => {
    const of = (lines: string) => policyOf(`name: a\nmode: observe\n${lines}rules: []\n`);
    expect(of('sponsors: { on_leave: reassign }\n').sponsors).toEqual({ onLeave: 'reassign' });
    expect('sponsors' in of('')).toBe(false);
    expect(problemsOf('name: a\nmode: observe\nrules: []\nsponsors: { on_leave: fire }\n')).toEqual([
      '4:13 sponsors.on_leave expected one of "suspend"|"reassign"|"nothing": found "fire"',
    ]);
  });

  it('names every problem at its line', () => {
    const text = `name: x
mode: enforced
colour: red
brakes:
  stops_max: -1
  interval: 1 hour
  cooldwn: 1h
protected: [a, 'b*c', 7]
rules:
  - name: a
    when: { kinds: [retry-lop], p_max: 0 }
    do: { action: throttle, for: 1h }
  - name: b
    when:
      p_max: "1e-3"
    do:
      action: revoke
      for: 5m
  - name: c
    do: { action: suspend }
  - name: d
    do: { action: suspend, for: 5 }
  - name: e
    do: { action: suspend, for: 5y, calls_per_minute: 3 }
  - when: {}
    do: stop
`;
    const problems = problemsOf(text);
    expect(problems[7]).toMatch(
      /^11:21 rules\[0\]\.when\.kinds\[0\] expected one of "rate-burst".*: found "retry-lop"$/,
    );
    expect(problems.filter((_, index) => index !== 7)).toEqual([
      '2:1 mode expected one of "observe"|"recommend"|"enforce"|"training": found "enforced"',
      "3:1 colour unknown member 'colour'",
      '5:3 brakes.stops_max expected number to be >=0: found -1',
      "6:3 brakes.interval '1 hour' is not a duration such as 15s, 30m, 1h or 2d, at most 366d",
      "7:3 brakes.cooldwn unknown member 'cooldwn'",
      "8:16 protected[1] '*' may stand only at the end",
      '8:23 protected[2] expected string: found 7',
      '11:33 rules[0].when.p_max expected number to be >0: found 0',
      '12:5 rules[0].do.calls_per_minute missing: throttle needs it',
      '15:7 rules[1].when.p_max expected number: found "1e-3"',
      '18:7 rules[1].do.for revoke has no end: leave it out',
      '20:5 rules[2].do.for missing: expected a duration such as 15s, 30m, 1h or 2d, or until-released',
      '22:28 rules[3].do.for expected a duration such as 15s, 30m, 1h or 2d: found 5',
      "24:28 rules[4].do.for '5y' is not a duration such as 15s, 30m, 1h or 2d, at most 366d",
      '25:5 rules[5].name missing: expected string',
      '26:5 rules[5].do expected object: found "stop"',
    ]);
  });

  it('refuses two rules of one name, and members that an action does not take', () => {
    const rule = (name: string, wish: string) => `  - { name: ${name}, do: ${wish} }\n`;
    const head = 'name: a\nmode: observe\nrules:\n';
    const suspend = '{ action: suspend, for: 1h }';
    expect(problemsOf(head + rule('one', suspend) + rule('one', suspend))).toEqual([
      "5:7 rules[1].name 'one' names a second rule",
    ]);
    expect(problemsOf(head + rule('one', '{ action: suspend, for: 1h, calls_per_minute: 3 }'))).toEqual([
      '4:50 rules[0].do.calls_per_minute suspend takes none: leave it out',
    ]);
  });

  it.each([
    ['', '1:1 p.yaml expected object'],
    ['- a', '1:1 p.yaml expected object'],
    ['name: x\nname: y\n', '2:1 p.yaml Map keys must be unique'],
    ['x: &a 1\ny: *a', '1:1 p.yaml aliases (*name) and very deep nesting are not read: write it out plainly'],
    ['name: !foo x', '1:7 p.yaml Unresolved tag: !foo'],
    ['name: a\nmode: observe\nrules:\n  - 5\n', '4:5 rules[0] expected object: found 5'],
    ['name: a\nmode: observe\n', '1:1 rules missing: expected array'],
  ])('%j is a problem, not an exception', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('survives a file made to break the reader', () => {
    expect(problemsOf('['.repeat(100_000)).length).toBeGreaterThan(0);
    expect(problemsOf('a'.repeat(300_000))).toEqual([
      '1:1 p.yaml the file has 300000 characters, at most 262144 are read',
    ]);
  });
});

describe('a duration', () => {
  it.each([
    ['15s', 15_000],
    ['30m', 1_800_000],
    ['1h', 3_600_000],
    ['366d', 31_622_400_000],
    ['367d', null],
    ['0s', null],
    ['1 h', null],
    ['-1h', null],
    ['1.5h', null],
    ['h', null],
  ])('%s is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('the shipped policies', () => {
  const shipped = (name: string) =>
    policyOf(readFileSync(new URL(`../../policies/${name}.yaml`, import.meta.url), 'utf8'));

  it('differ in name and mode alone', () => {
    const observe = shipped('observe');
    expect(observe.mode).toBe('observe');
    expect({ ...observe, name: 'enforce', mode: 'enforce' }).toEqual(shipped('enforce'));
  });

  it('act on high severity only and end by themselves', () => {
    const { rules, brakes } = shipped('enforce');
    expect(rules.map((rule) => rule.name)).toEqual(['budget', 'retry-loop', 'session-spend', 'fan-out', 'rate-burst']);
    for (const rule of rules) {
      expect(rule.severity).toBe('high');
      expect(rule.kinds).toEqual([rule.name]);
      expect(rule.forMs).toBeLessThanOrEqual(3_600_000);
      expect(rule.action).toBe(rule.name === 'rate-burst' ? 'throttle' : 'suspend');
      if (rule.name !== 'budget') expect(rule.pMax).toBeLessThan(1);
    }
    expect(brakes).toEqual({ stopsMax: 5, intervalMs: 3_600_000, cooldownMs: 3_600_000 });
  });
});
