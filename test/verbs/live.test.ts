/** The built program as a process of its own: `npm test` builds it first. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/api/client.js';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid, linesOf } from './said.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/main.js');

type Child = ChildProcessByStdio<null, Readable, Readable>;

class Program {
  readonly values: Record<string, unknown>[] = [];
  err = '';
  private readonly child: Child;
  private readonly ended: Promise<unknown>;

  constructor(...words: string[]) {
    this.child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    // 'close', not 'exit': by then everything it said has been read.
    this.ended = once(this.child, 'close');
    createInterface({ input: this.child.stdout }).on('line', (line) => this.values.push(JSON.parse(line)));
    this.child.stderr.on('data', (text) => {
      this.err += String(text);
    });
  }

  /** The first value of a type, once it was said. */
  async said(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const value = this.values.find((one) => one['type'] === type);
      if (value !== undefined) return value;
      if (this.child.exitCode !== null) throw new Error(`it ended before '${type}': ${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return await this.end();
  }

  async end(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-run-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('killdeer run', () => {
  const data = () => join(folder, 'data');
  let server: Program;

  async function run(...words: string[]) {
    const said = createSaid();
    const code = await runProgram([...words, '--data', data()], said.terminal);
    return { code, err: said.err(), values: linesOf(said.out()) };
  }

  beforeAll(async () => {
    server = new Program('run', '--data', data(), '--port', '0', '--no-history', '--policy', 'enforce');
    await server.said('started');
  });

  it('says where it is, and hands its first tokens to its owner alone', async () => {
    const { address, pid } = await server.said('started');
    expect(JSON.parse(readFileSync(join(data(), 'server.json'), 'utf8'))).toEqual({ address, pid });
    expect(statSync(join(data(), 'tokens.json')).mode & 0o777).toBe(0o600);
    const tokens = JSON.parse(readFileSync(join(data(), 'tokens.json'), 'utf8')) as Record<string, string>;
    expect(Object.keys(tokens).sort()).toEqual(['admin', 'analyst', 'gateway', 'ingest', 'responder', 'viewer']);
    const kept = readFileSync(join(data(), 'token-hashes.json'), 'utf8');
    // kd_ID_SECRET: the secret may hold underscores of its own.
    for (const token of Object.values(tokens)) expect(kept + server.err).not.toContain(token.slice(-43));
  });

  it('is reached by the verbs: an agent is described, stopped and let go', async () => {
    const listed = join(folder, 'registry.json');
    writeFileSync(listed, '[{"agent":"clerk","role":"finance","owner":"ops","budgets":{"day_usd":50}}]');
    expect(await run('agent', 'import', listed)).toMatchObject({ code: 0 });
    expect((await run('agent', 'show', 'clerk')).values[0]).toMatchObject({
      role: 'finance',
      owner: 'ops',
      budgets: { session_usd: null, day_usd: 50 },
    });
    const stop = await run('agent', 'suspend', 'clerk', '--reason', 'looks hijacked', '--for', '1h');
    expect(stop).toMatchObject({ code: 0, values: [{ effect: 'applied' }] });
    expect((await run('agent', 'list', '--status', 'suspended')).values).toMatchObject([{ agent: 'clerk' }]);
    expect(await server.said('stop')).toMatchObject({ agent: 'clerk', actor: 'person:responder' });

    const { address } = await server.said('started');
    const { gateway } = JSON.parse(readFileSync(join(data(), 'tokens.json'), 'utf8'));
    const client = createClient({ address: String(address), token: gateway });
    expect(await client.decide({ agent: 'clerk' })).toMatchObject({ allow: false, status: 'suspended' });
    expect(await run('agent', 'release', 'clerk', '--reason', 'was a test')).toMatchObject({ code: 0 });
    expect(await client.decide({ agent: 'clerk' })).toMatchObject({ allow: true, status: 'active' });
    expect(await run('agent', 'show', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^killdeer: (api\.not-found|registry\.unknown-agent): .*nobody/),
    });
  });

  it('makes, lists and revokes tokens; a secret is told once', async () => {
    const made = await run(
      'token',
      'create',
      '--name',
      'crm',
      '--role',
      'ingest',
      '--agents',
      'crm-*,bot',
      '--tenants',
      '',
    );
    expect(made).toMatchObject({ code: 0, values: [{ roles: ['ingest'], agents: ['crm-*', 'bot'], tenants: [''] }] });
    const { id, token } = made.values[0] as { id: string; token: string };
    const { address } = await server.said('started');
    const sender = createClient({ address: String(address), token });
    const event = (agent: string) =>
      JSON.stringify({ id: agent, time: new Date().toISOString(), agent, operation: 'chat', endpoint: 'm' });
    const answer = await sender.sendEvents([event('crm-1'), event('clerk')]);
    expect(answer).toMatchObject({ accepted: 1, rejections: [{ line: 2, code: 'event.not-bound' }] });
    const listed = await run('token', 'list');
    expect(listed.values).toHaveLength(7);
    expect(JSON.stringify(listed.values)).not.toContain(token);
    expect(await run('token', 'revoke', id)).toMatchObject({ code: 0, values: [{ id }] });
    await expect(sender.status()).rejects.toMatchObject({ code: 'api.unauthorized' });
    expect(await run('token', 'revoke', id)).toMatchObject({ code: 1, err: expect.stringContaining('api.not-found') });
    expect(await run('token', 'create', '--name', 'x', '--role', 'king')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--role king'),
    });
  });

  it('makes tokens that end, and links that let a browser in once', async () => {
    const made = await run('token', 'create', '--name', 'ada', '--role', 'viewer', '--expires-in', '2d');
    const { created_ms: createdMs, expires_ms: expiresMs } = made.values[0] as {
      created_ms: number;
      expires_ms: number;
    };
    expect(expiresMs - createdMs).toBe(2 * 86_400_000);
    expect(await run('token', 'create', '--name', 'x', '--role', 'viewer', '--expires-in', '1y')).toMatchObject({
      code: 2,
    });
    const link = (await run('login', '--role', 'viewer')).values[0] as { url: string };
    const { origin, hash } = new URL(link.url);
    const enter = () =>
      fetch(`${origin}/v1/sessions`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json', 'connection': 'close' } },
        body: JSON.stringify({ code: hash.replace('#login=', '') }),
      });
    const first = await enter();
    expect(first.headers.get('set-cookie')).toMatch(/^killdeer=/);
    expect(await first.json()).toMatchObject({ actor: 'person:admin', roles: ['viewer'], via: 'link' });
    expect((await enter()).status).toBe(401);
  });

  it('explains an event beside the server that scored it', async () => {
    // Durable is not yet executed, but the explanation executes for itself.
    const explained = await run('explain', 'crm-1', '--agent', 'crm-1');
    expect(explained).toMatchObject({ code: 0, values: [{ exact: true, partition: 0, fate: 'scored' }] });
    expect(await run('explain', 'no-such-id')).toMatchObject({ code: 1, err: expect.stringContaining('no-such-id') });
  });

  it('check says that an agent could be stopped right now', async () => {
    const { code, values } = await run('check');
    expect(code).toBe(0);
    expect(values[0]).toMatchObject({
      stoppable: { yes: true, words: expect.stringContaining('automatically 5 more') },
    });
  });

  it('keeps its data directory to itself', async () => {
    const second = new Program('run', '--data', data(), '--port', '0', '--no-history');
    expect(await second.end()).toBe(1);
    expect(second.err).toMatch(/killdeer: log\.locked: .*is held by process \d+/);
  });

  it('ends in order when told to, and keeps its tokens', async () => {
    const before = readFileSync(join(data(), 'tokens.json'), 'utf8');
    const seedOf = () => JSON.parse(readFileSync(join(data(), 'live.json'), 'utf8')).settings.hashSeed;
    const seed = seedOf();
    // Drawn, not the one that everybody knows.
    expect(seed).not.toBe(1);
    expect(statSync(data()).mode & 0o777).toBe(0o700);
    expect(await server.stop()).toBe(0);
    expect(server.values.at(-1)).toEqual({ type: 'stopped' });
    expect(existsSync(join(data(), 'server.json'))).toBe(false);
    expect(existsSync(join(data(), 'lock'))).toBe(false);
    const again = new Program('run', '--data', data(), '--port', '0', '--no-history');
    await again.said('started');
    expect((await run('agent', 'show', 'clerk')).values[0]).toMatchObject({ owner: 'ops', status: 'active' });
    expect(await again.stop()).toBe(0);
    expect(seedOf()).toBe(seed);
    expect(readFileSync(join(data(), 'tokens.json'), 'utf8')).toBe(before);
  });
});

describe('killdeer demo', () => {
  it('finds live what a replay finds, stops who goes wrong, and ends well', async () => {
    const demo = new Program('demo', '--exit', '--speed', 'max');
    expect(await demo.end()).toBe(0);
    const ids = (lines: Record<string, unknown>[]) => lines.map(({ id, severity }) => `${id} ${severity}`);
    const expected = linesOf(readFileSync(join(ROOT, 'replay/demo/expected.jsonl'), 'utf8'));
    // The fleet stage reads a log of its own: live it speaks a little later than in a replay.
    const ofEngine = ({ kind }: Record<string, unknown>) => kind !== 'delegation-tree';
    const live = ids(demo.values.filter(({ type }) => type === 'finding').filter(ofEngine));
    // The demo ends soon after its last story, the recording goes on to midnight.
    expect(live).toEqual(ids(expected.filter(ofEngine)).slice(0, live.length));
    const trees = (lines: Record<string, unknown>[]) => ids(lines.filter(({ kind }) => kind === 'delegation-tree'));
    for (const tree of trees(demo.values)) expect(trees(expected)).toContain(tree);
    const summary = await demo.said('summary');
    const stops = summary['stops'] as { agent: string; decide: { allow: boolean; status: string } | null }[];
    expect(stops.length).toBeGreaterThan(0);
    for (const stop of stops) expect(stop.decide).toMatchObject({ allow: false, status: 'suspended' });
    const storm = demo.values.find(({ kind }) => kind === 'retry-loop');
    expect(stops.map(({ agent }) => agent)).toContain(storm?.['agent']);
  });
});
