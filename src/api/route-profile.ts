/** What is known of an agent now: its profile, and what its history makes of any stretch of time. */
import type { BandRow, Inspection } from '../engine/contract.js';
import { KilldeerError } from '../errors.js';
import { READERS, type ServerParts } from './contract.js';
import { askedWhom, insightOf } from './insight.js';
import type { ActivityStep, Span, Whom } from './insight-contract.js';
import { OpenFindings } from './open-findings.js';
import { type BandsAnswer, bandsAnswer, bandsQuery, profileAnswer, profileQuery } from './profile-schema.js';
import { profileView } from './profile-view.js';
import type { Api } from './route.js';
import { requireEntry } from './route-agents.js';
import { agentPath } from './schema.js';
import { filledSteps, spanOf, stepFor, stepsOf } from './time-span.js';

const HOUR_MS = 3_600_000;
const HOURS = 24;
const DAYS_MAX = 400;
const POINTS_MAX = 500;

export function registerProfile(app: Api, parts: ServerParts): void {
  const open = new OpenFindings(parts.triage);
  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/profile',
    config: { access: READERS, operation: 'getProfile', summary: 'What is known of an agent now' },
    schema: { params: agentPath, querystring: profileQuery, response: { 200: profileAnswer } },
    handler: async (request) => {
      const whom = askedWhom(parts.registry, request);
      const entry = requireEntry(parts.registry, whom.tenant, whom.agent);
      return profileView(whom, await inspected(parts, whom), entry, open.of(entry, parts.clock()));
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/bands',
    config: { access: READERS, operation: 'getBands', summary: 'What an agent did beside what is usual of it' },
    schema: { params: agentPath, querystring: bandsQuery, response: { 200: bandsAnswer } },
    handler: async (request) => {
      const whom = askedWhom(parts.registry, request);
      const span = spanOf(request.query, parts.clock(), DAYS_MAX);
      const stepMs = stepFor(span, POINTS_MAX);
      const inspection = await inspected(parts, whom);
      const rows = insightOf(parts).inspect.bands(inspection, stepMs);
      // The profile is of the whole tree: so is what stands beside it.
      const { steps, note } = await observed(parts, { ...whom, agent: inspection.agent }, span, stepMs);
      return {
        ...{ ...whom, from_ms: span.fromMs, to_ms: span.toMs, step_ms: stepMs, as_of_ms: inspection.atMs },
        ...{ standing: inspection.standing, seasonal: inspection.hours !== null, note },
        points: stepsOf(span, stepMs).map((timeMs, i) => pointOf(timeMs, steps?.[i] ?? null, rows)),
      };
    },
  });
}

/** Throws 'registry.unknown-agent' where no event of it was scored. */
async function inspected(parts: ServerParts, { tenant, agent, root }: Whom): Promise<Inspection> {
  const { inspect } = insightOf(parts).inspect;
  const inspection = (await inspect(tenant, root)) ?? (root === agent ? null : await inspect(tenant, agent));
  if (inspection !== null) return inspection;
  throw new KilldeerError('registry.unknown-agent', `no event of agent ${agent} was scored yet`);
}

/** Bands stand without history too: its absence is a note. */
async function observed(
  parts: ServerParts,
  whom: Whom,
  span: Span,
  stepMs: number,
): Promise<{ steps: ActivityStep[] | null; note: string | null }> {
  try {
    const found = await insightOf(parts).history.activity({ ...whom, ...span, stepMs });
    return { steps: filledSteps(stepsOf(span, stepMs), found), note: null };
  } catch (error) {
    if (!(error instanceof KilldeerError)) throw error;
    return { steps: null, note: error.message };
  }
}

function pointOf(timeMs: number, step: ActivityStep | null, rows: readonly BandRow[]): BandsAnswer['points'][number] {
  const { calls, errors, costUsd } = rows[Math.floor(timeMs / HOUR_MS) % HOURS];
  const failed = step === null ? null : step.errors + step.denied;
  return {
    time_ms: timeMs,
    calls: { observed: step?.events ?? null, low: calls.low, expected: calls.expected, high: calls.high },
    errors: { observed: failed, low: errors.low, expected: errors.expected, high: errors.high },
    cost_usd:
      costUsd === null
        ? null
        : { observed: step?.costUsd ?? null, low: costUsd.low, expected: costUsd.expected, high: costUsd.high },
  };
}
