/**
 * Who may do what, as the published document says it, against the server itself: every operation with every role, by
 * token and by session. What is not declared fails.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROLES, type Role } from '../../src/api/contract.js';
import { PEOPLE } from '../../src/api/section.js';
import { visitorBy } from './visitor.js';
import { createWorld, type World } from './world.js';

interface Operation {
  readonly 'operationId': string;
  readonly 'x-killdeer-roles'?: readonly Role[] | 'any' | 'open';
}

const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(paths).flatMap(([path, of]) =>
  Object.entries(of).map(([method, operation]) => ({
    method: method.toUpperCase() as 'GET',
    url: path.replaceAll(/\{\w+\}/g, 'x').replace('*', 'x'),
    id: operation.operationId,
    roles: operation['x-killdeer-roles'],
  })),
);
/** They end when their client goes, so they are asked for a moment. */
const STREAMS = ['registryStream', 'followUpdates'];
const urlOf = ({ id, url }: { id: string; url: string }) => (STREAMS.includes(id) ? `${url}?for_ms=1` : url);

describe('the document', () => {
  it('describes every route of the server with its roles', async () => {
    const { app } = createWorld();
    await app.ready();
    const declared = operations.map(({ id, roles }) => `${id} ${roles}`);
    expect(declared.sort()).toEqual(app.routeTable.map(({ operation, access }) => `${operation} ${access}`).sort());
  });
});

describe('every operation', () => {
  it.each(operations)('$id says who may use it', ({ roles }) => {
    expect(typeof roles === 'string' ? ['any', 'open'].includes(roles) : (roles?.length ?? 0) > 0).toBe(true);
  });

  it.each(operations)('$id lets in the tokens of its roles, and nobody else', async ({ method, url, id, roles }) => {
    const world = createWorld();
    const call = { method, url: urlOf({ id, url }), headers: { 'x-killdeer-agent': 'clerk' } };
    const stranger = (await world.call(null, call)).statusCode;
    expect(stranger === 401).toBe(roles !== 'open');
    for (const role of ROLES) {
      const isLetIn = typeof roles === 'string' || roles?.includes(role) === true;
      const before = traces(world);
      const { statusCode } = await world.call(role, call);
      expect(`${role} ${statusCode === 403}`).toBe(`${role} ${!isLetIn}`);
      if (!isLetIn) expect(traces(world)).toBe(before);
    }
  });

  // A link is made with a token alone, whatever the role.
  const ofSessions = operations.filter(({ id }) => id !== 'makeLoginLink');
  it.each(ofSessions)('$id lets in the sessions of its roles, and nobody else', async ({ method, url, id, roles }) => {
    const world = createWorld();
    const call = { method, url: urlOf({ id, url }), headers: { 'x-killdeer-agent': 'clerk' } };
    for (const role of PEOPLE) {
      const isLetIn = typeof roles === 'string' || roles?.includes(role) === true;
      const visitor = await visitorBy(world, role);
      const before = traces(world);
      const { statusCode } = await visitor.write(call);
      expect(`${role} ${statusCode === 403}`).toBe(`${role} ${!isLetIn}`);
      if (!isLetIn) expect(traces(world)).toBe(before);
    }
  });
});

function traces({ records, controls, events }: World): number {
  return records.length + controls.length + events.flat().length;
}
