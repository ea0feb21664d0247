import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/decide/compile-policy.js';
import type { Policy } from '../../src/decide/policy.js';

const HEAD = 'name: a\nmode: enforce\nrules: []\n';

function policyOf(text: string): Policy {
  const compiled = compilePolicy(text, 'p.yaml');
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

function problemsOf(text: string): string[] {
  const compiled = compilePolicy(text, 'p.yaml');
  if ('policy' in compiled) return [];
  return compiled.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
}

describe('permissions', () => {
  it('become what the registry judges', () => {
    const { permissions, restricted, twoPeople, ladder } = policyOf(`${HEAD}
two_people: []
ladder: { promote_after: 7d }
restricted: { operations: [chat], targets: ['*@example.com'] }
permissions:
  - name: support
    who: { agents: ['crm/*'], roles: [support], labels: [eu], trust_min: L1, trust_max: L3, environments: [live] }
    allow:
      operations: [chat, execute_tool]
      endpoints: ['crm.*', mail.send]
      targets: ['*@example.com']
      data_classes: [public]
      hours: { days: [mon, fri], from: '08:00', to: '18:30', zone: Europe/Berlin }
    budgets: { day_usd: 20 }
    delegation: { depth_max: 1, agents: ['crm/*'] }
    approvals:
      - { name: payments, endpoints: ['pay.*'], for: 15m, uses: 3 }
    mode: training
  - name: rest
`);
    expect(permissions?.[0]).toEqual({
      name: 'support',
      who: {
        agents: ['crm/*'],
        roles: ['support'],
        labels: ['eu'],
        trustMin: 'L1',
        trustMax: 'L3',
        environments: ['live'],
      },
      allow: {
        operations: ['chat', 'execute_tool'],
        endpoints: ['crm.*', 'mail.send'],
        targets: ['*@example.com'],
        dataClasses: ['public'],
        hours: { days: ['mon', 'fri'], fromMinute: 480, toMinute: 1_110, zone: 'Europe/Berlin' },
      },
      budgets: { sessionUsd: null, dayUsd: 20 },
      delegation: { depthMax: 1, breadthMax: null, agents: ['crm/*'] },
      approvals: [
        {
          name: 'payments',
          operations: null,
          endpoints: ['pay.*'],
          targets: null,
          dataClasses: null,
          forMs: 900_000,
          uses: 3,
        },
      ],
      mode: 'observe',
    });
    expect(permissions?.[1]).toMatchObject({ delegation: null, mode: null, who: { agents: [], trustMin: null } });
    expect(restricted).toMatchObject({ operations: ['chat'], endpoints: null, targets: ['*@example.com'] });
    expect(twoPeople).toEqual([]);
    expect(ladder).toEqual({ promoteAfterMs: 7 * 86_400_000 });
  });

  it('leave a policy that names none of it as it always was', () => {
    expect(Object.keys(policyOf(HEAD)).sort()).toEqual([
      'brakes',
      'mode',
      'name',
      'protectedAgents',
      'rules',
      'unregistered',
    ]);
  });

  it('tell every problem at its line', () => {
    expect(
      problemsOf(`${HEAD}permissions:
  - name: one
    who: { agents: ['a*b'], trust_min: L9, rolls: [x] }
    allow:
      endpoints: crm
      hours: { days: [monday], from: '8:00', to: '25:00', zone: Europe/Nowhere }
    budgets: { session_usd: -1 }
    delegation: { depth_max: 1.5 }
    approvals:
      - { name: all, for: 15m }
      - { name: all, endpoints: [pay], for: never }
    mode: trainin
  - name: one
restricted: { hours: 5 }
two_people: [release]
`),
    ).toEqual([
      "6:21 permissions[0].who.agents[0] '*' may stand once, at the beginning or at the end",
      '6:29 permissions[0].who.trust_min expected one of "L0"|"L1"|"L2"|"L3"|"L4": found "L9"',
      "6:44 permissions[0].who.rolls unknown member 'rolls'",
      '8:7 permissions[0].allow.endpoints expected array: found "crm"',
      '9:23 permissions[0].allow.hours.days[0] expected one of "mon"|"tue"|"wed"|"thu"|"fri"|"sat"|"sun": found "monday"',
      "9:32 permissions[0].allow.hours.from '8:00' is not a time of day from 00:00 to 24:00",
      "9:46 permissions[0].allow.hours.to '25:00' is not a time of day from 00:00 to 24:00",
      '9:59 permissions[0].allow.hours.zone no time zone of this name',
      '10:16 permissions[0].budgets.session_usd expected number to be >=0: found -1',
      '11:19 permissions[0].delegation.depth_max expected int: found 1.5',
      '13:9 permissions[0].approvals[0] names no operations, endpoints, targets or data_classes: every call would wait for a person',
      "14:40 permissions[0].approvals[1].for 'never' is not a duration such as 15s, 30m, 1h or 2d, at most 366d",
      '15:5 permissions[0].mode expected one of "observe"|"recommend"|"enforce"|"training": found "trainin"',
      "17:15 restricted.hours unknown member 'hours'",
      '18:14 two_people[0] expected "revoke": found "release"',
    ]);
    expect(problemsOf(`${HEAD}permissions:\n  - name: one\n  - name: one\n`)).toEqual([
      "6:5 permissions[1].name 'one' names a second permission",
    ]);
  });

  it('let no rule revoke on its own while that takes two people', () => {
    const text = (head: string, mode = '') =>
      `name: a\n${head}\nrules:\n  - { name: worst, ${mode}do: { action: revoke } }\n`;
    const problem =
      'rules[0].do.action revoke takes two people: give the rule mode recommend, or the policy two_people: []';
    expect(problemsOf(text('mode: enforce'))).toEqual([`4:26 ${problem}`]);
    expect(problemsOf(text('mode: recommend'))).toEqual([]);
    expect(problemsOf(text('mode: enforce', 'mode: recommend, '))).toEqual([]);
    expect(problemsOf(text('mode: enforce\ntwo_people: []'))).toEqual([]);
  });

  it('ask for a ladder that leads somewhere', () => {
    expect(problemsOf('name: a\nmode: training\nladder: { promote_after: 7d }\nrules: []\n')).toEqual([
      '3:1 ladder mode is the top of the ladder: with observe, or training, there is nothing to climb to',
    ]);
    expect(policyOf('name: a\nmode: training\nrules: []\n').mode).toBe('observe');
  });
});

describe('docs/policy.md', () => {
  const text = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);

  it('shows policies that compile', () => {
    expect(blocks.length).toBeGreaterThan(2);
    for (const block of blocks) {
      const whole = block.startsWith('name:') ? block : `name: shown\nmode: recommend\nrules: []\n${block}`;
      expect(problemsOf(whole)).toEqual([]);
    }
  });
});
