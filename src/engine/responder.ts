/** What the registry's side has to tell people of at once, as a finding, so that it pages like any other. */
import type { Severity } from '../decide/finding.js';
import { lineOf, makeId } from './line.js';
import type { Outcome } from './outcome.js';
import type { ResponderRecord } from './record.js';
import type { EngineState } from './state.js';
import type { ResponderKind } from './title.js';

/** Certain, and graver or less so: these p rank them with what else is open. */
const SAID: Readonly<
  Record<ResponderRecord['what'], { kind: ResponderKind; severity: Severity; p: number; feature: string }>
> = {
  'breaker-open': { kind: 'breaker-open', severity: 'critical', p: 1e-9, feature: 'agents whose stop was skipped' },
  'stop-unverified': { kind: 'stop-unverified', severity: 'critical', p: 1e-9, feature: 'stops that did not work' },
  'delivery-dead': { kind: 'delivery-dead', severity: 'high', p: 1e-4, feature: 'stops that were not delivered' },
  'halt': { kind: 'halted', severity: 'medium', p: 1e-3, feature: 'halts' },
};

/** One record is one finding: told again, by whoever tells it, it is known by its key. */
export function raiseResponder(state: EngineState, record: ResponderRecord, offset: number, outcome: Outcome): void {
  const { what, timeMs, tenant, agent, words, agents } = record;
  const { kind, severity, p, feature } = SAID[what];
  const key = `\u0000${what}\u0000${tenant}\u0000${agent}\u0000${record.key}`;
  const evidence = { kind, cause: kind, severity, timeMs, bound: true } as const;
  const open = state.findings.note(key, evidence, () => makeId([key, kind]));
  if (!open.line) return;
  const line = lineOf(state, open.finding, {
    ...{ timeMs, tenant, agent, root: agent, session: null, kind, title: words, p },
    attribution: [{ detector: 'responder', feature, observed: Math.max(1, agents.length), expected: 0, share: 1 }],
    evidence: { offset, event: null },
  });
  outcome.findings.push(line);
  state.counts.findings++;
}
