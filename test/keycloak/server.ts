/**
 * The real Keycloak for tests: keycloak.mjs does the work, and ends with whoever started it. Without Java or Maven its
 * tests are skipped, loudly; under CI that is a failure.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./keycloak.mjs', import.meta.url));

export interface KeycloakServer {
  readonly url: string;
  /** Calls the admin interface of the server; rejects where it refuses. */
  admin<T>(method: string, path: string, body?: object): Promise<T>;
  /** What the token endpoint of a realm answers to a client with its secret. */
  tokenStatus(realm: string, clientId: string, secret: string): Promise<number>;
  stop(): Promise<void>;
}

/** Why no server can be started here; null where one can. */
const missing = (() => {
  const absent = ['java', 'mvn'].filter(
    (name) => spawnSync(name, ['-version'], { stdio: 'ignore' }).error !== undefined,
  );
  return absent.length === 0 ? null : `${absent.join(' and ')} not found`;
})();

export function describeKeycloak(name: string, body: () => void): void {
  if (missing !== null && process.env['CI']) throw new Error(`${name}: ${missing}`);
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (SKIPPED: ${missing})`, body);
}

/** Resolves once the server answers. */
export async function startKeycloak(): Promise<KeycloakServer> {
  const child = spawn(process.execPath, [SCRIPT, '--json', '--with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const { url, admin } = await firstLine(child);
  const token = (realm: string, id: string, secret: string) =>
    fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
    });
  return {
    url,
    admin: async <T>(method: string, path: string, body?: object): Promise<T> => {
      const { access_token } = (await (await token('master', admin.id, admin.secret)).json()) as {
        access_token: string;
      };
      const headers = { 'authorization': `Bearer ${access_token}`, 'content-type': 'application/json' };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await fetch(`${url}/admin/realms${path}`, init);
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    tokenStatus: async (realm, id, secret) => {
      const response = await token(realm, id, secret);
      await response.arrayBuffer();
      return response.status;
    },
    stop: () => {
      child.stdin?.end();
      return exited;
    },
  };
}

interface Told {
  readonly url: string;
  readonly admin: { readonly id: string; readonly secret: string };
}

function firstLine(child: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) resolve(JSON.parse(said.slice(0, said.indexOf('\n'))));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Keycloak ended with code ${code} before it was ready`)));
  });
}
