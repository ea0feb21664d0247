/** Every route with every role, walked from the table of what is really registered. */

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROLES } from '../../src/api/contract.js';
import type { RouteRow } from '../../src/api/route.js';
import { problemAnswer } from '../../src/api/schema.js';
import { verdictOn } from '../engine/verdict-of.js';
import { addAgent, createWorld, eventLine, finding, NOW_MS, type World } from './world.js';

/** A call that the route would take, so that only the role decides. */
function callOf(row: RouteRow) {
  const url = row.url.replace(':agent', 'clerk').replace(':id', row.url.includes('tokens') ? 't1' : 'f1');
  if (row.operation === 'sendEvents') {
    return { method: 'POST' as const, url, payload: eventLine(), headers: { 'content-type': 'application/x-ndjson' } };
  }
  const payload = BODIES[row.operation];
  return { method: row.method as 'GET', url, ...(payload === undefined ? {} : { payload }) };
}

const BODIES: Readonly<Record<string, object>> = {
  decide: { agent: 'clerk' },
  registerAgent: { owner: 'ops' },
  stopAgent: { action: 'suspend', reason: 'test' },
  releaseAgent: { reason: 'test' },
  sendTraces: { resourceSpans: [] },
  createToken: { name: 'new', roles: ['gateway'] },
  giveVerdict: { finding: 'f1', verdict: 'expected', endpoint: 'mail.send' },
};

async function readyWorld(): Promise<World> {
  const world = createWorld();
  addAgent(world, 'clerk');
  world.findings.add(finding('f1'));
  world.verdicts.push(verdictOn(finding('v1'), { timeMs: NOW_MS, id: 'f1' }));
  await world.app.ready();
  await world.call('admin', { method: 'POST', url: '/v1/tokens', payload: { name: 'first', roles: ['ingest'] } });
  return world;
}

const table = await readyWorld().then((world) => world.app.routeTable);

describe('every route', () => {
  it('is known to this test', () => {
    expect(table.map((row) => `${row.method} ${row.url} ${row.access}`).sort()).toEqual([
      'DELETE /v1/tokens/:id admin',
      'DELETE /v1/verdicts/:id admin',
      'GET /healthz open',
      'GET /metrics any',
      'GET /openapi.json open',
      'GET /readyz open',
      'GET /v1/agents responder,admin',
      'GET /v1/agents/:agent responder,admin',
      'GET /v1/agents/:agent/effects responder,admin',
      'GET /v1/brakes responder,admin',
      'GET /v1/connectors responder,admin',
      'GET /v1/findings responder,admin',
      'GET /v1/findings/:id responder,admin',
      'GET /v1/status any',
      'GET /v1/tokens admin',
      'GET /v1/verdicts admin',
      'POST /v1/agents/:agent/release responder,admin',
      'POST /v1/agents/:agent/reset admin',
      'POST /v1/agents/:agent/stop responder,admin',
      'POST /v1/decide gateway,responder,admin',
      'POST /v1/events ingest,admin',
      'POST /v1/tokens admin',
      'POST /v1/traces ingest,admin',
      'POST /v1/verdicts admin',
      'PUT /v1/agents/:agent admin',
    ]);
  });

  it.each(table)('$method $url lets in the roles it declares and nobody else', async (row) => {
    for (const role of ROLES) {
      const world = await readyWorld();
      const answer = await world.call(role, callOf(row));
      const allowed = typeof row.access === 'string' || row.access.includes(role);
      if (allowed) {
        expect([200, 201, 202], `${role}: ${answer.body}`).toContain(answer.statusCode);
        const schema = row.answers[String(answer.statusCode)] as z.ZodType;
        const isText = String(answer.headers['content-type']).startsWith('text/plain');
        expect(() => exact(schema).parse(isText ? answer.body : answer.json())).not.toThrow();
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
