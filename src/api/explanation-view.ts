/** Why a finding was raised, in words and in the wire's members. */
import type { Attribution, Finding } from '../decide/finding.js';
import type { ExplanationAnswer } from './explanation-schema.js';
import type { ExactExplanation, Explained, KnownName } from './insight-contract.js';

export function explanationView(finding: Finding, explained: Explained): ExplanationAnswer {
  const { state } = explained;
  return {
    finding: finding.id,
    state,
    why: state === 'stored' ? explained.why : null,
    progress: state === 'running' ? { done: explained.done, total: explained.total } : null,
    words: finding.title,
    stored: {
      severity: finding.severity,
      risk: finding.risk,
      p: finding.p,
      model: finding.model,
      config: finding.config,
      measurements: finding.attribution.map(measurement),
    },
    exact: state === 'exact' ? exactView(explained.explanation) : null,
  };
}

type Measurement = ExplanationAnswer['stored']['measurements'][number];

function measurement({ detector, feature, observed, expected, share }: Attribution): Measurement {
  const ratio = isNumber(observed) && isNumber(expected) && expected > 0 ? observed / expected : null;
  const found = { observed: numberOf(observed), expected: numberOf(expected), ratio };
  return { detector, feature, unit: unitOf(feature), ...found, share, words: measuredWords(feature, found, share) };
}

/** Names of features end in their unit, behind a comma; what has none is counted. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/\bUSD$/, 'USD'],
  [/\bbytes\b/, 'bytes'],
  [/\bnats$/, 'nats'],
  [/\bstandard deviations$/, 'standard deviations'],
  [/\bms$/, 'ms'],
  [/\bhours$/, 'hours'],
  [/\ba minute\b/, 'a minute'],
];

function unitOf(feature: string): string | null {
  return UNITS.find(([pattern]) => pattern.test(feature))?.[1] ?? null;
}

function measuredWords(
  feature: string,
  { observed, expected, ratio }: Pick<Measurement, 'observed' | 'expected' | 'ratio'>,
  share: number,
): string {
  const part = `${Math.round(share * 100)} % of the score`;
  if (observed === null) return `${feature}: ${part}`;
  const usual = expected === null || expected === 0 ? 'nothing of the kind is usual' : `${short(expected)} is usual`;
  const times = ratio === null || ratio < 1.1 ? '' : `, ${short(ratio)} times as much`;
  return `${feature}: ${short(observed)}, where ${usual}${times}; ${part}`;
}

function short(x: number): string {
  return String(Number(x.toPrecision(3)));
}

/** JSON has no infinity: a line read back has null there. */
function isNumber(x: number | null): x is number {
  return x !== null && Number.isFinite(x);
}

function numberOf(x: number | null): number | null {
  return isNumber(x) ? x : null;
}

function exactView(exact: ExactExplanation): NonNullable<ExplanationAnswer['exact']> {
  const { record, session } = exact;
  return {
    record: { partition: record.partition, offset: record.offset, time: record.time },
    standing: exact.standing,
    closed_days: exact.closedDays,
    windows: exact.windows.map(({ stream, windowMs, count, mean, deviation }) => {
      return { stream, window_ms: windowMs, count, mean, deviation };
    }),
    endpoint: knownView(exact.endpoint),
    target: knownView(exact.target),
    session: session === null ? null : { events: session.events, cost_usd: session.costUsd },
    detectors: exact.detectors.map((one) => ({
      ...{ detector: one.name, feature: one.feature, score: one.score, share: one.share },
      ...{ observed: numberOf(one.observed), expected: numberOf(one.expected), surprise: numberOf(one.surprise) },
    })),
    p: exact.p === null ? null : numberOf(exact.p),
    outcome: exact.outcome,
  };
}

function knownView(known: KnownName | null): NonNullable<ExplanationAnswer['exact']>['endpoint'] {
  if (known === null) return null;
  const { name, adopted, sessions, peers, peersAdopted } = known;
  return { name, adopted, sessions, peers, peers_adopted: peersAdopted };
}
