/** Who may come in to a process, with the files of a data directory and a certificate of its own. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../../src/api/server.js';
import { type Access, openAccess } from '../../src/verbs/access.js';
import { readToken } from '../../src/verbs/data-directory.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { visitorOf } from '../api/visitor.js';
import { createWorld, type World } from '../api/world.js';

let folder: string;
const closers: (() => unknown)[] = [];
/** Looks are seconds apart. */
const SOON = { timeout: 20_000, interval: 100 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-access-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});

async function open(api: object = {}, said: string[] = []): Promise<{ access: Access; world: World }> {
  const config = join(folder, 'killdeer.yaml');
  writeFileSync(config, JSON.stringify({ api }));
  const setup = loadSetup({ config, model: null });
  const access = await openAccess(setup, folder, { write: (line) => void said.push(line) });
  const world = createWorld({ parts: access.parts });
  await world.app.ready();
  const unwatch = access.watch(world.app);
  closers.push(() => world.app.close(), unwatch);
  return { access, world };
}

function makeCertificate(name: string): void {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' });
}

/** The name on the certificate, and the headers of the answer. */
function look(address: string, options: object = {}): Promise<{ name: string; hsts: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = get(`${address}/healthz`, { rejectUnauthorized: false, agent: false, ...options }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      resolve({ name: String(subject.CN), hsts: response.headers['strict-transport-security'] });
    });
    request.on('error', reject);
  });
}

describe('the first start', () => {
  it('has a link that lets its admin in once; the next start has none', async () => {
    const { access, world } = await open();
    const url = new URL(access.loginUrl('http://127.0.0.1:8321') ?? '');
    expect(`${url.origin}${url.pathname}${url.search}`).toBe('http://127.0.0.1:8321/');
    const payload = { code: url.hash.replace('#login=', '') };
    const enter = () => visitorOf(world).call({ method: 'POST', url: '/v1/sessions', payload });
    expect((await enter()).json()).toMatchObject({ actor: 'person:admin', roles: ['admin'] });
    expect((await enter()).statusCode).toBe(401);
    const { access: later } = await open();
    expect([later.isFirstStart, later.loginUrl('http://127.0.0.1:8321')]).toEqual([false, null]);
  });

  it('names the server in the link as people do', async () => {
    const { access } = await open({ public_url: 'https://killdeer.example' });
    expect(access.loginUrl('http://127.0.0.1:8321')).toMatch(/^https:\/\/killdeer\.example\/#login=[\w-]{43}$/);
  });
});

describe('tokens', () => {
  it('that another process makes and revokes on the same directory count here, soon', async () => {
    const { world: one } = await open();
    const { world: other } = await open();
    const admin = readToken(folder, 'admin');
    const payload = { name: 'ada', roles: ['viewer'] };
    const made = await one.call(admin, { method: 'POST', url: '/v1/tokens', payload });
    const { token, entry } = made.json();
    const there = async () => (await other.call(token, { method: 'GET', url: '/v1/agents' })).statusCode;
    await expect.poll(there, SOON).toBe(200);
    await one.call(admin, { method: 'DELETE', url: `/v1/tokens/${entry.id}` });
    await expect.poll(there, SOON).toBe(401);
  }, 60_000);
});

describe('TLS', () => {
  it('is spoken with the certificate named, and with the next one once it is there', async () => {
    makeCertificate('first');
    makeCertificate('second');
    const put = (name: string) => {
      for (const kind of ['crt', 'key']) copyFileSync(join(folder, `${name}.${kind}`), join(folder, `server.${kind}`));
    };
    put('first');
    const said: string[] = [];
    const { world } = await open({ tls: { cert_file: 'server.crt', key_file: 'server.key' } }, said);
    const address = await listen(world.app, { port: 0, exposed: true });
    expect(address).toMatch(/^https:/);
    expect(await look(address)).toEqual({ name: 'first', hsts: 'max-age=31536000' });
    await expect(look(address, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    writeFileSync(join(folder, 'server.crt'), 'spoilt');
    await expect.poll(() => said.join(''), SOON).toContain('stays in force');
    expect((await look(address)).name).toBe('first');
    put('second');
    await expect.poll(async () => (await look(address)).name, SOON).toBe('second');
  }, 60_000);

  it('is not begun with files that are not there, or not a pair', async () => {
    makeCertificate('first');
    makeCertificate('second');
    for (const key_file of ['nowhere.key', 'second.key']) {
      const opening = open({ tls: { cert_file: 'first.crt', key_file } });
      await expect(opening).rejects.toMatchObject({
        code: 'config.invalid',
        message: expect.stringContaining('api.tls'),
      });
    }
  });
});

describe('the identity provider', () => {
  it('needs the secret that its client is said to have', async () => {
    const own = { issuer: 'https://idp.example', client_id: 'k', roles: { x: 'admin' }, login: false };
    const opening = open({ oidc: { ...own, client_secret_env: 'KILLDEER_TEST_NO_SUCH_SECRET' } });
    await expect(opening).rejects.toMatchObject({
      ...{ code: 'config.invalid', message: expect.stringContaining('KILLDEER_TEST_NO_SUCH_SECRET') },
    });
  });
});
