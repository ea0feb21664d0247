/**
 * A real nginx with the configuration that is shipped (deploy/nginx/killdeer.conf), for tests and for the bench: in the
 * foreground, in a folder of its own, ended by its process id. Only the files that a user writes himself are made here.
 * Where nginx is not installed and apt-get is there, Debian's package is unpacked beside the other things that tests
 * fetch, once; it is not installed, because an installed one is started by Debian itself.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentOf, unpackedProgram } from '../debian.mjs';

const SHIPPED = fileURLToPath(new URL('../../deploy/nginx/killdeer.conf', import.meta.url));
const LISTEN = 'listen 127.0.0.1:8080;';
/** Debian's package. */
const PACKAGE = 'nginx-light';

/** Path of the program, or null. Debian keeps it where a user's PATH does not reach. */
export function findNginx() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const installed = folders.map((folder) => join(folder, 'nginx')).find((file) => existsSync(file));
  const path = installed ?? unpackedProgram(PACKAGE, 'usr/sbin/nginx');
  return path !== null && spawnSync(path, ['-v'], { env: environmentOf(PACKAGE) }).status === 0 ? path : null;
}

/**
 * @param {{ killdeer: string, protectedBy: string, token: string, agents: Record<string, string> }} setup addresses as
 *   host:port, and the agent of each key
 */
export async function startNginx({ killdeer, protectedBy, token, agents }) {
  const program = findNginx();
  if (program === null) throw new Error('nginx is not installed, and could not be fetched');
  const folder = await mkdtemp(join(tmpdir(), 'killdeer-nginx-'));
  const port = await freePort();
  await mkdir(join(folder, 'tmp'));
  const shipped = await readFile(SHIPPED, 'utf8');
  if (!shipped.includes(LISTEN)) throw new Error(`the configuration shipped does not say ${LISTEN}`);
  const keys = Object.entries(agents).map(([key, agent]) => `"${key}" "${agent}";`);
  const files = {
    // The port alone is another: the shipped one may be taken.
    'killdeer.conf': shipped.replace(LISTEN, `listen 127.0.0.1:${port};`),
    'upstreams.conf': `upstream killdeer { server ${killdeer}; keepalive 16; }\nupstream protected { server ${protectedBy}; }\n`,
    'token.conf': `proxy_set_header Authorization "Bearer ${token}";\n`,
    'agents.conf': `${keys.join('\n')}\n`,
    'nginx.conf': mainConfig(folder),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environmentOf(PACKAGE),
  });
  const gone = once(child, 'exit');
  const address = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(address, child);
  } catch (error) {
    const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`nginx did not start: ${log}`, { cause: error });
  }
  return { address, stop };
}

function mainConfig(folder) {
  const tmp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/tmp;`);
  return [
    'daemon off; master_process off; worker_processes 1;',
    `pid ${folder}/nginx.pid;`,
    'events { worker_connections 256; }',
    `http { access_log off; ${tmp.join(' ')} include killdeer.conf; }`,
    '',
  ].join('\n');
}

async function answers(address, child) {
  for (let tries = 0; tries < 500; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const answer = await fetch(address).catch(() => null);
    await answer?.body?.cancel();
    if (answer !== null) return;
    await sleep(20);
  }
  throw new Error('it does not answer');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
