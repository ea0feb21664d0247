/** Verdicts over the real registry and a real log: what is said is listed, told to the engines, and taken back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { FactBook } from '../../src/pipeline/fact-book.js';
import { decodeRecord, encodeRecord } from '../../src/pipeline/record-line.js';
import { openRegistry, type Registry, type RegistryChange } from '../../src/registry/journal.js';
import { VERDICTS_MAX } from '../../src/registry/verdicts.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { eventOf } from '../engine/world.js';
import { createWorld, finding, NOW_MS, type World } from './world.js';

const HOUR_MS = 3_600_000;

describe('verdicts', () => {
  let registry: Registry;
  let world: World;
  let nowMs: number;
  let changes: RegistryChange[];

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
  const give = (payload: object, token = 'admin', headers: Record<string, string> = {}) =>
    world.call(token, { method: 'POST', url: '/v1/verdicts', payload, headers });
  const list = async (token = 'admin') =>
    (await world.call(token, { method: 'GET', url: '/v1/verdicts' })).json().verdicts as { id: string }[];
  const undo = (id: string, token = 'admin') => world.call(token, { method: 'DELETE', url: `/v1/verdicts/${id}` });

  it('are made of the finding and of the event behind it', async () => {
    const answer = await give({ finding: 'f1', verdict: 'expected', for_ms: HOUR_MS, comment: 'month end' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      id: expect.stringMatching(/^v-[0-9a-f]{16}$/),
      time_ms: NOW_MS,
      tenant: '',
      agent: 'clerk',
      role: null,
      verdict: 'expected',
      kind: 'retry-loop',
      detector: 'loop',
      feature: 'failed calls a minute',
      endpoint: 'mail.send',
      target: 'eve',
      session: null,
      level: 120,
      until_ms: NOW_MS + HOUR_MS,
      actor: 'person:admin',
      comment: 'month end',
      finding: 'f1',
    });
    expect(await list()).toEqual([answer.json()]);
  });

  it('reach the engines as records that can be read, and so does what takes them back', async () => {
    const { id } = (await give({ finding: 'f1', verdict: 'false-positive' })).json();
    expect((await undo(id)).json()).toMatchObject({ id });
    const book = new FactBook();
    const told = changes.flatMap((change) => book.note(change) ?? []);
    expect(told).toMatchObject([
      { type: 'verdict', id, untilMs: NOW_MS + 14 * 24 * HOUR_MS, sinceMs: Date.UTC(2025, 5, 2, 11) },
      { type: 'verdict-undo', id, actor: 'person:admin' },
    ]);
    for (const record of told) expect(decodeRecord(encodeRecord(record), 0, new Map() as never)).toEqual(record);
    expect(book.since(0)).toEqual(told);
    expect(await list()).toEqual([]);
    expect((await undo(id)).statusCode).toBe(404);
  });

  it('with one key are one verdict', async () => {
    const wish = { finding: 'f1', verdict: 'expected' };
    const first = (await give(wish, 'admin', { 'idempotency-key': 'k' })).json();
    const again = (await give({ ...wish, key: 'k' })).json();
    expect(again.id).toBe(first.id);
    expect((await give(wish)).json().id).not.toBe(first.id);
    expect(await list()).toHaveLength(2);
  });

  it('of a role need one, and reach all of it', async () => {
    const refused = await give({ finding: 'f1', verdict: 'expected', role: true });
    expect(refused.statusCode).toBe(400);
    expect(refused.json().detail).toContain('role');
    await world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload: { role: 'desk' } });
    const { agent, role } = (await give({ finding: 'f1', verdict: 'expected', role: true })).json();
    expect([agent, role]).toEqual([null, 'desk']);
  });

  it('end at their time, and leave the list', async () => {
    await give({ finding: 'f1', verdict: 'expected', for_ms: HOUR_MS });
    nowMs += HOUR_MS;
    await registry.write({ type: 'time', actor: 'system', authority: 'system', parent: null });
    expect(await list()).toEqual([]);
  });

  it('are refused beyond a number, in words', async () => {
    for (let at = 0; at < VERDICTS_MAX; at++) await give({ finding: 'f1', verdict: 'expected', key: `k-${at}` });
    const answer = await give({ finding: 'f1', verdict: 'expected' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toContain(`${VERDICTS_MAX} verdicts are in force`);
    const [{ id }] = await list();
    await undo(id);
    expect((await give({ finding: 'f1', verdict: 'expected' })).statusCode).toBe(200);
  });

  it('cannot mute a limit that people set, nor what is about no agent', async () => {
    add('f2', { kind: 'budget' });
    add('f3', { kind: 'agent-flood' });
    for (const id of ['f2', 'f3']) {
      const answer = await give({ finding: id, verdict: 'false-positive' });
      expect(answer.json()).toMatchObject({ status: 409, code: 'registry.refused' });
    }
    expect((await give({ finding: 'f2', verdict: 'true-positive' })).statusCode).toBe(200);
  });

  it('ask for the endpoint where the log does not go back so far', async () => {
    world.mood.evidence = null;
    const answer = await give({ finding: 'f1', verdict: 'expected' });
    expect(answer.json()).toMatchObject({ code: 'registry.refused', detail: expect.stringContaining('endpoint') });
    const named = await give({ finding: 'f1', verdict: 'expected', endpoint: 'mail.send' });
    expect(named.json()).toMatchObject({ endpoint: 'mail.send', target: null });
    add('f2', { kind: 'spend' });
    expect((await give({ finding: 'f2', verdict: 'expected' })).json()).toMatchObject({ endpoint: null });
  });

  it('keep to what the token is bound to', async () => {
    add('f2', { tenant: 'acme' });
    expect((await give({ finding: 'f1', verdict: 'expected' }, 'bound-admin')).statusCode).toBe(404);
    const own = (await give({ finding: 'f2', verdict: 'expected' }, 'bound-admin')).json();
    const other = (await give({ finding: 'f1', verdict: 'expected' })).json();
    expect((await list('bound-admin')).map(({ id }) => id)).toEqual([own.id]);
    expect((await undo(other.id, 'bound-admin')).statusCode).toBe(404);
    expect((await undo(own.id, 'bound-admin')).statusCode).toBe(200);
    expect((await give({ finding: 'f1', verdict: 'expected' }, 'viewer')).statusCode).toBe(403);
  });

  it.each([
    [{}, 'finding'],
    [{ finding: 'f1' }, 'verdict'],
    [{ finding: 'f1', verdict: 'fine' }, 'verdict'],
    [{ finding: 'f1', verdict: 'expected', for_ms: 5 }, 'for_ms'],
    [{ finding: 'f1', verdict: 'expected', rule: true }, 'rule'],
    [{ finding: 'f1', verdict: 'expected', comment: 'x'.repeat(501) }, 'comment'],
  ])('refuse %j naming %s', async (payload, member) => {
    const answer = await give(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().detail).toContain(member);
    expect(await list()).toEqual([]);
  });
});
