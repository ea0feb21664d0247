/**
 * The contracts of the gateways, word by word: each file of test/contract/*.json is a list of calls with what must be
 * answered, made in order against the real server. Whoever writes a gateway may take them as his own tests.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatewayWorld, enrol, type GatewayWorld } from './gateway-world.js';

interface Case {
  readonly name: string;
  /** Of the caller; null: none. */
  readonly token: string | null;
  readonly request: {
    readonly method: 'GET';
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly answer: {
    readonly status: number;
    /** null: it must not be there. */
    readonly headers?: Record<string, string | null>;
    /** Members that it must have; null: there is no body. */
    readonly body?: unknown;
  };
}

const FILES = ['decide', 'envoy', 'nginx', 'mcp'];
const casesOf = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../contract/${file}.json`, import.meta.url), 'utf8'));

describe.each(FILES)('the contract %s', (file) => {
  let gateway: GatewayWorld;

  beforeAll(async () => {
    gateway = await createGatewayWorld();
    await enrol(gateway.write);
  });
  afterAll(() => gateway.close());

  it.each(casesOf(file))('$name', async ({ token, request, answer }) => {
    const { method, path, headers, body } = request;
    const host = headers?.host === undefined ? {} : { authority: headers.host };
    const got = await gateway.world.call(token, {
      ...{ method, url: path, ...host },
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { payload: body as object }),
    });
    expect(got.statusCode, got.body).toBe(answer.status);
    for (const [name, value] of Object.entries(answer.headers ?? {})) {
      expect(got.headers[name]?.toString() ?? null, name).toBe(value);
    }
    if (answer.body === null) expect(got.body).toBe('');
    else if (Array.isArray(answer.body)) expect(got.json()).toEqual(answer.body);
    else if (answer.body !== undefined) expect(got.json()).toMatchObject(answer.body);
  });
});
