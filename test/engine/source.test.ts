import { describe, expect, it } from 'vitest';
import { isPage } from '../../src/decide/finding.js';
import type { EngineRecord, SourceStateRecord } from '../../src/engine/record.js';
import { traffic } from './traffic.js';
import {
  engineOf,
  HOUR_MS,
  linesOf,
  outcomeOf,
  policyOf,
  RULE,
  START_MS,
  settingsOf,
  ticks,
  withTicks,
} from './world.js';

const REASON = 'event.bad-json: line is not JSON: hello';

function told(state: SourceStateRecord['state'], timeMs: number, source = 'crm'): SourceStateRecord {
  return { type: 'source', timeMs, source, state, rejections: 1180, of: 1200, reason: REASON };
}

/** Ids of what was raised. */
function raised(records: readonly EngineRecord[]): string[] {
  return outcomeOf(engineOf(), records).findings.map(({ id }) => id);
}

describe('a refused source', () => {
  it('is told to people as a page about the fleet, in words', () => {
    const engine = engineOf();
    const { findings, proposals } = outcomeOf(engine, [told('refused', START_MS)], 41);
    expect(findings).toEqual([
      {
        id: expect.stringMatching(/^f-[0-9a-f]{16}$/),
        time: new Date(START_MS).toISOString(),
        tenant: '',
        agent: 'fleet',
        root: 'fleet',
        session: null,
        severity: 'high',
        kind: 'source-refused',
        title: `source crm is refused: 1,180 of its last 1,200 records were rejected (${REASON})`,
        p: 1e-4,
        risk: 67,
        attribution: [
          { detector: 'intake', feature: 'rejected of the last 1200 records', observed: 1180, expected: 0, share: 1 },
        ],
        evidence: [{ offset: 41, event: null }],
        model: engine.inside.model.version,
        config: 'first',
        status: 'open',
        bound: true,
        proposal: null,
      },
    ]);
    expect(isPage(findings[0].severity)).toBe(true);
    expect(proposals).toEqual([]);
    expect(engine.counts).toMatchObject({ controls: 1, findings: 1, proposals: 0 });
  });

  it('has its members in the order of every other finding', () => {
    const [finding] = outcomeOf(engineOf(), [told('refused', START_MS)]).findings;
    const busy = outcomeOf(engineOf(), withTicks(traffic({ seed: 7, agents: 6, hours: 90, sessionsPerHour: 4 })));
    expect(busy.findings.length).toBeGreaterThan(0);
    expect(Object.keys(finding)).toEqual(Object.keys(busy.findings[0]));
  });

  it('is never answered by a policy, whatever it says', () => {
    const settings = settingsOf({ policy: policyOf([{ ...RULE, kinds: ['source-refused'] }, RULE]) });
    expect(outcomeOf(engineOf({ settings }), [told('refused', START_MS)]).proposals).toEqual([]);
  });

  it('is one finding while it lasts: every failed trial keeps it open', () => {
    const trials = Array.from({ length: 30 }, (_, hour) => told('refused', START_MS + hour * HOUR_MS));
    const day = trials.flatMap((trial) => [trial, ...ticks(trial.timeMs, trial.timeMs + HOUR_MS)]);
    expect(raised(day)).toHaveLength(1);
  });

  it('is another finding once it was accepted, or nothing was heard of it for twelve hours', () => {
    const again = [told('refused', START_MS), told('accepted', START_MS + 1), told('refused', START_MS + 2)];
    expect(new Set(raised(again)).size).toBe(2);
    expect(new Set(raised([told('refused', START_MS), told('refused', START_MS + 12 * HOUR_MS)])).size).toBe(2);
  });

  it('is nothing to tell where it is accepted', () => {
    expect(raised([told('accepted', START_MS), told('accepted', START_MS)])).toEqual([]);
  });

  it('pages beside other refused sources, and closes alone', () => {
    const both = [told('refused', START_MS, 'crm'), told('refused', START_MS, 'mail')];
    const { findings } = outcomeOf(engineOf(), both);
    expect(findings.map(({ severity }) => severity)).toEqual(['high', 'high']);
    expect(
      raised([...both, told('accepted', START_MS + 1, 'crm'), told('refused', START_MS + 2, 'mail')]),
    ).toHaveLength(2);
  });

  it('changes nothing about the agents', () => {
    const work = withTicks(traffic({ seed: 8, agents: 5, hours: 60, sessionsPerHour: 4 }));
    const half = Math.floor(work.length / 2);
    const disturbed = [...work.slice(0, half), told('refused', START_MS), ...work.slice(half)];
    const plain = outcomeOf(engineOf(), work);
    const { findings, ...rest } = outcomeOf(engineOf(), disturbed);
    // Offsets behind the record moved on by one.
    const bare = (list: typeof findings) =>
      list.filter(({ kind }) => kind !== 'source-refused').map((finding) => ({ ...finding, evidence: [] }));
    expect(bare(findings)).toEqual(bare(plain.findings));
    expect(plain.samples.length).toBeGreaterThan(0);
    expect(rest.samples).toEqual(plain.samples);
  });

  it('is remembered by a snapshot: cut anywhere, the same lines', () => {
    const records: EngineRecord[] = [
      told('refused', START_MS),
      ...ticks(START_MS, START_MS + HOUR_MS),
      told('refused', START_MS + HOUR_MS),
      told('refused', START_MS + HOUR_MS, 'mail'),
      told('accepted', START_MS + 2 * HOUR_MS),
      told('refused', START_MS + 3 * HOUR_MS),
    ];
    const whole = linesOf(engineOf(), records);
    expect(whole.filter((line) => line !== '')).toHaveLength(3);
    for (let cut = 1; cut < records.length; cut++) {
      const first = engineOf();
      const before = linesOf(first, records.slice(0, cut));
      const after = linesOf(engineOf({ snapshot: first.snapshot() }), records.slice(cut), cut);
      expect([...before, ...after]).toEqual(whole);
    }
  });
});
