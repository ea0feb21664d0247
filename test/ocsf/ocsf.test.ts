/** Every document that recordings lead to, against the published schemas of OCSF. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KINDS } from '../../src/decide/finding.js';
import { replay } from '../../src/pipeline/replay.js';
import type { RegistryFold, RegistryRecord } from '../../src/registry/registry.js';
import { type FindingActivity, ocsfFinding } from '../../src/render/ocsf-finding.js';
import { ocsfRemediations } from '../../src/render/ocsf-remediation.js';
import type { TriageInput } from '../../src/triage/triage.js';
import { FOLD, importsOf } from '../../src/verbs/replay.js';
import { loadSetup } from '../../src/verbs/setup.js';
import { findingWith, HOSTILE, stateWith } from '../render/states.js';
import { describeOcsf } from './schema.js';

const ROOT = fileURLToPath(new URL('../../replay', import.meta.url));
const CONTEXT = { version: '0.1.0', link: 'https://killdeer.example/findings' };

/** The fold there is, which also tells what it made of each record. */
function overheard(fold: RegistryFold, changes: TriageInput[]): RegistryFold {
  const { apply } = fold;
  fold.apply = (record: RegistryRecord) => {
    const verdict = apply.call(fold, record);
    changes.push({ offset: changes.length, record, verdict });
    return verdict;
  };
  return fold;
}

describeOcsf('OCSF', (schemas) => {
  it.each(readdirSync(ROOT).sort())('holds for everything that the recording %s leads to', async (name) => {
    const wrong: string[] = [];
    const changes: TriageInput[] = [];
    const lines = new Map<string, number>();
    await replay({
      ...loadSetup({ policy: 'enforce' }),
      recording: join(ROOT, name),
      registry: { ...FOLD, create: () => overheard(FOLD.create(), changes) },
      registryImport: importsOf(join(ROOT, name, 'registry.json')),
      findingsPath: null,
      onFinding: (finding) => {
        const seen = (lines.get(finding.id) ?? 0) + 1;
        lines.set(finding.id, seen);
        wrong.push(...schemas.finding(ocsfFinding(stateWith(finding, { lines: seen }), CONTEXT)));
      },
    });
    const remediations = changes.flatMap((change) => ocsfRemediations(change, CONTEXT));
    for (const document of remediations) wrong.push(...schemas.remediation(document));
    expect(wrong).toEqual([]);
    expect(lines.size).toBeGreaterThan(0);
    const applied = changes.filter(({ record, verdict }) => record.type === 'proposal' && verdict.effect === 'applied');
    expect(remediations.filter(({ activity_id: id }) => id !== 3)).toHaveLength(applied.length);
    if (name === 'demo') expect(applied.length).toBeGreaterThan(0);
  });

  describe('a finding', () => {
    it.each(KINDS)('of the kind %s is valid in each of its activities', (kind) => {
      for (const activity of ['create', 'update', 'close'] as FindingActivity[]) {
        expect(schemas.finding(ocsfFinding(stateWith({ kind }), { ...CONTEXT, activity }))).toEqual([]);
      }
    });

    it('is valid with everything that people may have said of it, and with nothing', () => {
      for (const status of ['new', 'in-progress', 'closed'] as const) {
        for (const verdict of ['expected', 'false-positive', 'true-positive']) {
          const rest = { status, assignee: 'kim', verdicts: [{ id: 'v', verdict, undone: false }], suppressed: true };
          expect(schemas.finding(ocsfFinding(stateWith({}, rest), CONTEXT))).toEqual([]);
        }
      }
      const bare = findingWith({ tenant: '', session: null, attribution: [], evidence: [], proposal: null, p: 1 });
      expect(schemas.finding(ocsfFinding(stateWith(bare), { version: '1' }))).toEqual([]);
    });

    it.each(HOSTILE)('is valid whatever stands in it: %j', (text) => {
      const state = stateWith({ title: text, agent: text, root: text, tenant: text, session: text });
      expect(schemas.finding(ocsfFinding(state, CONTEXT))).toEqual([]);
    });

    it('with a wrong enum, a member of nobody or one too few is told to be wrong', () => {
      const good = ocsfFinding(stateWith(), CONTEXT);
      expect(schemas.finding({ ...good, severity_id: 42 })).not.toEqual([]);
      expect(schemas.finding({ ...good, disposition_id: 77 })).not.toEqual([]);
      expect(schemas.finding({ ...good, agent: 'a' })).not.toEqual([]);
      const { finding_info: _, ...less } = good;
      expect(schemas.finding(less)).not.toEqual([]);
    });
  });

  it('tells of a remediation with a wrong enum', () => {
    const entry = FOLD.create();
    const record: RegistryRecord = {
      ...{ type: 'halt', key: 'k', tenant: null, reason: 'drill', timeMs: 1_000 },
      ...{ actor: 'person:kim', authority: 't-1', parent: null },
    };
    const [document] = ocsfRemediations({ offset: 0, record, verdict: entry.apply(record) }, CONTEXT);
    expect(schemas.remediation(document)).toEqual([]);
    expect(schemas.remediation({ ...document, activity_id: 42 })).not.toEqual([]);
    expect(schemas.remediation({ ...document, type_uid: 1 })).not.toEqual([]);
  });
});
