import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConsole } from '../../src/api/console-files.js';
import { CONSOLE_CSP } from '../../src/api/site.js';
import { createWorld } from './world.js';

const PAGE = `<!doctype html><script type="module" src="/assets/index-1.js"></script>`;
const SCRIPT = 'const a = 1;\n'.repeat(100);

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'killdeer-console-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'assets'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function worldWith(files: Readonly<Record<string, string>>) {
  const { call } = createWorld({ parts: { console: readConsole(folderOf(files)) } });
  return (url: string, headers: Record<string, string> = {}) => call(null, { method: 'GET', url, headers });
}

const BUILT = { 'index.html': PAGE, 'assets/index-1.js': SCRIPT, 'assets/index-1.js.map': '{}', 'secret.txt': 'no' };

describe('the pages of the console', () => {
  it('come to anybody, under a policy that runs and loads nothing from elsewhere', async () => {
    const answer = await worldWith(BUILT)('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe(PAGE);
    expect(answer.headers).toMatchObject({
      ...{ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': CONSOLE_CSP },
      ...{ 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
    });
  });

  it('are asked for once each: files by their name, the page by its mark', async () => {
    const get = worldWith(BUILT);
    const script = await get('/assets/index-1.js', { 'accept-encoding': 'br, gzip' });
    expect(script.headers).toMatchObject({
      ...{ 'content-type': 'text/javascript; charset=utf-8', 'content-encoding': 'gzip', 'vary': 'Accept-Encoding' },
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(gunzipSync(script.rawPayload).toString()).toBe(SCRIPT);
    expect((await get('/assets/index-1.js')).body).toBe(SCRIPT);
    const { etag } = (await get('/')).headers;
    const again = await get('/', { 'if-none-match': String(etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    expect((await get('/', { 'if-none-match': '"other"' })).statusCode).toBe(200);
  });

  it('are all that can be reached by a name', async () => {
    const get = worldWith(BUILT);
    const paths = ['secret.txt', 'index-1.js.map', '..%2Findex.html', '..%2f..%2fpackage.json', 'constructor'];
    for (const name of paths) expect([name, (await get(`/assets/${name}`)).statusCode]).toEqual([name, 404]);
    expect((await get('/secret.txt')).statusCode).toBe(404);
  });

  it('say how they are made where nobody has built them', async () => {
    for (const parts of [{}, { console: readConsole(join(folderOf({}), 'nowhere')) }]) {
      const { call } = createWorld({ parts });
      for (const url of ['/', '/assets/index-1.js']) {
        const answer = await call(null, { method: 'GET', url });
        expect(answer.statusCode).toBe(404);
        expect(answer.json()).toMatchObject({
          code: 'api.not-found',
          detail: expect.stringContaining('npm run build'),
        });
      }
    }
  });
});
