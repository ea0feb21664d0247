/** Every route with every role, walked from the table of what is really registered. */

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROLES } from '../../src/api/contract.js';
import type { RouteRow } from '../../src/api/route.js';
import { problemAnswer } from '../../src/api/schema.js';
import type { Approval } from '../../src/registry/registry.js';
import { SpendLedger } from '../../src/registry/spend.js';
import { spendPortOf } from '../../src/verbs/spend.js';
import { verdictOn } from '../engine/verdict-of.js';
import { engineOf, eventOf, outcomeOf, recordOf } from '../engine/world.js';
import { boardOf, insightWith } from './insight-world.js';
import { addAgent, createWorld, eventLine, fakeAudit, finding, NOW_MS, type World } from './world.js';

/** A call that the route would take, so that only the role decides. */
function callOf(row: RouteRow) {
  const url = row.url
    .replace(':agent', 'clerk')
    .replace(':name', 'ownerless')
    .replace(':id', row.url.includes('tokens') ? 't1' : 'f1')
    .replace('*', 'a/path');
  if (row.operation === 'sendEvents') {
    return { method: 'POST' as const, url, payload: eventLine(), headers: { 'content-type': 'application/x-ndjson' } };
  }
  if (row.operation === 'importAgents' || row.operation === 'sendSponsors') {
    const payload = row.operation === 'importAgents' ? '[{"agent":"clerk"}]' : '[{"owner":"ops","state":"active"}]';
    return { method: 'POST' as const, url, payload, headers: { 'content-type': 'application/json' } };
  }
  if (row.operation === 'registryStream') return { method: 'GET' as const, url: `${url}?for_ms=1` };
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
  reportDrill: {
    ...{ id: 'd-1', canary: 'canary', children: 1, rounds: 1, started_ms: NOW_MS },
    stages: [{ stage: 'refused', reached: 1, missed: 0, p50_ms: 2, p99_ms: 2, max_ms: 2 }],
  },
  answerApproval: { answer: 'approve' },
  movePolicy: { policy: 'p', to: 'recommend', reason: 'test' },
  giveVerdict: { finding: 'f1', verdict: 'expected', endpoint: 'mail.send' },
};

/** One key for all worlds, so that a review of one holds in the others. */
const audit = fakeAudit();

function approvalOf(id: string): Approval {
  const subject = { kind: 'revoke', reason: 'stolen' } as const;
  const asked = { tenant: '', agent: 'clerk', state: 'open', askedBy: 'person:ada', askedMs: NOW_MS } as const;
  const open = { forMs: 1_000, untilMs: NOW_MS + 1_000, answeredBy: null, answeredMs: null, comment: null };
  return { id, subject, ...asked, ...open, usesLeft: 0 };
}

async function readyWorld(): Promise<World> {
  const ledger = new SpendLedger({ reserveForMs: 60_000, prefix: 'rsv' });
  const line = [{ agent: 'clerk', budgets: { sessionUsd: 1, dayUsd: null } }];
  ledger.reserve('', line, null, 0.5, NOW_MS);
  const engine = engineOf();
  outcomeOf(engine, [recordOf(eventOf({ timeMs: NOW_MS - 1 }))]);
  const insight = { insight: insightWith(engine), triage: boardOf() };
  const world = createWorld({ audit, parts: { ...insight, spend: spendPortOf(ledger, { of: () => null }) } });
  addAgent(world, 'clerk');
  world.findings.add(finding('f1'));
  world.verdicts.push(verdictOn(finding('v1'), { timeMs: NOW_MS, id: 'f1' }));
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
        'DELETE /v1/tokens/:id admin',
        'DELETE /v1/verdicts/:id admin',
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
        'GET /v1/agents/:agent/effects responder,admin',
        'GET /v1/approvals responder,admin',
        'GET /v1/brakes responder,admin',
        'GET /v1/connectors responder,admin',
        'GET /v1/denials responder,admin',
        'GET /v1/drills responder,admin',
        'GET /v1/findings responder,admin',
        'GET /v1/findings/:id responder,admin',
        'GET /v1/nginx gateway,responder,admin',
        'GET /v1/policy admin',
        'GET /v1/registry/current gateway,responder,admin',
        'GET /v1/registry/export responder,admin',
        'GET /v1/registry/key responder,admin',
        'GET /v1/registry/reports/:name responder,admin',
        'GET /v1/registry/review admin',
        'GET /v1/registry/stream gateway,responder,admin',
        'GET /v1/status any',
        'GET /v1/tokens admin',
        'GET /v1/verdicts admin',
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
        'POST /v1/mcp gateway,responder,admin',
        'POST /v1/policy/ladder admin',
        'POST /v1/registry/import admin',
        'POST /v1/registry/review admin',
        'POST /v1/sponsors admin',
        'POST /v1/tokens admin',
        'POST /v1/traces ingest,admin',
        'POST /v1/verdicts admin',
        'PUT /v1/agents/:agent admin',
      ].sort(),
    );
  });

  it.each(table)('$method $url lets in the roles it declares and nobody else', async (row) => {
    for (const role of ROLES) {
      const world = await readyWorld();
      const answer = await world.call(role, callOf(row));
      const allowed = typeof row.access === 'string' || row.access.includes(role);
      if (allowed) {
        expect([200, 201, 202, 204], `${role}: ${answer.body}`).toContain(answer.statusCode);
        const schema = row.answers[String(answer.statusCode)] as z.ZodType;
        const isText = /^(text\/plain|text\/event-stream|application\/x-ndjson)/.test(
          String(answer.headers['content-type']),
        );
        const body = isText ? answer.body : answer.body === '' ? null : answer.json();
        expect(() => exact(schema).parse(body)).not.toThrow();
      } else {
        expect(answer.statusCode).toBe(403);
        expect(problemAnswer.parse(answer.json()).code).toBe('api.forbidden');
        expect(world.records).toEqual([]);
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
