/** What an engine knows of an agent, in the wire's words. */
import type { Inspection, UsualRange } from '../engine/contract.js';
import type { RegistryEntry } from '../registry/registry.js';
import type { Whom } from './insight-contract.js';
import type { Standing } from './open-findings.js';
import type { ProfileAnswer } from './profile-schema.js';

type Cost = Inspection['cost'];

export function profileView(
  whom: Whom,
  inspection: Inspection,
  { agentVersions, firstSeenMs, role }: RegistryEntry,
  standing: Standing,
): ProfileAnswer {
  const { lastMs, cohort } = inspection;
  return {
    ...whom,
    bound: inspection.bound,
    shelved: inspection.shelved,
    as_of_ms: inspection.atMs,
    standing: inspection.standing,
    since_ms: firstSeenMs > 0 ? firstSeenMs : null,
    last_seen_ms: lastMs > 0 ? lastMs : null,
    closed_days: inspection.closedDays,
    events: inspection.events,
    sessions: inspection.sessions,
    longest_silence_ms: inspection.longestSilenceMs,
    role: inspection.role ?? role,
    cohort: cohort === null ? null : { id: cohort.id, members: cohort.members },
    versions: [...agentVersions],
    model: inspection.model,
    config: inspection.config,
    risk: standing.risk,
    open_findings: standing.open,
    error_share: inspection.errorShare,
    windows: inspection.windows.map(({ stream, windowMs, count, mean, variance, learned, band }) => {
      return { stream, window_ms: windowMs, count, mean, variance, learned, band: rangeView(band) };
    }),
    hours: inspection.hours === null ? null : [...inspection.hours],
    cost: costView(inspection.cost),
    endpoints: { ...inspection.endpoints },
    targets: { ...inspection.targets },
    sources: inspection.sources,
    environments: inspection.environments,
    credentials: inspection.credentials,
    drift: driftView(inspection.drift),
  };
}

export function rangeView({ low, expected, high }: UsualRange): { low: number; expected: number; high: number } {
  return { low, expected, high };
}

function costView(cost: Cost): ProfileAnswer['cost'] {
  return {
    session: lawView(cost.session),
    hour: lawView(cost.hour),
    last_hour_usd: cost.lastHourUsd,
    day_usd: cost.dayUsd,
    day_projected_usd: cost.dayProjectedUsd,
    session_budget_usd: cost.sessionBudgetUsd,
    day_budget_usd: cost.dayBudgetUsd,
    running: cost.running.map(({ lastMs, events, costUsd, projectedUsd }) => {
      return { last_ms: lastMs, events, cost_usd: costUsd, projected_usd: projectedUsd };
    }),
  };
}

function lawView({ usual, learned }: Cost['session']): ProfileAnswer['cost']['session'] {
  return { usual: usual === null ? null : rangeView(usual), learned };
}

function driftView(drift: Inspection['drift']): ProfileAnswer['drift'] {
  return {
    session_usd: drift.sessionUsd,
    anchor_usd: drift.anchorUsd,
    cost_level: drift.costLevel,
    cost_sum: drift.costSum,
    calls_per_minute: drift.lateCalls,
    anchor_calls_per_minute: drift.anchorCalls,
    confirmed_calls_per_minute: drift.confirmedCalls > 0 ? drift.confirmedCalls : null,
    rate_sum: drift.rateSum,
  };
}
