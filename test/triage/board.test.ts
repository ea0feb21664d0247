import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import type { TriageFilter } from '../../src/triage/triage.js';
import { board, close, HOUR_MS, idOf, line, MINUTE_MS, NOW_MS, read, stop, triage, undo, verdict } from './world.js';

const ids = (made: ReturnType<typeof board>, filter: TriageFilter = {}) =>
  made.list(filter, 'last', 100, null).rows.map(({ finding }) => finding.id);
const whats = (made: ReturnType<typeof board>, n = 1) => made.timeline(idOf(n)).map(({ what }) => what);

describe('a finding on the board', () => {
  it('is new, nobody has it, and its latest line is shown', () => {
    const made = read([line(1, 0, { severity: 'low' }), line(1, 1_000)]);
    expect(made.get(idOf(1))).toMatchObject({
      ...{ status: 'new', resolution: null, assignee: null, closedMs: null, comments: 0, verdicts: [] },
      ...{ finding: line(1, 1_000), raisedMs: NOW_MS, lastMs: NOW_MS + 1_000, lines: 2, case: `c-${idOf(1).slice(2)}` },
    });
    expect(made.get(idOf(2))).toBeNull();
    expect(made.size).toBe(1);
  });

  it('is given, spoken of and closed by people, also before its line is read', () => {
    const made = board();
    const before = read(
      [],
      [
        triage(1_000, [idOf(1)], { what: 'assign', to: 'bea' }),
        triage(2_000, [idOf(1)], { what: 'comment', text: 'looking' }),
        close(3_000, idOf(1)),
      ],
    );
    before.add(line(1, 0));
    expect(before.get(idOf(1))).toMatchObject({ status: 'closed', resolution: 'other', assignee: 'bea', comments: 1 });
    expect(before.get(idOf(1))?.closedMs).toBe(NOW_MS + 3_000);
    expect(whats(before)).toEqual(['raised', 'assigned', 'comment', 'status']);
    expect(made.timeline(idOf(1))).toEqual([]);
  });

  it('is open again where it gets worse after it was closed, and says so', () => {
    const low = line(1, 0, { severity: 'low' });
    const made = read([low, line(1, 5_000)], [close(3_000, idOf(1))]);
    expect(made.get(idOf(1))).toMatchObject({ status: 'new', resolution: null, closedMs: null });
    expect(whats(made)).toEqual(['raised', 'status', 'risen', 'status']);
    expect(read([low, line(1, 2_000)], [close(3_000, idOf(1))]).get(idOf(1))?.status).toBe('closed');
  });

  it.each([
    ['expected', 'closed', 'expected'],
    ['false-positive', 'closed', 'false-positive'],
    ['true-positive', 'in-progress', null],
  ] as const)('that is judged %s is %s, and as before once that is taken back', (word, status, resolution) => {
    const of = line(1, 0);
    const given = verdict(2_000, of, word, 'v-1');
    const records = [triage(1_000, [of.id], { what: 'comment', text: 'hm' }), given];
    expect(read([of], records).get(of.id)).toMatchObject({ status, resolution, comments: 1 });
    const undone = read([of], [...records, undo(3_000, 'v-1')]);
    expect(undone.get(of.id)).toMatchObject({
      ...{ status: 'new', resolution: null, closedMs: null },
      verdicts: [{ id: 'v-1', verdict: word, undone: true }],
    });
    expect(whats(undone)).toEqual(['raised', 'comment', 'verdict', 'verdict-undone']);
  });

  it('that is judged stays as a person left it since, whatever is taken back', () => {
    const of = line(1, 0);
    const records = [verdict(1_000, of, 'expected', 'v-1'), close(2_000, of.id), undo(3_000, 'v-1')];
    expect(read([of], records).get(of.id)).toMatchObject({ status: 'closed', resolution: 'other' });
  });

  it('shows what was done to its agent until it was closed', () => {
    const of = line(1, 0);
    const made = read([of], [stop(-1_000, 'clerk'), stop(1_000, 'clerk'), close(2_000, of.id), stop(3_000, 'clerk')]);
    expect(whats(made)).toEqual(['raised', 'stopped', 'status']);
    expect(made.timeline(of.id)[1]).toMatchObject({ actor: 'person:ada', words: 'suspended for 1 h: it leaks' });
  });
});

describe('a list', () => {
  const lines = [
    line(1, 0, { severity: 'low', risk: 30, tenant: 'acme' }),
    line(2, 1_000, { severity: 'critical', risk: 90, agent: 'bot', kind: 'spend' }),
    line(3, 2_000, { severity: 'medium', risk: 95, agent: 'bot/helper', root: 'bot', mutedBy: 'v-9' }),
    line(4, 3_000, { severity: 'low', risk: 10, kind: 'quiet', session: 'Sitzung-Ä' }),
  ];

  it.each<readonly [TriageFilter, readonly number[]]>([
    [{}, [4, 3, 2, 1]],
    [{ tenant: 'acme' }, [1]],
    [{ agent: 'bot' }, [3, 2]],
    [{ kinds: ['spend', 'quiet'] }, [4, 2]],
    [{ severity: 'medium' }, [3, 2]],
    [{ detector: 'pace' }, [4, 3, 2, 1]],
    [{ detector: 'loop' }, []],
    [{ statuses: ['closed'] }, [2]],
    [{ statuses: ['new', 'closed'], assignee: 'bea' }, [4]],
    [{ assignee: null }, [3, 2, 1]],
    [{ quiet: true }, [4]],
    [{ suppressed: true }, [3]],
    [{ fromMs: NOW_MS + 1_000, toMs: NOW_MS + 3_000 }, [3, 2]],
    [{ search: 'BOT busy' }, [3, 2]],
    [{ search: 'sitzung-ä' }, [4]],
    [{ search: 'bot sitzung-ä' }, []],
    [{ case: `c-${idOf(3).slice(2)}` }, [3, 2]],
    [{ case: 'c-none' }, []],
    [{ visible: ({ root }) => root === 'bot' }, [3, 2]],
  ])('of %j', (filter, wanted) => {
    const made = read(lines, [close(4_000, idOf(2)), triage(4_000, [idOf(4)], { what: 'assign', to: 'bea' })]);
    expect(ids(made, filter)).toEqual(wanted.map(idOf));
    expect(made.list(filter, 'last', 100, null).total).toBe(wanted.length);
  });

  it.each([
    ['last', [4, 3, 2, 1]],
    ['raised', [4, 3, 2, 1]],
    ['risk', [3, 2, 1, 4]],
    ['severity', [2, 3, 4, 1]],
  ] as const)('by %s goes on behind its last row, whatever came meanwhile', (sort, wanted) => {
    const made = read(lines);
    const shown: string[] = [];
    let cursor: string | null = null;
    for (let n = 10; n === 10 || cursor !== null; n++) {
      const page = made.list({}, sort, 1, cursor);
      shown.push(...page.rows.map(({ finding }) => finding.id));
      cursor = page.cursor;
      expect((cursor ?? '').length).toBeLessThanOrEqual(200);
      made.add(line(n, 60_000 + n, { severity: 'critical', risk: 100 }));
    }
    expect(shown).toEqual(wanted.map(idOf));
  });

  it('refuses a cursor of another list', () => {
    const { cursor } = read(lines).list({}, 'risk', 1, null);
    expect(() => read(lines).list({}, 'last', 1, cursor)).toThrow('cursor');
    for (const odd of ['', 'last', 'last~x~0~f-1', 'last~1~0~%', '~~~']) {
      expect(() => read(lines).list({}, 'last', 1, odd)).toThrow('cursor');
    }
  });

  it('forgets those whose latest line is oldest', () => {
    const made = read([line(1, 0), line(2, 1_000), line(1, 2_000), line(3, 3_000), line(4, 4_000)], [], {
      findingsMax: 3,
    });
    expect(ids(made)).toEqual([4, 3, 1].map(idOf));
    expect(made.size).toBe(3);
    for (const sort of ['raised', 'risk', 'severity'] as const) expect(made.list({}, sort, 9, null).total).toBe(3);
  });

  it('is in order also where more came than are put in their places one by one', () => {
    const made = board({ findingsMax: 10_000 });
    for (let n = 0; n < 1_000; n++) {
      made.add(line(n % 700, ((n * 7919) % 1_000) * 1_000, { risk: (n * 31) % 100 }));
      if (n % 400 === 0) made.list({}, 'risk', 1, null);
    }
    const { rows } = made.list({}, 'risk', 1_000, null);
    expect(rows.map(({ finding }) => finding.risk)).toEqual(
      rows.map(({ finding }) => finding.risk).sort((a, b) => b - a),
    );
    expect(new Set(rows.map(({ finding }) => finding.id)).size).toBe(700);
  });
});

describe('a case', () => {
  const many = (agents: readonly string[], over: Partial<Finding> = {}, everyMs = MINUTE_MS) =>
    agents.map((agent, i) => line(i + 1, i * everyMs, { agent, ...over, root: agent }));
  const members = (made: ReturnType<typeof board>) =>
    made.cases({}, 'raised', 100, null).rows.map(({ findings, reason }) => [reason, ...findings]);

  it('is a tree without a long pause', () => {
    const at = [0, 11, 22, 40].map((hours, i) => line(i + 1, hours * HOUR_MS));
    const other = line(9, HOUR_MS, { agent: 'bot', severity: 'low' });
    const made = read([...at, other]);
    expect(members(made)).toEqual([
      ['tree', idOf(4)],
      ['tree', idOf(9)],
      ['tree', idOf(1), idOf(2), idOf(3)],
    ]);
    expect(made.case(made.get(idOf(3))?.case ?? '')).toMatchObject({
      ...{ id: `c-${idOf(1).slice(2)}`, agents: ['clerk'], severity: 'high', open: 3, status: 'new', quiet: false },
      ...{ firstMs: NOW_MS, lastMs: NOW_MS + 22 * HOUR_MS },
    });
    expect(made.case('c-none')).toBeNull();
  });

  it('is one cause on at least three agents at one time, and earlier ids lead to it', () => {
    expect(members(read(many(['a', 'b'])))).toHaveLength(2);
    const made = read(many(['a', 'b', 'c']));
    expect(members(made)).toEqual([['cause', idOf(1), idOf(2), idOf(3)]]);
    expect(made.case(`c-${idOf(2).slice(2)}`)?.id).toBe(`c-${idOf(1).slice(2)}`);
    expect(members(read(many(['a', 'b', 'c'], {}, 6 * MINUTE_MS)))).toHaveLength(3);
    expect(members(read(many(['a', 'a', 'a'])))).toEqual([['tree', idOf(1), idOf(2), idOf(3)]]);
  });

  it('does not take what is about another endpoint for one cause', () => {
    const on = (agent: string, n: number, endpoint: string) =>
      line(n, n, { agent, kind: 'new-endpoint', title: `${agent} uses ${endpoint} on x, which it has not adopted` });
    expect(members(read([on('a', 1, 'e'), on('b', 2, 'e'), on('c', 3, 'e')]))).toHaveLength(1);
    expect(members(read([on('a', 1, 'e'), on('b', 2, 'e'), on('c', 3, 'g')]))).toHaveLength(3);
  });

  it('is a finding about many with what it explains', () => {
    const fleet = line(7, 5_000, { agent: 'fleet', kind: 'provider-outage', title: 'model calls fail' });
    const told = line(1, 6_000, { title: `clerk is failing; so do others (${idOf(7)})`, severity: 'low' });
    const own = line(2, 7_000, { kind: 'spend' });
    for (const lines of [
      [fleet, told, own],
      [told, own, fleet],
    ]) {
      const made = read(lines);
      expect(members(made)).toEqual([
        ['tree', idOf(2)],
        ['fleet', idOf(7), idOf(1)],
      ]);
      expect(made.case(`c-${idOf(1).slice(2)}`)?.title).toBe('model calls fail');
    }
    expect(members(read([told, own]))).toEqual([['tree', idOf(1), idOf(2)]]);
  });

  it('is closed where all of it is, and has the assignees of what is open', () => {
    const lines = [line(1, 0), line(2, 1_000)];
    const given = triage(2_000, [idOf(1), idOf(2)], { what: 'assign', to: 'bea' });
    const half = read(lines, [given, close(3_000, idOf(1))]).cases({}, 'risk', 9, null).rows[0];
    expect(half).toMatchObject({ status: 'in-progress', open: 1, assignees: ['bea'] });
    const whole = read(lines, [given, close(3_000, idOf(1)), close(3_000, idOf(2))]);
    expect(whole.cases({ statuses: ['closed'] }, 'severity', 9, null).rows).toHaveLength(1);
    expect(whole.cases({ statuses: ['new', 'in-progress'] }, 'severity', 9, null).rows).toHaveLength(0);
  });

  it('shows nothing of what the asker may not see', () => {
    const made = read(many(['a', 'b', 'c']));
    const visible = ({ agent }: { agent: string }) => agent === 'b';
    expect(made.cases({ visible }, 'last', 9, null).rows[0]).toMatchObject({ agents: ['b'], findings: [idOf(2)] });
    expect(made.case(`c-${idOf(1).slice(2)}`, visible)?.agents).toEqual(['b']);
    expect(made.case(`c-${idOf(1).slice(2)}`, () => false)).toBeNull();
    expect(made.caseTimeline(`c-${idOf(1).slice(2)}`, visible).map(({ finding }) => finding)).toEqual([idOf(2)]);
  });
});

describe('what follows from findings', () => {
  it('is risk, which halves after closing and is none of what was cleared', () => {
    const of = line(1, 0);
    const made = read(
      [of, line(2, 0, { agent: 'bot' })],
      [close(HOUR_MS, idOf(1)), verdict(HOUR_MS, line(2, 0, { agent: 'bot' }), 'expected')],
    );
    const at = (hours: number) => made.risk('', 'clerk', NOW_MS + hours * HOUR_MS);
    expect([-1, 0, 1, 25, 49].map(at)).toEqual([0, 80, 80, 40, 20]);
    expect(made.risk('', 'bot', NOW_MS + 1)).toBe(80);
    expect(made.risk('', 'bot', NOW_MS + 2 * HOUR_MS)).toBe(0);
    const low = read([line(1, 0, { severity: 'low', risk: 40 }), line(2, 0, { kind: 'quiet', agent: 'bot' })]);
    expect(low.risk('', 'clerk', NOW_MS + 24 * HOUR_MS)).toBe(20);
    expect(low.risk('', 'bot', NOW_MS + 1)).toBe(0);
  });

  it('is how often each detector was right, by the latest verdict', () => {
    const lines = [1, 2, 3].map((n) => line(n, n));
    const made = read(lines, [
      verdict(10, lines[0], 'false-positive'),
      verdict(20, lines[0], 'true-positive'),
      verdict(30, lines[1], 'expected'),
      verdict(40, lines[2], 'false-positive', 'v-3'),
      undo(50, 'v-3'),
    ]);
    const [pace] = made.precision();
    expect(pace).toMatchObject({ detector: 'pace', truePositives: 1, falsePositives: 0, expected: 1, precision: 0.5 });
    expect(pace.low).toBeCloseTo(0.0945, 3);
    expect(pace.high).toBeCloseTo(0.9055, 3);
    expect(made.precision(() => false)).toEqual([]);
    expect(read(lines).precision()).toEqual([
      { ...{ detector: 'pace', truePositives: 0, falsePositives: 0, expected: 0, precision: null }, low: 0, high: 1 },
    ]);
  });

  it('is what the day has no room for', () => {
    const severities = ['medium', 'high', 'medium', 'high', 'medium', 'low'] as const;
    const lines = severities.map((severity, i) => line(i, i * HOUR_MS, { severity, risk: i }));
    const { hours, ...rest } = read(lines, [], { pagesPerDay: 2 }).pages(NOW_MS + 5 * HOUR_MS);
    expect(rest).toEqual({ perDay: 2, today: 5, held: [idOf(4), idOf(2)] });
    expect(hours.slice(-6)).toEqual([1, 1, 1, 1, 1, 0]);
    expect(read(lines).pages(NOW_MS + 5 * HOUR_MS).held).toEqual([]);
    expect(read(lines).pages(NOW_MS + 48 * HOUR_MS)).toMatchObject({ today: 0, hours: new Array(24).fill(0) });
  });

  it('is told by number to whoever follows', () => {
    const made = board();
    let calls = 0;
    const end = made.subscribe(() => {
      calls += 1;
    });
    made.add(line(1, 0, { tenant: 'acme' }));
    expect(made.since(0, 10)).toEqual([{ seq: 1, type: 'finding', tenant: 'acme', agent: 'clerk', finding: idOf(1) }]);
    end();
    made.add(line(2, 0));
    expect([calls, made.seq, made.since(2, 10), made.since(3, 10)]).toEqual([1, 2, [], null]);
    const acted = read([line(1, 0)], [close(1, idOf(1)), stop(2, 'clerk')]);
    expect(acted.since(1, 10)?.map(({ type, agent }) => [type, agent])).toEqual([
      ['finding', 'clerk'],
      ['agent', 'clerk'],
    ]);
  });
});
