/** The registry for people, from the command line to a real server and back (`npm test` builds it first). */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerLine } from '../../src/verbs/agent-register.js';
import { runProgram } from '../../src/verbs/program.js';
import { type Served, serve } from '../../src/verbs/serve.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { createSaid, linesOf } from './said.js';

let folder: string;
let server: Served;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-agent-'));
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, 'name: p\nmode: enforce\nsponsors: { on_leave: reassign }\nrules: []\n');
  mkdirSync(data(), { mode: 0o700 });
  server = await serve({
    setup: loadSetup({ policy, data: data() }),
    dir: data(),
    clock: 'wall',
    port: 0,
    onFinding: () => undefined,
    onChange: () => undefined,
    report: () => undefined,
    history: false,
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const data = () => join(folder, 'data');

async function run(...words: string[]) {
  const said = createSaid();
  const code = await runProgram(['agent', ...words, '--data', data()], said.terminal);
  return { code, out: said.out(), err: said.err(), values: () => linesOf(said.out()) };
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('killdeer agent', () => {
  it('registers all that people know of an agent, and shows it', async () => {
    const told = await run(
      ...['register', 'clerk', '--owner', 'ada', '--technical-owner', 'bob', '--purpose', 'pays invoices'],
      ...['--role', 'finance', '--label', 'eu', '--environment', 'production', '--trust', 'L2', '--parent', 'boss'],
      ...['--session-usd', '5', '--scope', 'pay', 'read', '--allow-operation', 'chat', 'execute_tool'],
      ...['--allow-endpoint', 'bank.*', '--allow-target', 'none', '--data-class', 'financial'],
      ...['--delegation-depth', '1', '--delegation-breadth', '2', '--delegate-to', 'clerk-*'],
      ...['--credential-kind', 'static-key', '--credential-issued', '2020-01-01', '--credential-expires', '2099-01-01'],
      ...['--agent-version', '1.2', '--review-on', '2020-02-02', '--protected'],
    );
    expect(told).toMatchObject({ code: 0, err: 'clerk: applied\n' });
    await run('register', 'clerk', '--day-usd', '50', '--credential-rotated', '2021-01-01', '--allow-operation', 'any');
    const shown = (await run('show', 'clerk')).values()[0];
    expect(shown).toMatchObject({
      ...{ owner: 'ada', technical_owner: 'bob', purpose: 'pays invoices', role: 'finance', labels: ['eu'] },
      ...{ environment: 'production', trust: 'L2', parent: 'boss', scopes: ['pay', 'read'], operations: null },
      ...{ endpoints: ['bank.*'], targets: [], data_classes: ['financial'], protected: true },
      budgets: { session_usd: 5, day_usd: 50 },
      delegation: { depth_max: 1, breadth_max: 2, agents: ['clerk-*'] },
      credential: { kind: 'static-key', issued: '2020-01-01', expires: '2099-01-01', rotated: '2021-01-01' },
      ...{ agent_version: '1.2', review_on: '2020-02-02' },
    });
    await run('register', 'clerk', '--purpose', '', '--no-protected', '--trust', 'L9').then(({ code, err }) => {
      expect([code, err]).toEqual([1, expect.stringContaining('trust')]);
    });
    await run('register', 'clerk', '--purpose', '', '--no-protected');
    expect((await run('show', 'clerk')).values()[0]).toMatchObject({ purpose: null, protected: false, owner: 'ada' });
    const seen = createSaid(true);
    await runProgram(['agent', 'show', 'clerk', '--data', data()], seen.terminal);
    for (const words of [
      'technical owner',
      'bank.*',
      '1 deep, 2 at once, to clerk-*',
      'static-key, issued 2020-01-01',
    ]) {
      expect(seen.out()).toContain(words);
    }
  });

  it('imports a table, after a check, and writes it out again', async () => {
    const table = file('agents.csv', 'agent,owner,scopes\nhelper,eve,a;b\nother,eve,');
    const checked = await run('import', table, '--check');
    expect(checked).toMatchObject({ code: 0, err: '2 of 2 agents would change\n' });
    expect((await run('list')).values()).toHaveLength(1);
    expect((await run('import', table)).err).toBe('2 of 2 agents changed, 0 stand so already\n');
    expect((await run('list', '--owner', 'eve', '--query', 'HELP')).values()).toMatchObject([{ agent: 'helper' }]);
    const bad = file('bad.jsonl', '{"agent":"x"}\n{"agent":"y","trust":"L9"}\n');
    const refused = await run('import', bad);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/bad\.jsonl:2 trust [^\n]+\nnothing was taken in/),
    });
    for (const format of ['csv', 'json']) {
      const written = await run('export', '--format', format);
      const back = await run('import', file(`back.${format}`, written.out));
      expect(back).toMatchObject({ code: 0, err: '0 of 3 agents changed, 3 stand so already\n' });
    }
  });

  it('hears who has left', async () => {
    const feed = file('people.csv', 'owner,state,successor\neve,left,zoe\n');
    expect((await run('sponsors', feed, '--check')).err).toBe('1 people would change in the registry\n');
    expect((await run('sponsors', feed)).values()).toMatchObject([
      {
        applied: true,
        changes: [{ owner: 'eve', agents: [{ agent: 'helper', follows: 'reassign', owner: 'zoe' }, {}] }],
      },
    ]);
    expect((await run('sponsors', feed)).values()).toMatchObject([{ applied: false, changes: [] }]);
    expect((await run('show', 'other')).values()[0]).toMatchObject({ owner: 'zoe' });
  });

  it('reports what has to be looked after', async () => {
    const all = await run('report');
    expect(all.code).toBe(0);
    expect(all.values()).toMatchObject([
      { report: 'credentials', agent: 'clerk', reason: expect.stringMatching(/^static-key not rotated for \d+ days$/) },
      { report: 'reviews', agent: 'clerk', reason: 'its review was due on 2020-02-02' },
    ]);
    expect(all.err).toContain('history is off: what agents used is not known');
    expect((await run('report', 'reviews')).values()).toHaveLength(1);
    expect(await run('report', 'nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('unregistered') });
  });

  it('makes an access review, that anybody can check and the server carries out', async () => {
    const out = join(folder, 'review');
    const made = (await run('review', '--out', out)).values()[0] as Record<string, string>;
    expect(readdirSync(out)).toHaveLength(3);
    expect(statSync(join(data(), 'signing-key.pem')).mode & 0o777).toBe(0o600);
    const { review, form, key } = made as { review: string; form: string; key: string };
    for (const path of [review, form]) {
      expect(await run('review', '--verify', path, '--key', key)).toMatchObject({ code: 0 });
    }
    const document = JSON.parse(readFileSync(form, 'utf8'));
    document.agents[0].decision = 'change';
    document.agents[0].change = { scopes: ['read'] };
    writeFileSync(form, JSON.stringify(document));
    expect(await run('review', '--verify', form, '--key', key)).toMatchObject({ code: 0 });
    expect((await run('review', '--apply', form, '--next-days', '7')).values()).toMatchObject([
      { changed: 1, undecided: 2, refused: [] },
    ]);
    expect((await run('show', 'clerk')).values()[0]).toMatchObject({ scopes: ['read'] });
    expect(await run('review', '--apply', form)).toMatchObject({
      code: 1,
      err: expect.stringContaining('registry.conflict'),
    });
    document.agents[0].owner = 'mallory';
    writeFileSync(form, JSON.stringify(document));
    expect(await run('review', '--verify', form, '--key', key)).toMatchObject({
      code: 1,
      err: expect.stringContaining('changed'),
    });
    expect(await run('review', '--apply', form)).toMatchObject({
      code: 1,
      err: expect.stringContaining('custody.seal'),
    });
    expect(await run('review')).toMatchObject({ code: 2 });
    expect(await run('review', '--verify', review)).toMatchObject({ code: 2, err: expect.stringContaining('--key') });
  });
});

describe('a proposed line', () => {
  it('can be pasted into a shell, and registers what it says', async () => {
    expect(registerLine('', 'crm', { scopes: [], endpoints: ['mail.*', 'it is'] })).toBe(
      "killdeer agent register --scope=none '--allow-endpoint=mail.*' '--allow-endpoint=it is' -- crm",
    );
    const words = ['--scope=a', '--scope=b c', '--allow-target=none', '--data', data(), '--', '-odd'];
    expect(await runProgram(['agent', 'register', ...words], createSaid().terminal)).toBe(0);
    expect((await run('list', '--query', '-odd')).values()).toMatchObject([{ scopes: ['a', 'b c'], targets: [] }]);
  });
});
