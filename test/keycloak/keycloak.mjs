/**
 * One Keycloak on loopback for tests and for trying things out, never for production. It is fetched from Maven Central
 * once (pom.xml names the version) and built once, with SCIM among its features; everything that it is told stays in
 * memory and goes with it. It ends on a signal, or, with --with-parent, when its standard input closes.
 *
 *   --port N         of HTTP; default: any free port
 *   --with-parent    end when the standard input closes
 *   --json           say where it listens, and as whom one may administer it, as one line of JSON
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { becomeReady, endWith, fetchOnce, freePorts, isEnding, maven, start } from '../java-service.mjs';

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

/** The folder of the built server, filled once. */
function distribution() {
  const version = /<version>(\d[^<]+\.[^<]+)<\/version>/.exec(readFileSync(POM, 'utf8'))?.[1];
  return fetchOnce(CACHE, version, (beside) => {
    console.error(`fetching Keycloak ${version} from Maven Central and building it, this once`);
    const places = [`-DoutputDirectory=${beside}`, `-DmarkersDirectory=${join(beside, 'markers')}`];
    const refused = maven(POM, ['dependency:unpack-dependencies', ...places]);
    if (refused !== null) return new Error(`Keycloak could not be fetched: ${refused}`);
    const home = join(
      beside,
      readdirSync(beside).find((name) => name.startsWith('keycloak-')),
    );
    const built = spawnSync('sh', [join(home, 'bin/kc.sh'), 'build', ...BUILD], { encoding: 'utf8' });
    if (built.status === 0) return home;
    return new Error(`Keycloak could not be built: ${built.stdout.slice(-2000)}${built.stderr.slice(-2000)}`);
  });
}

async function answers(url) {
  const answer = await fetch(`${url}/realms/master`).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.ok === true;
}

async function main() {
  const home = distribution();
  const folder = mkdtempSync(join(tmpdir(), 'killdeer-keycloak-'));
  endWith({ withParent: wanted['with-parent'], folder, keepsFolder: false });
  const port = wanted.port === undefined ? (await freePorts(1))[0] : Number(wanted.port);
  const admin = { id: 'first-admin', secret: randomBytes(16).toString('hex') };
  const logFile = join(folder, 'keycloak.log');
  const loopback = ['--http-host=127.0.0.1', `--http-port=${port}`, '--http-enabled=true', '--hostname-strict=false'];
  // `exec` inside the script makes the process the server itself, so that a signal reaches it.
  const pid = start('sh', [join(home, 'bin/kc.sh'), 'start', '--optimized', ...loopback], {
    ...{ folder, logFile },
    env: {
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      KC_BOOTSTRAP_ADMIN_CLIENT_ID: admin.id,
      KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: admin.secret,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await becomeReady(() => answers(url), { withinMs: READY_WITHIN_MS, everyMs: 200, logFile });
  if (isEnding()) return;
  if (wanted.json) console.log(JSON.stringify({ url, pid, admin }));
  else console.log(`keycloak listens on ${url}; client ${admin.id} with the secret ${admin.secret} administers it`);
}

await main();
