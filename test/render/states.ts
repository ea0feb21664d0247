/** Findings as they come, with what tests want of them. */
import type { Finding } from '../../src/decide/finding.js';
import { stateOf } from '../../src/render/taken.js';
import type { FindingState } from '../../src/triage/triage.js';

export function findingWith(parts: Partial<Finding> = {}): Finding {
  return {
    id: 'f-0123456789abcdef',
    time: '2031-05-02T14:00:00.000Z',
    tenant: 'acme',
    agent: 'billing-3/helper',
    root: 'billing-3',
    session: 's-1',
    severity: 'high',
    kind: 'exfiltration',
    title: 'billing-3 sends 1.2 MB to paste.example, 40 times what is usual for it',
    p: 0.00002,
    risk: 87.5,
    attribution: [
      { detector: 'egress', feature: 'bytes sent', observed: 1_200_000, expected: 30_000, share: 0.75 },
      { detector: 'novelty', feature: 'new target', observed: 1, expected: 0.02, share: 0.25 },
    ],
    evidence: [
      { offset: 10, event: 'e-10' },
      { offset: 11, event: null },
    ],
    model: 'm-1',
    config: 'c-1',
    status: 'open',
    bound: true,
    proposal: 'p-1',
    ...parts,
  };
}

export function stateWith(parts: Partial<Finding> = {}, rest: Partial<FindingState> = {}): FindingState {
  const finding = findingWith(parts);
  return { ...stateOf(finding, Date.parse(finding.time) - 60_000, 1), ...rest };
}

/** Text that tries to steer whoever shows it. */
export const HOSTILE = [
  '=HYPERLINK("http://evil.example","x")',
  '+1+cmd|calc',
  '@SUM(A1)',
  '＝1+1',
  "'; DROP TABLE findings; --",
  '<script>alert(1)</script>',
  'line\r\nbreak\u2028and\u2029more',
  '\u202etxt.exe\u202c',
  'zero\u200bwidth\ufeff\u2066isolate',
  'bell\u0007esc\u001b[31mred\u009b0m',
  'tag\u{e0041}\u{e0042}',
  'lone\ud800half',
];
