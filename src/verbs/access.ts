/** Who may come in to a process: its tokens, the identity provider of people, its certificate, and the first login link. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { ServerParts } from '../api/contract.js';
import { createLoginCodes, type LoginCodes, loginPath } from '../api/login-codes.js';
import type { OidcPort } from '../api/oidc.js';
import { createBearer } from '../api/oidc-bearer.js';
import { createLogin } from '../api/oidc-login.js';
import { createProvider } from '../api/oidc-provider.js';
import { isLoopback } from '../api/server.js';
import type { Keys, Site } from '../api/site.js';
import type { Config } from '../config.js';
import { KilldeerError } from '../errors.js';
import { openTokens, type TokenEntry } from '../registry/tokens.js';
import { handOutTokens, hashesPath } from './data-directory.js';
import type { Setup } from './setup.js';

type AccessParts = Pick<ServerParts, 'authenticate' | 'tokens' | 'oidc' | 'site'> & {
  readonly wall: () => number;
  readonly logins: LoginCodes;
};

export interface Access {
  readonly parts: AccessParts;
  /** Whether this start made the first tokens. */
  readonly isFirstStart: boolean;
  /** Of the first start, with all roles of people; null at any other. `address` is the server's. */
  loginUrl(address: string): string | null;
  /** Rereads the files of tokens and certificates as they change, until it is told to stop. */
  watch(app: FastifyInstance): () => void;
}

/** Another process's tokens, and a renewed certificate, count within this time. */
const LOOK_EVERY_MS = 2_000;

/** Rejects with 'config.invalid' where what the configuration names cannot be used. */
export async function openAccess(
  setup: Setup,
  dir: string,
  logStream: { write(line: string): void } | undefined,
): Promise<Access> {
  const { api } = setup.config;
  const site = siteOf(setup);
  const oidc = oidcOf(api);
  const made: TokenEntry[] = [];
  const tokens = await openTokens({
    path: hashesPath(dir),
    clock: Date.now,
    handOut: async (created) => {
      made.push(...created.map(({ entry }) => entry));
      await handOutTokens(dir, created);
    },
  });
  const logins = createLoginCodes(Date.now);
  const first = made.find(({ roles }) => roles.includes('admin'));
  return {
    parts: {
      ...{ authenticate: (header) => tokens.authenticate(header), tokens, site, logins, wall: Date.now },
      ...(oidc === null ? {} : { oidc }),
    },
    isFirstStart: made.length > 0,
    loginUrl: (address) => {
      if (first === undefined) return null;
      const { id, actor, roles, bindings } = first;
      return `${site.publicUrl ?? address}${loginPath(logins.make({ id, actor, roles, bindings }).code)}`;
    },
    watch: (app) => {
      const say = (error: unknown) => logStream?.write(`${complaintOf(error)}\n`);
      const looks = [
        lookAt([hashesPath(dir)], () => tokens.refresh()),
        ...(api.tls === null ? [] : [lookAt(filesOf(setup), async () => renew(app, setup))]),
      ];
      const timer = setInterval(() => {
        for (const look of looks) look().catch(say);
      }, LOOK_EVERY_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** Calls `changed` where one of the files is another than at the last look. */
function lookAt(paths: readonly string[], changed: () => Promise<void>): () => Promise<void> {
  let before = marksOf(paths);
  return async () => {
    const now = marksOf(paths);
    if (now === before) return;
    before = now;
    await changed();
  };
}

function marksOf(paths: readonly string[]): string {
  return paths.map(markOf).join(' ');
}

/** '-' where it is not there. */
function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '-' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
}

function complaintOf(error: unknown): string {
  const msg = error instanceof Error ? error.message : String(error);
  return JSON.stringify({ level: 50, time: Date.now(), msg: `what was there before stays in force: ${msg}` });
}

function siteOf(setup: Setup): Site {
  const { host, public_url: publicUrl, tls } = setup.config.api;
  const local = isLoopback(host);
  if (tls === null) return { secure: publicUrl?.startsWith('https:') === true, publicUrl, local };
  return { secure: true, publicUrl, local, tls: readKeys(setup) };
}

function filesOf({ config, source }: Setup): readonly [string, string] | readonly [] {
  if (config.api.tls === null) return [];
  const folder = source === 'defaults' ? process.cwd() : dirname(resolve(source));
  const { cert_file: cert, key_file: key } = config.api.tls;
  return [resolve(folder, cert), resolve(folder, key)];
}

function readKeys(setup: Setup): Keys {
  const [cert = '', key = ''] = filesOf(setup);
  try {
    const keys = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    // Two that do not belong together fail here, and not at the first caller.
    createSecureContext(keys);
    return keys;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KilldeerError('config.invalid', `api.tls: ${reason}`, error);
  }
}

/** New connections meet the new certificate; those that are open go on. */
function renew(app: FastifyInstance, setup: Setup): void {
  const server = app.server as unknown as { setSecureContext(options: SecureContextOptions): void };
  server.setSecureContext({ ...readKeys(setup), minVersion: 'TLSv1.2' });
}

function oidcOf({ oidc, public_url: publicUrl }: Config['api']): OidcPort | null {
  if (oidc === null) return null;
  const provider = createProvider({ config: oidc, secret: secretOf(oidc.client_secret_env) });
  const redirectUrl = oidc.redirect_url ?? `${publicUrl}/v1/login/callback`;
  return {
    bearer: oidc.bearer ? createBearer(oidc, provider, Date.now) : null,
    login: oidc.login ? createLogin(oidc, provider, redirectUrl, Date.now) : null,
  };
}

function secretOf(name: string | null): string | null {
  if (name === null) return null;
  const secret = process.env[name];
  if (secret !== undefined && secret !== '') return secret;
  throw new KilldeerError('config.invalid', `api.oidc.client_secret_env: the environment variable ${name} is not set`);
}
