import { describe, expect, it } from 'vitest';
import { isListed, isPattern, Patterns } from '../../src/decide/pattern.js';

describe('isPattern', () => {
  it.each(['crm.read', 'crm.*', '*@example.com', '*'])('takes %s', (text) => expect(isPattern(text)).toBe(true));
  it.each(['a*b', '*a*', '**'])('refuses %s', (text) => expect(isPattern(text)).toBe(false));
});

describe('Patterns', () => {
  it('has names, their beginnings and their ends, and nothing beside', () => {
    const patterns = new Patterns(['mail.send', 'crm.*', '*@example.com']);
    for (const name of ['mail.send', 'crm.', 'crm.read', 'ada@example.com'])
      expect(patterns.has(name), name).toBe(true);
    for (const name of ['mail.sender', 'xcrm.read', 'example.com', '']) expect(patterns.has(name), name).toBe(false);
    expect(new Patterns(['*']).has('anything')).toBe(true);
    expect(new Patterns([]).has('anything')).toBe(false);
  });
});

describe('isListed', () => {
  it('has names and their beginnings alone', () => {
    const list = ['billing', 'core/*'];
    for (const name of ['billing', 'core/', 'core/ledger']) expect(isListed(list, name), name).toBe(true);
    for (const name of ['billing/sub', 'core', 'score/x', '']) expect(isListed(list, name), name).toBe(false);
    expect(isListed([], 'billing')).toBe(false);
  });
});
