/**
 * The house rules, checked on every file of the checkout, and each rule proved on files that break it. What Biome can
 * say is in biome.json; that part is proved here too, by running Biome on such files.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { circles, misdirected } from './house/imports.js';
import { forbiddenWords, misnamed, partialTests, roomsWithoutOpening, tooLong, undocumented } from './house/prose.js';
import { impurities } from './house/purity.js';
import { isPure, MAINS, OPEN_FILES, ROOMS } from './house/rooms.js';
import { readSources, type Source } from './house/source.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const sources = readSources(ROOT);

type Rule = (source: Source) => string[];

function broken(rule: Rule, path: string, text: string): string[] {
  return rule({ path, text });
}

describe('the house', () => {
  it.each<[string, Rule]>([
    ['imports only what the plan allows', misdirected],
    ['keeps its pure rooms pure', impurities],
    ['documents what pure rooms export', undocumented],
    ['has files that fit a head', tooLong],
    ['names its files by what they are', misnamed],
    ['leaves nothing for later and names no machine', forbiddenWords],
    ['runs all of its tests', partialTests],
  ])('%s', (_, rule) => {
    expect(sources.flatMap(rule)).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(circles(sources)).toEqual([]);
  });

  it('introduces every room', () => {
    expect(roomsWithoutOpening(sources)).toEqual([]);
  });

  it('was read: every room of the plan that is on disk holds code', () => {
    const paths = sources.map((source) => source.path);
    for (const path of ['src/errors.ts', 'src/event/event.ts', 'test/house.test.ts', 'biome.json', '.ci/run']) {
      expect(paths).toContain(path);
    }
    expect(paths.filter(isPure).length).toBeGreaterThan(10);
    expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
  });

  it('exempts only files that exist', () => {
    const paths = sources.map((source) => source.path);
    for (const path of [...MAINS, ...OPEN_FILES]) expect(paths).toContain(path);
  });
});

describe('the rule of imports', () => {
  const allowed = (path: string, text: string) => expect(broken(misdirected, path, text)).toEqual([]);
  const refused = (path: string, text: string) => expect(broken(misdirected, path, text)).toHaveLength(1);

  it('lets rooms see what comes before them, not after', () => {
    allowed('src/agent/x.ts', "import { a } from '../event/event.js';");
    refused('src/agent/x.ts', "import { a } from '../score/fuse.js';");
    refused('src/event/x.ts', "export { a } from '../agent/profile.js';");
    refused('src/detect/deep/x.ts', "import '../../engine/engine.js';");
    allowed('src/detect/deep/x.ts', "import { a } from '../contract.js';");
    refused('src/math/x.ts', "import { a } from '../errors.js';");
  });

  it('tells types from values', () => {
    allowed('src/learn/x.ts', "import type { A } from '../engine/outcome.js';");
    allowed('src/learn/x.ts', "import { type A, type B } from '../engine/outcome.js';");
    refused('src/learn/x.ts', "import { type A, b } from '../engine/outcome.js';");
    allowed('src/console/x.tsx', "import type { A } from '../api/triage-schema.js'; import { b } from './b.jsx';");
    refused('src/console/x.tsx', "import { a } from '../api/triage-schema.js';");
  });

  it('shows contracts, not adapters', () => {
    allowed('src/api/x.ts', "import type { Log } from '../log/log.js';");
    refused('src/api/x.ts', "import { a } from '../log/file-log.js';");
    refused('src/pipeline/x.ts', "import { a } from '../log/file-log.js';");
    allowed('src/pipeline/worker.ts', "import { a } from '../log/file-log.js';");
    allowed('src/main.ts', "import { a } from './log/file-log.js'; import { b } from './api/server.js';");
    refused('src/index.ts', "export { a } from './log/file-log.js';");
    refused('src/api/x.ts', "import { a } from '../main.js';");
  });

  it('keeps packages out of pure rooms and knows every room', () => {
    refused('src/event/x.ts', "import { readFileSync } from 'node:fs';");
    allowed('src/event/x.ts', "import { z } from 'zod';");
    refused('src/math/x.ts', "import { z } from 'zod';");
    allowed('src/log/x.ts', "import { open } from 'node:fs/promises';");
    refused('src/attic/x.ts', '');
  });

  it('finds circles, through types and over several files', () => {
    const file = (path: string, target: string) => ({ path, text: `import type { A } from '${target}';` });
    const ring = [file('src/agent/a.ts', './b.js'), file('src/agent/b.ts', './c.js'), file('src/agent/c.ts', './a.js')];
    expect(circles(ring)).toEqual(['src/agent/a.ts -> src/agent/b.ts -> src/agent/c.ts -> src/agent/a.ts']);
    expect(circles(ring.slice(0, 2))).toEqual([]);
    expect(circles([file('src/agent/a.ts', './a.js')])).toHaveLength(1);
  });
});

describe('the rule of purity', () => {
  it.each([
    'const a = Math.random();',
    "const a = Math['random']();",
    'const { random } = Math;',
    'const a = Math.pow(2, 3);',
    'const a = 2 ** 3;',
    'let a = 2; a **= 3;',
    'const a = Date.now();',
    'const a = new Date();',
    'const a = new Date;',
    'const a = Date();',
    'const a = new Date(2025, 1, 1);',
    'const a = (d: Date) => d.getHours();',
    "const a = 'x'.localeCompare('y');",
    'async function a() {}',
    'const a = async () => 1;',
    'class A { async b() {} }',
    "const a = import('./b.js');",
  ])('refuses %s', (text) => {
    expect(broken(impurities, 'src/score/x.ts', text)).toHaveLength(1);
    expect(broken(impurities, 'src/api/x.ts', text)).toEqual([]);
  });

  it('finds every await', () => {
    const text = 'async function a(b: AsyncIterable<number>) { for await (const c of b) await c; }';
    expect(broken(impurities, 'src/score/x.ts', text)).toHaveLength(3);
  });

  it('lets be what only looks impure', () => {
    const text =
      "const a = new Date(5).toISOString(); const b = Math.max(1, 2) * 3; const c = 'Math.random() ** 2'; // await";
    expect(broken(impurities, 'src/score/x.ts', text)).toEqual([]);
  });
});

describe('the rules of prose', () => {
  it('asks for a docstring on what pure rooms export', () => {
    const bare = ['function a() {}', 'const a = 1;', 'interface A {}', 'class A {}'];
    for (const text of bare) {
      expect(broken(undocumented, 'src/math/x.ts', `import 'y';\nexport ${text}`)).toHaveLength(1);
      expect(broken(undocumented, 'src/math/x.ts', `import 'y';\n// A note.\nexport ${text}`)).toHaveLength(1);
      expect(broken(undocumented, 'src/math/x.ts', `import 'y';\n/** What it is. */\nexport ${text}`)).toEqual([]);
      expect(broken(undocumented, 'src/math/x.ts', `import 'y';\n${text}`)).toEqual([]);
      expect(broken(undocumented, 'src/api/x.ts', `export ${text}`)).toEqual([]);
    }
  });

  it('measures files', () => {
    expect(broken(tooLong, 'src/math/x.ts', 'a;\n'.repeat(401))).toHaveLength(1);
    expect(broken(tooLong, 'src/math/x.ts', 'a;\n'.repeat(400))).toEqual([]);
    expect(broken(tooLong, 'docs/x.md', 'a\n'.repeat(401))).toEqual([]);
  });

  it.each([
    'utils',
    'string-utils',
    'log-helper',
    'helpers',
    'agent-manager',
    'service',
    'util',
    'SomeName',
    'some_name',
  ])('refuses the name %s', (name) => {
    expect(broken(misnamed, `src/math/${name}.ts`, '')).toHaveLength(1);
  });

  it('refuses such folders and accepts nouns', () => {
    expect(broken(misnamed, 'src/utils/text.ts', '')).toHaveLength(1);
    expect(broken(misnamed, 'test/math/served-rate.test.ts', '')).toEqual([]);
  });

  it('finds what was left for later, and machine paths', () => {
    for (const word of ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX']) {
      expect(broken(forbiddenWords, 'docs/x.md', `first\n${word}: more`)).toEqual([`docs/x.md:2: ${word}`]);
      expect(broken(forbiddenWords, 'docs/x.md', `${word}S and x${word}`)).toEqual([]);
    }
    for (const folder of ['home', 'Users', 'root', 'work', 'tmp', 'workspace']) {
      expect(broken(forbiddenWords, 'docs/x.md', `see "/${folder}/someone"`)).toHaveLength(1);
    }
    expect(broken(forbiddenWords, 'docs/x.md', ['C:', 'Users', 'someone'].join('\\'))).toHaveLength(1);
    expect(broken(forbiddenWords, 'docs/x.md', 'src/work/a.ts, GET /v1/home/x, https://a.example/root/x')).toEqual([]);
  });

  it('finds tests that run alone or not at all', () => {
    for (const text of [
      "it.only('a', b);",
      "describe.skip('a', b);",
      "it.only.each([1])('a', b);",
      "test.todo('a');",
    ]) {
      expect(broken(partialTests, 'test/math/x.test.ts', text)).toHaveLength(1);
    }
    expect(broken(partialTests, 'test/math/x.test.ts', "it('a.only()', () => stream.skip(1));")).toEqual([]);
  });

  it('asks every room for an opening', () => {
    const bare = { path: 'src/math/a.ts', text: 'a;' };
    expect(roomsWithoutOpening([bare])).toHaveLength(1);
    expect(roomsWithoutOpening([bare, { path: 'src/math/b.ts', text: '/** Room math/. */' }])).toEqual([]);
  });
});

describe('the linter', () => {
  /** Path and line of text, and the rule that it breaks; '' for none. */
  const files: [path: string, text: string, rule: string][] = [
    ['src/agent/a.ts', "import { a } from '../score/fuse.js';", 'noRestrictedImports'],
    ['src/agent/b.ts', "import { a } from '../event/event.js';", ''],
    ['src/detect/deep/a.ts', "import { a } from '../../log/log.js';", 'noRestrictedImports'],
    ['src/math/a.ts', "import { a } from '../errors.js';", 'noRestrictedImports'],
    ['src/api/a.ts', "import { a } from '../log/file-log.js';", 'noRestrictedImports'],
    ['src/api/b.ts', "import { a } from '../log/log.js';", ''],
    ['src/api/c.ts', "import { a } from '../main.js';", 'noRestrictedImports'],
    ['src/pipeline/a.ts', "import { a } from '../log/file-log.js';", 'noRestrictedImports'],
    ['src/pipeline/worker.ts', "import { a } from '../log/file-log.js';", ''],
    ['src/event/a.ts', "import { a } from 'node:fs';", 'noNodejsModules'],
    ['src/log/a.ts', "import { a } from 'node:fs';", ''],
    ['src/console/a.tsx', "import { a } from '../engine/engine.js';", 'noRestrictedImports'],
    ['src/console/b.tsx', "import { a } from '../api/triage-schema.js';", ''],
    ['src/console/c.ts', "import { a } from 'node:fs';", 'noNodejsModules'],
    ...['performance', 'process', 'console', 'setTimeout', 'fetch', 'crypto', 'Promise', 'globalThis'].map(
      (name): [string, string, string] => [
        `src/score/${name.toLowerCase()}.ts`,
        `const a = ${name};`,
        'noRestrictedGlobals',
      ],
    ),
    ['src/score/b.ts', 'const process = 1; const a = { console: process };', ''],
    ['src/log/b.ts', 'const a = process;', ''],
  ];

  it('refuses what its configuration forbids, file by file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'killdeer-house-'));
    try {
      copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), `${text}\nexport const b = a;\n`);
      }
      const biome = join(ROOT, 'node_modules', '.bin', 'biome');
      const run = spawnSync(biome, ['lint', '--reporter=json', '--max-diagnostics=none', 'src'], {
        cwd: folder,
        encoding: 'utf8',
      });
      const { diagnostics } = JSON.parse(run.stdout) as {
        diagnostics: { category: string; location: { path: string } }[];
      };
      const found = diagnostics.map(({ category, location }) => `${location.path} ${category.split('/').pop()}`);
      expect(found.sort()).toEqual(
        files
          .filter(([, , rule]) => rule !== '')
          .map(([path, , rule]) => `${path} ${rule}`)
          .sort(),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a part for every room of the plan', () => {
    const config = sources.find((source) => source.path === 'biome.json')?.text ?? '';
    const folders = new Set(sources.flatMap((source) => /^src\/([^/]+)\//.exec(source.path)?.[1] ?? []));
    for (const room of folders) {
      expect(config).toContain(`"src/${room}/**"`);
      expect(ROOMS).toHaveProperty(room);
    }
  });
});
