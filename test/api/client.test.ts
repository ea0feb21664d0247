import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../src/api/client.js';
import { listen } from '../../src/api/server.js';
import { addAgent, createWorld, eventLine, finding, type World } from './world.js';

describe('client', () => {
  let world: World;
  let address: string;

  beforeEach(async () => {
    world = createWorld();
    addAgent(world, 'clerk/sub', { tenant: 'acme' });
    world.findings.add(finding('f1'));
    address = await listen(world.app, { port: 0 });
  });
  afterEach(async () => {
    await world.app.close();
  });

  const client = (token = 'admin') => createClient({ address, token });

  it('asks every verb', async () => {
    const admin = client();
    expect(await admin.status()).toEqual({ events: 7 });
    expect((await admin.agents({ tenant: 'acme', limit: 5 })).agents).toHaveLength(1);
    expect((await admin.agent('clerk/sub', 'acme')).agent).toBe('clerk/sub');
    expect((await admin.register('clerk/sub', { owner: 'ops' }, 'acme')).effect).toBe('applied');
    const stop = await admin.stop('clerk/sub', { action: 'suspend', reason: 'x', key: 'k' }, 'acme');
    expect(stop).toMatchObject({ effect: 'applied', key: 'k' });
    expect((await admin.release('clerk/sub', { reason: 'y' }, 'acme')).effect).toBe('applied');
    await admin.reset('clerk/sub', 'acme');
    expect(world.controls).toHaveLength(1);
    expect((await admin.brakes()).left).toBe(5);
    expect((await admin.findings({ kinds: 'retry-loop' })).findings[0]?.id).toBe('f1');
    expect((await admin.finding('f1')).agent).toBe('clerk');
    expect((await admin.decide({ agent: 'clerk' })).status).toBe('unknown');
    const made = await admin.createToken({ name: 'new', roles: ['ingest'], agents: ['clerk'] });
    expect(made.entry.agents).toEqual(['clerk']);
    expect((await admin.tokens()).tokens).toEqual([made.entry]);
    expect(await admin.revokeToken(made.entry.id)).toEqual(made.entry);
  });

  it('sends events, and hands rejections over as an answer', async () => {
    const sender = client('ingest');
    expect(await sender.sendEvents([eventLine(), 'junk'])).toMatchObject({ accepted: 1, rejected: 1 });
    expect(await sender.sendEvents(['junk'])).toMatchObject({ accepted: 0, rejected: 1, rejections: [{ line: 1 }] });
  });

  it("turns the server's problems into errors with their code", async () => {
    await expect(client('nobody').agents()).rejects.toMatchObject({ name: 'KilldeerError', code: 'api.unauthorized' });
    await expect(client('ingest').agents()).rejects.toMatchObject({ code: 'api.forbidden' });
    await expect(client().agent('nobody')).rejects.toMatchObject({ code: 'registry.unknown-agent' });
    await expect(client().findings({ severity: 'loud' as 'low' })).rejects.toMatchObject({ code: 'api.invalid' });
  });

  it('says so where there is no answer, or none of ours', async () => {
    await world.app.close();
    await expect(client().status()).rejects.toMatchObject({ code: 'api.unreachable', retry: true });
    const odd = createClient({ address, token: 't', fetch: async () => new Response('<html>', { status: 502 }) });
    await expect(odd.status()).rejects.toMatchObject({ code: 'api.internal' });
  });
});
