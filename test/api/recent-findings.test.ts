import { describe, expect, it } from 'vitest';
import { createRecentFindings } from '../../src/api/recent-findings.js';
import { createWorld, finding } from './world.js';

const ids = (page: { findings: readonly { id: string }[] }) => page.findings.map(({ id }) => id);

describe('recent findings', () => {
  it('come newest first, page by page', () => {
    const recent = createRecentFindings();
    for (let i = 0; i < 5; i++) recent.add(finding(`f${i}`));
    const first = recent.list({}, 2, null);
    expect(ids(first)).toEqual(['f4', 'f3']);
    recent.add(finding('f5'));
    const second = recent.list({}, 2, first.cursor);
    expect(ids(second)).toEqual(['f2', 'f1']);
    expect(recent.list({}, 2, second.cursor)).toEqual({ findings: [finding('f0')], cursor: null });
    expect(recent.list({}, 6, null).cursor).toBeNull();
  });

  it('keep the last line of an id, as new', () => {
    const recent = createRecentFindings();
    recent.add(finding('f0', { severity: 'low' }));
    recent.add(finding('f1'));
    recent.add(finding('f0', { severity: 'critical' }));
    expect(ids(recent.list({}, 10, null))).toEqual(['f0', 'f1']);
    expect(recent.get('f0')?.severity).toBe('critical');
  });

  it('are bounded, the oldest go first', () => {
    const recent = createRecentFindings(3);
    for (let i = 0; i < 10; i++) recent.add(finding(`f${i}`));
    expect(recent.size).toBe(3);
    expect(recent.get('f6')).toBeNull();
    expect(ids(recent.list({}, 10, null))).toEqual(['f9', 'f8', 'f7']);
  });

  it('are found by agent or root, kind, tenant and least severity', () => {
    const recent = createRecentFindings();
    recent.add(finding('a', { agent: 'clerk/sub', root: 'clerk', severity: 'low' }));
    recent.add(finding('b', { kind: 'spend', tenant: 'acme' }));
    recent.add(finding('c', { agent: 'other', root: 'other', severity: 'critical' }));
    expect(ids(recent.list({ agent: 'clerk' }, 10, null))).toEqual(['b', 'a']);
    expect(ids(recent.list({ agent: 'clerk/sub' }, 10, null))).toEqual(['a']);
    expect(ids(recent.list({ kind: 'spend' }, 10, null))).toEqual(['b']);
    expect(ids(recent.list({ tenant: '' }, 10, null))).toEqual(['c', 'a']);
    expect(ids(recent.list({ severity: 'high' }, 10, null))).toEqual(['c', 'b']);
  });
});

describe('GET /v1/findings', () => {
  it('answers pages and single findings, and shows a bound token its own alone', async () => {
    const world = createWorld();
    world.findings.add(finding('mine', { tenant: 'acme' }));
    world.findings.add(finding('theirs', { tenant: 'other' }));
    const get = (token: string, url: string) => world.call(token, { method: 'GET', url });
    expect(ids((await get('admin', '/v1/findings?limit=1')).json())).toEqual(['theirs']);
    expect(ids((await get('bound-responder', '/v1/findings')).json())).toEqual(['mine']);
    expect((await get('bound-responder', '/v1/findings/mine')).json()).toEqual({
      ...finding('mine', { tenant: 'acme' }),
      muted_by: null,
    });
    expect((await get('bound-responder', '/v1/findings/theirs')).statusCode).toBe(404);
    expect((await get('admin', '/v1/findings/none')).json().code).toBe('api.not-found');
    expect((await get('admin', '/v1/findings?severity=loud')).statusCode).toBe(400);
  });
});
