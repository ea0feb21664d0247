import { describe, expect, it } from 'vitest';
import { covers, isBound, vouches } from '../../src/api/binding.js';

const bindings = (tenants: string[] | null, agents: string[] | null) => ({ tenants, agents });

describe('covers', () => {
  it.each([
    [null, null, 'acme', 'clerk', true],
    [null, ['clerk'], '', 'clerk', true],
    [null, ['clerk'], '', 'clerk/sub', true],
    [null, ['clerk'], '', 'clerk-2', false],
    [null, ['clerk'], '', 'cler', false],
    [null, ['bot-*'], '', 'bot-7', true],
    [null, ['bot-*'], '', 'robot-7', false],
    [null, ['*'], '', 'anything', true],
    [null, [], '', 'clerk', false],
    [['acme'], null, 'acme', 'clerk', true],
    [['acme'], null, '', 'clerk', false],
    [['acme'], ['clerk'], 'acme', 'other', false],
    [['acme'], ['clerk'], 'other', 'clerk', false],
    [['*'], null, 'acme', 'clerk', false],
  ])('tenants %j agents %j: %s %s is %s', (tenants, agents, tenant, agent, expected) => {
    expect(covers(bindings(tenants, agents), tenant, agent)).toBe(expected);
  });
});

describe('vouches', () => {
  it('never without bindings, although everything may be sent', () => {
    expect(isBound(bindings(null, null))).toBe(false);
    expect(vouches(bindings(null, null), '', 'clerk', null)).toBe(false);
  });

  it('not for a sub-agent whose root the token does not cover, since the stop would fall on the root', () => {
    expect(vouches(bindings(null, ['clerk/sub']), '', 'clerk/sub', 'clerk')).toBe(false);
    expect(vouches(bindings(null, ['clerk/*']), '', 'clerk/sub', 'clerk')).toBe(false);
    expect(vouches(bindings(null, ['clerk/sub']), '', 'clerk/sub', 'clerk/other')).toBe(false);
    expect(vouches(bindings(null, ['clerk']), '', 'clerk/sub', 'clerk')).toBe(true);
    expect(vouches(bindings(['acme'], null), 'acme', 'clerk/sub', 'clerk')).toBe(true);
  });

  it('for an agent that names no parent, or one of another tree: it is its own root', () => {
    expect(vouches(bindings(null, ['clerk/sub']), '', 'clerk/sub', null)).toBe(true);
    expect(vouches(bindings(null, ['clerk/sub']), '', 'clerk/sub', 'crew/boss')).toBe(true);
    expect(vouches(bindings(null, ['clerk']), '', 'other', 'clerk')).toBe(false);
  });
});
