/**
 * Traffic after a stop. A call of a stopped agent that went through, later than what can have been in flight, is proof
 * that the stop did not work: people are paged at the first one. A call that was refused is proof that it did.
 */
import { agentKey } from '../agent/table.js';
import { isListed } from '../decide/pattern.js';
import type { AgentEvent } from '../event/event.js';
import { lineOf, makeId } from './line.js';
import type { Outcome } from './outcome.js';
import type { EngineState } from './state.js';
import type { WatchedStop } from './stop-book.js';
import { quoted } from './title.js';

/** In flight as the stop was made, where the settings say nothing, ms. */
const GRACE_MS = 10_000;
/** A call that went through is certain, and there is hardly anything worse. */
const STOP_P = 1e-9;
const KIND = 'stop-unverified';

/** Notes what an event shows of the stop that covers its agent. Not to be called where nothing is stopped. */
export function watchStop(
  state: EngineState,
  event: AgentEvent,
  root: string,
  bound: boolean,
  offset: number,
  outcome: Outcome,
): void {
  const { tenant, agent, timeMs, status } = event;
  const stop = state.stops.covering(tenant, agent, root, timeMs);
  if (stop === null || timeMs <= stop.fact.sinceMs || isSpared(state, stop, agent)) return;
  if (status === 'denied') {
    stop.refused++;
    // Whoever is not bound to the agent must not be able to say that its stop works.
    if (bound && !stop.isConfirmed && !stop.isToldBound) {
      stop.isConfirmed = true;
      tell(stop, tenant, 'confirmed', `${agent} was refused at ${instant(timeMs)}`, outcome);
    }
    return;
  }
  if (timeMs <= stop.fact.sinceMs + (state.settings.stopGraceMs ?? GRACE_MS)) return;
  stop.through++;
  if (bound ? stop.isToldBound : stop.isToldUnbound) return;
  raiseUnverified(state, stop, event, root, bound, offset, outcome);
  if (bound) tell(stop, tenant, 'contradicted', `${agent} called ${event.endpoint} at ${instant(timeMs)}`, outcome);
}

/** An engine's stop of a tree does not cover those in it that the policy protects. */
function isSpared({ settings }: EngineState, { agent: stopped, fact }: WatchedStop, agent: string): boolean {
  if (!fact.automatic || stopped === agent) return false;
  return isListed(settings.policy.protectedAgents, agent);
}

function raiseUnverified(
  state: EngineState,
  stop: WatchedStop,
  event: AgentEvent,
  root: string,
  bound: boolean,
  offset: number,
  outcome: Outcome,
): void {
  if (bound) stop.isToldBound = true;
  else stop.isToldUnbound = true;
  const { tenant, agent, timeMs, session } = event;
  const { fact, through } = stop;
  // A book of its own: no other page of the agent's speaks for this one.
  const key = `\u0000stop\u0000${agentKey(tenant, stop.agent, bound)}`;
  const severity = bound ? 'critical' : 'medium';
  const cause = `${KIND} ${fact.version}`;
  const evidence = { kind: KIND, cause, severity, timeMs, bound } as const;
  const open = state.findings.note(key, evidence, () => makeId([key, cause, event.id, timeMs]));
  if (!open.line) return;
  const line = lineOf(state, open.finding, {
    ...{ timeMs, tenant, agent, root, session, kind: KIND, title: titleOf(stop, agent), p: STOP_P },
    attribution: [{ detector: 'responder', feature: 'calls after a stop', observed: through, expected: 0, share: 1 }],
    evidence: { offset, event: event.id },
  });
  outcome.findings.push(line);
  state.counts.findings++;
}

function titleOf({ agent: stopped, fact, through }: WatchedStop, agent: string): string {
  const calls = through === 1 ? '1 call' : `${through} calls`;
  const done = fact.action === 'revoke' ? 'revoked' : 'suspended';
  const whom = stopped === agent ? 'it' : quoted(stopped);
  return `${quoted(agent)}: ${calls} went through after ${whom} was ${done} at ${instant(fact.sinceMs)}`;
}

function tell(
  { agent, fact }: WatchedStop,
  tenant: string,
  state: 'confirmed' | 'contradicted',
  reason: string,
  { effects }: Outcome,
): void {
  effects.push({ tenant, agent, version: fact.version, state, reason });
}

function instant(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
