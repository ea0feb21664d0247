import { describe, expect, it } from 'vitest';
import { type CompiledPolicy, compilePolicy } from '../../src/decide/compile-policy.js';

function compiled(brakes: string, wish = 'action: suspend, for: 1h'): CompiledPolicy {
  const rules = `rules:\n  - name: r\n    when: {}\n    do: { ${wish} }\n`;
  return compilePolicy(`name: p\nmode: enforce\nbrakes: { ${brakes} }\n${rules}`, 'p.yaml');
}

function policyOf(brakes: string, wish?: string) {
  const made = compiled(brakes, wish);
  if ('problems' in made) throw new Error(JSON.stringify(made.problems));
  return made.policy;
}

function problemsOf(brakes: string, wish?: string): string[] {
  const made = compiled(brakes, wish);
  return 'problems' in made ? made.problems.map(({ path, message }) => `${path} ${message}`) : [];
}

describe('the brakes of a policy file', () => {
  it('are what people wrote, and nothing else', () => {
    const plain = { stopsMax: 5, intervalMs: 3_600_000, cooldownMs: 3_600_000 };
    expect(policyOf('').brakes).toEqual(plain);
    expect(policyOf('cohort_max: 0, shares: { medium: 0.2 }, hysteresis: 2').brakes).toEqual({
      ...{ ...plain, cohortMax: 0, hysteresis: 2 },
      shares: { medium: 0.2, high: 0.8 },
    });
  });

  it('are refused where they make no sense', () => {
    expect(problemsOf('cohort_max: -1')).toEqual(['brakes.cohort_max expected number to be >=0: found -1']);
    expect(problemsOf('hysteresis: 1')).toEqual(['brakes.hysteresis expected number to be >1: found 1']);
    expect(problemsOf('shares: { medium: 0.9 }')).toEqual(['brakes.shares medium may use no more than high']);
    expect(problemsOf('shares: { low: 1 }')).toEqual(["brakes.shares.low unknown member 'low'"]);
  });
});

describe('a throttle in proportion', () => {
  it('is asked for by its rule', () => {
    const throttle = 'action: throttle, for: 30m, calls_per_minute: 30';
    expect(policyOf('', `${throttle}, proportional: true`).rules[0].proportional).toBe(true);
    expect(policyOf('', throttle).rules[0]).not.toHaveProperty('proportional');
    expect(problemsOf('', 'action: suspend, for: 1h, proportional: true')).toEqual([
      'rules[0].do.proportional suspend has no rate: leave it out',
    ]);
  });
});
