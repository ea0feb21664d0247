/** Proposals for an agent that is restricted already, or was lately. */
import { describe, expect, it } from 'vitest';
import type { Proposal } from '../../src/decide/finding.js';
import { fold, HOUR_MS, last, policy, proposal, release, stop, time, wish } from './records.js';

const ENFORCE = policy('enforce');
const HALF_MS = HOUR_MS / 2;

describe('a proposal of what is in force', () => {
  it('prolongs it, and only its end changes', () => {
    const { fold: f, verdicts } = fold(ENFORCE, proposal(0, wish('a')), proposal(HALF_MS, wish('a')));
    expect(verdicts[2]).toMatchObject({
      effect: 'applied',
      reason: 'prolonged: suspend a until 1970-01-01T01:30:00.000Z',
      entry: { status: 'suspended', untilMs: HALF_MS + HOUR_MS },
    });
    f.apply(time(HOUR_MS));
    expect(f.decide('', 'a', HOUR_MS).allow).toBe(false);
    expect(f.apply(time(HALF_MS + HOUR_MS)).expired).toMatchObject([{ agent: 'a', status: 'active' }]);
  });

  it('does not count against the brakes, and passes an open breaker', () => {
    const braked = policy('enforce', { stopsMax: 1 });
    const { fold: f, verdicts } = fold(
      ...[braked, proposal(0, wish('a')), proposal(1, wish('b'))],
      ...[proposal(HALF_MS, wish('a')), time(HOUR_MS + 1)],
    );
    expect(verdicts.map(({ effect }) => effect).slice(1, 4)).toEqual(['applied', 'refused', 'applied']);
    expect(f.brakes()).toMatchObject({ left: 1, open: false });
  });

  it('never shortens it, wins nothing by coming at once, and is judged once', () => {
    const first = [ENFORCE, proposal(0, wish('a'))];
    const brief = proposal(HALF_MS, wish('a', 'suspend', { forMs: 1_000 }));
    expect(last(...first, brief)).toMatchObject({ effect: 'refused', reason: 'a is suspended already' });
    expect(last(...first, proposal(HOUR_MS / 8, wish('a'))).effect).toBe('refused');
    const again = proposal(HALF_MS, wish('a'));
    expect(last(...first, again, again)).toMatchObject({ effect: 'duplicate', entry: { untilMs: HALF_MS + HOUR_MS } });
  });

  it("leaves a person's stop as long as the person made it", () => {
    const stopped = stop(0, 'a', 'suspend', { forMs: HOUR_MS });
    expect(last(ENFORCE, stopped, proposal(HALF_MS, wish('a'))).effect).toBe('refused');
    expect(last(ENFORCE, stopped, proposal(HALF_MS, wish('a', 'suspend', { forMs: null }))).effect).toBe('refused');
  });

  it('makes a throttle no wider', () => {
    const throttle = (atMs: number, callsPerMinute: number) =>
      proposal(atMs, wish('a', 'throttle', { callsPerMinute }));
    expect(last(ENFORCE, throttle(0, 10), throttle(HALF_MS, 20)).entry?.callsPerMinute).toBe(10);
    expect(last(ENFORCE, throttle(0, 10), throttle(HALF_MS, 4)).entry?.callsPerMinute).toBe(4);
  });

  it('is only said in the milder modes', () => {
    const lenient = [ENFORCE, proposal(0, wish('a')), { ...policy('observe'), timeMs: 1 }];
    expect(last(...lenient, proposal(HALF_MS, wish('a')))).toMatchObject({
      effect: 'observed',
      entry: { untilMs: HOUR_MS },
    });
    const asked = { ...policy('recommend'), timeMs: 1 };
    expect(last(ENFORCE, proposal(0, wish('a')), asked, proposal(HALF_MS, wish('a'))).effect).toBe('refused');
  });

  it('takes the place of the former among those that wait for a person', () => {
    const made = wish('a', 'suspend', { finding: 'f-1' });
    const asked = (atMs: number, key: string) => proposal(atMs, { ...made, key });
    const { fold: f } = fold(policy('recommend'), asked(1, 'k'), asked(2, 'k:1'), proposal(3, wish('b')));
    expect(f.recommendations().map(({ key, agent }) => (agent === 'a' ? key : agent))).toEqual(['k:1', 'b']);
  });
});

describe('the cooldown', () => {
  const hysteresis = policy('enforce', { hysteresis: 2 });
  const of = (observed: number, feature = 'calls in 1 h'): Partial<Proposal> => ({ measured: { feature, observed } });
  const ended = (brakes = hysteresis) => [brakes, proposal(0, wish('a', 'suspend', of(100))), release(1, 'a')];

  it('is passed by a finding that is as many times worse as the policy says', () => {
    expect(last(...ended(), proposal(2, wish('a', 'suspend', of(200)))).effect).toBe('applied');
  });

  it.each([
    ['not so much worse', hysteresis, of(199)],
    ['worse by another measurement', hysteresis, of(900, 'calls in 10 s')],
    ['of no measurement', hysteresis, {}],
    ['worse, where the policy says nothing of it', ENFORCE, of(900)],
  ])('holds one that is %s', (_, brakes, rest) => {
    expect(last(...ended(brakes), proposal(2, wish('a', 'suspend', rest))).reason).toMatch(/^a cools down/);
  });
});
