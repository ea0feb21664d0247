/**
 * What comes out of every recording in replay/, line by line, against its expected.jsonl. `npm run replay:expect`
 * writes those anew: read the difference as what a change did to detection, before it is kept.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Finding, isPage } from '../../src/decide/finding.js';
import { replay } from '../../src/pipeline/replay.js';
import type { Key, Label } from '../../src/simulate/simulation.js';
import { FOLD, importsOf } from '../../src/verbs/replay.js';
import { loadSetup } from '../../src/verbs/setup.js';

const ROOT = fileURLToPath(new URL('../../replay', import.meta.url));
const NAMES = readdirSync(ROOT).sort();
/** A page this long after the window still belongs to it, ms. */
const GRACE_MS = 600_000;

/** Injections that must be paged about, wherever they are in a recording of their own. */
const FOUND: Readonly<Record<string, readonly string[]>> = {
  'demo': ['retry-loop', 'new-endpoint-set', 'budget-blowup', 'sub-agent-fan-out'],
  'retry-loop': ['retry-loop'],
  'burst': ['rate-burst-x10'],
  'budget-blowup': ['budget-blowup'],
  'fan-out': ['sub-agent-fan-out'],
  'slow-creep': ['cost-creep-2pct-per-hour'],
};

function readJson<T>(name: string, file: string): T {
  return JSON.parse(readFileSync(join(ROOT, name, file), 'utf8')) as T;
}

async function findingsOf(name: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  await replay({
    ...loadSetup({}),
    recording: join(ROOT, name),
    registry: FOLD,
    registryImport: importsOf(join(ROOT, name, 'registry.json')),
    findingsPath: null,
    onFinding: (finding) => findings.push(finding),
  });
  return findings;
}

function lineOf({ id, time, agent, severity, kind, title }: Finding): string {
  return `${JSON.stringify({ id, time, agent, severity, kind, title })}\n`;
}

function isWithin(finding: Finding, { agent, from, to }: Label): boolean {
  const atMs = Date.parse(finding.time);
  const isItsAgent = agent === null || finding.root === agent;
  return isItsAgent && atMs >= Date.parse(from) && atMs <= Date.parse(to) + GRACE_MS;
}

describe.each(NAMES)('the recording %s', (name) => {
  it('gives what is expected of it, and pages about what it must', async () => {
    const findings = await findingsOf(name);
    const expected = join(ROOT, name, 'expected.jsonl');
    expect(existsSync(expected)).toBe(true);
    await expect(findings.map(lineOf).join('')).toMatchFileSnapshot(expected);

    const pages = findings.filter(({ severity }) => isPage(severity));
    for (const label of readJson<Label[]>(name, 'labels.json')) {
      const isFound = pages.some((page) => isWithin(page, label));
      if (FOUND[name]?.includes(label.kind)) expect(isFound, `${label.kind} of ${label.agent}`).toBe(true);
      if (label.kind.startsWith('negative:')) expect(isFound, `${label.kind} of ${label.agent}`).toBe(false);
    }
  });
});

describe('the recording quiet', () => {
  it('is paged about hardly once its agents are known, and about none of what looks like an attack', async () => {
    const { train_until: until } = readJson<Key>('quiet', 'key.json');
    const pages = (await findingsOf('quiet')).filter(({ severity, time }) => isPage(severity) && time >= until);
    // None is what is wanted, and 0.7 the budget of eight agents for three days: three are four times too many. Held here
    // so that they become no more (docs/detection.md names them).
    expect(pages.length).toBeLessThanOrEqual(3);
    const labels = readJson<Label[]>('quiet', 'labels.json');
    expect(pages.filter((page) => labels.some((label) => isWithin(page, label)))).toEqual([]);
  });
});

it('every recording is one of those that the tests know', () => {
  expect(NAMES).toEqual(['budget-blowup', 'burst', 'demo', 'fan-out', 'hijack', 'quiet', 'retry-loop', 'slow-creep']);
});
