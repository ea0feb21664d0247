/** Suppressions over the real registry and a real log: made, foreseen, listed, told to the engines, taken back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { FactBook } from '../../src/pipeline/fact-book.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';
import { openRegistry, type Registry, type RegistryChange } from '../../src/registry/journal.js';
import { SUPPRESSIONS_MAX } from '../../src/registry/suppressions.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { eventOf } from '../engine/world.js';
import { createWorld, finding, NOW_MS, type World } from './world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW = { agent: 'clerk', for_ms: HOUR_MS, reason: 'maintenance' };

describe('suppressions', () => {
  let registry: Registry;
  let world: World;
  let changes: RegistryChange[];
  let nowMs: number;

  beforeEach(async () => {
    nowMs = NOW_MS;
    changes = [];
    const log = createMemoryLog({ topics: { registry: 1 } });
    const onChange = (change: RegistryChange) => void changes.push(change);
    registry = await openRegistry({ log, clock: () => nowMs, policy: null, tickEveryMs: 0, onChange });
    world = createWorld({ registry: registryPortOf(registry) });
    world.mood.evidence = eventOf({ timeMs: NOW_MS, endpoint: 'mail.send', target: 'eve' });
    add('f1');
  });
  afterEach(async () => {
    await registry.close();
  });

  const add = (id: string, over: Partial<Finding> = {}) => world.findings.add(finding(id, over));
  const make = (payload: object, token = 'analyst', check = false) =>
    world.call(token, { method: 'POST', url: `/v1/suppressions${check ? '?check=true' : ''}`, payload });
  const made = async (payload: object, token = 'analyst') => (await make(payload, token)).json().suppression;
  const list = async (query = '', token = 'viewer') =>
    (await world.call(token, { method: 'GET', url: `/v1/suppressions${query}` })).json();
  const undo = (id: string, token = 'analyst') =>
    world.call(token, { method: 'DELETE', url: `/v1/suppressions/${id}` });
  const later = async (ms: number) => {
    nowMs = NOW_MS + ms;
    world.mood.nowMs = nowMs;
    await registry.tick();
  };

  it('are made in advance, and seen by everybody who looks', async () => {
    const answer = await make({
      ...WINDOW,
      from_ms: NOW_MS + HOUR_MS,
      kinds: ['rate-burst'],
      below: 'critical',
      times: 3,
    });
    expect(answer.json()).toEqual({
      suppression: {
        ...{ id: expect.stringMatching(/^s-[0-9a-f]{16}$/), time_ms: NOW_MS, state: 'coming', tenant: '' },
        ...{ agent: 'clerk', role: null, whole_tenant: false, kinds: ['rate-burst'], detector: null },
        ...{ endpoint: null, target: null, below: 'critical', times: 3 },
        ...{ from_ms: NOW_MS + HOUR_MS, until_ms: NOW_MS + 2 * HOUR_MS, undone_ms: null, undone_by: null },
        ...{ reason: 'maintenance', actor: 'person:analyst', muted: 0 },
      },
      would_mute: null,
    });
    expect((await list()).suppressions).toEqual([answer.json().suppression]);
    await later(HOUR_MS);
    expect((await list()).suppressions).toMatchObject([{ state: 'in-force' }]);
    await later(2 * HOUR_MS);
    expect((await list()).suppressions).toEqual([]);
    expect((await list('?all=true')).suppressions).toMatchObject([{ state: 'over' }]);
  });

  it('of a finding take whom, kinds and endpoint from it', async () => {
    const { finding: _, ...rest } = { finding: 'f1', for_ms: HOUR_MS, reason: 'load test' };
    expect(await made({ finding: 'f1', ...rest })).toMatchObject({
      ...{ agent: 'clerk', endpoint: 'mail.send', target: null },
      kinds: ['rate-burst', 'retry-loop', 'error-burst'],
    });
    const wider = { finding: 'f1', ...rest, endpoint: null, kinds: null, whole_tenant: true };
    expect(await made(wider)).toMatchObject({ agent: null, whole_tenant: true, endpoint: null, kinds: null });
    world.mood.evidence = null;
    expect((await make({ finding: 'f1', ...rest })).json().detail).toContain('endpoint');
    expect((await make({ finding: 'f0', ...rest })).statusCode).toBe(404);
    expect((await make({ finding: 'f1', ...rest, tenant: 'acme' })).statusCode).toBe(400);
  });

  it('reach the engines as records that can be read, and so does what takes them back', async () => {
    const { id } = await made({ role: 'desk', for_ms: HOUR_MS, reason: 'batch', times: 2 });
    expect((await undo(id)).json()).toMatchObject({
      id,
      state: 'undone',
      undone_by: 'person:analyst',
      undone_ms: NOW_MS,
    });
    const book = new FactBook();
    const told = changes.flatMap((change) => book.note(change) ?? []);
    expect(told).toMatchObject([
      { type: 'suppress', id, scope: { role: 'desk' }, untilMs: NOW_MS + HOUR_MS },
      { type: 'suppress-undo', id, actor: 'person:analyst' },
    ]);
    for (const record of told) expect(decodeRecord(encodeRecord(record), 0, new Map() as never)).toEqual(record);
    expect(book.since(0)).toEqual(told);
    await later(2 * HOUR_MS);
    await made(WINDOW);
    changes.slice(2).flatMap((change) => book.note(change));
    expect(book.since(0)).toMatchObject([{ type: 'suppress', scope: { agent: 'clerk' } }]);
  });

  it('are undone in one call, and asking again changes nothing', async () => {
    const { id } = await made(WINDOW);
    const first = await undo(id);
    const records = changes.length;
    expect((await undo(id)).json()).toEqual(first.json());
    expect(changes.length).toBe(records);
    expect((await list()).suppressions).toEqual([]);
    expect((await list('?all=true')).suppressions).toMatchObject([{ id, state: 'undone' }]);
    expect((await undo('s-0')).statusCode).toBe(404);
    const other = await made(WINDOW);
    await later(HOUR_MS);
    expect((await undo(other.id)).json()).toMatchObject({ status: 409, code: 'registry.refused' });
  });

  it('are one where the key is the same and so is the wish', async () => {
    const first = await made({ ...WINDOW, key: 'k' });
    await later(1_000);
    expect((await made({ ...WINDOW, key: 'k' })).id).toBe(first.id);
    expect((await made({ ...WINDOW, key: 'k', below: 'critical' })).id).not.toBe(first.id);
    expect((await made(WINDOW)).id).not.toBe(first.id);
  });

  it('say beforehand what they would have muted, and make nothing', async () => {
    add('f2', { severity: 'medium', kind: 'rate-burst' });
    add('f3', { severity: 'low' });
    add('f4', { severity: 'medium', mutedBy: 'v-1' });
    add('f5', { severity: 'medium', root: 'scribe', agent: 'scribe' });
    add('f6', { severity: 'medium', time: new Date(NOW_MS - 8 * DAY_MS).toISOString() });
    const ids = async (payload: object) => {
      const { suppression, would_mute: would } = (await make({ ...WINDOW, ...payload }, 'analyst', true)).json();
      expect(suppression.id).toBe(null);
      expect(would.findings).toBe(would.newest.length);
      return [would.pages, ...would.newest.map(({ id }: { id: string }) => id)];
    };
    expect(await ids({})).toEqual([1, 'f3', 'f2']);
    expect(await ids({ below: 'critical' })).toEqual([2, 'f3', 'f2', 'f1']);
    expect(await ids({ kinds: ['rate-burst'] })).toEqual([1, 'f2']);
    expect(await ids({ endpoint: 'mail.send', target: 'eve' })).toEqual([1, 'f3', 'f2']);
    expect(await ids({ endpoint: 'mail.read' })).toEqual([0]);
    expect(await ids({ agent: undefined, whole_tenant: true })).toEqual([2, 'f5', 'f3', 'f2']);
    expect((await list('?all=true')).suppressions).toEqual([]);
  });

  it('tell how much each of them muted', async () => {
    const { id } = await made(WINDOW);
    add('f2', { severity: 'low', mutedBy: id });
    add('f3', { severity: 'low', mutedBy: id });
    expect((await list()).suppressions).toMatchObject([{ id, muted: 2 }]);
    expect((await undo(id)).json().muted).toBe(2);
  });

  it('are listed in pages, newest first', async () => {
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) ids.unshift((await made({ ...WINDOW, key: `k-${at}` })).id);
    const seen: string[] = [];
    for (let query = '?limit=2'; ; ) {
      const { suppressions, cursor } = await list(query);
      seen.push(...suppressions.map(({ id }: { id: string }) => id));
      if (cursor === null) break;
      query = `?limit=2&cursor=${cursor}`;
    }
    expect(seen).toEqual(ids);
  });

  it('are refused beyond a number, in words, until one is taken back', async () => {
    for (let at = 0; at < SUPPRESSIONS_MAX; at++) await registry.write(recordOf(`s-${at}`));
    const answer = await make(WINDOW);
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toContain(`${SUPPRESSIONS_MAX} suppressions are in force`);
    await undo('s-7');
    expect((await make(WINDOW)).statusCode).toBe(200);
  });

  it('keep to what the token is bound to, and are refused to those who only look', async () => {
    const acme = { ...WINDOW, tenant: 'acme' };
    expect((await make(WINDOW, 'viewer')).statusCode).toBe(403);
    expect((await make(WINDOW, 'bound-analyst')).statusCode).toBe(403);
    expect((await make({ ...WINDOW, agent: undefined, whole_tenant: true }, 'bound-analyst')).statusCode).toBe(403);
    expect((await make({ ...acme, agent: undefined, whole_tenant: true }, 'bound-analyst')).statusCode).toBe(200);
    const own = await made(acme, 'bound-analyst');
    const other = await made(WINDOW);
    const ids = (await list('', 'bound-viewer')).suppressions.map(({ id }: { id: string }) => id);
    expect(ids).toContain(own.id);
    expect(ids).not.toContain(other.id);
    expect((await undo(other.id, 'bound-analyst')).statusCode).toBe(404);
    expect((await undo(own.id, 'viewer')).statusCode).toBe(403);
    expect((await undo(own.id, 'bound-analyst')).statusCode).toBe(200);
  });

  it.each([
    [{ ...WINDOW, agent: undefined }, 'agent, role, whole_tenant'],
    [{ ...WINDOW, role: 'desk' }, 'agent, role, whole_tenant'],
    [{ ...WINDOW, agent: 'fleet' }, 'whole_tenant'],
    [{ ...WINDOW, for_ms: undefined }, 'until_ms or for_ms'],
    [{ ...WINDOW, until_ms: NOW_MS + HOUR_MS }, 'until_ms or for_ms'],
    [{ ...WINDOW, for_ms: 5 }, 'for_ms'],
    [{ ...WINDOW, below: 'medium' }, 'below'],
    [{ ...WINDOW, times: 0.5 }, 'times'],
    [{ ...WINDOW, reason: '' }, 'reason'],
    [{ ...WINDOW, kinds: [] }, 'kinds'],
    [{ ...WINDOW, rule: true }, 'rule'],
    [{ ...WINDOW, kinds: ['budget'] }, 'never muted'],
    [{ ...WINDOW, for_ms: undefined, until_ms: NOW_MS - 1 }, 'over already'],
    [{ ...WINDOW, for_ms: undefined, until_ms: NOW_MS + 5 }, 'a minute at least'],
    [{ ...WINDOW, from_ms: NOW_MS + DAY_MS, for_ms: 366 * DAY_MS }, 'within 366 days'],
  ])('refuse %j, naming %s', async (payload, words) => {
    const answer = await make(payload);
    expect([400, 409]).toContain(answer.statusCode);
    expect(answer.json().detail).toContain(words);
    expect((await list('?all=true')).suppressions).toEqual([]);
  });
});

function recordOf(id: string) {
  const by = { actor: 'person:ann', authority: 'token-1', parent: null };
  const terms = { kinds: null, detector: null, endpoint: null, target: null, below: 'high' } as const;
  const said = { id, tenant: '', scope: { agent: 'clerk' }, ...terms, timeMs: NOW_MS, actor: 'person:ann' };
  const suppression = { type: 'suppress', ...said, fromMs: NOW_MS, untilMs: NOW_MS + HOUR_MS, reason: 'job' } as const;
  return { type: 'suppress', ...by, suppression } as const;
}
