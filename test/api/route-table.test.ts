/** Every route with every role, walked from the table of what is really registered. */

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { consoleFile } from '../../src/api/console-files.js';
import { ANALYSTS, type Identity, READERS, ROLES } from '../../src/api/contract.js';
import type { RouteRow } from '../../src/api/route.js';
import { problemAnswer } from '../../src/api/schema.js';
import type { Approval } from '../../src/registry/registry.js';
import { SpendLedger } from '../../src/registry/spend.js';
import { spendPortOf } from '../../src/verbs/spend.js';
import { suppressionOf } from '../engine/suppression-of.js';
import { verdictOn } from '../engine/verdict-of.js';
import { engineOf, eventOf, outcomeOf, recordOf } from '../engine/world.js';
import { insightWith } from './insight-world.js';
import { operatorsOf } from './operators.js';
import { addAgent, createWorld, eventLine, fakeAudit, finding, IDENTITIES, NOW_MS, type World } from './world.js';

/** A call that the route would take, so that only the role decides. */
function callOf(row: RouteRow) {
  const url = row.url
    .replace(':agent', 'clerk')
    .replace(':name', 'ownerless')
    .replace(':id', row.url.includes('tokens') ? 't1' : row.url.includes('cases') ? 'c-f1' : 'f1')
    .replace(':version', 'm1')
    .replace(':file', 'page.js')
    .replace('*', 'a/path');
  if (row.operation === 'sendEvents') {
    return { method: 'POST' as const, url, payload: eventLine(), headers: { 'content-type': 'application/x-ndjson' } };
  }
  if (row.operation === 'importAgents' || row.operation === 'sendSponsors') {
    const payload = row.operation === 'importAgents' ? '[{"agent":"clerk"}]' : '[{"owner":"ops","state":"active"}]';
    return { method: 'POST' as const, url, payload, headers: { 'content-type': 'application/json' } };
  }
  if (row.operation === 'closeSessions') return { method: 'DELETE' as const, url: `${url}?person=ada` };
  if (row.operation === 'registryStream' || row.operation === 'followUpdates')
    return { method: 'GET' as const, url: `${url}?for_ms=1` };
  if (row.limit === 'gateway') return { ...plainCall(row, url), headers: { 'x-killdeer-agent': 'clerk' } };
  return plainCall(row, url);
}

function plainCall(row: RouteRow, url: string) {
  const payload = row.operation === 'applyReview' ? review : BODIES[row.operation];
  return { method: row.method as 'GET', url, ...(payload === undefined ? {} : { payload }) };
}

const BODIES: Readonly<Record<string, object>> = {
  decide: { agent: 'clerk' },
  settle: { reservation: 'rsv-1' },
  mcp: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'mail' } },
  registerAgent: { owner: 'ops' },
  stopAgent: { action: 'suspend', reason: 'test' },
  releaseAgent: { reason: 'test' },
  halt: { reason: 'test' },
  recover: { share: 1, reason: 'test' },
  sendTraces: { resourceSpans: [] },
  createToken: { name: 'new', roles: ['gateway'] },
  makeLoginLink: { roles: ['viewer'] },
  openSession: { code: 'of-a-link' },
  reportDrill: {
    ...{ id: 'd-1', canary: 'canary', children: 1, rounds: 1, started_ms: NOW_MS },
    stages: [{ stage: 'refused', reached: 1, missed: 0, p50_ms: 2, p99_ms: 2, max_ms: 2 }],
  },
  answerApproval: { answer: 'approve' },
  movePolicy: { policy: 'p', to: 'recommend', reason: 'test' },
  suppressFindings: { agent: 'clerk', for_ms: 3_600_000, reason: 'test' },
  setSettings: { pages_per_agent_day: 0.1, notices_per_agent_day: 0.2 },
  acceptBudget: { proposal: 'b-1' },
  activateModel: {},
  unpinModel: {},
  startReplay: { name: 'what if' },
  giveVerdict: { finding: 'f1', verdict: 'expected', endpoint: 'mail.send' },
  giveVerdicts: { findings: ['f1'], verdict: 'true-positive' },
  assignFinding: { to: 'ada' },
  setFindingStatus: { status: 'closed', resolution: 'expected' },
  commentFinding: { text: 'seen' },
  changeFindings: { findings: ['f1'], change: { what: 'assign', to: null } },
};

/** One key for all worlds, so that a review of one holds in the others. */
const audit = fakeAudit();

function approvalOf(id: string): Approval {
  const subject = { kind: 'revoke', reason: 'stolen' } as const;
  const asked = { tenant: '', agent: 'clerk', state: 'open', askedBy: 'person:ada', askedMs: NOW_MS } as const;
  const open = { forMs: 1_000, untilMs: NOW_MS + 1_000, answeredBy: null, answeredMs: null, comment: null };
  return { id, subject, ...asked, ...open, usesLeft: 0 };
}

const script = consoleFile('text/javascript', Buffer.from('//'));
const pages = { page: consoleFile('text/html', Buffer.from('<p>')), assets: new Map([['page.js', script]]) };

async function readyWorld(): Promise<World> {
  const ledger = new SpendLedger({ reserveForMs: 60_000, prefix: 'rsv' });
  const line = [{ agent: 'clerk', budgets: { sessionUsd: 1, dayUsd: null } }];
  ledger.reserve('', line, null, 0.5, NOW_MS);
  const viewer = IDENTITIES['viewer'] as Identity;
  const login = { begin: async () => ({ url: 'https://idp.example/', key: 'k' }), finish: async () => viewer };
  const logins = { make: () => ({ code: 'of-a-link', expiresMs: NOW_MS + 1 }), take: () => viewer };
  const spend = spendPortOf(ledger, { of: () => null });
  const engine = engineOf();
  outcomeOf(engine, [recordOf(eventOf({ timeMs: NOW_MS - 1 }))]);
  const world = createWorld({
    audit,
    parts: {
      console: pages,
      spend,
      operations: operatorsOf(),
      insight: insightWith(engine),
      logins,
      oidc: { bearer: null, login },
    },
  });
  addAgent(world, 'clerk');
  world.findings.add(finding('f1'));
  world.verdicts.push(verdictOn(finding('v1'), { timeMs: NOW_MS, id: 'f1' }));
  world.mood.suppressions.push({ suppression: suppressionOf({ id: 'f1' }), undoneMs: null, undoneBy: null });
  world.mood.approvals.push(approvalOf('f1'));
  await world.app.ready();
  await world.call('admin', { method: 'POST', url: '/v1/tokens', payload: { name: 'first', roles: ['ingest'] } });
  return world;
}

const first = await readyWorld();
const table = first.app.routeTable;
const review = (await first.call('admin', { method: 'GET', url: '/v1/registry/review' })).json() as object;

describe('every route', () => {
  it('is known to this test', () => {
    expect(table.map((row) => `${row.method} ${row.url} ${row.access}`).sort()).toEqual(
      [
        ...['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'].map(
          (method) => `${method} /v1/envoy/* gateway,responder,admin`,
        ),
        'GET / open',
        'GET /assets/:file open',
        'DELETE /v1/suppressions/:id analyst,responder,admin',
        'GET /v1/audit viewer,analyst,responder,admin',
        'GET /v1/audit/export viewer,analyst,responder,admin',
        'GET /v1/config viewer,analyst,responder,admin',
        'GET /v1/settings viewer,analyst,responder,admin',
        'PUT /v1/settings admin',
        'GET /v1/budget viewer,analyst,responder,admin',
        'POST /v1/budget/accept admin',
        'GET /v1/models viewer,analyst,responder,admin',
        'POST /v1/models/:version/activate admin',
        'POST /v1/models/unpin admin',
        'GET /v1/replays viewer,analyst,responder,admin',
        'GET /v1/replays/:id viewer,analyst,responder,admin',
        'GET /v1/replays/:id/findings viewer,analyst,responder,admin',
        'DELETE /v1/replays/:id analyst,responder,admin',
        'POST /v1/replays analyst,responder,admin',
        'DELETE /v1/session any',
        'DELETE /v1/sessions admin',
        'DELETE /v1/tokens/:id admin',
        'DELETE /v1/verdicts/:id analyst,responder,admin',
        'GET /healthz open',
        'GET /metrics any',
        'GET /openapi.json open',
        'GET /readyz open',
        'GET /v1/agents viewer,analyst,responder,admin',
        'GET /v1/agents/:agent viewer,analyst,responder,admin',
        ...['activity', 'bands', 'decisions', 'endpoints', 'profile', 'risk', 'targets', 'tree'].map(
          (what) => `GET /v1/agents/:agent/${what} viewer,analyst,responder,admin`,
        ),
        'GET /v1/events viewer,analyst,responder,admin',
        'GET /v1/findings/:id/events viewer,analyst,responder,admin',
        'GET /v1/findings/:id/explanation viewer,analyst,responder,admin',
        'GET /v1/agents/:agent/effects viewer,analyst,responder,admin',
        'GET /v1/approvals viewer,analyst,responder,admin',
        'GET /v1/brakes viewer,analyst,responder,admin',
        'GET /v1/connectors viewer,analyst,responder,admin',
        'GET /v1/denials viewer,analyst,responder,admin',
        'GET /v1/drills viewer,analyst,responder,admin',
        'GET /v1/login open',
        'GET /v1/login-ways open',
        'GET /v1/login/callback open',
        'GET /v1/nginx gateway,responder,admin',
        'GET /v1/policy viewer,analyst,responder,admin',
        ...['', '/:id', '/:id/timeline', '/export'].map((path) => `GET /v1/findings${path} ${READERS}`),
        ...['', '/:id', '/:id/timeline'].map((path) => `GET /v1/cases${path} ${READERS}`),
        ...['pages', 'precision', 'updates'].map((path) => `GET /v1/${path} ${READERS}`),
        ...['assign', 'status', 'comment'].map((path) => `POST /v1/findings/:id/${path} ${ANALYSTS}`),
        ...['triage', 'verdicts/bulk'].map((path) => `POST /v1/${path} ${ANALYSTS}`),
        'GET /v1/sinks viewer,analyst,responder,admin',
        'GET /v1/registry/current gateway,responder,admin',
        'GET /v1/registry/export viewer,analyst,responder,admin',
        'GET /v1/registry/key viewer,analyst,responder,admin',
        'GET /v1/registry/reports/:name viewer,analyst,responder,admin',
        'GET /v1/registry/review admin',
        'GET /v1/registry/stream gateway,responder,admin',
        'GET /v1/session any',
        'GET /v1/status any',
        'GET /v1/suppressions viewer,analyst,responder,admin',
        'GET /v1/tokens admin',
        'GET /v1/verdicts viewer,analyst,responder,admin',
        'POST /v1/agents/:agent/release responder,admin',
        'POST /v1/agents/:agent/reset admin',
        'POST /v1/agents/:agent/stop responder,admin',
        'POST /v1/approvals/:id responder,admin',
        'POST /v1/decide gateway,responder,admin',
        'POST /v1/decide/settle gateway,responder,admin',
        'POST /v1/drills responder,admin',
        'POST /v1/events ingest,admin',
        'POST /v1/halt responder,admin',
        'POST /v1/halt/recover admin',
        'POST /v1/login-links viewer,analyst,responder,admin',
        'POST /v1/mcp gateway,responder,admin',
        'POST /v1/policy/ladder admin',
        'POST /v1/registry/import admin',
        'POST /v1/registry/review admin',
        'POST /v1/sessions open',
        'POST /v1/sponsors admin',
        'POST /v1/suppressions analyst,responder,admin',
        'POST /v1/tokens admin',
        'POST /v1/traces ingest,admin',
        'POST /v1/verdicts analyst,responder,admin',
        'PUT /v1/agents/:agent admin',
      ].sort(),
    );
  });

  it.each(table)('$method $url lets in the roles it declares and nobody else', async (row) => {
    for (const role of ROLES) {
      const world = await readyWorld();
      const before = world.records.length;
      const answer = await world.call(role, callOf(row));
      const allowed = typeof row.access === 'string' || row.access.includes(role);
      if (allowed) {
        expect([200, 201, 202, 204, 302], `${role}: ${answer.body}`).toContain(answer.statusCode);
        const schema = row.answers[String(answer.statusCode)] as z.ZodType;
        const isText = /^(text\/(plain|event-stream|html|javascript)|application\/x-ndjson)/.test(
          String(answer.headers['content-type']),
        );
        const body = isText ? answer.body : answer.body === '' ? null : answer.json();
        expect(() => exact(schema).parse(body)).not.toThrow();
      } else {
        expect(answer.statusCode).toBe(403);
        expect(problemAnswer.parse(answer.json()).code).toBe('api.forbidden');
        expect(world.records.slice(before)).toEqual([]);
        expect(world.controls).toEqual([]);
        expect(world.events.flat()).toEqual([]);
      }
    }
  });

  it.each(table.filter((row) => row.access !== 'open'))('$method $url refuses a call without a token', async (row) => {
    const world = await readyWorld();
    for (const token of [null, 'wrong']) {
      const answer = await world.call(token, callOf(row));
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.headers['www-authenticate']).toContain('Bearer');
      expect(answer.json().code).toBe('api.unauthorized');
    }
  });

  it('cannot be registered without saying who may use it', async () => {
    const { app } = createWorld();
    expect(() => app.get('/v1/forgotten', async () => 'secret')).toThrow('declares no access');
  });
});

/** Answers hold what is described and nothing more. */
function exact(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}
