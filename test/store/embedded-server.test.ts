/** The embedded engine over HTTP: for whoever knows the password, within limits, and as ClickHouse's client expects. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../src/store/connection.js';
import { Program } from '../e2e/program.js';
import { childCommand, describeStore, type Engine, until } from './world.js';

function ask(
  { child }: Engine,
  body: string | Buffer,
  search = '',
  headers: Record<string, string> = {},
): Promise<Response> {
  const { url, username, password } = child.access;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return fetch(`${url}/?${search}`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers: { authorization, ...headers },
  });
}

describeStore('the embedded server', (engine) => {
  it('answers a ping to anybody and statements to those with the password alone', async () => {
    const { url } = engine().child.access;
    expect(await (await fetch(`${url}/ping`)).text()).toBe('Ok.\n');
    for (const authorization of ['', 'Basic eDp5', 'Bearer x']) {
      const refused = await ask(engine(), 'SELECT 1', '', { authorization });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('x-clickhouse-exception-code')).toBe('516');
    }
    expect(await (await ask(engine(), 'SELECT 1')).text()).toBe('1\n');
    const { username, password } = engine().child.access;
    const keyed = { 'authorization': '', 'x-clickhouse-user': username, 'x-clickhouse-key': password };
    expect(await (await ask(engine(), 'SELECT 2', '', keyed)).text()).toBe('2\n');
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('serves the client: settings and parameters of one statement only, errors with their codes', async () => {
    const { url, username, password } = engine().child.access;
    const client = createClient({
      url,
      username,
      password,
      compression: { request: true, response: true },
      log: { level: ClickHouseLogLevel.OFF },
    });
    onTestFinished(() => client.close());
    expect((await client.ping()).success).toBe(true);
    const text = "\t\n\\ ' \u0000 {b:String} \u{1f426}";
    const many = Array.from({ length: 20 }, async (_, i) => {
      const query = "SELECT {text:String} AS text, {n:UInt32} AS n, getSetting('max_threads') AS threads";
      const result = await client.query({
        query,
        query_params: { text: `${text}${i}`, n: i },
        clickhouse_settings: { max_threads: (i % 2) + 1 },
        format: 'JSONEachRow',
      });
      expect(await result.json()).toEqual([{ text: `${text}${i}`, n: i, threads: (i % 2) + 1 }]);
    });
    await Promise.all(many);
    await expect(client.query({ query: 'SELECT {text:String}' })).rejects.toMatchObject({ code: '456' });
    await expect(client.query({ query: 'SELECT nothing FROM nowhere' })).rejects.toMatchObject({
      type: 'UNKNOWN_TABLE',
    });
    await expect(client.command({ query: 'SELEKT 1' })).rejects.toMatchObject({ code: '62' });
    await client.command({ query: 'CREATE TABLE IF NOT EXISTS default.rows (a UInt32, b String) ENGINE = Memory' });
    await client.insert({ table: 'default.rows', values: [{ a: 1, b: text }], format: 'JSONEachRow' });
    const rows = await client.query({ query: 'SELECT * FROM default.rows', format: 'JSON' });
    expect((await rows.json()).data).toEqual([{ a: 1, b: text }]);
  });

  it('streams what is long, and cuts off what is too long or too slow', async () => {
    const connection = openConnection(engine().child.access);
    onTestFinished(() => connection.close());
    let bytes = 0;
    const sql = 'SELECT number, toString(number) AS text FROM numbers(300000) FORMAT JSONEachRow';
    for await (const piece of await connection.stream(sql, {}, {})) bytes += piece.length;
    expect(bytes).toBeGreaterThan(8_000_000);
    const failing = 'SELECT throwIf(number = 200000) FROM numbers(300000) FORMAT JSONEachRow';
    const broken = async () => {
      for await (const piece of await connection.stream(failing, {}, {})) bytes += piece.length;
    };
    await expect(broken()).rejects.toThrow();
    const slow = connection.select(
      'SELECT sum(sipHash64(number)) AS s FROM numbers(100000000000)',
      {},
      { max_execution_time: 1 },
    );
    await expect(slow).rejects.toMatchObject({
      code: 'store.unreachable',
      message: expect.stringContaining('TIMEOUT'),
    });
    const greedy = connection.select(
      'SELECT uniqExact(number) FROM numbers(10000000)',
      {},
      { max_memory_usage: 20_000_000 },
    );
    await expect(greedy).rejects.toMatchObject({ message: expect.stringContaining('MEMORY_LIMIT') });
    expect(await connection.select('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('refuses several statements, files, and bodies that are not what they say', async () => {
    const several = await ask(engine(), 'SELECT 1; SELECT 2');
    expect([several.status, await several.text()]).toEqual([400, expect.stringContaining('Multi-statements')]);
    const file = await ask(engine(), `SELECT 1 INTO OUTFILE '${join(engine().data, 'out')}'`);
    expect([file.status, existsSync(join(engine().data, 'out'))]).toEqual([400, false]);
    const zipped = { 'content-encoding': 'gzip' };
    expect(await (await ask(engine(), gzipSync('SELECT 3'), '', zipped)).text()).toBe('3\n');
    expect((await ask(engine(), 'SELECT 3', '', zipped)).status).toBe(500);
    expect((await ask(engine(), 'SELECT 1', 'max_threads%27=1')).status).toBe(400);
    const only = await ask(engine(), 'CREATE TABLE default.x (a String) ENGINE = Memory', 'readonly=1&max_threads=1');
    expect(only.headers.get('x-clickhouse-exception-code')).toBe('164');
  });

  it('has its directory to itself, and leaves its address to its owner alone', async () => {
    const note = join(engine().data, 'store', 'store.json');
    expect(statSync(note).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(note, 'utf8'))).toMatchObject({ url: engine().child.access.url });
    const [, ...words] = childCommand(engine().data);
    const second = await new Program(words.slice(1)).end();
    expect(second.code).toBe(1);
    expect(second.err).toContain('log.locked');
    expect(second.err).toContain(String(engine().child.pid));
    expect(second.out).toContain('"failed"');
    await until('it still answers', async () => (await ask(engine(), 'SELECT 1')).ok);
  });
});
