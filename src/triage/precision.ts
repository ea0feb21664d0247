/** How often people found a detector right, with how sure that is. */
import type { VerdictRecord } from '../engine/record.js';
import type { DetectorPrecision, TriageInput, Visible, Whose } from './triage.js';
import { wilson } from './wilson.js';

/** Verdicts kept, newest. */
const VERDICTS_MAX = 100_000;

/** Verdicts as given, those that have run out too: being over does not make them wrong. */
export class PrecisionBook {
  /** Oldest first. */
  private readonly verdicts = new Map<string, VerdictRecord>();

  take({ record, verdict }: TriageInput): void {
    if (verdict.effect !== 'applied') return;
    if (record.type === 'verdict-undo') this.verdicts.delete(record.id);
    if (record.type !== 'verdict') return;
    this.verdicts.set(record.verdict.id, record.verdict);
    if (this.verdicts.size > VERDICTS_MAX) this.verdicts.delete(this.verdicts.keys().next().value as string);
  }

  /**
   * By detector name. `whose`: of the finding, where it is still kept; `unjudged`: detectors that are named even if
   * nobody judged what they found.
   */
  list(
    unjudged: Iterable<string>,
    whose: (finding: string) => Whose | null,
    visible: Visible = () => true,
  ): DetectorPrecision[] {
    const latest = new Map<string, VerdictRecord>();
    for (const one of this.verdicts.values()) latest.set(one.finding ?? one.id, one);
    const counts = new Map<string, { right: number; wrong: number; expected: number }>();
    const countsOf = (detector: string) => {
      const known = counts.get(detector) ?? { right: 0, wrong: 0, expected: 0 };
      counts.set(detector, known);
      return known;
    };
    for (const detector of unjudged) countsOf(detector);
    for (const one of latest.values()) {
      if (!visible(whoseOf(one, whose))) continue;
      const count = countsOf(one.detector);
      if (one.verdict === 'true-positive') count.right += 1;
      else if (one.verdict === 'false-positive') count.wrong += 1;
      else count.expected += 1;
    }
    const names = [...counts.keys()].sort();
    return names.map((detector) => precisionOf(detector, countsOf(detector)));
  }
}

/** A verdict on a role is about many: of a finding that is not kept, nobody knows whose it was. */
function whoseOf({ finding, tenant, scope }: VerdictRecord, whose: (finding: string) => Whose | null): Whose {
  const agent = 'agent' in scope ? scope.agent : '';
  return (finding === null ? null : whose(finding)) ?? { tenant, agent, root: agent };
}

function precisionOf(
  detector: string,
  { right, wrong, expected }: { right: number; wrong: number; expected: number },
): DetectorPrecision {
  const of = right + wrong + expected;
  const counts = { truePositives: right, falsePositives: wrong, expected };
  return { detector, ...counts, precision: of === 0 ? null : right / of, ...wilson(right, of) };
}
