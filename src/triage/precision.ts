/** How often people found a detector right, with how sure that is. */
import type { VerdictRecord } from '../engine/record.js';
import type { DetectorPrecision, TriageInput, Visible, Whose } from './triage.js';

/** Two-sided 95 % point of the normal distribution. */
const Z = 1.959964;
/** Verdicts kept, newest. */
const VERDICTS_MAX = 100_000;

/**
 * The Wilson score interval at 95 % of a share (Wilson, 1927): honest where few were judged.
 * @returns Both ends in [0, 1]; the whole of it where nothing was judged.
 */
export function wilson(right: number, of: number): { readonly low: number; readonly high: number } {
  if (of === 0) return { low: 0, high: 1 };
  const share = right / of;
  const zz = Z * Z;
  const middle = (share + zz / (2 * of)) / (1 + zz / of);
  const half = (Z / (1 + zz / of)) * Math.sqrt((share * (1 - share)) / of + zz / (4 * of * of));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

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
