/** What people say in advance: what they expect is a notice for as long as they said, and nothing else changes. */
import { describe, expect, it } from 'vitest';
import { type Finding, isPage, type Proposal } from '../../src/decide/finding.js';
import type { PartitionEngine } from '../../src/engine/engine.js';
import type { EngineRecord, EventRecord, SuppressionRecord, SuppressionUndoRecord } from '../../src/engine/record.js';
import { SUPPRESSIONS_MAX } from '../../src/engine/suppression-book.js';
import { suppressionOf } from './suppression-of.js';
import { loop, ordinary, profileOf, timeline } from './verdict-of.js';
import { agentRecord, DAY_MS, engineOf, HOUR_MS, linesOf, outcomeOf, policyOf, RULE, START_MS } from './world.js';

/** The trouble of one night, and of the next one. */
const AT = START_MS + 14 * DAY_MS + 10 * HOUR_MS;
const LATER = AT + DAY_MS;
const SAID = AT - 2 * HOUR_MS;

/** A burst of calls that go well, two seconds apart: of 120 it is medium, of 200 it is high. */
const burst = (agent: string, fromMs: number, calls: number): EventRecord[] =>
  loop(agent, fromMs, calls, 'tool-1').map((one) => ({ ...one, event: { ...one.event, status: 'ok' } }));

const everyone = [...ordinary('clerk', 16), ...ordinary('scribe', 16)];
const before = timeline(everyone.filter(({ event }) => event.timeMs < SAID));
const rest = everyone.filter(({ event }) => event.timeMs >= SAID);
const nightsOf = (calls: number) =>
  timeline([...rest, ...burst('clerk', AT, calls), ...burst('scribe', AT, 120), ...burst('clerk', LATER, 400)]);
const nights = nightsOf(120);
const policy = policyOf([{ ...RULE, kinds: [], severity: 'medium' }]);

const suppression = (over: Partial<SuppressionRecord> = {}): SuppressionRecord =>
  suppressionOf({ timeMs: SAID, below: 'critical', fromMs: AT - HOUR_MS, untilMs: AT + HOUR_MS, ...over });

const undone: SuppressionUndoRecord = { type: 'suppress-undo', timeMs: SAID, id: 's-1', actor: 'person:ann' };

function told(...controls: readonly EngineRecord[]): PartitionEngine {
  const engine = engineOf({ settings: { policy } });
  outcomeOf(engine, [...before, ...controls], 0);
  return engine;
}

function heard(...controls: readonly EngineRecord[]) {
  return foundIn(nights, ...controls);
}

function foundIn(records: readonly EngineRecord[], ...controls: readonly EngineRecord[]) {
  const { findings, proposals } = outcomeOf(told(...controls), records);
  const within = (root: string, fromMs: number): Finding[] =>
    findings.filter(
      ({ root: of, time }) => of === root && Date.parse(time) >= fromMs && Date.parse(time) < fromMs + HOUR_MS,
    );
  const asked = (agent: string): Proposal[] =>
    proposals.filter((one) => one.agent === agent && Date.parse(one.time) < AT + HOUR_MS);
  return { findings, within, asked };
}

const pages = (findings: readonly Finding[]): Finding[] => findings.filter(({ severity }) => isPage(severity));
const severities = (findings: readonly Finding[]): string[] => pages(findings).map(({ severity }) => severity);
const plain = heard();

describe('a suppression', () => {
  it('makes notices of what it covers, which propose nothing', () => {
    expect(severities(plain.within('clerk', AT)).length).toBeGreaterThan(0);
    expect(plain.asked('clerk').length).toBeGreaterThan(0);
    const { within, asked } = heard(suppression());
    const muted = within('clerk', AT).filter(({ mutedBy }) => mutedBy === 's-1');
    expect(muted.length).toBeGreaterThan(0);
    for (const one of muted) expect(one).toMatchObject({ severity: 'low', proposal: null });
    expect(pages(within('clerk', AT))).toEqual([]);
    expect(asked('clerk')).toEqual([]);
  });

  it('leaves everybody else alone, and everything before and after it', () => {
    const { findings, within } = heard(suppression());
    expect(within('scribe', AT)).toEqual(plain.within('scribe', AT));
    expect(pages(within('clerk', LATER))).toEqual(pages(plain.within('clerk', LATER)));
    expect(pages(within('clerk', LATER)).length).toBeGreaterThan(0);
    for (const { mutedBy, time } of findings) {
      if (mutedBy === undefined) continue;
      expect(Date.parse(time)).toBeGreaterThanOrEqual(AT - HOUR_MS);
      expect(Date.parse(time)).toBeLessThan(AT + HOUR_MS + 60_000);
    }
  });

  it('lets through what is as grave as it says', () => {
    const worst = (below: SuppressionRecord['below']) =>
      severities(foundIn(nightsOf(200), suppression({ below })).within('clerk', AT));
    expect(severities(foundIn(nightsOf(200)).within('clerk', AT))).toEqual(['medium', 'high']);
    expect(worst('high')).toEqual(['high']);
    expect(worst('critical')).toEqual([]);
  });

  it('lets through what is more than so many times the usual', () => {
    const page = pages(plain.within('clerk', AT))[0];
    const { observed, expected } = page.attribution[0];
    const paged = (times: number) => severities(heard(suppression({ times })).within('clerk', AT));
    expect(paged(Math.ceil(observed / expected) + 20)).toEqual([]);
    expect(paged(Math.floor(observed / expected) - 1)).toEqual(['medium']);
  });

  it.each<[string, Partial<SuppressionRecord>, boolean]>([
    ['the kind', { kinds: ['rate-burst'] }, true],
    ['another kind', { kinds: ['new-target'] }, false],
    ['the endpoint', { endpoint: 'tool-1' }, true],
    ['another endpoint', { endpoint: 'mail.read' }, false],
    ['a target that no call named', { target: 'eve' }, false],
    ['the detector', { detector: 'rate' }, true],
    ['another detector', { detector: 'novelty' }, false],
    ['its role', { scope: { role: 'desk' } }, true],
    ['another role', { scope: { role: 'stock' } }, false],
    ['its tenant', { scope: { tenant: true } }, true],
    ['another tenant', { scope: { tenant: true }, tenant: 'acme' }, false],
    ['a time to come', { fromMs: LATER, untilMs: LATER + HOUR_MS }, false],
  ])('of %s', (_, over, mutes) => {
    const role = { ...agentRecord('clerk', SAID, {}), role: 'desk' };
    expect(
      heard(role, suppression(over))
        .within('clerk', AT)
        .some(({ mutedBy }) => mutedBy === 's-1'),
    ).toBe(mutes);
  });

  it('does nothing once it is taken back, told late, told twice or told too late', () => {
    const same = (...controls: readonly EngineRecord[]) => JSON.stringify(heard(...controls).findings);
    expect(same(suppression(), undone)).toEqual(JSON.stringify(plain.findings));
    expect(same(undone, suppression())).toEqual(JSON.stringify(plain.findings));
    expect(same(suppression({ fromMs: SAID - HOUR_MS, untilMs: SAID - 1 }))).toEqual(JSON.stringify(plain.findings));
    expect(same(suppression(), suppression())).toEqual(same(suppression()));
  });

  it('teaches nothing: profiles are as they would be without it', () => {
    const [quiet, loud] = [told(suppression()), told()];
    outcomeOf(quiet, nights);
    outcomeOf(loud, nights);
    expect(profileOf(quiet, 'clerk')).toEqual(profileOf(loud, 'clerk'));
  });

  it('tells whoever learns of the day that it paged', () => {
    const days = (...controls: readonly EngineRecord[]) =>
      outcomeOf(told(...controls), nights).samples.flatMap((one) => (one.kind === 'day' ? [[one.id, one.paged]] : []));
    expect(days(suppression())).toEqual(days());
    expect(days().some(([, paged]) => paged)).toBe(true);
  });

  it('is in a snapshot, with what was taken back', () => {
    const whole = told(suppression(), suppression({ id: 's-2', scope: { agent: 'scribe' } }), { ...undone, id: 's-3' });
    const again = engineOf({ settings: { policy }, snapshot: whole.snapshot() });
    const late = suppression({ id: 's-3', scope: { tenant: true } });
    const records = [late, ...nights];
    expect(linesOf(again, records)).toEqual(linesOf(whole, records));
    expect(again.inside.suppressions.snapshot()).toEqual(whole.inside.suppressions.snapshot());
    expect(again.inside.suppressions.size).toBe(0);
  });

  it('is one of so many at the most', () => {
    const engine = engineOf();
    const many = Array.from({ length: SUPPRESSIONS_MAX + 3 }, (_, at) => suppression({ id: `s-${at}` }));
    outcomeOf(engine, many, 0);
    expect(engine.inside.suppressions.size).toBe(SUPPRESSIONS_MAX);
  });
});
