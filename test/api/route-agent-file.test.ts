/** Files of agents and of sponsors over the real registry: taken in whole or not at all, and twice as once. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OnLeave } from '../../src/decide/policy.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { policy } from '../registry/records.js';
import { createWorld, NOW_MS, type World } from './world.js';

let registry: Registry;
let world: World;

beforeEach(async () => {
  const log = createMemoryLog({ topics: { registry: 1 } });
  registry = await openRegistry({ log, clock: () => NOW_MS, policy: null, tickEveryMs: 0 });
  world = createWorld({ registry: registryPortOf(registry) });
});
afterEach(() => registry.close());

const post = (path: string, payload: string, type = 'application/json', token = 'admin') =>
  world.call(token, { method: 'POST', url: `/v1/${path}`, payload, headers: { 'content-type': type } });
const get = async (path: string, token = 'admin') => await world.call(token, { method: 'GET', url: `/v1/${path}` });
const agents = async () => (await get('agents')).json().agents as Record<string, unknown>[];

const FILE = [
  '{"agent":"clerk","owner":"ada","trust":"L2","endpoints":["mail.*"],"scopes":["mail:send"]}',
  '{"agent":"helper","tenant":"acme","owner":"eve","parent":"boss","credential":{"kind":"static-key","issued":"2024-01-31"}}',
].join('\n');

describe('an import', () => {
  it('registers every agent of the file, and the second time none', async () => {
    const first = (await post('registry/import', FILE)).json();
    expect(first).toMatchObject({ applied: true, rows: 2, changed: 2, problems: [] });
    expect(first.changes[0]).toMatchObject({ agent: 'clerk', is_new: true });
    expect(await agents()).toMatchObject([
      { agent: 'clerk', owner: 'ada', trust: 'L2', endpoints: ['mail.*'], operations: null, registered: true },
      { agent: 'helper', tenant: 'acme', parent: 'boss', credential: { kind: 'static-key', issued: '2024-01-31' } },
    ]);
    const offset = registry.offset();
    expect((await post('registry/import', FILE)).json()).toMatchObject({ applied: true, rows: 2, changed: 0 });
    expect(registry.offset()).toBe(offset);
  });

  it('says with check what would change, member by member, and changes nothing', async () => {
    await post('registry/import', FILE);
    const offset = registry.offset();
    const table = 'agent,owner,scopes\nclerk,bob,mail:send\nnew,ada,';
    const answer = (await post('registry/import?check=true', table, 'text/csv')).json();
    expect(answer).toMatchObject({ applied: false, rows: 2, changed: 2 });
    expect(answer.changes).toMatchObject([
      { line: 2, agent: 'clerk', is_new: false, members: [{ member: 'owner', before: 'ada', after: 'bob' }] },
      { line: 3, agent: 'new', is_new: true },
    ]);
    expect(registry.offset()).toBe(offset);
  });

  it('takes nothing of a file with a bad row, unless told to take the good ones', async () => {
    const bad = '{"agent":"a","trust":"L9"}\n{"agent":"b"}';
    const refused = (await post('registry/import', bad)).json();
    expect(refused).toMatchObject({ applied: false, problems: [{ line: 1, member: 'trust' }] });
    expect(await agents()).toEqual([]);
    expect((await post('registry/import?partial=true', bad)).json()).toMatchObject({ applied: true, changed: 1 });
    expect(await agents()).toMatchObject([{ agent: 'b' }]);
  });

  it('knows what only the registry can know: versions, circles, who is gone, whose token it is', async () => {
    await post('registry/import', FILE);
    const problems = async (lines: string, token = 'admin') =>
      (await post('registry/import', lines, 'application/x-ndjson', token)).json().problems;
    expect(await problems('{"agent":"clerk","if_version":7}')).toMatchObject([{ line: 1, member: 'if_version' }]);
    expect(await problems('{"agent":"a","parent":"b"}\n{"agent":"b","parent":"a"}')).toMatchObject([
      { line: 1, member: 'parent' },
      { line: 2, member: 'parent' },
    ]);
    expect(await problems('{"agent":"x","credential":{"rotated":"2024-01-01"}}')).toMatchObject([
      { member: 'credential.kind' },
    ]);
    expect(await problems('{"agent":"x"}', 'bound-admin')).toMatchObject([
      { message: expect.stringContaining('bound') },
    ]);
    await post('sponsors', '[{"owner":"eve","state":"left"}]');
    expect(await problems('{"agent":"x","owner":"eve"}')).toMatchObject([{ member: 'owner', message: 'eve has left' }]);
  });

  it('is read back from an export, of which cells are never formulas', async () => {
    await post('registry/import', `${FILE}\n{"agent":"=cmd","owner":"@all","purpose":"say \\"hi\\", then go"}`);
    for (const format of ['csv', 'json']) {
      const answer = await get(`registry/export?format=${format}`);
      expect(answer.statusCode).toBe(200);
      expect(answer.body).not.toMatch(/^"?[=@]/m);
      const back = (
        await post('registry/import', answer.body, format === 'csv' ? 'text/csv' : 'application/jsonl')
      ).json();
      expect(back).toMatchObject({ rows: 3, changed: 0, problems: [] });
    }
    expect((await get('registry/export', 'bound-admin')).body.trim().split('\n')).toHaveLength(1);
    expect((await get('registry/export?owner=nobody')).body).toBe('');
  });
});

describe('the list', () => {
  it('can be narrowed by what people registered', async () => {
    await post('registry/import', FILE);
    await registry.write({ type: 'seen', tenant: '', agent: 'stranger', agentVersion: null, ...SYSTEM });
    const names = async (query: string) =>
      (await get(`agents?${query}`)).json().agents.map(({ agent }: { agent: string }) => agent);
    expect(await names('owner=ada')).toEqual(['clerk']);
    expect(await names('trust=L2')).toEqual(['clerk']);
    expect(await names('registered=false')).toEqual(['stranger']);
    expect(await names('q=HELP')).toEqual(['helper']);
    expect(await names('registered=true&tenant=acme')).toEqual(['helper']);
    expect((await get('agents?trust=L7')).statusCode).toBe(400);
  });

  it('keeps the parts of a delegation or a credential that a call leaves out', async () => {
    const put = (payload: object) => world.call('admin', { method: 'PUT', url: '/v1/agents/clerk', payload });
    await put({ delegation: { depth_max: 2 }, credential: { kind: 'oauth-client', issued: '2024-01-01' } });
    await put({ delegation: { breadth_max: 5 }, credential: { rotated: '2025-01-01T12:00:00Z' } });
    expect((await get('agents/clerk')).json()).toMatchObject({
      delegation: { depth_max: 2, breadth_max: 5, agents: null },
      credential: { kind: 'oauth-client', issued: '2024-01-01', expires: null, rotated: '2025-01-01T12:00:00.000Z' },
    });
    await put({ delegation: null, credential: null });
    expect((await get('agents/clerk')).json()).toMatchObject({ delegation: null, credential: null });
    expect((await put({ credential: { rotated: '2025-01-01' } })).json()).toMatchObject({ code: 'api.invalid' });
  });
});

describe('the sponsor feed', () => {
  const SAID = { onLeave: 'suspend' as OnLeave };
  const adopt = async (stopsMax = 5) =>
    await registry.adopt(policy('enforce', { stopsMax }, { sponsors: SAID }).policy);

  it('suspends the agents of who left, once, and tells which', async () => {
    await adopt();
    await post('registry/import', FILE);
    const feed = 'owner,state,successor\nada,active,\neve,left,bob\nnobody-here,left,';
    const foreseen = (await post('sponsors?check=true', feed, 'text/csv')).json();
    expect(foreseen).toMatchObject({
      applied: false,
      rows: 3,
      changes: [{ owner: 'eve', agents: [{ follows: 'suspend' }] }],
    });
    const offset = registry.offset();
    const answer = (await post('sponsors', feed, 'text/csv')).json();
    expect(answer).toMatchObject({ applied: true, changes: foreseen.changes });
    expect(registry.offset()).toBe(offset + 1);
    expect((await get('agents?status=suspended')).json().agents).toMatchObject([
      { agent: 'helper', reason: 'its owner eve has left' },
    ]);
    expect((await post('sponsors', feed, 'text/csv')).json()).toMatchObject({ applied: false, changes: [] });
    expect(registry.offset()).toBe(offset + 1);
    expect((await get('registry/reports/ownerless')).json().rows).toMatchObject([{ agent: 'helper' }]);
    await post('sponsors', '[{"owner":"eve","state":"active"}]');
    expect(registry.view.leavers().size).toBe(0);
  });

  it('that would stop too many is refused as a whole, unless a person says how many are meant', async () => {
    await adopt(1);
    await post('registry/import', '{"agent":"a","owner":"eve"}\n{"agent":"b","owner":"eve"}');
    const refused = await post('sponsors', '[{"owner":"eve","state":"left"}]');
    expect(refused.json()).toMatchObject({ code: 'registry.refused', detail: expect.stringContaining('2 agents') });
    expect((await get('agents?status=suspended')).json().agents).toEqual([]);
    expect((await post('sponsors?stops_max=2', '[{"owner":"eve","state":"left"}]')).json().applied).toBe(true);
  });

  it('with a bad row, or from a bound token, does nothing', async () => {
    await adopt();
    await post('registry/import', FILE);
    const bad = (await post('sponsors', '[{"owner":"eve","state":"left"},{"owner":"ada","state":"gone"}]')).json();
    expect(bad).toMatchObject({ applied: false, changes: [], problems: [{ line: 1, member: 'state' }] });
    expect((await post('sponsors', '[]', 'application/json', 'bound-admin')).statusCode).toBe(403);
    const twice = (await post('sponsors', '{"owner":"eve","state":"left"}\n{"owner":"eve","state":"active"}')).json();
    expect(twice.problems).toMatchObject([{ line: 2, member: 'owner' }]);
  });
});

const SYSTEM = { actor: 'system', authority: 'system', parent: null };
