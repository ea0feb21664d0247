/** What people do with findings: who has them, how far they are, what is said; durable, once, and only of their own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOf } from '../engine/world.js';
import { createTriageWorld, minutesAgo, OF_ONE, type TriageWorld } from './triage-world.js';
import { NOW_MS } from './world.js';

let triage: TriageWorld;

beforeEach(async () => {
  triage = await createTriageWorld();
  triage.raise('f-1', { time: minutesAgo(9) });
  triage.raise('f-2', { time: minutesAgo(8) });
  triage.raise('f-3', { time: minutesAgo(7), tenant: 'acme', agent: 'lone', root: 'lone' });
});
afterEach(() => triage.close());

const state = async (id: string) => (await triage.get('viewer', `/v1/findings/${id}`)).json();
const post = (url: string, payload: object, token = 'analyst', headers = {}) =>
  triage.post(token, `/v1/${url}`, payload, headers);

describe('one finding', () => {
  it('is given to a person, to oneself, and to nobody', async () => {
    const to = async (name: string | null) => (await post('findings/f-1/assign', { to: name })).json();
    expect(await to('Ada Lovelace')).toMatchObject({ effect: 'applied', finding: { assignee: 'Ada Lovelace' } });
    expect(await to('me')).toMatchObject({ finding: { assignee: 'analyst' } });
    expect((await triage.get('analyst', '/v1/findings?assignee=me')).json().total).toBe(1);
    expect(await to(null)).toMatchObject({ finding: { assignee: null } });
    expect(triage.triaged[0]).toMatchObject({
      ...{ actor: 'person:analyst', authority: 'analyst', timeMs: NOW_MS, findings: ['f-1'] },
      change: { what: 'assign', to: 'Ada Lovelace' },
    });
  });

  it('is taken up, closed with a reason and a comment, and opened again', async () => {
    const to = async (body: object) => (await post('findings/f-1/status', body)).json();
    expect((await to({ status: 'in-progress' })).finding).toMatchObject({ status: 'in-progress', closed_ms: null });
    const closed = await to({ status: 'closed', resolution: 'expected', comment: 'month end' });
    expect(closed.finding).toMatchObject({ status: 'closed', resolution: 'expected', closed_ms: NOW_MS, comments: 1 });
    expect((await to({ status: 'new' })).finding).toMatchObject({ status: 'new', resolution: null, closed_ms: null });
    const { entries } = (await triage.get('viewer', '/v1/findings/f-1/timeline')).json();
    expect(entries.map(({ what, actor }: { what: string; actor: string }) => `${what} ${actor}`)).toEqual([
      ...['raised engine', 'status person:analyst', 'comment person:analyst', 'status person:analyst'],
      'status person:analyst',
    ]);
  });

  it.each([
    [{ status: 'closed' }, 'resolution'],
    [{ status: 'new', resolution: 'other' }, 'resolution'],
    [{ status: 'done' }, 'status'],
    [{ status: 'closed', resolution: 'other', comment: '' }, 'comment'],
    [{ status: 'closed', resolution: 'other', comment: 'x'.repeat(2001) }, 'comment'],
    [{ status: 'closed', resolution: 'other', note: 'x' }, 'note'],
  ])('refuses %j', async (body, member) => {
    const answer = await post('findings/f-1/status', body);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'api.invalid']);
    expect(answer.body).toContain(member);
    expect(triage.triaged).toEqual([]);
  });

  it.each(['', 'x'.repeat(101), 'a\u0000b', '\ud800', '=cmd', 'Käfer'])('is given to no such name: %j', async (to) => {
    expect((await post('findings/f-1/assign', { to })).statusCode).toBe(400);
  });

  it('keeps what people write as they wrote it', async () => {
    const text = '=cmd()\n<b>\u202e"); DROP TABLE findings;--';
    expect((await post('findings/f-1/comment', { text })).statusCode).toBe(200);
    const { entries } = (await triage.get('viewer', '/v1/findings/f-1/timeline')).json();
    expect(entries.at(-1)).toMatchObject({ what: 'comment', words: text });
  });

  it('is changed once where the same call comes again', async () => {
    const once = await post('findings/f-1/comment', { text: 'seen' }, 'analyst', { 'idempotency-key': 'k-1' });
    const again = await post('findings/f-1/comment', { text: 'seen', key: 'k-1' });
    expect([once.json().effect, again.json().effect, again.json().key]).toEqual(['applied', 'duplicate', 'k-1']);
    // Other words, another finding, or another token's key of the same name are other wishes.
    for (const [id, text, token] of [
      ['f-1', 'more', 'analyst'],
      ['f-2', 'seen', 'analyst'],
      ['f-1', 'seen', 'admin'],
    ]) {
      expect((await post(`findings/${id}/comment`, { text, key: 'k-1' }, token)).json().effect).toBe('applied');
    }
    expect((await state('f-1')).comments).toBe(3);
  });

  it('is not there for whom it is not there', async () => {
    for (const [path, body] of [
      ['assign', { to: null }],
      ['status', { status: 'new' }],
      ['comment', { text: 'x' }],
    ] as const) {
      const foreign = await post(`findings/f-1/${path}`, body, 'bound-analyst');
      const absent = await post(`findings/f-9/${path}`, body);
      expect([foreign.statusCode, absent.statusCode]).toEqual([404, 404]);
      expect((await post(`findings/f-3/${path}`, body, OF_ONE)).statusCode).toBe(200);
      expect((await post(`findings/f-1/${path}`, body, 'viewer')).json().code).toBe('api.forbidden');
    }
    expect(new Set(triage.triaged.flatMap(({ findings }) => findings))).toEqual(new Set(['f-3']));
  });
});

describe('many findings', () => {
  const close = { what: 'status', status: 'closed', resolution: 'duplicate' } as const;

  it('are changed by one record', async () => {
    const answer = await post('triage', { findings: ['f-1', 'f-2', 'f-1'], change: close, key: 'k' });
    expect(answer.json()).toEqual({ effect: 'applied', key: 'k', findings: ['f-1', 'f-2'] });
    expect(triage.triaged).toHaveLength(1);
    expect([(await state('f-1')).status, (await state('f-2')).resolution]).toEqual(['closed', 'duplicate']);
    const again = await post('triage', { findings: ['f-1', 'f-2'], change: close, key: 'k' });
    expect(again.json()).toMatchObject({ effect: 'duplicate' });
  });

  it('are named by their case', async () => {
    const id = (await state('f-1')).case;
    const answer = await post('triage', { case: id, change: { what: 'assign', to: 'me' } });
    expect(answer.json().findings).toEqual(['f-1', 'f-2']);
    expect((await triage.get('viewer', `/v1/cases/${id}`)).json()).toMatchObject({ assignees: ['analyst'], open: 2 });
    expect((await post('triage', { case: id, change: close }, 'bound-analyst')).statusCode).toBe(404);
  });

  it('are refused as a whole where one is not there, or not theirs', async () => {
    const absent = await post('triage', { findings: ['f-1', 'f-8', 'f-9'], change: close });
    expect([absent.statusCode, absent.json().detail]).toEqual([404, 'no finding has the id f-8, f-9']);
    const foreign = await post('triage', { findings: ['f-3', 'f-1'], change: close }, 'bound-analyst');
    expect([foreign.statusCode, foreign.json().detail]).toEqual([404, 'no finding has the id f-1']);
    const many = Array.from({ length: 30 }, (_, i) => `g-${i}`);
    expect((await post('triage', { findings: many, change: close })).json().detail).toContain('g-9 and 20 more');
    expect(triage.triaged).toEqual([]);
  });

  it.each([
    { change: close },
    { findings: ['f-1'], case: 'c-1', change: close },
    { findings: [], change: close },
    { findings: Array.from({ length: 501 }, (_, i) => `f-${i}`), change: close },
    { findings: ['f-1'], change: { what: 'status', status: 'closed' } },
    { findings: ['f-1'], change: { what: 'assign', to: 'ada', status: 'new' } },
    { findings: ['f-1'], change: { what: 'forget' } },
  ])('refuses %#', async (body) => {
    expect((await post('triage', body)).statusCode).toBe(400);
    expect((await post('triage', body, 'viewer')).statusCode).toBe(403);
    expect(triage.triaged).toEqual([]);
  });
});

describe('one verdict on several findings', () => {
  it('is a record of its own for each, and says which could not be judged', async () => {
    triage.world.mood.evidence = eventOf({ timeMs: NOW_MS, endpoint: 'mail.send' });
    triage.raise('f-4', { kind: 'budget' });
    const body = { findings: ['f-1', 'f-2', 'f-4', 'f-9'], verdict: 'false-positive', comment: 'deploy', key: 'k' };
    const answer = (await post('verdicts/bulk', body)).json();
    expect(answer.given).toBe(2);
    expect(answer.results).toMatchObject([
      { finding: 'f-1', verdict: { verdict: 'false-positive', finding: 'f-1', comment: 'deploy' }, problem: null },
      { finding: 'f-2', verdict: { finding: 'f-2' } },
      { finding: 'f-4', verdict: null, problem: { code: 'registry.refused' } },
      { finding: 'f-9', verdict: null, problem: { code: 'api.not-found' } },
    ]);
    expect(triage.registry.view.verdicts()).toHaveLength(2);
    expect(await state('f-1')).toMatchObject({
      status: 'closed',
      resolution: 'false-positive',
      verdicts: [{ undone: false }],
    });
    const again = (await post('verdicts/bulk', body)).json();
    expect(again.results[0].verdict.id).toBe(answer.results[0].verdict.id);
    expect(triage.registry.view.verdicts()).toHaveLength(2);
    expect((await post('verdicts/bulk', body, 'viewer')).statusCode).toBe(403);
  });
});
