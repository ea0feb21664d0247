import { describe, expect, it } from 'vitest';
import { Observation } from '../../src/agent/observation.js';
import { type Finding, isPage, type Kind, SEVERITIES, type Severity } from '../../src/decide/finding.js';
import { sessionOf, severityOf } from '../../src/engine/cause.js';
import { type CauseEvidence, FindingBook } from '../../src/engine/findings.js';
import type { EventRecord } from '../../src/engine/record.js';
import { createRandom } from '../../src/math/random.js';
import { traffic } from './traffic.js';
import {
  DAY_MS,
  engineOf,
  eventOf,
  HOUR_MS,
  MINUTE_MS,
  outcomeOf,
  policyOf,
  RULE,
  recordOf,
  START_MS,
  withTicks,
} from './world.js';

const CLOSE_MS = 12 * HOUR_MS;
const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** A book that numbers its findings, and what it answers to a piece of evidence. */
function bookOf() {
  const book = new FindingBook(CLOSE_MS);
  let made = 0;
  const note = (kind: Kind, severity: Severity, timeMs: number, key = 'clerk', bound = true) => {
    const { finding, line } = book.note(key, { kind, cause: kind, severity, timeMs, bound }, () => `f-${made++}`);
    return { id: finding.id, shown: finding.shown, reached: finding.reached, bound: finding.bound, line };
  };
  return { book, note };
}

describe('book of findings', () => {
  it('holds one finding per agent and cause', () => {
    const { note } = bookOf();
    expect(note('spend', 'low', 0)).toMatchObject({ id: 'f-0', line: true });
    expect(note('spend', 'low', 1)).toMatchObject({ id: 'f-0', line: false });
    expect(note('joint', 'low', 2)).toMatchObject({ id: 'f-1', line: true });
    expect(note('spend', 'low', 3, 'other')).toMatchObject({ id: 'f-2', line: true });
  });

  it('writes a line when it is raised and when it rises, and no other', () => {
    const { note } = bookOf();
    const severities: Severity[] = ['low', 'low', 'medium', 'low', 'medium', 'critical', 'high', 'critical'];
    expect(severities.map((severity, at) => note('spend', severity, at).line)).toEqual([
      true,
      false,
      true,
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  it('closes after the stated time without new evidence, and not before', () => {
    const { note } = bookOf();
    note('spend', 'high', 0);
    expect(note('spend', 'low', CLOSE_MS - 1).id).toBe('f-0');
    expect(note('spend', 'low', 2 * CLOSE_MS - 2).id).toBe('f-0');
    expect(note('spend', 'low', 3 * CLOSE_MS - 2)).toMatchObject({ id: 'f-1', shown: 'low', line: true });
  });

  const volume: readonly Kind[] = ['rate-burst', 'retry-loop', 'error-burst', 'fan-out', 'session-spend', 'spend'];
  const newness: readonly Kind[] = [
    'new-endpoint',
    'new-target',
    'novelty-creep',
    'privilege-creep',
    'recurring-target',
  ];

  it.each([
    ['volume', volume],
    ['newness', newness],
  ])('wakes nobody again for another face of the same trouble: %s', (_name, family) => {
    for (const first of family) {
      for (const kind of family) {
        if (kind === first) continue;
        const { note } = bookOf();
        note(first, 'medium', 0);
        expect(note(kind, 'medium', 1)).toMatchObject({ shown: 'low', reached: 'medium', line: true });
        // However bad it gets: it is what people were woken for. What it has reached is known to a policy.
        expect(note(kind, 'critical', 2)).toMatchObject({ shown: 'low', reached: 'critical', line: false });
        expect(note(kind, 'medium', 3, 'other')).toMatchObject({ shown: 'medium' });
      }
    }
  });

  it('tells a notice of a family once, but for what is muted, and for what a page waits behind', () => {
    const lineOf = (first: Partial<CauseEvidence>, second: Partial<CauseEvidence>): boolean => {
      const { book } = bookOf();
      const base = { severity: 'low', timeMs: 0, bound: true } as const;
      book.note('clerk', { ...base, kind: 'rate-burst', cause: 'rate-burst', ...first }, () => 'f-0');
      const evidence = { ...base, kind: 'error-burst', cause: 'error-burst', ...second } as const;
      const { line, isFace, finding } = book.note('clerk', evidence, () => 'f-1');
      expect(isFace).toBe(!line);
      expect(finding.id).toBe(line ? 'f-1' : 'f-0');
      return line;
    };
    expect(lineOf({}, {})).toBe(false);
    expect(lineOf({ severity: 'critical' }, {})).toBe(false);
    expect(lineOf({}, { muted: true })).toBe(true);
    expect(lineOf({ muted: true }, {})).toBe(true);
    expect(lineOf({ muted: true }, { muted: true })).toBe(false);
    expect(lineOf({}, { waits: true })).toBe(true);
    expect(lineOf({}, { kind: 'joint', cause: 'joint' })).toBe(true);
  });

  it('is muted until a line says otherwise', () => {
    const { book } = bookOf();
    const note = (kind: Kind, severity: Severity, muted: boolean) =>
      book.note('clerk', { kind, cause: kind, severity, timeMs: 0, bound: true, muted }, () => kind);
    note('retry-loop', 'low', true);
    expect(note('retry-loop', 'low', false)).toMatchObject({ line: false, finding: { muted: true } });
    expect(note('retry-loop', 'medium', false)).toMatchObject({ line: true, finding: { muted: false } });
    expect(note('error-burst', 'low', false)).toMatchObject({ isFace: true });
    expect(note('error-burst', 'low', true)).toMatchObject({ line: true, finding: { muted: true } });
  });

  it('shows how severe the first of a family has become', () => {
    const { note } = bookOf();
    note('retry-loop', 'medium', 0);
    note('rate-burst', 'high', 1);
    expect(note('retry-loop', 'critical', 2)).toMatchObject({ shown: 'critical', line: true });
  });

  it('wakes people again for another family, and only where it is worse than what is open', () => {
    const { note } = bookOf();
    note('retry-loop', 'high', 0);
    expect(note('new-target', 'medium', 1)).toMatchObject({ shown: 'low', reached: 'medium', line: true });
    expect(note('new-target', 'high', 2)).toMatchObject({ shown: 'low', reached: 'high', line: false });
    expect(note('new-target', 'critical', 3)).toMatchObject({ shown: 'critical', line: true });
    // Both families are open as pages now: neither has another face to show.
    expect(note('rate-burst', 'critical', 4)).toMatchObject({ shown: 'low', line: true });
    expect(note('novelty-creep', 'critical', 5)).toMatchObject({ shown: 'low', line: true });
  });

  it('opens no notice beside one of the family, unless it waits to become a page', () => {
    const { book, note } = bookOf();
    note('error-burst', 'low', 0);
    const evidence = { kind: 'retry-loop', cause: 'retry-loop', severity: 'low', timeMs: 1, bound: true } as const;
    const makeId = () => 'f-later';
    expect(book.note('clerk', evidence, makeId)).toMatchObject({ finding: { id: 'f-0' }, line: false, isFace: true });
    const waiting = book.note('clerk', { ...evidence, waits: true }, makeId);
    expect(waiting).toMatchObject({ finding: { id: 'f-later' }, line: true, isFace: false });
    expect(note('retry-loop', 'medium', 2)).toMatchObject({ id: 'f-later', shown: 'medium', line: true });
  });

  it('opens no slight notice beside a page of whatever family', () => {
    const { book, note } = bookOf();
    const told = (isSlight: boolean, timeMs: number) =>
      book.note(
        'clerk',
        { kind: 'new-target', cause: 'new-target', severity: 'low', timeMs, bound: true, isSlight },
        () => 'f-later',
      );
    note('rate-burst', 'medium', 0);
    expect(told(true, 1)).toMatchObject({ finding: { id: 'f-0' }, line: false, isFace: true });
    expect(told(false, 2)).toMatchObject({ finding: { id: 'f-later' }, line: true, isFace: false });
  });

  it('opens it beside a notice of another family', () => {
    const { book, note } = bookOf();
    note('rate-burst', 'low', 0);
    const evidence = { kind: 'new-target', cause: 'new-target', severity: 'low', timeMs: 1, bound: true } as const;
    expect(book.note('clerk', { ...evidence, isSlight: true }, () => 'f-later')).toMatchObject({ line: true });
  });

  it('does not wake people again for the pace of one that was dormant', () => {
    const { note } = bookOf();
    note('dormant-wakes', 'medium', 0);
    expect(note('rate-burst', 'high', 1)).toMatchObject({ shown: 'low', reached: 'high' });
  });

  it('takes kinds of no family each for itself', () => {
    for (const kind of ['cost-drift', 'rate-drift', 'joint'] as const) {
      const { note } = bookOf();
      note(kind, 'medium', 0);
      expect(note('rate-burst', 'medium', 1)).toMatchObject({ shown: 'low' });
      expect(note('rate-burst', 'high', 2)).toMatchObject({ shown: 'high', line: true });
      expect(note('new-endpoint', 'critical', 3)).toMatchObject({ shown: 'critical', line: true });
    }
  });

  it('never hides a limit that people set', () => {
    const { note } = bookOf();
    note('session-spend', 'critical', 0);
    expect(note('budget', 'high', 1)).toMatchObject({ shown: 'high', line: true });
  });

  it('does not cap beside notices, nor beside what has closed', () => {
    const { note } = bookOf();
    note('quiet', 'low', 0);
    expect(note('spend', 'medium', 1).shown).toBe('medium');
    expect(note('joint', 'medium', 2).shown).toBe('low');
    expect(note('rate-burst', 'medium', 2 * CLOSE_MS).shown).toBe('medium');
  });

  it('remembers evidence of a sender that is not bound', () => {
    const { note } = bookOf();
    expect(note('spend', 'low', 0).bound).toBe(true);
    expect(note('spend', 'low', 1, 'clerk', false).bound).toBe(false);
    expect(note('spend', 'critical', 2).bound).toBe(false);
  });

  it('forgets an agent, and what has closed, and nothing else', () => {
    const { book, note } = bookOf();
    note('spend', 'low', 0, 'a');
    note('spend', 'low', 0, 'b');
    note('spend', 'low', CLOSE_MS, 'c');
    book.forget('a');
    book.sweep(CLOSE_MS);
    expect(book.snapshot().map(([key]) => key)).toEqual(['c']);
  });

  it('comes back from a snapshot, whatever happens to the one that made it', () => {
    const random = createRandom('book');
    const kinds: Kind[] = ['spend', 'joint', 'rate-burst'];
    const one = bookOf();
    for (let at = 0; at < 300; at++) {
      const severity = SEVERITIES[1 + random.below(4)];
      one.note(random.pick(kinds), severity, at * HOUR_MS, `agent-${random.below(5)}`);
    }
    const saved = one.book.snapshot();
    const text = JSON.stringify(saved);
    const two = new FindingBook(CLOSE_MS);
    two.restore(JSON.parse(text));
    for (let at = 300; at < 400; at++) {
      const [kind, severity, key] = [random.pick(kinds), SEVERITIES[1 + random.below(4)], `agent-${random.below(5)}`];
      const evidence = { kind, cause: kind, severity, timeMs: at * HOUR_MS, bound: true };
      expect(two.note(key, evidence, () => 'new')).toEqual(one.book.note(key, evidence, () => 'new'));
    }
    expect(JSON.stringify(saved)).toBe(text);
  });
});

describe('severity', () => {
  it('is a tenth and a hundredth of the budget of pages, and never falls as p does', () => {
    expect(severityOf(0.2, 0.03, 0.1)).toBe(null);
    expect(severityOf(0.1, 0.03, 0.1)).toBe('low');
    expect(severityOf(0.03, 0.03, 0.1)).toBe('medium');
    expect(severityOf(0.003, 0.03, 0.1)).toBe('high');
    expect(severityOf(0.0003, 0.03, 0.1)).toBe('critical');
    let last = -1;
    for (let p = 1; p > 1e-7; p *= 0.9) {
      const severity = severityOf(p, 0.03, 0.1);
      const now = severity === null ? -1 : rank(severity);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('names no session where there is none', () => {
    expect(sessionOf('spend', new Observation())).toBe(null);
  });
});

describe('silence', () => {
  /** Calls on the beat for four days, then nothing for three, then calls again. */
  const beat = (fromMs: number, toMs: number): EventRecord[] =>
    Array.from({ length: (toMs - fromMs) / MINUTE_MS / 2 }, (_, at) => {
      const timeMs = fromMs + at * 2 * MINUTE_MS;
      return recordOf(eventOf({ id: `beat-${timeMs}`, session: `hour-${Math.floor(timeMs / HOUR_MS)}`, timeMs }));
    });
  const records = withTicks([
    ...beat(START_MS, START_MS + 4 * DAY_MS),
    ...beat(START_MS + 7 * DAY_MS, START_MS + 8 * DAY_MS),
  ]);
  const { findings, proposals } = outcomeOf(
    engineOf({ settings: { policy: policyOf([{ ...RULE, severity: 'medium' }]) } }),
    records,
  );
  const quiet = findings.filter(({ kind }) => kind === 'quiet');

  it('is told once, by a tick, and wakes nobody', () => {
    expect(quiet).toHaveLength(1);
    expect(isPage(quiet[0].severity)).toBe(false);
    expect(quiet[0].evidence[0].event).toBe(null);
    expect(quiet[0].attribution[0].detector).toBe('silence');
    expect(Date.parse(quiet[0].time)).toBeGreaterThan(START_MS + 4 * DAY_MS);
    expect(Date.parse(quiet[0].time)).toBeLessThan(START_MS + 5 * DAY_MS);
    expect(proposals.filter(({ kind }) => kind === 'quiet')).toEqual([]);
  });
});

describe("an engine's findings", () => {
  const records = withTicks(traffic({ seed: 41, agents: 8, hours: 120, sessionsPerHour: 3, unbound: 0.1 }));
  const engine = engineOf({ settings: { policy: policyOf([RULE]) } });
  const { findings, proposals } = outcomeOf(engine, records);
  const byId = new Map<string, Finding[]>();
  for (const finding of findings) byId.set(finding.id, [...(byId.get(finding.id) ?? []), finding]);

  it('are many enough to be judged', () => {
    expect(byId.size).toBeGreaterThan(10);
    expect([...byId.values()].some((lines) => lines.length > 1)).toBe(true);
    expect(engine.counts).toMatchObject({ findings: findings.length, proposals: proposals.length });
  });

  it('rise with every line after the first and keep agent and cause', () => {
    for (const lines of byId.values()) {
      for (let at = 1; at < lines.length; at++) {
        expect(rank(lines[at].severity)).toBeGreaterThan(rank(lines[at - 1].severity));
        expect(lines[at].time >= lines[at - 1].time).toBe(true);
        expect([lines[at].root, lines[at].kind, lines[at].bound]).toEqual([
          lines[0].root,
          lines[0].kind,
          lines[0].bound,
        ]);
      }
    }
  });

  it('are open at most once per agent and cause', () => {
    const closed = new Map<string, number>();
    for (const lines of byId.values()) {
      const [{ root, kind, bound }] = lines;
      const key = `${root} ${kind} ${bound}`;
      const beganMs = Date.parse(lines[0].time);
      expect(beganMs - (closed.get(key) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(CLOSE_MS);
      closed.set(key, Date.parse((lines.at(-1) as Finding).time));
    }
  });

  it('are stamped with the record that caused them', () => {
    for (const { evidence, time, agent } of findings) {
      const [{ offset, event }] = evidence;
      const record = records[offset];
      if (event === null) expect(record).toEqual({ type: 'tick', timeMs: Date.parse(time) });
      else expect(record).toMatchObject({ type: 'event', event: { id: event, agent, timeMs: Date.parse(time) } });
    }
  });

  it('explain themselves in full', () => {
    for (const { p, risk, attribution, title, root, agent, config, model } of findings) {
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThanOrEqual(1);
      expect(risk).toBeGreaterThanOrEqual(0);
      expect(risk).toBeLessThanOrEqual(100);
      expect(attribution.length).toBeGreaterThan(0);
      const shares = attribution.map(({ share }) => share);
      expect(shares).toEqual([...shares].sort((a, b) => b - a));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(1.001);
      for (const { detector, feature, observed, expected } of attribution) {
        expect(`${detector}${feature}`).not.toBe(detector);
        expect(Number.isFinite(observed) && Number.isFinite(expected)).toBe(true);
      }
      expect(title.startsWith(agent)).toBe(true);
      expect(agent === root || agent.startsWith(`${root}/`)).toBe(true);
      expect([config, model]).toEqual(['first', 'neutral']);
    }
  });

  it('lead to proposals of the root, once per finding and action, fenced', () => {
    expect(proposals.length).toBeGreaterThan(0);
    expect(new Set(proposals.map(({ key }) => key)).size).toBe(proposals.length);
    for (const proposal of proposals) {
      const [first] = byId.get(proposal.finding) as Finding[];
      expect(first).toMatchObject({ root: proposal.agent, kind: proposal.kind, bound: true });
      expect([proposal.partition, proposal.epoch]).toEqual([3, 7]);
      expect(proposal.evidence[0].offset).toBe(proposal.offset);
    }
    const named = new Set(findings.flatMap(({ proposal }) => proposal ?? []));
    for (const key of named) expect(proposals.some((proposal) => proposal.key === key)).toBe(true);
  });

  it('are the same in another run', () => {
    const again = outcomeOf(engineOf({ settings: { policy: policyOf([RULE]) } }), records);
    expect(JSON.stringify(again.findings)).toBe(JSON.stringify(findings));
  });
});
