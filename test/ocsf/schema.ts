/**
 * The published schemas of OCSF for tests: schema.mjs fetches them once. Where they cannot be had, their tests are
 * skipped, loudly; under CI that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./schema.mjs', import.meta.url));

export interface OcsfSchemas {
  /** What is wrong with a document, in words; empty: nothing. */
  finding(document: unknown): readonly string[];
  remediation(document: unknown): readonly string[];
}

/** Tests against the published schemas. */
export function describeOcsf(name: string, body: (schemas: OcsfSchemas) => void): void {
  const done = spawnSync(process.execPath, [SCRIPT], { encoding: 'utf8' });
  const missing = done.status === 0 ? null : done.stderr.trim();
  if (missing !== null && process.env['CI']) throw new Error(`${name}: ${missing}`);
  const schemas = missing === null ? schemasIn(done.stdout.trim()) : NONE;
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (SKIPPED: ${missing})`, () => body(schemas));
}

/** Of tests that do not run. */
const NONE: OcsfSchemas = { finding: () => [], remediation: () => [] };

function schemasIn(folder: string): OcsfSchemas {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const compile = (name: string): ValidateFunction =>
    ajv.compile(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as object);
  const check = (validate: ValidateFunction) => (document: unknown) =>
    validate(JSON.parse(JSON.stringify(document)))
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
        );
  const finding = check(compile('detection_finding'));
  return { finding, remediation: check(compile('remediation_activity')) };
}
