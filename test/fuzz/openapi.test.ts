/**
 * The document against the server: whatever a generator of calls makes of openapi.json, no answer is a fault of ours, and
 * every answer is one that the document describes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshDirectory } from '../e2e/program.js';
import { Server } from '../e2e/server.js';
import { describePython } from '../python/tool.js';

/** Who may call what is test/api/route-table.test.ts's to show. */
const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'],
];
/** Streams do not end. */
const ENDLESS = ['registryStream', 'followUpdates'];
/** What it reads its calls from is not called. */
const DOCUMENTS = 1;
const EXAMPLES = 12;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

async function fuzz(packages: string, words: readonly string[]): Promise<Ended> {
  const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1', NO_COLOR: '1' };
  const child = spawn('python3', ['-m', 'schemathesis.cli', 'run', ...words], { env, cwd: freshDirectory() });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out };
}

describePython('calls made of openapi.json', 'schemathesis==4.32.5', (packages) => {
  it('are answered as it says', async () => {
    const config = join(freshDirectory(), 'killdeer.json');
    writeFileSync(config, JSON.stringify({ api: { calls_per_minute: 1_000_000 } }));
    const server = await Server.start({ words: ['--config', config] });
    const { body: document } = await server.ask('/openapi.json', { token: null });
    const operations = Object.values(document.paths as Record<string, Record<string, unknown>>);
    const described = operations.reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    const { code, out } = await fuzz(packages, [
      `${server.address}/openapi.json`,
      ...['--header', `Authorization: Bearer ${server.token('admin')}`],
      ...['--phases', 'coverage,fuzzing', '--max-examples', String(EXAMPLES), '--seed', '1'],
      ...['--checks', CHECKS.join(','), '--continue-on-failure', '--request-timeout', '20', '--warnings', 'off'],
      ...ENDLESS.flatMap((name) => ['--exclude-operation-id', name]),
    ]);
    expect(out).toMatch(/(\d+) generated/);
    expect(Number(/Tested: (\d+)/.exec(out)?.[1])).toBe(described - ENDLESS.length - DOCUMENTS);
    expect(code === 0 ? 'as it says' : out.slice(-8_000)).toBe('as it says');
    const { body: status } = await server.ask('/healthz', { token: null });
    expect(status).toMatchObject({ ok: true });
  }, 600_000);
});
