/** Who can stop an agent, who can let it go, and who cannot: through tokens, a flood of telemetry and a crash. */
import { describe, expect, it } from 'vitest';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { audit } from './audit.js';
import { Server } from './server.js';
import { callOf, loopOf } from './traffic.js';

const denied = { status: 200, body: { allow: false, status: 'suspended' } };
const allowed = { status: 200, body: { allow: true, status: 'active' } };

/** What the registry's log of a server that ended holds of a type. */
async function recordsOf<T extends RegistryRecord['type']>(server: Server, policy: string, type: T) {
  const { registry } = await audit(server.data, { policy });
  return registry.flatMap(({ record, effect }) =>
    record.type === type ? [{ record: record as Extract<RegistryRecord, { type: T }>, effect }] : [],
  );
}

describe('a stop by a person', () => {
  it('is in force at once and after a crash, and only those who may lift it can', async () => {
    const server = await Server.start();
    const own = await server.makeToken('clerk', ['ingest'], ['clerk']);
    const gateway = await server.makeToken('clerk', ['gateway'], ['clerk']);
    const responder = server.token('responder');
    expect(await server.send([callOf('e-1', 'clerk')], own)).toMatchObject({ status: 202 });
    await server.until('the agent is known', async () => (await server.ask('/v1/agents/clerk')).status === 200);
    expect(await server.decide('clerk')).toMatchObject(allowed);
    const stop = { action: 'suspend', reason: 'looks hijacked' };
    expect(await server.ask('/v1/agents/clerk/stop', { json: stop, token: responder })).toMatchObject({
      status: 200,
      body: { effect: 'applied', agent: { status: 'suspended', until_ms: null } },
    });
    expect(await server.decide('clerk')).toMatchObject(denied);
    expect(await server.decide('clerk/sub-1')).toMatchObject(denied);

    await server.killAndRestart();
    expect(await server.decide('clerk')).toMatchObject(denied);

    const lift = (token: string | null) =>
      server.ask('/v1/agents/clerk/release', { json: { reason: 'I am fine' }, token });
    for (const token of [own, gateway, server.token('ingest'), server.token('gateway')]) {
      expect(await lift(token)).toMatchObject({ status: 403, body: { code: 'api.forbidden' } });
    }
    expect(await lift(null)).toMatchObject({ status: 401 });
    for (const [path, method, json] of [
      ['/v1/agents/clerk/reset', 'POST', undefined],
      ['/v1/agents/clerk', 'PUT', { owner: 'me' }],
      ['/v1/agents/clerk/stop', 'POST', { ...stop, for_ms: 1_000 }],
      ['/v1/tokens', 'POST', { name: 'more', roles: ['admin'] }],
    ] as const) {
      const question = { method, token: own, ...(json === undefined ? {} : { json }) };
      expect([path, (await server.ask(path, question)).status]).toEqual([path, 403]);
    }
    // Neither can what it sends: it goes on as if nothing were, under another version, or as somebody's sub-agent.
    const words = [{}, { version: '2' }, { parent: 'clerk' }, { status: 'denied' }];
    expect(
      await server.send(
        words.map((more, i) => callOf(`e-${2 + i}`, 'clerk', more)),
        own,
      ),
    ).toMatchObject({ status: 202, body: { accepted: 4 } });
    await server.settled();
    expect(await server.decide('clerk', gateway)).toMatchObject(denied);

    expect(await lift(responder)).toMatchObject({ status: 200, body: { effect: 'applied' } });
    expect(await server.decide('clerk')).toMatchObject(allowed);
    await server.killAndRestart();
    expect(await server.decide('clerk')).toMatchObject(allowed);
  });
});

describe('a stop by an engine', () => {
  it('befalls an agent that its own sender shows in a retry loop, holds through a crash, and a person lifts it', async () => {
    const server = await Server.start({ words: ['--policy', 'enforce'] });
    const bound = await server.makeToken('crm', ['ingest'], ['crm']);
    expect(await server.send(loopOf('crm', 60), bound)).toMatchObject({ status: 202, body: { accepted: 60 } });
    await server.until('the loop is stopped', async () => (await server.decide('crm')).body.allow === false);
    expect(await server.decide('crm')).toMatchObject(denied);
    expect(await server.program.said('decision')).toMatchObject({ agent: 'crm', action: 'suspend', effect: 'applied' });

    await server.killAndRestart();
    expect(await server.decide('crm')).toMatchObject(denied);
    // Evidence of the loop goes on; it is one stop all the same.
    expect(await server.send(loopOf('crm', 60, {}, 60), bound)).toMatchObject({ status: 202 });
    await server.settled();
    const release = { json: { reason: 'mended' }, token: server.token('responder') };
    expect(await server.ask('/v1/agents/crm/release', release)).toMatchObject({ body: { effect: 'applied' } });
    expect(await server.send(loopOf('crm', 60, {}, 120), bound)).toMatchObject({ status: 202 });
    expect(await server.settled()).toMatchObject({ scored: 180 });
    expect(await server.decide('crm')).toMatchObject(allowed);
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    const proposals = await recordsOf(server, 'enforce', 'proposal');
    expect(proposals.filter(({ effect }) => effect === 'applied')).toHaveLength(1);
    expect(new Set(proposals.map(({ record }) => record.proposal.agent))).toEqual(new Set(['crm']));
  });

  it('is only said, not done, under the policy that is in force out of the box', async () => {
    const server = await Server.start();
    const bound = await server.makeToken('crm', ['ingest'], ['crm']);
    await server.send(loopOf('crm', 60), bound);
    expect(await server.settled()).toMatchObject({ scored: 60, proposals: 1 });
    expect(await server.decide('crm')).toMatchObject(allowed);
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    const proposals = await recordsOf(server, 'observe', 'proposal');
    expect(proposals.map(({ record, effect }) => [record.proposal.agent, effect])).toContainEqual(['crm', 'observed']);
    expect(proposals.filter(({ effect }) => effect === 'applied')).toEqual([]);
  });

  it('never follows from what an unbound sender reports, however much of it', async () => {
    const server = await Server.start({ words: ['--policy', 'enforce'] });
    for (let i = 0; i < 4; i++)
      expect(await server.send(loopOf('crm', 200, {}, i * 200))).toMatchObject({ status: 202 });
    await server.settled();
    let found: { kind: string; severity: string; bound: boolean; proposal: string | null }[] = [];
    await server.until('it is found', async () => {
      found = (await server.ask('/v1/findings?agent=crm')).body.findings;
      return found.some(({ severity }) => severity === 'critical');
    });
    expect(found.map(({ kind }) => kind)).toContain('retry-loop');
    for (const finding of found) expect(finding).toMatchObject({ bound: false, proposal: null });
    expect(await server.decide('crm')).toMatchObject(allowed);
    expect((await server.ask('/v1/brakes')).body).toMatchObject({ left: 5, open: false, skipped: [], recommended: [] });
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    expect(await recordsOf(server, 'enforce', 'proposal')).toEqual([]);
  });

  it('never befalls an agent that the sender is not bound to, whatever it says of it', async () => {
    const server = await Server.start({ words: ['--policy', 'enforce'] });
    const mallory = await server.makeToken('mallory', ['ingest'], ['mallory']);
    const own = await server.makeToken('victim', ['ingest'], ['victim']);
    const minuteAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const calm = Array.from({ length: 30 }, (_, i) => callOf(`calm-${i}`, 'victim', { time: minuteAgo(30 - i) }));
    expect(await server.send(calm, own)).toMatchObject({ status: 202 });

    const forged = [...loopOf('victim', 40), ...loopOf('victim/sub-1', 10, { parent: 'victim' })];
    const mixed = await server.send([...forged, callOf('own-0', 'mallory')], mallory);
    expect(mixed).toMatchObject({ status: 202, body: { accepted: 1, rejected: 50 } });
    const codes = mixed.body.rejections.map(({ code, line }: { code: string; line: number }) => `${line} ${code}`);
    expect(codes).toEqual(forged.map((_, i) => `${i + 1} event.not-bound`));
    expect(await server.send(forged, mallory)).toMatchObject({ status: 400, body: { code: 'event.all-rejected' } });

    const about = { parent: 'victim', initiator: 'victim', on_behalf_of: ['victim'], cost_usd: 900 };
    const floods = [
      loopOf('mallory', 120, { target: 'victim' }),
      loopOf('mallory', 120, { ...about, session: 'victim' }, 120),
      loopOf('mallory/victim', 120, { ...about, parent: 'victim/sub-1' }),
      // A tree of sub-agents that names the victim as who made it.
      Array.from({ length: 120 }, (_, i) =>
        callOf(`spawn-${i}`, `mallory/sub-${i}`, { ...about, operation: 'create_agent', target: 'victim' }),
      ),
    ];
    for (const flood of floods) {
      expect(await server.send(flood, mallory)).toMatchObject({ status: 202, body: { accepted: 120 } });
    }
    expect(await server.settled()).toMatchObject({ scored: 30 + 1 + 480 });
    // What it shows is its own trouble.
    await server.until('its own loop is stopped', async () => (await server.decide('mallory')).body.allow === false);
    expect(await server.decide('victim')).toMatchObject(allowed);
    expect(await server.decide('victim/sub-1')).toMatchObject(allowed);
    expect((await server.ask('/v1/agents/victim')).body).toMatchObject({ status: 'active', attempts: 0 });
    expect(await server.program.stop()).toMatchObject({ code: 0 });
    const { partitions } = await audit(server.data, { policy: 'enforce' });
    const blamed = partitions.flatMap(({ findings }) =>
      findings.map((line) => JSON.parse(line) as { agent: string; root: string }),
    );
    expect(blamed.filter(({ agent, root }) => `${agent} ${root}`.split(/[ /]/)[0] === 'victim')).toEqual([]);
    const proposed = (await recordsOf(server, 'enforce', 'proposal')).map(({ record }) => record.proposal.agent);
    expect(proposed).toContain('mallory');
    expect(proposed.filter((agent) => agent.split('/')[0] !== 'mallory')).toEqual([]);
  });
});
