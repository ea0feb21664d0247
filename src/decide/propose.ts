/**
 * From one finding to at most one proposal. The first rule that matches wins; no rule, no proposal. Pure: the same
 * policy, finding, facts and position give the same proposal, so a record delivered twice proposes the same key twice.
 */
import { type Finding, MODES, type Mode, type Proposal, SEVERITIES } from './finding.js';
import type { AgentDescription, AgentFacts, PolicyRule, Propose } from './policy.js';
import { isTrustWithin, type TrustLevel, trustOf } from './trust.js';

/** A finding about many agents names this one; there is no such agent to stop. */
const FLEET = 'fleet';

function matches(rule: PolicyRule, finding: Finding, facts: AgentFacts): boolean {
  if (rule.kinds.length > 0 && !rule.kinds.includes(finding.kind)) return false;
  if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(rule.severity)) return false;
  // Written this way round so that a p that is not a number matches nothing.
  if (!(finding.p <= rule.pMax)) return false;
  const { observed, expected } = finding.attribution[0] ?? { observed: 0, expected: 0 };
  if (rule.observedMin > 0 && !(observed >= rule.observedMin)) return false;
  if (rule.ratioMin > 0 && !(observed > 0 && observed >= rule.ratioMin * expected)) return false;
  if (rule.roles.length > 0 && (facts.role === null || !rule.roles.includes(facts.role))) return false;
  if (rule.labels.length > 0 && !rule.labels.some((label) => facts.labels.includes(label))) return false;
  if (rule.trustMax !== undefined && !isTrustWithin(factsTrust(facts), null, rule.trustMax)) return false;
  if (rule.environments === undefined) return true;
  return facts.environment !== undefined && rule.environments.includes(facts.environment);
}

/** Nothing is told of an agent that nobody registered; whoever is described without a level was registered. */
function factsTrust({ role, labels, trust, environment }: AgentFacts): TrustLevel {
  return trustOf(role !== null || labels.length > 0 || trust !== undefined || environment !== undefined, trust);
}

/** What the engine keeps of a description; null: nothing that a rule or a cohort asks about. */
export function factsOf(said: AgentDescription): AgentFacts | null {
  const { role, labels, trust, environment } = said;
  if (role === null && labels.length === 0 && trust === undefined && environment === undefined) return null;
  const rest = { ...(trust === undefined ? {} : { trust }), ...(environment === undefined ? {} : { environment }) };
  return { role, labels, ...rest };
}

/** A limit that has been reached; a projection of it is an opinion, and takes the brakes like any other. */
function isUsedUp(finding: Finding): boolean {
  const top = finding.attribution[0];
  return top !== undefined && top.observed >= top.expected;
}

/** The milder of the policy's mode and the rule's own. */
function modeOf(policy: Mode, rule: Mode | null): Mode {
  return rule !== null && MODES.indexOf(rule) < MODES.indexOf(policy) ? rule : policy;
}

/**
 * Calls per minute of a throttle; of one in proportion, the rate stated times what is expected over what was observed:
 * twice the usual leaves half of it. Never above the rate stated, never below 1.
 */
function rateOf({ callsPerMinute, proportional }: PolicyRule, finding: Finding): number | null {
  const top = finding.attribution[0];
  if (callsPerMinute === null || proportional !== true || top === undefined || !(top.observed > 0))
    return callsPerMinute;
  const rate = Math.round((callsPerMinute * Math.max(0, top.expected)) / top.observed);
  // A measurement that is no number says nothing of the distance.
  return Number.isNaN(rate) ? callsPerMinute : Math.max(1, Math.min(callsPerMinute, rate));
}

/** What the finding was judged by, so that a later one can be called worse. */
function measureOf({ attribution }: Finding): Pick<Proposal, 'measured'> {
  const top = attribution[0];
  return top === undefined ? {} : { measured: { feature: top.feature, observed: top.observed } };
}

/**
 * Proposes what the policy wants done about a finding, or null. Made in every mode, observe included, so that the
 * registry can say what would have been done. A finding with any unbound evidence never proposes: whoever can only
 * send telemetry must not be able to stop an agent. A hard budget is a limit that a person set, hence past the brakes.
 */
export const propose: Propose = (policy, finding, facts, position) => {
  if (!finding.bound || finding.agent === FLEET || finding.root === FLEET) return null;
  const rule = policy.rules.find((candidate) => matches(candidate, finding, facts));
  if (rule === undefined) return null;
  return {
    key: `${finding.id}:${rule.action}`,
    time: finding.time,
    tenant: finding.tenant,
    agent: finding.root,
    action: rule.action,
    mode: modeOf(policy.mode, rule.mode),
    reason: finding.title,
    finding: finding.id,
    kind: finding.kind,
    severity: finding.severity,
    forMs: rule.forMs,
    callsPerMinute: rateOf(rule, finding),
    policy: policy.name,
    rule: rule.name,
    hardBudget: finding.kind === 'budget' && isUsedUp(finding),
    evidence: finding.evidence,
    partition: position.partition,
    epoch: position.epoch,
    offset: position.offset,
    ...measureOf(finding),
  };
};
