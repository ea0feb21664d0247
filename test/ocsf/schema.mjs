/**
 * The published JSON schemas of OCSF, for tests: PyPI's ocsf-json-schema makes them from the files of OCSF itself.
 * Fetched once, and kept; says where they are, as one line: the folder that holds CLASS.json.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../python/packages.mjs';

const PACKAGE = 'ocsf-json-schema==1.2.0';
const OCSF = '1.8.0';
const CLASSES = {
  detection_finding: ['incident', 'security_control'],
  remediation_activity: ['host', 'security_control'],
};
const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(HERE, '../../node_modules/.cache/killdeer-ocsf');
/** Another package, version or choice of profiles is another folder. */
const FOLDER = join(
  CACHE,
  createHash('sha256')
    .update(JSON.stringify([PACKAGE, OCSF, CLASSES]))
    .digest('hex')
    .slice(0, 16),
);

const PROGRAM = `
import json, sys
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
ocsf = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=sys.argv[1]))
made = {name: ocsf.get_class_schema(name, profiles) for name, profiles in json.loads(sys.argv[2]).items()}
print(json.dumps(made))
`;

function run(args, env = {}) {
  const done = spawnSync('python3', args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  });
  if (done.status === 0) return done.stdout;
  const reason = done.error?.message ?? done.stderr.trim().split('\n').at(-1);
  throw new Error(`the schemas of OCSF ${OCSF} could not be had: ${reason}`);
}

function fetched() {
  mkdirSync(CACHE, { recursive: true });
  // Beside its place and then renamed: two that fetch at once do not see each other's halves.
  const beside = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const packages = packageFolder(PACKAGE);
    const made = JSON.parse(run(['-c', PROGRAM, OCSF, JSON.stringify(CLASSES)], { PYTHONPATH: packages }));
    for (const [name, schema] of Object.entries(made)) {
      writeFileSync(join(beside, `${name}.json`), JSON.stringify(schema));
    }
    renameSync(beside, FOLDER);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    // The other one was faster.
    if (!existsSync(FOLDER)) throw error;
  }
}

try {
  if (!existsSync(FOLDER)) fetched();
  console.log(FOLDER);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
