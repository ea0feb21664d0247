/**
 * Texts that try to act, in every field that a sender or a person fills in, on a real server: each is refused with the
 * member's name or kept, and then nothing of it acts in any export, sink, log, table or stream.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { isEmbeddable } from '../../src/store/embedded.js';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid } from '../verbs/said.js';
import { actingIn, cellsOf, FORMULA, NAMES, TEXTS } from './hostile.js';
import { freshDirectory } from './program.js';
import { Server } from './server.js';
import { callOf, loopOf } from './traffic.js';

const ALL = [...NAMES, ...TEXTS];
/** As much as a name of a replay may hold. */
const REPLAY_NAME = [...TEXTS, ...NAMES].join(' ').slice(0, 100);
const SINKS = ['json', 'ocsf', 'text'].map(
  (format) =>
    `  - { name: ${format}, kind: file, format: ${format}, updates: true, actions: true, filter: { notices: true, suppressed: true } }`,
);
/** Members of an event that take any text. */
const FREE = [
  'target',
  'error_type',
  'model',
  'version',
  'source',
  'environment',
  'scope',
  'task',
  'initiator',
] as const;

interface Found {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
}

async function textOf(server: Server, path: string, headers: Record<string, string> = {}) {
  const authorization = `Bearer ${server.token('admin')}`;
  const response = await fetch(`${server.address}${path}`, { headers: { authorization, ...headers } });
  return { headers: response.headers, bytes: await response.arrayBuffer() };
}

const decoded = (bytes: ArrayBuffer): string => new TextDecoder().decode(bytes);
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Loops of agents whose names, or whose free texts, try to act; each is found. */
async function attack(server: Server): Promise<Found[]> {
  for (const [i, text] of ALL.entries()) {
    const name = NAMES[i] ?? `clerk-${i}`;
    const free = Object.fromEntries(FREE.map((member) => [member, text]));
    const own = { tenant: name, session: name, endpoint: name, ...free, on_behalf_of: [text] };
    const { body } = await server.send(
      loopOf(name, 60, own, 1_000 * i).map((call, n) => ({ ...call, id: `${name} ${n}` })),
    );
    expect(body).toMatchObject({ accepted: 60, rejected: 0 });
  }
  await server.settled();
  let found: Found[] = [];
  await server.until('all loops are found', async () => {
    found = (await server.ask('/v1/findings?kinds=retry-loop&limit=1000')).body.findings;
    return new Set(found.map(({ agent }) => agent)).size === ALL.length;
  });
  return found;
}

/** Names with a control character get into no field that is a name, and are told by its name. */
async function refuse(server: Server): Promise<void> {
  for (const [i, text] of TEXTS.entries()) {
    for (const member of ['id', 'agent', 'endpoint', 'tenant', 'session', 'parent']) {
      const { body } = await server.send([{ ...callOf(`r-${i}`, 'clerk'), [member]: text }]);
      expect(body).toMatchObject({ accepted: 0, rejected: 1 });
      expect(JSON.stringify(body)).toContain(`${member} must not contain a control character`);
    }
  }
  const [text] = TEXTS;
  const wishes: [path: string, method: string, json: object, member: string][] = [
    ...['owner', 'technical_owner', 'role', 'purpose', 'environment', 'agent_version'].map(
      (member): [string, string, object, string] => ['/v1/agents/clerk-x', 'PUT', { [member]: text }, member],
    ),
    ['/v1/agents/clerk-x', 'PUT', { labels: [text] }, 'labels'],
    [`/v1/agents/${encodeURIComponent(text as string)}/stop`, 'POST', { action: 'suspend', reason: 'x' }, 'agent'],
    ['/v1/tokens', 'POST', { name: text, roles: ['viewer'] }, 'name'],
  ];
  for (const [path, method, json, member] of wishes) {
    const { status, headers, body } = await server.ask(path, { method, json });
    expect([path, status, body.code]).toEqual([path, 400, 'api.invalid']);
    expect(JSON.stringify(body.errors)).toContain(member);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
}

/** What people write: every field of theirs, with every text that it takes. */
async function write(server: Server, found: readonly Found[]): Promise<void> {
  const told = async (path: string, json: object, method = 'POST') => {
    const { status, body } = await server.ask(path, { method, json });
    expect([path, status < 300 ? 'good' : body], JSON.stringify(json)).toEqual([path, 'good']);
  };
  /** Kept, or refused by the member's name. */
  const judged = async (path: string, json: object, member: string) => {
    const { status, body } = await server.ask(path, { json });
    if (status >= 300)
      expect([status, body.code, body.detail]).toEqual([400, 'api.invalid', expect.stringContaining(member)]);
  };
  for (const [i, text] of ALL.entries()) {
    const { id, agent, tenant } = found[i] as Found;
    const at = `/v1/agents/${encodeURIComponent(agent)}`;
    const of = `tenant=${encodeURIComponent(tenant)}`;
    const name = NAMES[i] ?? `person-${i}`;
    await told(
      `${at}?${of}`,
      { owner: name, role: name.slice(0, 64), purpose: name, labels: [name.slice(0, 64)] },
      'PUT',
    );
    await told(`/v1/findings/${id}/comment`, { text });
    await judged(`/v1/findings/${id}/assign`, { to: name.slice(0, 64) }, 'to');
    await told('/v1/verdicts', { finding: id, verdict: 'expected', comment: text });
    await told('/v1/suppressions', { finding: id, for_ms: 3_600_000, reason: text });
    await told(`${at}/stop?${of}`, { action: 'lower-trust', reason: text });
    await judged('/v1/tokens', { name: name.slice(0, 64), roles: ['viewer'] }, 'name');
    await told('/v1/tokens', { name: `viewer ${i}`, roles: ['viewer'], agents: [name] });
  }
  await told(
    '/v1/sponsors?check=true',
    NAMES.map((owner) => ({ owner, state: 'active' })),
  );
  await told('/v1/replays', { name: REPLAY_NAME, recording: 'demo' });
}

/** As no client of good manners would: a byte a character. */
async function sendBytes(server: Server, text: string): Promise<void> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  socket.on('data', () => undefined);
  socket.write(text, 'latin1');
  await once(socket, 'close');
}

/** Every text that leaves the server or the program for other programs' eyes. */
async function textsOut(server: Server): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  for (const format of ['csv', 'jsonl', 'ocsf']) {
    const { headers, bytes } = await textOf(server, `/v1/findings/export?format=${format}`);
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="[\w.-]+"$/);
    out.set(`findings ${format}`, decoded(bytes));
  }
  for (const format of ['csv', 'jsonl']) {
    out.set(`audit ${format}`, decoded((await textOf(server, `/v1/audit/export?format=${format}`)).bytes));
  }
  const folder = join(server.data, 'sinks');
  for (const file of readdirSync(folder).filter((one) => one.endsWith('.jsonl'))) {
    out.set(`sink ${file}`, readFileSync(join(folder, file), 'utf8'));
  }
  const { bytes } = await textOf(server, '/v1/findings/export?format=parquet');
  out.set(
    'findings parquet',
    (await parquetReadObjects({ file: bytes })).map((row) => Object.values(row).join('\n')).join('\n'),
  );
  return out;
}

/** As a person sees them who sits at a terminal. */
async function tablesOut(server: Server, { id, agent, tenant }: Found): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  const tables = [
    ['findings'],
    ['findings', 'show', id],
    ['cases'],
    ['agent', 'list'],
    ['agent', 'show', agent, '--tenant', tenant],
    ['agent', 'export'],
    ['agent', 'profile', agent, '--tenant', tenant],
    ['audit', 'list'],
    ['verdict', 'list'],
    ['suppress', 'list'],
    ['token', 'list'],
    ['store', 'query', 'SELECT * FROM events LIMIT 500'],
  ];
  for (const words of tables) {
    const said = createSaid(true);
    const code = await runProgram([...words, '--data', server.data], said.terminal);
    expect([words, code, said.err()]).toEqual([words, 0, '']);
    out.set(words.slice(0, 2).join(' '), said.out());
  }
  return out;
}

describe('what somebody wrote to act on others', () => {
  it.skipIf(!isEmbeddable())('is refused by name or kept, and is inert wherever it comes out', async () => {
    const config = join(freshDirectory(), 'killdeer.yaml');
    writeFileSync(config, `api: { calls_per_minute: 100000 }\nsinks:\n${SINKS.join('\n')}\n`);
    const server = await Server.start({ history: true, words: ['--config', config] });
    await refuse(server);
    const found = await attack(server);
    const opened = (await server.ask('/v1/findings')).body.updates;
    await write(server, found);

    // As it was written, in JSON alone, with headers that let nobody read it as anything else.
    const kept = await server.ask('/v1/findings?kinds=retry-loop&limit=1000');
    expect(new Set(kept.body.findings.map(({ agent }: Found) => agent))).toEqual(
      new Set(found.map(({ agent }) => agent)),
    );
    expect(kept.headers.get('content-type')).toMatch(/^application\/json/);
    expect(kept.headers.get('x-content-type-options')).toBe('nosniff');
    expect(kept.headers.get('content-security-policy')).toContain("default-src 'none'");

    await server.until('the sinks have it', async () => {
      const { sinks } = (await server.ask('/v1/sinks')).body;
      return (
        sinks.length === 3 &&
        sinks.every(({ backlog, sent }: { backlog: number; sent: number }) => backlog === 0 && sent > 0)
      );
    });
    const texts = await textsOut(server);
    for (const [name, text] of texts) {
      expect([name, actingIn(text.replaceAll('\r\n', '\n'))]).toEqual([name, []]);
      if (/jsonl|ocsf/.test(name)) {
        for (const line of linesOf(text)) expect(JSON.parse(line), name).toBeTypeOf('object');
        expect([name, /[<>]/.test(text)]).toEqual([name, false]);
      }
    }
    // It is there, and only as what is read.
    for (const name of [
      'findings csv',
      'findings parquet',
      'audit csv',
      'audit jsonl',
      'sink json.jsonl',
      'sink text.jsonl',
    ]) {
      expect(texts.get(name)).toContain('DROP TABLE events');
    }
    expect(texts.get('audit csv')).toContain('\\u202etxt.exe');
    expect(texts.get('findings csv')).toContain('\ufffdtxt.exe');
    expect(linesOf(texts.get('findings jsonl') as string)).toHaveLength(kept.body.total);
    const registry = decoded((await textOf(server, '/v1/registry/export?format=csv')).bytes);
    for (const table of [texts.get('findings csv'), texts.get('audit csv'), registry] as string[]) {
      const [head = [], ...rows] = cellsOf(table);
      expect(rows.length).toBeGreaterThanOrEqual(ALL.length);
      for (const row of rows) {
        expect(row).toHaveLength(head.length);
        for (const cell of row) expect(cell).not.toMatch(FORMULA);
      }
    }
    // The registry's table is for the way back: everything in it is again what it was.
    const back = { method: 'POST', bytes: registry, headers: { 'content-type': 'text/csv' } };
    expect((await server.ask('/v1/registry/import?check=true', back)).body).toMatchObject({ problems: [], changed: 0 });

    const replays = await server.ask('/v1/replays');
    expect(replays.body.replays.map(({ name }: { name: string }) => name)).toEqual([REPLAY_NAME]);
    expect(replays.headers.get('content-type')).toContain('application/json');
    expect(replays.headers.get('x-content-type-options')).toBe('nosniff');

    const stream = decoded((await textOf(server, `/v1/updates?from=${opened}&for_ms=1500`)).bytes);
    const lines = linesOf(stream);
    expect(lines.filter((line) => line.startsWith('event: finding')).length).toBeGreaterThanOrEqual(ALL.length);
    for (const line of lines)
      expect(line).toMatch(/^(id: [\w-]+|event: (finding|agent|heartbeat)|data: \{[^\r]*\}|retry: 1000)$/);
    for (const line of lines.filter((one) => one.startsWith('data: '))) JSON.parse(line.slice(6));

    await server.until('history has it all', async () => {
      const { body } = await server.ask(
        `/v1/events?agent=clerk-${ALL.length - 1}&tenant=clerk-${ALL.length - 1}&limit=100`,
      );
      return body.events?.length === 60;
    });
    for (const [i, text] of ALL.entries()) {
      const name = NAMES[i] ?? `clerk-${i}`;
      const of = encodeURIComponent(name);
      const { body } = await server.ask(`/v1/events?agent=${of}&tenant=${of}&limit=100`);
      expect(body.events).toHaveLength(60);
      expect(body.events[0]).toMatchObject({
        agent: name,
        tenant: name,
        endpoint: name,
        session: name,
        target: text,
        task: text,
      });
    }

    const shown = ['<img src=x onerror=alert(1)>', '\u202etxt.exe\u202c\u2066', `clerk-${ALL.length - 1}`];
    for (const one of found.filter(({ agent }) => shown.includes(agent))) {
      for (const [name, text] of await tablesOut(server, one)) expect([name, actingIn(text)]).toEqual([name, []]);
    }
    const path = `/v1/agents/${encodeURIComponent('\u202e=1+1<b>')}/stop`;
    const problem = await server.ask(path, { json: { action: 'suspend', reason: 'x' } });
    expect([problem.status, problem.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
    await sendBytes(server, 'GET /v1/\u009b31m?\u0085 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    const { out, err, code } = await server.program.stop();
    expect(err).toContain('"url":');
    expect([code, actingIn(out), actingIn(err)]).toEqual([0, [], []]);
    for (const line of linesOf(out)) JSON.parse(line);
  });
});
