/** What the registry's side must tell people of, as findings. */
import { describe, expect, it } from 'vitest';
import { isPage } from '../../src/decide/finding.js';
import type { ResponderRecord } from '../../src/engine/record.js';
import { engineOf, HOUR_MS, outcomeOf, policyOf, RULE, START_MS, settingsOf } from './world.js';

function told(rest: Partial<ResponderRecord> = {}): ResponderRecord {
  return {
    ...{ type: 'responder', timeMs: START_MS, what: 'breaker-open', tenant: '', agent: 'fleet', key: '41' },
    ...{ words: 'the breaker is open: 495 stops were skipped', agents: ['a', 'b'] },
    ...rest,
  };
}

const raised = (...records: ResponderRecord[]) => outcomeOf(engineOf(), records).findings;

describe('a record of the responder', () => {
  it.each([
    ['breaker-open', 'breaker-open', 'critical'],
    ['stop-unverified', 'stop-unverified', 'critical'],
    ['delivery-dead', 'delivery-dead', 'high'],
    ['halt', 'halted', 'medium'],
  ] as const)('%s is a page of kind %s and severity %s', (what, kind, severity) => {
    const [finding] = raised(told({ what, tenant: 't', agent: 'clerk' }));
    expect(finding).toMatchObject({ kind, severity, tenant: 't', agent: 'clerk', root: 'clerk', bound: true });
    expect(finding.title).toBe('the breaker is open: 495 stops were skipped');
    expect(finding.attribution[0].observed).toBe(2);
    expect(isPage(finding.severity)).toBe(true);
  });

  it('is one finding, told once or often; another key is another', () => {
    expect(raised(told(), told({ timeMs: START_MS + HOUR_MS }), told())).toHaveLength(1);
    const several = raised(told(), told({ key: '42' }), told({ what: 'halt' }), told({ agent: 'clerk' }));
    expect(new Set(several.map(({ id }) => id)).size).toBe(4);
    expect(several.map(({ severity }) => severity)).toEqual(['critical', 'critical', 'medium', 'critical']);
  });

  it('is known again after a restart, and has one id wherever it is told', () => {
    const first = engineOf();
    const [{ id }] = outcomeOf(first, [told()]).findings;
    expect(outcomeOf(engineOf({ snapshot: first.snapshot() }), [told()]).findings).toEqual([]);
    expect(raised(told({ timeMs: START_MS + 5 }))[0].id).toBe(id);
  });

  it('is never answered by a policy', () => {
    const settings = settingsOf({ policy: policyOf([{ ...RULE, kinds: ['breaker-open'] }, RULE]) });
    expect(outcomeOf(engineOf({ settings }), [told({ agent: 'clerk' })]).proposals).toEqual([]);
  });
});
