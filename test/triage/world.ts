/** Findings, records and boards of triage's tests. */
import type { Finding, Severity } from '../../src/decide/finding.js';
import type { VerdictRecord } from '../../src/engine/record.js';
import { createFold } from '../../src/registry/fold.js';
import type { RegistryRecord, TriageChange } from '../../src/registry/registry.js';
import { createBoard } from '../../src/triage/board.js';
import type { BoardOptions, TriageBoard, TriageInput } from '../../src/triage/triage.js';

export const NOW_MS = Date.parse('2031-05-05T12:00:00.000Z');
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

export function board(options: Partial<BoardOptions> = {}): TriageBoard {
  return createBoard({
    ...{ findingsMax: 1_000, casePauseMs: 12 * HOUR_MS, causeWithinMs: 10 * MINUTE_MS },
    ...{ decayMs: 24 * HOUR_MS, pagesPerDay: null },
    ...options,
  });
}

export const idOf = (n: number): string => `f-${n.toString(16).padStart(16, '0')}`;

export function line(n: number, afterMs: number, over: Partial<Finding> = {}): Finding {
  const agent = over.agent ?? 'clerk';
  return {
    id: idOf(n),
    time: new Date(NOW_MS + afterMs).toISOString(),
    tenant: '',
    agent,
    root: agent,
    session: null,
    severity: 'high' as Severity,
    kind: 'rate-burst',
    title: `${agent} is unusually busy: 120 calls a minute; 3 is usual for it`,
    p: 1e-6,
    risk: 80,
    attribution: [{ detector: 'pace', feature: 'calls a minute', observed: 120, expected: 3, share: 1 }],
    evidence: [{ offset: n, event: `e${n}` }],
    model: 'm1',
    config: 'c1',
    status: 'open',
    bound: true,
    proposal: null,
    ...over,
  };
}

const PERSON = { actor: 'person:ada', authority: 't1', parent: null };
let keys = 0;

export function triage(afterMs: number, findings: readonly string[], change: TriageChange): RegistryRecord {
  return { type: 'triage', timeMs: NOW_MS + afterMs, key: `k${keys++}`, findings, change, ...PERSON };
}

export const close = (afterMs: number, id: string, resolution: 'other' | 'true-positive' = 'other'): RegistryRecord =>
  triage(afterMs, [id], { what: 'status', status: 'closed', resolution });

export function verdict(
  afterMs: number,
  of: Finding,
  word: VerdictRecord['verdict'],
  id = `v-${keys++}`,
): RegistryRecord {
  const timeMs = NOW_MS + afterMs;
  const { detector, feature, observed } = of.attribution[0];
  const made: VerdictRecord = {
    ...{ type: 'verdict', timeMs, id, tenant: of.tenant, scope: { agent: of.root }, verdict: word, kind: of.kind },
    ...{ detector, feature, endpoint: null, target: null, session: null, direction: 'up', level: observed },
    ...{ sinceMs: Date.parse(of.time), untilMs: timeMs + 24 * HOUR_MS, actor: PERSON.actor, comment: 'seen' },
    finding: of.id,
  };
  return { type: 'verdict', timeMs, verdict: made, ...PERSON };
}

export const undo = (afterMs: number, id: string): RegistryRecord => ({
  ...{ type: 'verdict-undo', timeMs: NOW_MS + afterMs, id },
  ...PERSON,
});

export function stop(afterMs: number, agent: string): RegistryRecord {
  const what = { type: 'stop', key: `s${keys++}`, tenant: '', agent, action: 'suspend', reason: 'it leaks' } as const;
  return { ...what, forMs: HOUR_MS, callsPerMinute: null, timeMs: NOW_MS + afterMs, ...PERSON };
}

/** What a registry makes of records. */
export function judged(records: readonly RegistryRecord[]): TriageInput[] {
  const fold = createFold();
  return records.map((record, offset) => ({ offset, record, verdict: fold.apply(record) }));
}

/** A board that has read both logs. */
export function read(lines: readonly Finding[], records: readonly RegistryRecord[] = [], options = {}): TriageBoard {
  const made = board(options);
  for (const one of lines) made.add(one);
  for (const one of judged(records)) made.note(one);
  return made;
}
