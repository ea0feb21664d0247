/**
 * The examples that the documentation promises, end to end: what a gateway is answered, what people are shown, and the
 * records that stay behind in the registry's log.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectorsSchema } from '../../src/connect/section.js';
import type { RegistryRecord } from '../../src/registry/registry.js';
import { openWebhookReceiver } from '../connect/receivers.js';
import { audit } from './audit.js';
import { freshDirectory, run, valuesOf } from './program.js';
import { Server } from './server.js';
import { callOf, timeOf } from './traffic.js';

type Of<T extends RegistryRecord['type']> = Extract<RegistryRecord, { type: T }>;

const ENFORCE = ['--policy', 'enforce'];

/** Ends the server; what its registry's log then holds of a type and was applied. */
async function recordsAfter<T extends RegistryRecord['type']>(server: Server, policy: string, type: T) {
  expect(await server.program.stop()).toMatchObject({ code: 0 });
  const { registry } = await audit(server.data, { policy });
  return registry.flatMap(({ record, effect }) =>
    record.type === type && effect === 'applied' ? [record as Of<T>] : [],
  );
}

async function found(server: Server, query: string): Promise<Record<string, unknown>[]> {
  let findings: Record<string, unknown>[] = [];
  await server.until(`there is a finding ${query}`, async () => {
    findings = (await server.ask(`/v1/findings?${query}`)).body.findings;
    return findings.length > 0;
  });
  return findings;
}

async function denialsOf(server: Server, query: string): Promise<Record<string, unknown>[]> {
  let denials: Record<string, unknown>[] = [];
  await server.until(`a refusal is recorded: ${query}`, async () => {
    denials = (await server.ask(`/v1/denials?${query}`)).body.denials;
    return denials.length > 0;
  });
  return denials;
}

async function register(server: Server, agent: string, json: object): Promise<void> {
  expect(await server.ask(`/v1/agents/${agent}`, { method: 'PUT', json })).toMatchObject({ status: 200 });
}

function gatewayOf(server: Server, agent: string) {
  const token = server.token('gateway');
  return async (question: object) => (await server.ask('/v1/decide', { json: { agent, ...question }, token })).body;
}

describe('a session budget of 100 dollars', () => {
  it('of which 87 go in 30 s is halted before it is used up, and overshot by what calls in flight cost too much', async () => {
    const server = await Server.start({ words: ENFORCE });
    const sender = await server.makeToken('buyer', ['ingest'], ['buyer']);
    await register(server, 'buyer', { owner: 'ada', budgets: { session_usd: 100, day_usd: null } });
    await server.settled();
    const ask = gatewayOf(server, 'buyer');
    const reserve = (usd: number) => ask({ session: 's1', endpoint: 'pay.api', estimate_usd: usd });

    // 33 calls are under way at once, said to cost 3 each; the 34th would be beyond the budget.
    const allowed: string[] = [];
    for (let i = 0; i < 33; i++) allowed.push((await reserve(3)).reservation.id as string);
    expect(await reserve(3)).toMatchObject({ allow: false, denial: 'budget', remaining_usd: 1 });

    // 29 of them end within 30 s and cost what was said: 87.
    const startMs = Math.floor(Date.now() / 10_000) * 10_000 - 30_000 - Date.now();
    const cost = (id: string, usd: number, aheadMs: number) =>
      callOf(id, 'buyer', { session: 's1', endpoint: 'pay.api', cost_usd: usd, time: timeOf(aheadMs) });
    const spent = allowed.slice(0, 29).map((id, i) => cost(id, 3, startMs + i * 1_034));
    expect(await server.send(spent, sender)).toMatchObject({ status: 202, body: { accepted: 29 } });
    const [projected] = await found(server, 'kinds=budget&agent=buyer');
    const [{ feature, observed, expected }] = projected['attribution'] as Record<string, number>[];
    expect([projected['severity'], feature]).toEqual(['high', 'session budget']);
    expect([expected, observed < 100]).toEqual([100, true]);
    await server.until('it is halted', async () => (await ask({ session: 's1' })).denial === 'stopped');
    expect(await ask({ session: 's2', estimate_usd: 1 })).toMatchObject({ allow: false, status: 'suspended' });

    // The four in flight go on to their end, and each costs a dollar more than was reserved for it.
    const late = allowed.slice(29).map((id) => cost(id, 4, 0));
    expect(await server.send(late, sender)).toMatchObject({ status: 202, body: { accepted: 4 } });
    const [usedUp] = await found(server, 'kinds=budget&agent=buyer&severity=critical');
    const [{ observed: spentUsd = Number.NaN }] = usedUp['attribution'] as Record<string, number>[];
    const overshoot = spentUsd - 100;
    const bound = late.length * (4 - 3);
    expect(overshoot).toBeLessThanOrEqual(bound);
    console.info(`budget 100 USD: foreseen at ${observed}, halted at 87, overshot by ${overshoot} of at most ${bound}`);

    // A person lets it go on: that session has nothing left, another one has all of its own.
    await server.ask('/v1/agents/buyer/release', { json: { reason: 'meant to' } });
    expect(await reserve(0)).toMatchObject({ allow: false, denial: 'budget', remaining_usd: 0 });
    expect(await ask({ session: 's2', estimate_usd: 60 })).toMatchObject({ allow: true, remaining_usd: 40 });
    await denialsOf(server, 'agent=buyer&denial=budget');

    expect(await server.program.stop()).toMatchObject({ code: 0 });
    const { registry } = await audit(server.data, { policy: 'enforce' });
    const applied = registry.filter(({ effect }) => effect === 'applied').map(({ record }) => record);
    const stops = applied.filter((record) => record.type === 'proposal');
    expect(stops[0]?.proposal).toMatchObject({ kind: 'budget', action: 'suspend', agent: 'buyer', hardBudget: false });
    expect(applied.find(({ type }) => type === 'denied')).toMatchObject({
      ...{ agent: 'buyer', denial: 'budget', enforced: true, question: { session: 's1' } },
      trail: [{ agent: 'buyer' }],
    });
  });
});

describe('an agent that may list customers and send mail', () => {
  it('is refused when it wants to delete one, and the record says what it is held to', async () => {
    const server = await Server.start({ words: ENFORCE });
    await register(server, 'support', { owner: 'ada', endpoints: ['crm.list_customers', 'mail.send'] });
    const ask = gatewayOf(server, 'support');
    const tool = (endpoint: string) => ask({ operation: 'execute_tool', endpoint, target: 'customer-7' });
    expect(await tool('crm.list_customers')).toMatchObject({ allow: true, denial: null });
    expect(await tool('mail.send')).toMatchObject({ allow: true });
    expect(await tool('crm.delete_customer')).toMatchObject({ allow: false, denial: 'endpoint', status: 'active' });
    // What it starts cannot do more than itself.
    const child = gatewayOf(server, 'support/helper');
    expect(await child({ operation: 'execute_tool', endpoint: 'crm.delete_customer' })).toMatchObject({
      ...{ allow: false, denial: 'endpoint' },
    });
    const trail = [{ agent: 'support', endpoints: ['crm.list_customers', 'mail.send'] }];
    expect(await denialsOf(server, 'agent=support')).toMatchObject([
      { denial: 'endpoint', enforced: true, count: 1, endpoint: 'crm.delete_customer', target: 'customer-7', trail },
    ]);
    const shown = await run(['agent', 'denials', '--data', server.data]);
    expect(valuesOf(shown.out)).toContainEqual(expect.objectContaining({ endpoint: 'crm.delete_customer' }));
    const denied = await recordsAfter(server, 'enforce', 'denied');
    expect(denied.find(({ agent }) => agent === 'support')).toMatchObject({
      ...{ denial: 'endpoint', enforced: true, question: { endpoint: 'crm.delete_customer', target: 'customer-7' } },
      trail,
    });
  });
});

describe('an agent that delegates to one that reads and to one that writes to one address', () => {
  it('has the second refused at another address, and the trail names all three with what they are held to', async () => {
    const server = await Server.start({ words: ENFORCE });
    const ADDRESS = 'ada@customers.example';
    await register(server, 'planner', { owner: 'ada', delegation: { agents: ['reader', 'writer'] } });
    await register(server, 'reader', { parent: 'planner', operations: ['retrieval'] });
    await register(server, 'writer', { parent: 'planner', targets: [ADDRESS] });
    const [planner, reader, writer] = ['planner', 'reader', 'writer'].map((agent) => gatewayOf(server, agent));
    for (const target of ['reader', 'writer']) {
      expect(await planner({ operation: 'invoke_agent', target })).toMatchObject({ allow: true });
    }
    expect(await planner({ operation: 'invoke_agent', target: 'stranger' })).toMatchObject({ denial: 'delegation' });
    expect(await reader({ operation: 'retrieval', endpoint: 'crm.search' })).toMatchObject({ allow: true });
    expect(await reader({ operation: 'execute_tool', endpoint: 'crm.update' })).toMatchObject({ denial: 'operation' });
    const mail = (target: string) => writer({ operation: 'execute_tool', endpoint: 'mail.send', target });
    expect(await mail(ADDRESS)).toMatchObject({ allow: true });
    expect(await mail('eve@elsewhere.example')).toMatchObject({ allow: false, denial: 'target', status: 'active' });

    const trail = [
      { agent: 'writer', parent: 'planner', operations: null, targets: [ADDRESS] },
      { agent: 'planner', parent: null, operations: null, targets: null },
      { agent: 'reader', parent: 'planner', operations: ['retrieval'], targets: null },
    ];
    expect(await denialsOf(server, 'agent=writer')).toMatchObject([
      { denial: 'target', enforced: true, target: 'eve@elsewhere.example', trail },
    ]);
    const denied = await recordsAfter(server, 'enforce', 'denied');
    expect(denied.map(({ agent, denial }) => `${agent} ${denial}`).sort()).toEqual([
      ...['planner delegation', 'reader operation', 'writer target'],
    ]);
    expect(denied.find(({ agent }) => agent === 'writer')).toMatchObject({ enforced: true, trail });
  });
});

describe('a place that answers OK and does nothing', () => {
  const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
  const SECRET_ENV = 'KILLDEER_TEST_SECRET';
  const VERIFY_MS = 3_000;

  it('is found out: the stop is unverified there, which pages within the time for proof', async () => {
    const gate = await openWebhookReceiver(SECRET);
    onTestFinished(() => gate.close());
    gate.state.isLying = true;
    const place = {
      ...{ kind: 'webhook', name: 'gate', url: gate.url, status_url: `${gate.url}/status`, pages: true },
      secret_env: SECRET_ENV,
    };
    for (const one of connectorsSchema.parse([place])) {
      expect(one).toMatchObject({ kind: 'webhook', verify_within: expect.any(Number) });
      if (one.kind === 'webhook') expect(one.verify_within).toBeLessThanOrEqual(30_000);
    }
    const config = join(freshDirectory(), 'config.yaml');
    writeFileSync(config, JSON.stringify({ connectors: [{ ...place, verify_within: VERIFY_MS }] }));
    const server = await Server.start({ words: ['--config', config], env: { [SECRET_ENV]: SECRET } });
    await register(server, 'clerk', { owner: 'ada' });
    const beganMs = performance.now();
    const stop = { action: 'suspend', reason: 'looks hijacked' };
    expect(await server.ask('/v1/agents/clerk/stop', { json: stop })).toMatchObject({ status: 200 });

    const [page] = await found(server, 'kinds=stop-unverified');
    const tookMs = performance.now() - beganMs;
    expect(page).toMatchObject({ severity: 'critical', agent: 'clerk' });
    expect(page['title']).toMatch(/clerk.*gate/);
    expect((await server.ask('/v1/agents/clerk/effects')).body.effects).toMatchObject([
      { place: 'gate', state: 'contradicted' },
    ]);
    expect((await server.ask('/v1/connectors')).body.places).toMatchObject([{ name: 'gate', unverified: 1 }]);
    await server.until('the pager rang', async () => gate.state.messages.some(({ told }) => told.type === 'page'));
    // It holds where Killdeer is asked, whatever the place does.
    expect((await server.decide('clerk')).body).toMatchObject({ allow: false, denial: 'stopped' });
    console.info(
      `a stop that a place did not carry out: paged after ${Math.round(tookMs)} ms, verify_within ${VERIFY_MS}`,
    );
    const effects = await recordsAfter(server, 'observe', 'effect');
    expect(effects.map(({ place: at, state }) => `${at} ${state}`)).toEqual(['gate sent', 'gate contradicted']);
  });
});
