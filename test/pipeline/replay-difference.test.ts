import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/decide/finding.js';
import { differenceOf, FindingTally } from '../../src/pipeline/replay-difference.js';
import { finding } from '../api/world.js';

function tallyOf(...findings: readonly Finding[]): FindingTally {
  const tally = new FindingTally();
  for (const one of findings) tally.add(one);
  return tally;
}

const page = (id: string, root: string, over: Partial<Finding> = {}) =>
  finding(id, { root, severity: 'high', ...over });

describe('what a replay found against what was found', () => {
  it('is counted in pages by agent and kind, at the severity of a finding’s last line', () => {
    const real = tallyOf(page('1', 'a'), page('2', 'a'), page('3', 'b'), page('4', 'c', { severity: 'low' }));
    const replayed = tallyOf(
      ...[page('9', 'a'), page('3', 'b', { severity: 'low' }), page('3', 'b')],
      ...[page('4', 'c'), page('5', 'c'), page('6', 'c', { kind: 'rate-burst' })],
    );
    const { realFindings, realPages, gained, lost } = differenceOf(real, replayed);
    expect({ realFindings, realPages }).toEqual({ realFindings: 4, realPages: 3 });
    expect(gained).toEqual([
      { tenant: '', agent: 'c', kind: 'retry-loop', count: 2 },
      { tenant: '', agent: 'c', kind: 'rate-burst', count: 1 },
    ]);
    expect(lost).toEqual([{ tenant: '', agent: 'a', kind: 'retry-loop', count: 1 }]);
    expect({ size: replayed.size, pages: replayed.pages }).toEqual({ size: 5, pages: 5 });
  });
});
