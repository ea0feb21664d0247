/** What the four contracts have in common: the registry out of reach, and nothing reserved for what is refused. */
import { afterEach, describe, expect, it } from 'vitest';
import { createGatewayWorld, enrol, type GatewayWorld } from './gateway-world.js';

let gateway: GatewayWorld;
afterEach(() => gateway.close());

const HEADERS = { 'x-killdeer-agent': 'free', 'host': 'api.example.com' };
const CALLS = {
  json: { method: 'POST', url: '/v1/decide', payload: { agent: 'free' } },
  envoy: { method: 'GET', url: '/v1/envoy/x', headers: HEADERS },
  nginx: { method: 'GET', url: '/v1/nginx', headers: HEADERS },
  mcp: {
    ...{ method: 'POST', url: '/v1/mcp', headers: { 'x-killdeer-agent': 'free' } },
    payload: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'mail' } },
  },
} as const;
type Contract = keyof typeof CALLS;

async function ask(contract: Contract) {
  const answer = await gateway.world.call('gateway', CALLS[contract] as never);
  const isMcp = contract === 'mcp';
  const denial = isMcp ? answer.json().error?.data.denial : answer.headers['x-killdeer-denial'];
  const allow = isMcp ? answer.json().error === undefined : answer.statusCode < 300;
  const stale = answer.headers['killdeer-stale-ms'];
  if (contract === 'json') return { allow: answer.json().allow, denial: answer.json().denial ?? undefined, stale };
  return { allow, denial, stale };
}

describe('a registry that is out of reach', () => {
  const staleness = (deny: boolean, contracts = {}) => ({
    staleness: { ms: () => 45_000, afterMs: 30_000, deny, contracts },
  });

  it.each(Object.keys(CALLS) as Contract[])('is told of, and %s does as it is configured', async (contract) => {
    gateway = await createGatewayWorld(staleness(false, { [contract]: true }));
    await enrol(gateway.write);
    for (const other of Object.keys(CALLS) as Contract[]) {
      const denied = { allow: false, denial: 'stale', stale: '45000' };
      const allowed = { allow: true, denial: undefined, stale: '45000' };
      expect(await ask(other), other).toEqual(other === contract ? denied : allowed);
    }
  });

  it('goes by the one setting where a contract has none of its own', async () => {
    gateway = await createGatewayWorld(staleness(true, { mcp: false }));
    await enrol(gateway.write);
    expect(await ask('json')).toMatchObject({ allow: false, denial: 'stale' });
    expect(await ask('mcp')).toMatchObject({ allow: true });
  });

  it('lets a stop that is known hold in any case', async () => {
    gateway = await createGatewayWorld(staleness(false));
    await enrol(gateway.write);
    const stop = { type: 'stop', key: 'k', agent: 'free', action: 'suspend', reason: 'hijacked' };
    await gateway.write({ ...stop, forMs: null, callsPerMinute: null });
    for (const contract of Object.keys(CALLS) as Contract[]) {
      expect((await ask(contract)).denial, contract).toBe('stopped');
    }
  });
});

describe('a refusal', () => {
  it('reserves nothing', async () => {
    gateway = await createGatewayWorld({ staleness: { ms: () => 45_000, afterMs: 30_000, deny: true } });
    await enrol(gateway.write);
    const question = { agent: 'broke', session: 's', estimate_usd: 0.1 };
    const answer = await gateway.world.call('gateway', { method: 'POST', url: '/v1/decide', payload: question });
    expect(answer.json()).toMatchObject({ allow: false, denial: 'stale', reservation: null });
    expect(gateway.ledger.inFlight).toBe(0);
  });
});
