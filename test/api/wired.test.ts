/** The routes over the real registry and a real log: what a person does is what the next decision says. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryLog } from '../../src/log/memory-log.js';
import { openRegistry, type Registry } from '../../src/registry/journal.js';
import { registryPortOf } from '../../src/verbs/face.js';
import { createWorld, eventLine, NOW_MS, type World } from './world.js';

describe('stop and decide', () => {
  let registry: Registry;
  let world: World;

  beforeEach(async () => {
    const log = createMemoryLog({ topics: { registry: 1 } });
    registry = await openRegistry({ log, clock: () => NOW_MS, policy: null, tickEveryMs: 0 });
    world = createWorld({ registry: registryPortOf(registry) });
    await put('clerk', { owner: 'ops' });
  });
  afterEach(async () => {
    await registry.close();
  });

  const put = (agent: string, payload: object) =>
    world.call('admin', { method: 'PUT', url: `/v1/agents/${agent}`, payload });
  const post = (token: string, verb: string, payload: object) =>
    world.call(token, { method: 'POST', url: `/v1/agents/clerk/${verb}`, payload });
  const status = async (agent: string) => {
    const answer = await world.call('gateway', { method: 'POST', url: '/v1/decide', payload: { agent } });
    return `${answer.json().allow} ${answer.json().status}`;
  };

  it('a stop holds the agent and its sub-agents until it is released', async () => {
    expect(await status('clerk')).toBe('true active');
    expect((await post('responder', 'stop', { action: 'suspend', reason: 'hijacked' })).json().effect).toBe('applied');
    expect(await status('clerk')).toBe('false suspended');
    expect(await status('clerk/sub')).toBe('false suspended');
    const list = await world.call('responder', { method: 'GET', url: '/v1/agents?status=suspended' });
    expect(list.json().agents).toMatchObject([{ agent: 'clerk', reason: 'hijacked', registered: true }]);
    expect((await post('responder', 'release', { reason: 'fine' })).json().effect).toBe('applied');
    expect(await status('clerk')).toBe('true active');
  });

  it('a stop sent again after the release does not stop again', async () => {
    const stop = { action: 'suspend', reason: 'hijacked', key: 'k' };
    await post('responder', 'stop', stop);
    expect((await post('responder', 'stop', stop)).json().effect).toBe('duplicate');
    await post('responder', 'release', { reason: 'fine', key: 'k' });
    expect((await post('responder', 'stop', stop)).json().effect).toBe('duplicate');
    expect(await status('clerk')).toBe('true active');
  });

  it('an agent works for whom its registration names, and for nobody where it names none', async () => {
    const parentOf = async (agent: string) =>
      (await world.call('admin', { method: 'GET', url: `/v1/agents/${agent}` })).json().parent;
    expect(await parentOf('clerk')).toBeNull();
    await put('helper', { parent: 'clerk' });
    await put('helper', { owner: 'ops' });
    expect(await parentOf('helper')).toBe('clerk');
    await post('responder', 'stop', { action: 'suspend', reason: 'hijacked' });
    expect(await status('helper')).toBe('false suspended');
    await put('helper', { parent: null });
    expect(await status('helper')).toBe('true active');
  });

  it('a revocation takes two people, and yields to an admin alone', async () => {
    const asked = (await post('responder', 'stop', { action: 'revoke', reason: 'stolen', key: 'k' })).json();
    expect(asked).toMatchObject({
      effect: 'recommended',
      reason: expect.stringContaining('a second person is needed'),
    });
    expect((await post('responder', 'stop', { action: 'revoke', reason: 'stolen', key: 'k' })).json()).toMatchObject({
      effect: 'duplicate',
      approval: asked.approval,
    });
    expect(await status('clerk')).toBe('true active');
    const say = (token: string) =>
      world.call(token, { method: 'POST', url: `/v1/approvals/${asked.approval}`, payload: { answer: 'approve' } });
    expect((await say('responder')).json()).toMatchObject({ code: 'registry.refused' });
    expect((await say('gateway')).statusCode).toBe(403);
    expect((await say('admin')).json()).toMatchObject({ state: 'used', answered_by: 'person:admin', kind: 'revoke' });
    expect(await status('clerk')).toBe('false revoked');
    const refused = await post('responder', 'release', { reason: 'please' });
    expect(refused.statusCode).toBe(409);
    expect(refused.json().code).toBe('registry.refused');
    expect((await post('admin', 'release', { reason: 'new key' })).statusCode).toBe(200);
    expect(await status('clerk')).toBe('true active');
  });

  it('of two writers with one version the second is told', async () => {
    const { version } = (await world.call('admin', { method: 'GET', url: '/v1/agents/clerk' })).json();
    expect((await put('clerk', { owner: 'a', if_version: version })).statusCode).toBe(200);
    const late = await put('clerk', { owner: 'b', if_version: version });
    expect(late.statusCode).toBe(409);
    expect(late.json().code).toBe('registry.conflict');
  });

  it('a sender can neither stop nor release by what it sends', async () => {
    const line = eventLine({ type: 'stop', action: 'revoke', actor: 'person:admin' });
    const headers = { 'content-type': 'text/plain' };
    const answer = await world.call('ingest', { method: 'POST', url: '/v1/events', payload: line, headers });
    expect(answer.statusCode).toBe(202);
    expect(await status('clerk')).toBe('true active');
  });
});
