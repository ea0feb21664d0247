import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KilldeerError } from '../../src/errors.js';
import { importOf, readRegistryFile } from '../../src/verbs/registry-file.js';
import { loadSetup } from '../../src/verbs/setup.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function problemOf(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (error instanceof KilldeerError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the setup', () => {
  it('without any file is what is shipped', () => {
    const { config, policy, startModel, source } = loadSetup({});
    expect(source).toBe('defaults');
    expect(config.api.host).toBe('127.0.0.1');
    expect(policy).toMatchObject({ name: 'observe', mode: 'observe' });
    expect(startModel.version).toMatch(/^cold-start-/);
  });

  it('takes relative paths of a configuration from its own folder', () => {
    write('mine.yaml', 'name: mine\nmode: recommend\nrules: []\n');
    const config = write('killdeer.yaml', 'policy: mine.yaml\ndata_dir: store\n');
    const setup = loadSetup({ config });
    expect(setup.policy).toMatchObject({ name: 'mine', mode: 'recommend' });
    expect(setup.dataDir).toBe(join(folder, 'store'));
  });

  it('lets the command line win over the configuration', () => {
    const config = write('killdeer.yaml', 'policy: observe\ndata_dir: store\n');
    const setup = loadSetup({ config, policy: 'enforce', data: join(folder, 'other') });
    expect(setup.policy.mode).toBe('enforce');
    expect(setup.dataDir).toBe(join(folder, 'other'));
    expect(loadSetup({ model: null }).startModel.version).toBe('neutral');
  });

  it('puts a configured price in the place of the one shipped for the same day', () => {
    const row = '{ model: gpt-4o, from: 2024-05-13, inputUsd: 99, outputUsd: 99 }';
    const { prices } = loadSetup({ config: write('killdeer.yaml', `prices: [${row}]\n`) });
    const shipped = loadSetup({}).prices;
    const rate = (table: typeof prices) => table.rates.get('gpt-4o')?.map(({ inputUsd }) => inputUsd);
    expect(rate(prices)).toContain(99);
    expect(rate(prices)).toHaveLength(rate(shipped)?.length ?? 0);
  });

  it('names the file and the place of what is wrong', () => {
    const misspelt = write('a.yaml', 'detection: { agents_maximum: 5 }\n');
    expect(problemOf(() => loadSetup({ config: misspelt }))).toMatchObject({ code: 'config.invalid' });
    expect(problemOf(() => loadSetup({ config: misspelt })).message).toMatch(/a\.yaml.*agents_maximum/);
    expect(problemOf(() => loadSetup({ config: join(folder, 'none.yaml') })).message).toContain('none.yaml');
    const policy = write('p.yaml', 'name: p\nmode: stern\nrules: []\n');
    expect(problemOf(() => loadSetup({ policy })).message).toMatch(/p\.yaml:2:/);
    const model = write('m.json', '{"format": 99}');
    expect(problemOf(() => loadSetup({ model }))).toMatchObject({ code: 'model.invalid' });
  });
});

describe('a registry file', () => {
  it('is a list of agents, each as far as people described it', () => {
    const path = write(
      'registry.json',
      '[{"agent":"clerk","role":"finance"},{"agent":"b","tenant":"acme","budgets":{"day_usd":5}}]',
    );
    const nothing = { role: null, owner: null, labels: [], budgets: { sessionUsd: null, dayUsd: null } };
    expect(readRegistryFile(path).map(importOf)).toEqual([
      { ...nothing, agent: 'clerk', tenant: '', role: 'finance' },
      { ...nothing, agent: 'b', tenant: 'acme', budgets: { sessionUsd: null, dayUsd: 5 } },
    ]);
  });

  it('may be a table as well, with everything that can be registered', () => {
    const path = write(
      'registry.CSV',
      'agent,scopes,endpoints,trust,credential_kind,credential_issued\r\nclerk,a;b,mail.*,L2,static-key,2030-01-02\r\n',
    );
    expect(readRegistryFile(path).map(importOf)).toMatchObject([
      {
        agent: 'clerk',
        scopes: ['a', 'b'],
        registration: {
          trust: 'L2',
          endpoints: ['mail.*'],
          credential: { kind: 'static-key', issuedMs: Date.UTC(2030, 0, 2), expiresMs: null },
        },
      },
    ]);
  });

  it('names what is wrong with it', () => {
    expect(problemOf(() => readRegistryFile(join(folder, 'none.json')))).toMatchObject({ code: 'usage' });
    const misspelt = write('r.json', '[{"agent":"clerk","rôle":"x"}]');
    expect(problemOf(() => readRegistryFile(misspelt)).message).toMatch(/r\.json:1 rôle unknown member/);
  });
});
