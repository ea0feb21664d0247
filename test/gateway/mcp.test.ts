/** A gateway between a real MCP client and a real MCP server that asks before each message goes on. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MCP_BUDGET, MCP_DENIED, MCP_THROTTLED } from '../../src/api/route-mcp.js';
import { createGatewayWorld, enrol, type GatewayWorld } from '../api/gateway-world.js';

let gateway: GatewayWorld;
let address: string;
let made: string[];

beforeEach(async () => {
  gateway = await createGatewayWorld();
  await enrol(gateway.write);
  address = await gateway.world.app.listen({ port: 0, host: '127.0.0.1' });
  made = [];
});
afterEach(() => gateway.close());

/** What the gateway does with one message: on with it, or back with the error, as it was answered. */
async function judge(agent: string, message: JSONRPCMessage): Promise<JSONRPCMessage | null> {
  const response = await fetch(`${address}/v1/mcp`, {
    method: 'POST',
    headers: {
      ...{ 'authorization': 'Bearer gateway', 'content-type': 'application/json' },
      ...{ 'x-killdeer-agent': agent, 'x-killdeer-session': 's1', 'x-killdeer-estimate-usd': '0.75' },
    },
    body: JSON.stringify(message),
  });
  const answer = (await response.json()) as { error?: object };
  return answer.error === undefined ? null : (answer as JSONRPCMessage);
}

async function connect(agent: string) {
  const server = new McpServer({ name: 'mail', version: '1.0.0' });
  server.registerTool('mail.send', { description: 'sends' }, async () => {
    made.push(agent);
    return { content: [{ type: 'text' as const, text: 'sent' }] };
  });
  const [ofClient, front] = InMemoryTransport.createLinkedPair();
  const [back, ofServer] = InMemoryTransport.createLinkedPair();
  await pass(front, back, agent);
  await server.connect(ofServer);
  const client = new Client({ name: 'agent', version: '1.0.0' });
  await client.connect(ofClient);
  return client;
}

async function pass(front: Transport, back: Transport, agent: string): Promise<void> {
  // One after the other, as they came.
  let last: Promise<void> = Promise.resolve();
  front.onmessage = (message) => {
    last = last.then(async () => {
      const refused = await judge(agent, message);
      await (refused === null ? back.send(message) : front.send(refused));
    });
  };
  back.onmessage = (message) => void front.send(message);
  await Promise.all([front.start(), back.start()]);
}

const send = (client: Client) => client.callTool({ name: 'mail.send', arguments: {} });
const fault = async (client: Client) => {
  const error = await send(client).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect((error as Error | null)?.constructor.name).toBe('McpError');
  return error as { code: number; message: string; data: { denial: string; retry_after_ms: number | null } };
};

describe('an MCP gateway', () => {
  it('lets a call of a tool through', async () => {
    const client = await connect('free');
    expect((await send(client)).content).toEqual([{ type: 'text', text: 'sent' }]);
    expect((await client.listTools()).tools).toHaveLength(1);
    expect(made).toEqual(['free']);
  });

  it('hands the refusal to the client, with its reason, and the server sees nothing of it', async () => {
    const client = await connect('held');
    expect((await client.listTools()).tools).toHaveLength(1);
    const error = await fault(client);
    expect(error.code).toBe(MCP_DENIED);
    expect(error.message).toContain('held: suspend, until released: looks hijacked');
    expect(error.data).toMatchObject({ denial: 'stopped', status: 'suspended', retry_after_ms: null });
    expect(made).toEqual([]);
  });

  it('tells a throttled agent when to come again, and one without money how much is left', async () => {
    const slow = await connect('slow');
    await send(slow);
    expect(await fault(slow)).toMatchObject({ code: MCP_THROTTLED, data: { retry_after_ms: 60_000 } });
    const broke = await connect('broke');
    await send(broke);
    expect(await fault(broke)).toMatchObject({ code: MCP_BUDGET, data: { denial: 'budget', remaining_usd: 0.25 } });
    expect(made).toEqual(['slow', 'broke']);
  });

  it('a stop holds for a session that is open', async () => {
    const client = await connect('free');
    await send(client);
    const stop = { type: 'stop', key: 'k', agent: 'free', action: 'suspend', reason: 'hijacked' };
    await gateway.write({ ...stop, forMs: null, callsPerMinute: null });
    expect((await fault(client)).data.denial).toBe('stopped');
  });
});
