/**
 * One Keycloak on loopback for tests and for trying things out, never for production. It is fetched from Maven Central
 * once (pom.xml names the version) and built once, with SCIM among its features; everything that it is told stays in
 * memory and goes with it. It ends on a signal, or, with --with-parent, when its standard input closes.
 *
 *   --port N         of HTTP; default: any free port
 *   --with-parent    end when the standard input closes
 *   --json           say where it listens, and as whom one may administer it, as one line of JSON
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const POM = join(HERE, 'pom.xml');
const CACHE = join(HERE, '../../node_modules/.cache/killdeer-keycloak');
const READY_WITHIN_MS = 120_000;
/** What the server is built for; another choice is another build. */
const BUILD = ['--db=dev-mem', '--features=scim-api', '--cache=local', '--health-enabled=false'];

const { values: wanted } = parseArgs({
  options: {
    'port': { type: 'string' },
    'with-parent': { type: 'boolean', default: false },
    'json': { type: 'boolean', default: false },
  },
});

/** Set before the server is there: whoever asks it to end meanwhile is obeyed. */
let ending = false;
let java = null;

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The folder of the built server, filled once. */
function distribution() {
  const version = /<version>(\d[^<]+\.[^<]+)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1];
  const folder = join(CACHE, version);
  if (existsSync(folder)) return folder;
  console.error(`fetching Keycloak ${version} from Maven Central and building it, this once`);
  mkdirSync(CACHE, { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(CACHE, 'fetch-'));
  const give = (message) => {
    rmSync(beside, { recursive: true, force: true });
    fail(message);
  };
  const goal = 'dependency:unpack-dependencies';
  const places = [`-DoutputDirectory=${beside}`, `-DmarkersDirectory=${join(beside, 'markers')}`];
  const fetched = spawnSync('mvn', ['-q', '-B', '-f', POM, goal, ...places], { encoding: 'utf8' });
  if (fetched.status !== 0) {
    give(`Keycloak could not be fetched: ${fetched.error?.message ?? fetched.stdout.slice(-2000)}`);
  }
  const inner = readdirSync(beside).find((name) => name.startsWith('keycloak-'));
  const built = spawnSync('sh', [join(beside, inner, 'bin/kc.sh'), 'build', ...BUILD], { encoding: 'utf8' });
  if (built.status !== 0) give(`Keycloak could not be built: ${built.stdout.slice(-2000)}${built.stderr.slice(-2000)}`);
  try {
    renameSync(join(beside, inner), folder);
  } catch {
    // The other one was faster.
  }
  rmSync(beside, { recursive: true, force: true });
  return folder;
}

/** Ports that were free a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function becomeReady(url, logFile) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!ending) {
    const answer = await fetch(`${url}/realms/master`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    if (Date.now() > deadline)
      fail(`no Keycloak after ${READY_WITHIN_MS} ms:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function end() {
  if (ending) return;
  ending = true;
  if (java === null) process.exit(0);
  java.kill('SIGCONT');
  java.kill('SIGTERM');
  setTimeout(() => java.kill('SIGKILL'), 10_000).unref();
}

async function main() {
  const home = distribution();
  const folder = mkdtempSync(join(tmpdir(), 'killdeer-keycloak-'));
  process.on('exit', () => {
    java?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
  if (wanted['with-parent']) process.stdin.on('end', end).on('error', end).resume();
  const port = wanted.port === undefined ? await freePort() : Number(wanted.port);
  const admin = { id: 'first-admin', secret: randomBytes(16).toString('hex') };
  if (ending) process.exit(0);
  const logFile = join(folder, 'keycloak.log');
  const output = createWriteStream(logFile, { flags: 'a' });
  const loopback = ['--http-host=127.0.0.1', `--http-port=${port}`, '--http-enabled=true', '--hostname-strict=false'];
  // `exec` inside the script makes the process the server itself, so that a signal reaches it.
  java = spawn('sh', [join(home, 'bin/kc.sh'), 'start', '--optimized', ...loopback], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A signal to the terminal's group must reach the server through us alone.
    detached: true,
    env: {
      ...process.env,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      KC_BOOTSTRAP_ADMIN_CLIENT_ID: admin.id,
      KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: admin.secret,
    },
  });
  java.stdout.pipe(output, { end: false });
  java.stderr.pipe(output, { end: false });
  java.on('exit', (code, signal) => {
    if (!ending && signal === null) console.error(readFileSync(logFile, 'utf8').slice(-4000));
    process.exit(ending ? 0 : (code ?? 1));
  });
  const url = `http://127.0.0.1:${port}`;
  await becomeReady(url, logFile);
  if (ending) return;
  if (wanted.json) console.log(JSON.stringify({ url, pid: java.pid, admin }));
  else console.log(`keycloak listens on ${url}; client ${admin.id} with the secret ${admin.secret} administers it`);
}

await main();
