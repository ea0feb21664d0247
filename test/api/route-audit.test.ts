/** Reports and access reviews over the real registry: what is signed, what is refused, what is carried out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditPort } from '../../src/api/audit-contract.js';
import { canonical } from '../../src/custody/jcs.js';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import type { Usage } from '../../src/registry/report.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { createWorld, fakeAudit, NOW_MS, type World } from './world.js';

const DAY_MS = 86_400_000;
const USED: Usage = {
  lastMs: NOW_MS + 1,
  names: { scopes: ['mail:send'], operations: ['chat'], endpoints: ['mail.send'], targets: [] },
};

let registry: Registry;
let world: World;
let nowMs: number;
/** What history knows; null: it is off. */
let used: ((tenant: string, agent: string) => Usage | null) | null;

beforeEach(async () => {
  nowMs = NOW_MS;
  used = (_, agent) => (agent === 'clerk' ? USED : null);
  const key = fakeAudit();
  const audit: AuditPort = {
    ...key,
    usage: async () =>
      used === null
        ? { usageOf: null, findingsOf: null, note: 'history is off' }
        : { usageOf: used, findingsOf: () => 3, note: null },
  };
  const log = createMemoryLog({ topics: { registry: 1 } });
  registry = await openRegistry({ log, clock: () => nowMs, policy: null, tickEveryMs: 0 });
  world = createWorld({ registry: registryPortOf(registry), audit });
  await put('clerk', { owner: 'ada', scopes: ['mail:send', 'mail:read'], endpoints: ['mail.*', 'db.*'] });
  await put('helper', { owner: null, credential: { kind: 'static-key', issued: '2020-01-01' } });
  nowMs += 40 * DAY_MS;
  world.mood.nowMs = nowMs;
});
afterEach(() => registry.close());

const put = (agent: string, payload: object) =>
  world.call('admin', { method: 'PUT', url: `/v1/agents/${agent}`, payload });
const get = (path: string, token = 'admin') => world.call(token, { method: 'GET', url: `/v1/${path}` });
const report = async (path: string) => (await get(`registry/reports/${path}`)).json();
const apply = (payload: object, query = '') =>
  world.call('admin', { method: 'POST', url: `/v1/registry/review${query}`, payload });

interface Row {
  agent: string;
  version: number;
  decision: string | null;
  change: object | null;
  comment: string | null;
}
interface Document {
  agents: Row[];
  signature: { kid: string; value: string };
  [member: string]: unknown;
}

async function review(query = ''): Promise<Document> {
  const answer = await get(`registry/review${query}`);
  expect(answer.statusCode).toBe(200);
  expect(answer.body).toBe(canonical(answer.json()));
  return answer.json();
}

const decided = (document: Document, decisions: Readonly<Record<string, Partial<Row>>>): Document => ({
  ...document,
  agents: document.agents.map((row) => ({ ...row, ...decisions[row.agent] })),
});

describe('a report', () => {
  it('rests on history where there is one, and proposes what is enough', async () => {
    expect(await report('scopes')).toMatchObject({
      basis: 'history',
      note: null,
      days: 30,
      total: 1,
      rows: [{ agent: 'clerk', owner: 'ada', fewer: { scopes: ['mail:send'], endpoints: ['mail.*'] } }],
    });
    expect((await report('idle')).rows).toMatchObject([{ agent: 'helper', reason: 'no event in 30 days' }]);
  });

  it('says what it cannot tell without one', async () => {
    used = null;
    expect(await report('scopes')).toMatchObject({ basis: 'registry', note: 'history is off', rows: [] });
    expect((await report('idle')).rows).toHaveLength(2);
  });

  it('can be narrowed, in days and in agents, and has a limit', async () => {
    expect((await report('credentials?days=3650')).rows).toEqual([]);
    expect((await report('credentials')).rows).toMatchObject([{ agent: 'helper', since: '2020-01-01' }]);
    expect((await report('ownerless?owner=ada')).total).toBe(0);
    expect(await report('idle?limit=1&days=39')).toMatchObject({ total: 1 });
    expect((await get('registry/reports/nonsense')).statusCode).toBe(400);
    const seen = await get('registry/reports/ownerless', 'bound-responder');
    expect(seen.json()).toMatchObject({ total: 0 });
  });
});

describe('an access review', () => {
  it('shows of every agent what it may, what it used, and who made it', async () => {
    const document = await review();
    expect(document).toMatchObject({ format: 1, made_by: 'person:admin', history: null, bound_to: { tenants: null } });
    expect(document.agents).toMatchObject([
      {
        agent: 'clerk',
        scopes: ['mail:send', 'mail:read'],
        used_scopes: ['mail:send'],
        unused: { scopes: ['mail:read'], endpoints: ['db.*'] },
        owner_present: true,
        findings: 3,
        decision: null,
      },
      { agent: 'helper', owner_present: false, credential_age_days: expect.any(Number), unused: { scopes: [] } },
    ]);
    expect(document.signature.kid).toBe((await get('registry/key')).json().kid);
    expect((await review('?owner=ada')).agents).toHaveLength(1);
    used = null;
    expect((await review()).agents[0]).toMatchObject({ used_scopes: null, unused: null, findings: null });
  });

  it('is carried out as it was filled in, and asked for again later', async () => {
    const filled = decided(await review(), {
      clerk: { decision: 'change', change: { scopes: ['mail:send'], trust: 'L1' }, comment: 'fewer' },
      helper: { decision: 'remove' },
    });
    const answer = await apply(filled, '?next_days=10');
    expect(answer.json()).toMatchObject({ kept: 0, removed: 1, changed: 1, undecided: 0, refused: [] });
    const next = new Date(nowMs + 10 * DAY_MS).toISOString();
    expect((await get('agents/clerk')).json()).toMatchObject({ scopes: ['mail:send'], trust: 'L1', review_on: next });
    expect((await get('agents/helper')).json()).toMatchObject({
      operations: [],
      endpoints: [],
      targets: [],
      delegation: { depth_max: 0 },
      credential: { kind: 'static-key' },
    });
    // What was decided on has another version now.
    expect((await apply(filled)).json()).toMatchObject({ code: 'registry.conflict' });
  });

  it('leaves alone whom nobody decided on, and keeps whom somebody kept', async () => {
    const answer = await apply(decided(await review(), { clerk: { decision: 'keep' } }));
    expect(answer.json()).toMatchObject({ kept: 1, undecided: 1 });
    expect((await get('agents/helper')).json().review_on).toBeNull();
    expect((await get('agents/clerk')).json()).toMatchObject({ scopes: ['mail:send', 'mail:read'] });
  });

  it('that was changed elsewhere than in its columns is refused, and nothing of it is done', async () => {
    const document = decided(await review(), { clerk: { decision: 'keep' } });
    const forged: Document[] = [
      { ...document, made_by: 'person:other' },
      decided(document, { clerk: { decision: 'keep', scopes: [] } as Partial<Row> }),
      { ...document, agents: document.agents.slice(0, 1) },
      { ...document, signature: { ...document.signature, kid: 'another' } },
    ];
    const offset = registry.offset();
    for (const one of forged) expect((await apply(one)).json()).toMatchObject({ status: 409, code: 'custody.seal' });
    expect(registry.offset()).toBe(offset);
  });

  it('is refused as a whole where one agent has changed since', async () => {
    const filled = decided(await review(), { clerk: { decision: 'keep' }, helper: { decision: 'keep' } });
    await put('helper', { role: 'x' });
    const answer = await apply(filled);
    expect(answer.json()).toMatchObject({
      code: 'registry.conflict',
      detail: expect.stringContaining('helper (1, now 2)'),
    });
    expect((await get('agents/clerk')).json().review_on).toBeNull();
  });

  it('asks for a change exactly where the decision is one', async () => {
    const document = await review();
    const wrong = [
      { decision: 'change', change: null },
      { decision: 'keep', change: { scopes: [] } },
      { decision: 'change', change: { scope: [] } },
      { decision: 'perhaps' },
    ];
    for (const clerk of wrong) expect((await apply(decided(document, { clerk }))).statusCode).toBe(400);
  });
});
