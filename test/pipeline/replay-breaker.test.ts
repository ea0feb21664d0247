/** A replay under a policy that wants too much: people are told of the breaker, as they would have been. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compilePolicy } from '../../src/decide/compile-policy.js';
import type { Finding } from '../../src/decide/finding.js';
import { replay } from '../../src/pipeline/replay.js';
import { FOLD, importsOf } from '../../src/verbs/replay.js';
import { loadSetup } from '../../src/verbs/setup.js';

const RECORDING = join(fileURLToPath(new URL('../../replay', import.meta.url)), 'burst');
const INTERVAL_MS = 7 * 86_400_000;

function policyOf(stopsMax: number) {
  const text = `
name: bad
mode: enforce
brakes: { stops_max: ${stopsMax}, cohort_max: 1000, interval: 7d }
rules:
  - { name: all, when: { severity: info }, do: { action: suspend, for: 1h } }
`;
  const made = compilePolicy(text, 'bad.yaml');
  if ('problems' in made) throw new Error(JSON.stringify(made.problems));
  return made.policy;
}

async function findingsOf(stopsMax: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  await replay({
    ...loadSetup({}),
    policy: policyOf(stopsMax),
    recording: RECORDING,
    registry: FOLD,
    registryImport: importsOf(join(RECORDING, 'registry.json')),
    findingsPath: null,
    onFinding: (finding) => findings.push(finding),
  });
  return findings;
}

it('pages once for each opening of the breaker, and says nothing else than without it', async () => {
  const told = await findingsOf(0);
  const pages = told.filter(({ kind }) => kind === 'breaker-open');
  expect(pages.length).toBeGreaterThan(0);
  const [{ title, severity, time }] = pages;
  expect({ title, severity }).toMatchObject({
    title: expect.stringMatching(/^the breaker is open: rule all of policy bad .* skipped: /),
    severity: 'critical',
  });
  for (const later of pages.slice(1)) {
    expect(Date.parse(later.time) - Date.parse(time)).toBeGreaterThanOrEqual(INTERVAL_MS);
  }
  const quiet = await findingsOf(1_000);
  expect(quiet.filter(({ kind }) => kind === 'breaker-open')).toEqual([]);
  const bare = (list: Finding[]) => list.filter(({ kind }) => kind !== 'breaker-open').map(({ id }) => id);
  expect(bare(told)).toEqual(bare(quiet));
});
