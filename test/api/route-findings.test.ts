/** Findings and cases as a page shows them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CaseAnswer, FindingStateAnswer } from '../../src/api/triage-schema.js';
import { eventOf } from '../engine/world.js';
import { policy, wish } from '../registry/records.js';
import { createTriageWorld, minutesAgo, OF_ONE, type TriageWorld } from './triage-world.js';
import { NOW_MS } from './world.js';

let triage: TriageWorld;

beforeEach(async () => {
  triage = await createTriageWorld();
});
afterEach(() => triage.close());

async function list(query = '', token = 'viewer') {
  const answer = await triage.get(token, `/v1/findings${query}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json() as { findings: FindingStateAnswer[]; cursor: string | null; total: number; updates: string };
}
const idsOf = async (query = '', token = 'viewer') => (await list(query, token)).findings.map(({ id }) => id);

function raiseFour(): void {
  triage.raise('f-1', { time: minutesAgo(40), agent: 'clerk', root: 'clerk', severity: 'high', risk: 60 });
  triage.raise('f-2', {
    time: minutesAgo(30),
    agent: 'bot/sub',
    root: 'bot',
    severity: 'low',
    kind: 'new-target',
    risk: 9,
  });
  triage.raise('f-3', { time: minutesAgo(20), tenant: 'acme', agent: 'lone', root: 'lone', kind: 'quiet', risk: 70 });
  triage.raise('f-4', { time: minutesAgo(10), severity: 'critical', title: 'clerk sends 40 GB to Käfer', risk: 50 });
}

describe('GET /v1/findings', () => {
  it.each([
    ['', ['f-4', 'f-3', 'f-2', 'f-1']],
    ['?sort=raised', ['f-4', 'f-3', 'f-2', 'f-1']],
    ['?sort=risk', ['f-3', 'f-1', 'f-4', 'f-2']],
    ['?sort=severity', ['f-4', 'f-3', 'f-1', 'f-2']],
    ['?severity=critical', ['f-4']],
    ['?agent=bot', ['f-2']],
    ['?tenant=acme', ['f-3']],
    ['?kinds=quiet,new-target', ['f-3', 'f-2']],
    ['?detector=loop&limit=1', ['f-4']],
    ['?quiet=true', ['f-3']],
    ['?quiet=false&severity=medium', ['f-4', 'f-1']],
    ['?suppressed=true', []],
    [`?from_ms=${NOW_MS - 30 * 60_000}&to_ms=${NOW_MS - 10 * 60_000}`, ['f-3', 'f-2']],
    ['?search=40%20k%C3%A4fer', ['f-4']],
    ['?search=nothing%20of%20it', []],
    ['?assignee=', ['f-4', 'f-3', 'f-2', 'f-1']],
    ['?assignee=me', []],
    ['?statuses=closed,in-progress', []],
  ])('filters and sorts: %s', async (query, ids) => {
    raiseFour();
    expect(await idsOf(query)).toEqual(ids);
  });

  it('says all that a row on a screen needs', async () => {
    raiseFour();
    const { findings, total, cursor } = await list('?limit=1');
    expect({ total, cursor: typeof cursor }).toEqual({ total: 4, cursor: 'string' });
    expect(findings[0]).toMatchObject({
      ...{ id: 'f-4', raised_ms: NOW_MS - 600_000, last_ms: NOW_MS - 600_000, lines: 1, status: 'new' },
      ...{ resolution: null, assignee: null, closed_ms: null, comments: 0, verdicts: [], case: 'c-1' },
      ...{ quiet: false, suppressed: false },
    });
  });

  it('goes on where it was, whatever was raised meanwhile', async () => {
    for (let i = 0; i < 25; i++) triage.raise(`f-${i}`, { time: minutesAgo(100 - i) });
    const seen: string[] = [];
    let cursor: string | null = null;
    let page = 0;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await list(`?limit=10${query}`);
      seen.push(...answer.findings.map(({ id }) => id));
      cursor = answer.cursor;
      for (let i = 0; i < 3; i++) triage.raise(`f-new-${page}-${i}`, { time: minutesAgo(1) });
      page += 1;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `f-${24 - i}`));
  });

  it.each(['?limit=0', '?limit=1001', '?kind=quiet', '?kinds=loud', '?quiet=yes', '?cursor=nonsense', '?sort=title'])(
    'refuses what it does not know: %s',
    async (query) => {
      raiseFour();
      const answer = await triage.get('viewer', `/v1/findings${query}`);
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'api.invalid']);
    },
  );

  it('shows a bound token its own, and of the rest not even that they are there', async () => {
    raiseFour();
    expect(await idsOf('', 'bound-viewer')).toEqual(['f-3']);
    expect((await list('', OF_ONE)).total).toBe(1);
    for (const path of ['', '/timeline']) {
      const foreign = await triage.get('bound-viewer', `/v1/findings/f-1${path}`);
      const absent = await triage.get('bound-viewer', `/v1/findings/f-9${path}`);
      expect([foreign.statusCode, absent.statusCode]).toEqual([404, 404]);
      expect(foreign.json().detail).toBe(absent.json().detail.replace('f-9', 'f-1'));
      expect((await triage.get('bound-viewer', `/v1/findings/f-3${path}`)).statusCode).toBe(200);
    }
  });
});

describe('GET /v1/findings/:id', () => {
  const done = async (id: string) => (await triage.get('viewer', `/v1/findings/${id}`)).json().done;
  const propose = (mode: 'enforce' | 'recommend') =>
    triage.write({
      ...{ type: 'proposal', actor: 'engine:0', authority: 'p' },
      proposal: wish('clerk', 'suspend', { finding: 'f-1', mode }),
    });

  it('says that nothing was done', async () => {
    triage.raise('f-1');
    expect(await done('f-1')).toMatchObject({ outcome: 'none', status: 'unknown', proof: 'none', approvals: [] });
  });

  it('says what was done, whether it works, and when it is over', async () => {
    triage.raise('f-1', { time: minutesAgo(5) });
    triage.raise('f-2', { time: minutesAgo(4) });
    await triage.write(policy('enforce'));
    const stopped = await propose('enforce');
    expect(await done('f-1')).toMatchObject({
      outcome: 'in-force',
      stopped_ms: NOW_MS,
      status: 'suspended',
      proof: 'pending',
    });
    const effect = {
      type: 'effect',
      agent: 'clerk',
      version: stopped.entry?.version,
      actor: 'system',
      authority: 'system',
    };
    await triage.write({ ...effect, place: 'keycloak', state: 'confirmed', reason: null });
    expect(await done('f-1')).toMatchObject({
      proof: 'verified',
      effects: [{ place: 'keycloak', state: 'confirmed' }],
    });
    // It did not follow from the other one, though its agent is stopped.
    expect(await done('f-2')).toMatchObject({ outcome: 'none', status: 'suspended', proof: 'verified' });
    await triage.write({ ...effect, place: 'traffic', state: 'contradicted', reason: 'it called on' });
    expect(await done('f-1')).toMatchObject({ proof: 'unverified' });
    await triage.write({ type: 'release', key: 'r', agent: 'clerk', reason: 'fine', role: 'admin' });
    expect(await done('f-1')).toMatchObject({ outcome: 'over', status: 'active', proof: 'none', effects: [] });
  });

  it('says that its proposal waits for a person', async () => {
    triage.raise('f-1');
    await triage.write(policy('recommend'));
    await propose('recommend');
    expect(await done('f-1')).toMatchObject({
      outcome: 'waiting',
      recommendation: { agent: 'clerk', action: 'suspend' },
    });
  });

  it('has a timeline of what happened to it and to its agent', async () => {
    triage.raise('f-1', { time: minutesAgo(5) });
    triage.raise('f-1', { time: minutesAgo(3), severity: 'critical' });
    await triage.write(policy('enforce'));
    await propose('enforce');
    const { entries } = (await triage.get('viewer', '/v1/findings/f-1/timeline')).json();
    expect(entries.map(({ what }: { what: string }) => what)).toEqual(['raised', 'risen', 'stopped']);
    expect(entries[0]).toMatchObject({ time_ms: NOW_MS - 300_000, actor: 'engine', finding: 'f-1' });
  });
});

describe('GET /v1/cases', () => {
  const cases = async (query = '', token = 'viewer') =>
    (await triage.get(token, `/v1/cases${query}`)).json() as {
      cases: CaseAnswer[];
      total: number;
      cursor: string | null;
    };

  it('groups what belongs together, and shows each case with its findings and its timeline', async () => {
    raiseFour();
    const { cases: all, total } = await cases('?sort=severity');
    expect(total).toBe(3);
    expect(all[0]).toMatchObject({
      id: 'c-1',
      agents: ['clerk'],
      findings: 2,
      open: 2,
      status: 'new',
      severity: 'critical',
    });
    expect((await cases('?kinds=new-target')).cases.map(({ agents }) => agents)).toEqual([['bot']]);
    expect((await triage.get('viewer', '/v1/cases/c-1')).json().finding_ids).toEqual(['f-1', 'f-4']);
    expect((await list('?case=c-1')).findings.map(({ id }) => id)).toEqual(['f-4', 'f-1']);
    const { entries } = (await triage.get('viewer', '/v1/cases/c-1/timeline')).json();
    expect(entries.map(({ finding }: { finding: string }) => finding)).toEqual(['f-1', 'f-4']);
    const first = await cases('?limit=2');
    const rest = await cases(`?limit=2&cursor=${encodeURIComponent(String(first.cursor))}`);
    expect([first.cases.length, rest.cases.length, rest.cursor]).toEqual([2, 1, null]);
  });

  it('shows a bound token the part that is its own, as if it were all', async () => {
    // One cause on three agents is one case.
    const cause = { kind: 'new-target', severity: 'high' } as const;
    for (const [i, agent] of ['one', 'two', 'lone'].entries()) {
      triage.raise(`f-${i}`, {
        ...cause,
        agent,
        root: agent,
        title: `${agent} sends to a new target`,
        time: minutesAgo(9 - i),
      });
    }
    expect((await cases()).cases).toMatchObject([{ findings: 3, reason: 'cause' }]);
    const [mine] = (await cases('', OF_ONE)).cases;
    expect(mine).toMatchObject({ findings: 1, agents: ['lone'] });
    const one = await triage.get(OF_ONE, `/v1/cases/${mine?.id}`);
    expect(one.json().finding_ids).toEqual(['f-2']);
    const { entries } = (await triage.get(OF_ONE, `/v1/cases/${mine?.id}/timeline`)).json();
    expect(entries.map(({ finding }: { finding: string }) => finding)).toEqual(['f-2']);
    expect(JSON.stringify([mine, one.json(), entries])).not.toMatch(/\b(one|two) sends/);
    expect((await triage.get('bound-viewer', `/v1/cases/${mine?.id}`)).statusCode).toBe(404);
  });
});

describe('the figures of triage', () => {
  it('count the pages of the whole fleet, for those who see it', async () => {
    raiseFour();
    const pages = (await triage.get('viewer', '/v1/pages')).json();
    expect(pages).toMatchObject({ per_day: 5, held: [] });
    expect(pages.hours).toHaveLength(24);
    expect((await triage.get('bound-viewer', '/v1/pages')).json().code).toBe('api.forbidden');
  });

  it('say how often people found a detector right', async () => {
    raiseFour();
    triage.world.mood.evidence = eventOf({ timeMs: NOW_MS });
    const told = await triage.post('analyst', '/v1/verdicts/bulk', {
      findings: ['f-1', 'f-4'],
      verdict: 'true-positive',
    });
    expect(told.json(), told.body).toMatchObject({ given: 2 });
    const { detectors } = (await triage.get('viewer', '/v1/precision')).json();
    expect(detectors).toMatchObject([
      { detector: 'loop', true_positives: 2, false_positives: 0, precision: 1, high: 1 },
    ]);
    expect((await triage.get('bound-viewer', '/v1/precision')).json().detectors).toMatchObject([{ true_positives: 0 }]);
  });
});
