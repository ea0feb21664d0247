/** Somebody leaves: what the policy makes of their agents, once. */
import { describe, expect, it } from 'vitest';
import type { OnLeave } from '../../src/decide/policy.js';
import { restoreFold } from '../../src/registry/fold.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { fold, type Of, policy, register, release, throughJson } from './records.js';

const PERSON = { actor: 'person:ada', authority: 'token-1', parent: null };
const sponsor = (timeMs: number, rest: Partial<Of<'sponsor'>> = {}): Of<'sponsor'> => {
  return { type: 'sponsor', timeMs, owner: 'eve', state: 'left', successor: null, ...PERSON, ...rest };
};
const on = (onLeave: OnLeave, mode: 'enforce' | 'observe' = 'enforce') =>
  policy(mode, {}, { sponsors: { onLeave }, protectedAgents: ['core'] });
const AGENTS = [
  register(1, 'clerk', { owner: 'eve' }),
  register(1, 'core', { owner: 'eve' }),
  register(1, 'other', { owner: 'bob' }),
];

function told(...records: readonly RegistryRecord[]) {
  const { fold: made, verdicts } = fold(...records);
  const of = (agent: string) => {
    const entry = made.entry('', agent);
    return `${entry?.status} ${entry?.owner}`;
  };
  return { made, verdicts, verdict: verdicts.at(-1), of };
}

describe('an owner who leaves', () => {
  it('suspends their agents until a person releases them, and spares the protected and those of others', () => {
    const { made, verdict, of } = told(on('suspend'), ...AGENTS, sponsor(2));
    expect(['clerk', 'core', 'other'].map(of)).toEqual(['suspended eve', 'active eve', 'active bob']);
    expect(made.entry('', 'clerk')).toMatchObject({ untilMs: null, reason: 'its owner eve has left' });
    expect(made.decide('', 'clerk', 1e15)).toMatchObject({ allow: false, denial: 'stopped' });
    expect(verdict).toMatchObject({ effect: 'applied', entry: null, changed: [{ agent: 'clerk' }] });
    expect(made.leavers().get('eve')).toEqual({ successor: null, sinceMs: 2, isDone: true });
  });

  it('hands their agents over where a successor is named, also the protected', () => {
    const { of, verdict } = told(on('reassign'), ...AGENTS, sponsor(2, { successor: 'bob' }));
    expect(['clerk', 'core'].map(of)).toEqual(['active bob', 'active bob']);
    expect(verdict?.changed?.map(({ version }) => version)).toEqual([2, 2]);
  });

  it('suspends where nobody takes over, or where who would has left as well', () => {
    const without = told(on('reassign'), ...AGENTS, sponsor(2));
    expect(['clerk', 'core'].map(without.of)).toEqual(['suspended eve', 'active eve']);
    const gone = told(on('reassign'), ...AGENTS, sponsor(2, { owner: 'zoe' }), sponsor(3, { successor: 'zoe' }));
    expect(gone.of('clerk')).toBe('suspended eve');
  });

  it('lets a successor who is named later take over', () => {
    const late = told(on('reassign'), ...AGENTS, sponsor(2), sponsor(3, { successor: 'bob' }));
    expect(['clerk', 'core'].map(late.of)).toEqual(['suspended bob', 'active bob']);
  });

  it('changes nothing the second time, so that a release holds', () => {
    const twice = told(on('suspend'), ...AGENTS, sponsor(2), release(3, 'clerk'), sponsor(4));
    expect(twice.verdict?.effect).toBe('duplicate');
    expect(twice.of('clerk')).toBe('active eve');
  });

  it('is remembered where the policy does not enforce, and acted upon once it does', () => {
    const watched = told(on('suspend', 'observe'), ...AGENTS, sponsor(2));
    expect(watched.verdict).toMatchObject({ effect: 'observed' });
    expect(watched.of('clerk')).toBe('active eve');
    const later = told(on('suspend', 'observe'), ...AGENTS, sponsor(2), sponsor(3), on('suspend'), sponsor(4));
    expect(later.verdicts.at(-3)?.effect).toBe('duplicate');
    expect(later.of('clerk')).toBe('suspended eve');
  });

  it('means nothing without a word of the policy, but that nobody is given an agent any more', () => {
    const { made, of } = told(policy('enforce'), ...AGENTS, sponsor(2));
    expect(of('clerk')).toBe('active eve');
    const given = made.apply(register(3, 'other', { owner: 'eve' }));
    expect(given).toMatchObject({ effect: 'refused', reason: 'eve has left: name another owner' });
    expect(made.apply(register(3, 'clerk', { owner: 'eve', role: 'x' })).effect).toBe('applied');
    expect(made.apply(sponsor(4, { state: 'returned' })).effect).toBe('applied');
    expect(made.apply(register(5, 'other', { owner: 'eve' })).effect).toBe('applied');
    expect(made.apply(sponsor(6, { state: 'returned' })).effect).toBe('duplicate');
  });

  it('is a word of people, and nobody succeeds themselves', () => {
    expect(told(sponsor(2, { actor: 'agent:eve' })).verdict).toMatchObject({ effect: 'refused' });
    expect(told(sponsor(2, { successor: 'eve' })).verdict).toMatchObject({ effect: 'refused' });
  });

  it('is in the snapshot, and foreseeing it changes nothing', () => {
    const { made } = told(on('suspend'), ...AGENTS, sponsor(2));
    const again = restoreFold(throughJson(made.snapshot()));
    expect(again.apply(sponsor(3)).effect).toBe('duplicate');
    const fresh = told(on('suspend'), ...AGENTS).made;
    const before = JSON.stringify(fresh.snapshot());
    expect(fresh.foreseeSponsor('eve', 'left', null).steps.map(({ follows }) => follows)).toEqual(['suspend', 'keep']);
    expect(JSON.stringify(fresh.snapshot())).toBe(before);
  });
});
