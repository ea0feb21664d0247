/** The responder of a whole server: a rule that wants too much, a stop that does not work, and a halt. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { audit } from './audit.js';
import { freshDirectory } from './program.js';
import { Server } from './server.js';
import { callOf, loopOf, timeOf } from './traffic.js';

const AGENTS = 500;
const BAD_POLICY = `
name: night-shift
mode: enforce
brakes: { stops_max: 10, interval: 1h }
rules:
  - name: everything
    when: { severity: low }
    do: { action: suspend, for: 1h }
`;

interface Found {
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  readonly agent: string;
}

/** Findings of a kind, as soon as there are any. */
async function found(server: Server, kind: string): Promise<Found[]> {
  let findings: Found[] = [];
  await server.until(`there is a finding ${kind}`, async () => {
    findings = (await server.ask(`/v1/findings?kinds=${kind}`)).body.findings;
    return findings.length > 0;
  });
  return findings;
}

/** A token of a sender that is bound to the nameless tenant. */
async function senderOf(server: Server): Promise<string> {
  const { body } = await server.ask('/v1/tokens', { json: { name: 'fleet', roles: ['ingest'], tenants: [''] } });
  return body.token as string;
}

describe('a bad rule that matches 500 agents', () => {
  it('stops no more than the brakes allow, opens the breaker, pages, and lists what it skipped', async () => {
    const policy = join(freshDirectory(), 'policy.yaml');
    writeFileSync(policy, BAD_POLICY);
    const server = await Server.start({ words: ['--policy', policy] });
    const sender = await senderOf(server);
    const names = Array.from({ length: AGENTS }, (_, i) => `agent-${i}`);
    for (let at = 0; at < AGENTS; at += 100) {
      const lines = names.slice(at, at + 100).flatMap((name) => loopOf(name, 60));
      expect(await server.send(lines, sender)).toMatchObject({ status: 202, body: { accepted: 6_000 } });
    }
    await server.settled();
    const [page] = await found(server, 'breaker-open');
    expect(page).toMatchObject({ severity: 'critical', agent: 'fleet' });
    expect(page.title).toMatch(/rule everything of policy night-shift .* \d+ stops were skipped: agent-/);

    let stopped = 0;
    for (let cursor: number | null = 0; cursor !== null; ) {
      const more = cursor === 0 ? '' : `&cursor=${cursor}`;
      const { body } = await server.ask(`/v1/agents?status=suspended&limit=1000${more}`);
      stopped += body.agents.length;
      cursor = body.cursor;
    }
    expect(stopped).toBeGreaterThan(0);
    expect(stopped).toBeLessThanOrEqual(10);
    const { body: brakes } = await server.ask('/v1/brakes');
    expect(brakes).toMatchObject({ open: true, stops_max: 10 });
    expect(brakes.skipped).toHaveLength(100);
    const ranks = ['info', 'low', 'medium', 'high', 'critical'];
    const order = (brakes.skipped as { severity: string }[]).map(({ severity }) => ranks.indexOf(severity));
    expect(order).toEqual([...order].sort((a, b) => b - a));
    const skipped = (brakes.openings as { skipped: number }[]).map((one) => one.skipped);
    expect(Math.max(...skipped) + stopped).toBeGreaterThan(AGENTS * 0.9);

    // A crash tells nobody a second time, and stops nobody more.
    await server.killAndRestart();
    expect((await server.ask('/v1/brakes')).body).toMatchObject({ open: true });
    const again = await found(server, 'breaker-open');
    expect(again.map(({ title }) => title)).toContain(page.title);
    expect(new Set(again.map(({ title }) => title)).size).toBe(again.length);
  });
});

describe('an automatic stop', () => {
  // The first passage is the agent's first sight, the second its stop.
  it.each(['registry-write:2', 'registry-written:2'])(
    'that a kill meets at %s is one stop, whatever is delivered again, and holds after every restart',
    async (failpoint) => {
      const data = freshDirectory();
      const words = ['--policy', 'enforce'];
      const first = await Server.start({ data, words, env: { KILLDEER_FAILPOINT: failpoint } });
      const sender = await senderOf(first);
      await first.send([callOf('e-0', 'crm')], sender);
      await first.until('the agent is known', async () => (await first.ask('/v1/agents/crm')).status === 200);
      const loop = loopOf('crm', 100);
      await first.send(loop, sender).catch(() => undefined);
      expect(await first.program.end()).toMatchObject({ signal: 'SIGKILL' });

      const second = await Server.start({ data, words });
      for (let i = 0; i < 10; i++) {
        const lines = Array.from({ length: 10 }, () => loop).flat();
        expect(await second.send(lines, sender)).toMatchObject({ status: 202, body: { accepted: 1_000 } });
      }
      await second.settled();
      await second.until('the loop is stopped', async () => (await second.decide('crm')).body.allow === false);
      await second.killAndRestart();
      expect(await second.decide('crm')).toMatchObject({ body: { allow: false, status: 'suspended' } });
      expect(await second.ask('/v1/brakes')).toMatchObject({ body: { left: 4, open: false } });
      expect(await second.program.stop()).toMatchObject({ code: 0 });
      const { registry } = await audit(data, { policy: 'enforce' });
      const stops = registry.filter(({ record, effect }) => record.type === 'proposal' && effect === 'applied');
      expect(stops).toHaveLength(1);
    },
  );
});

describe('traffic after a stop', () => {
  it('is a page with its words and a contradiction in the registry; refused traffic confirms the stop', async () => {
    const server = await Server.start();
    const sender = await senderOf(server);
    const late = (id: string, agent: string, status: string) =>
      callOf(id, agent, { time: timeOf(60_000), status, endpoint: 'mail.send' });
    for (const agent of ['clerk', 'crm']) {
      const stop = { action: 'suspend', reason: 'looks hijacked', unseen: true };
      expect(await server.ask(`/v1/agents/${agent}/stop`, { json: stop })).toMatchObject({ status: 200 });
    }
    const effectsOf = async (agent: string) => (await server.ask(`/v1/agents/${agent}/effects`)).body.effects;
    await server.send([callOf('e-1', 'clerk/sub-1', { parent: 'clerk' })], sender);
    await server.settled();
    expect(await server.send([late('e-2', 'clerk/sub-1', 'ok'), late('e-3', 'crm', 'denied')], sender)).toMatchObject({
      status: 202,
    });
    const pages = await found(server, 'stop-unverified');
    expect(pages).toMatchObject([{ severity: 'critical', agent: 'clerk/sub-1' }]);
    expect(pages[0].title).toMatch(/^clerk\/sub-1: 1 call went through after clerk was suspended at 20/);
    await server.until('the registry knows', async () => (await effectsOf('crm')).length > 0);
    expect(await effectsOf('clerk')).toMatchObject([{ place: 'traffic', state: 'contradicted' }]);
    expect(await effectsOf('crm')).toMatchObject([{ place: 'traffic', state: 'confirmed' }]);

    await server.killAndRestart();
    expect(await effectsOf('clerk')).toMatchObject([{ place: 'traffic', state: 'contradicted' }]);
    expect(await server.ask('/v1/agents/clerk/release', { json: { reason: 'mended' } })).toMatchObject({ status: 200 });
    // The last word of a place stays, with the version of the stop that it was about.
    expect(await effectsOf('clerk')).toMatchObject([{ place: 'traffic', version: 2, state: 'contradicted' }]);
    await server.send([late('e-4', 'clerk', 'ok')], sender);
    await server.settled();
    expect(await found(server, 'stop-unverified')).toHaveLength(1);
  });
});

describe('a halt', () => {
  it('refuses everybody through a crash, pages, and is lifted by an admin, share by share', async () => {
    const server = await Server.start();
    const responder = server.token('responder');
    const names = Array.from({ length: 40 }, (_, i) => `agent-${i}`);
    const served = async () => {
      const answers = await Promise.all(names.map((name) => server.decide(name)));
      return names.filter((_, i) => answers[i].body.allow as boolean);
    };
    expect(await server.ask('/v1/halt', { json: { reason: 'a leak' }, token: server.token('gateway') })).toMatchObject({
      status: 403,
    });
    const bound = await server.ask('/v1/tokens', { json: { name: 'one', roles: ['responder'], tenants: ['t'] } });
    expect(await server.ask('/v1/halt', { json: { reason: 'a leak' }, token: bound.body.token })).toMatchObject({
      ...{ status: 403, body: { code: 'api.forbidden' } },
    });
    expect(await server.ask('/v1/halt', { json: { reason: 'a leak' }, token: responder })).toMatchObject({
      ...{ status: 200, body: { effect: 'applied', halts: [{ tenant: null, share: 0, reason: 'a leak' }] } },
    });
    expect(await served()).toEqual([]);
    expect(await found(server, 'halted')).toMatchObject([{ severity: 'medium', agent: 'fleet' }]);
    await server.killAndRestart();
    expect(await served()).toEqual([]);

    const recover = (share: number, token: string) =>
      server.ask('/v1/halt/recover', { json: { share, reason: 'mended' }, token });
    expect(await recover(1, responder)).toMatchObject({ status: 403 });
    const admin = server.token('admin');
    expect(await recover(0.5, admin)).toMatchObject({ status: 200, body: { halts: [{ share: 0.5 }] } });
    const half = await served();
    expect(half.length).toBeGreaterThan(5);
    expect(half.length).toBeLessThan(35);
    expect(await recover(0.2, admin)).toMatchObject({ status: 409, body: { code: 'registry.refused' } });
    expect(await recover(1, admin)).toMatchObject({ status: 200, body: { halts: [] } });
    expect(await served()).toEqual(names);
  });
});
