import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYOUT, PROFILE_BYTES } from '../../src/agent/layout.js';
import { runProgram } from '../../src/verbs/program.js';
import { createSaid, linesOf } from './said.js';

let folder: string;
let recording: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-program-'));
  recording = join(folder, 'retry-loop');
  const { code } = await run(
    'simulate',
    'retry-loop',
    '--out',
    recording,
    '--seed',
    '3',
    '--agents',
    '4',
    '--days',
    '7',
  );
  expect(code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...words: string[]) {
  const said = createSaid();
  const code = await runProgram(words, said.terminal);
  return { code, out: said.out(), err: said.err(), values: () => linesOf(said.out()) };
}

describe('the program', () => {
  it('ends with 2 where the words are wrong, and says what is', async () => {
    expect(await run('nonsense')).toMatchObject({
      code: 2,
      err: expect.stringContaining("unknown command 'nonsense'"),
    });
    expect(await run('replay')).toMatchObject({ code: 2, err: expect.stringContaining('recording') });
    expect(await run('replay', recording, '--nonsense')).toMatchObject({ code: 2 });
    expect(await run('demo', '--speed', 'fast')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--speed fast'),
    });
    const few = await run('simulate', 'burst', '--out', join(folder, 'x'), '--agents', '0');
    expect(few).toMatchObject({ code: 2, err: expect.stringContaining('--agents 0') });
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  it('ends with 2 where the configuration is wrong, with its code and what to do next, and no stack', async () => {
    const config = join(folder, 'bad.yaml');
    writeFileSync(config, 'partitions: many\n');
    const { code, out, err } = await run('replay', recording, '--config', config);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/^killdeer: config\.invalid: .*bad\.yaml: partitions.*\n {2}next: mend the member named\n$/);
  });

  it('ends with 1 where something failed', async () => {
    const gone = await run('replay', join(folder, 'gone'));
    expect(gone).toMatchObject({ code: 1, err: expect.stringMatching(/^killdeer: recording\.unreadable: .*gone/) });
    const nobody = await run('agent', 'list', '--data', join(folder, 'nobody'));
    expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('api.unreachable') });
  });

  it('tells its version and its help', async () => {
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await run('--help');
    expect(help.code).toBe(0);
    for (const verb of [
      'run',
      'demo',
      'replay',
      'explain',
      'check',
      'agent',
      'token',
      'login',
      'simulate',
      'models',
      'decode',
      'store',
      'score',
      'evaluate',
    ]) {
      expect(help.out).toContain(`\n  ${verb}`);
    }
  });
});

describe('a recording, from simulate to explain', () => {
  it('is written with what people would have told of its agents', () => {
    for (const name of ['events.jsonl.gz', 'labels.json', 'key.json', 'meta.json']) {
      expect(existsSync(join(recording, name))).toBe(true);
    }
    const rows = JSON.parse(readFileSync(join(recording, 'registry.json'), 'utf8'));
    expect(rows).toHaveLength(4);
    expect(Object.keys(rows[0])).toEqual(['agent', 'role', 'owner', 'labels']);
  });

  it('is replayed to findings, decisions and one line that sums it up', async () => {
    const findings = join(folder, 'findings.jsonl');
    const decisions = join(folder, 'decisions.jsonl');
    const registry = join(recording, 'registry.json');
    const outputs = ['--findings', findings, '--decisions', decisions];
    const { code, values } = await run('replay', recording, '--policy', 'enforce', '--registry', registry, ...outputs);
    expect(code).toBe(0);
    const [summary] = values();
    const { events } = JSON.parse(readFileSync(join(recording, 'meta.json'), 'utf8'));
    expect(summary).toMatchObject({ recording, events, agents: 4, rejections: {} });
    const lines = linesOf(readFileSync(findings, 'utf8'));
    const storm = lines.find(({ kind, severity }) => kind === 'retry-loop' && severity === 'critical');
    expect(storm).toBeDefined();
    const stops = linesOf(readFileSync(decisions, 'utf8')).filter(({ effect }) => effect === 'applied');
    expect(stops.map(({ agent }) => agent)).toContain(storm?.['agent']);

    const options = ['--policy', 'enforce', '--registry', registry, '--findings', findings];
    const explained = await run('explain', String(storm?.['id']), '--recording', recording, ...options);
    expect(explained.code).toBe(0);
    expect(explained.values()[0]).toMatchObject({ fate: 'scored', finding: { open: { kind: 'retry-loop' } } });
  });

  it('stops nobody where it vouches for nobody', async () => {
    const { values } = await run('replay', recording, '--policy', 'enforce', '--unbound');
    expect(values()[0]).toMatchObject({ applied: { count: 0 } });
  });

  it('says where there is nothing to explain', async () => {
    const { code, err } = await run('explain', 'no-such-id', '--recording', recording);
    expect(code).toBe(1);
    expect(err).toContain('no-such-id is neither an event nor a finding');
    expect(await run('explain', 'some-id')).toMatchObject({ code: 2 });
  });
});

describe('what needs no server', () => {
  it('agent layout tells every field of a profile, without gaps or overlaps', async () => {
    const fields = (await run('agent', 'layout')).values();
    expect(fields).toHaveLength(LAYOUT.length);
    const values = fields.flatMap(({ byte, count, step, view }) =>
      Array.from({ length: Number(count) }, (_, i) => [Number(byte) + i * Number(step), view === 'f64' ? 8 : 4]),
    );
    let end = 0;
    for (const [byte, width] of values.sort((a, b) => a[0] - b[0])) {
      expect(byte).toBeGreaterThanOrEqual(end);
      expect(byte - end).toBeLessThan(8);
      end = byte + width;
    }
    expect(PROFILE_BYTES - end).toBeLessThan(8);
  });

  it('check tells the configuration without its secret, and that nobody could be stopped', async () => {
    const config = join(folder, 'secret.yaml');
    writeFileSync(config, 'detection: { hash_seed: 777123 }\n');
    const { code, out, values } = await run('check', '--config', config, '--data', join(folder, 'data'));
    expect(code).toBe(0);
    expect(out).not.toContain('777123');
    const [{ stoppable, looks }] = values() as [{ stoppable: unknown; looks: { what: string; ok: boolean | null }[] }];
    expect(stoppable).toMatchObject({ yes: false });
    expect(looks.find(({ what }) => what === 'server')?.ok).toBe(null);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('check finds a data directory that cannot be one', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const { code, values } = await run('check', '--data', join(file, 'data'));
    expect(code).toBe(1);
    expect(JSON.stringify(values())).toContain('"ok":false');
  });
});

describe('models', () => {
  it('trains the same model of the same fleets, and says of what in its card', async () => {
    const train = async (name: string) => {
      const out = join(folder, `${name}.json`);
      const words = ['--simulate', '5', '--agents', '3', '--days', '7', '--out', out];
      expect((await run('models', 'train', ...words)).code).toBe(0);
      return { model: readFileSync(out, 'utf8'), card: readFileSync(join(folder, `${name}.card.json`), 'utf8') };
    };
    const first = await train('first');
    expect(await train('second')).toEqual(first);
    const model = JSON.parse(first.model);
    expect(model).toMatchObject({ cohorts: [], cohortOf: [], bar: 1 });
    expect(JSON.parse(first.card)).toMatchObject({
      model: model.version,
      simulated: { seeds: [5], agents: 3, days: 7 },
    });
    expect(first.model + first.card).not.toContain('"agent"');
  });

  it('ships one, with a card of the same version', async () => {
    const [shipped] = (await run('models', 'list', '--data', join(folder, 'data'))).values();
    expect(shipped).toMatchObject({ where: 'shipped', cohorts: 0, agents: 0 });
    const card = JSON.parse(readFileSync(String(shipped?.['file']).replace(/\.json$/, '.card.json'), 'utf8'));
    expect(card.model).toBe(shipped?.['version']);
    expect(card.recordings).toHaveLength(3);
  });

  it('wants something to learn from', async () => {
    expect(await run('models', 'train', '--out', join(folder, 'm.json'))).toMatchObject({ code: 2 });
  });
});
