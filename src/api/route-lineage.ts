/** Whom an agent works for and who works for it, and how much risk its tree has carried. */
import type { RegistryEntry } from '../registry/registry.js';
import type { TriageFilter } from '../triage/triage.js';
import { askedAgent, identityOf } from './access.js';
import { covers } from './binding.js';
import { READERS, type RegistryPort, type ServerParts } from './contract.js';
import { askedWhom } from './insight.js';
import { OpenFindings, type Standing } from './open-findings.js';
import { bandsQuery, profileQuery, riskAnswer, type TreeAnswer, treeAnswer } from './profile-schema.js';
import type { Api } from './route.js';
import { requireEntry } from './route-agents.js';
import { agentPath } from './schema.js';
import { spanOf, stepFor, stepsOf } from './time-span.js';

const AGENTS_MAX = 500;
const POINTS_MAX = 500;
const MARKS_MAX = 500;
const DAYS_MAX = 400;

export function registerLineage(app: Api, parts: ServerParts): void {
  const open = new OpenFindings(parts.triage);
  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/tree',
    config: { access: READERS, operation: 'getTree', summary: 'Whom an agent works for, and who works for it' },
    schema: { params: agentPath, querystring: profileQuery, response: { 200: treeAnswer } },
    handler: async (request) => {
      const { identity, tenant, agent } = askedAgent(request);
      const entry = requireEntry(parts.registry, tenant, agent);
      const members = [...above(parts.registry, entry), { entry, depth: 0 }, ...below(parts.registry, entry)];
      const shown = members.filter((member) => covers(identity.bindings, tenant, member.entry.agent));
      const nowMs = parts.clock();
      return {
        ...{ tenant, agent, total: members.length, hidden: members.length - shown.length },
        agents: shown.slice(0, AGENTS_MAX).map((member) => memberView(member, open.of(member.entry, nowMs))),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/agents/:agent/risk',
    config: { access: READERS, operation: 'getRisk', summary: "Risk of an agent's tree over time, and its findings" },
    schema: { params: agentPath, querystring: bandsQuery, response: { 200: riskAnswer } },
    handler: async (request) => {
      const whom = askedWhom(parts.registry, request);
      const board = parts.triage;
      const nowMs = parts.clock();
      const span = spanOf(request.query, nowMs, DAYS_MAX);
      const stepMs = stepFor(span, POINTS_MAX);
      const { bindings } = identityOf(request);
      const filter: TriageFilter = {
        ...{ tenant: whom.tenant, agent: whom.root, fromMs: span.fromMs, toMs: span.toMs },
        visible: (finding) => covers(bindings, finding.tenant, finding.agent),
      };
      const marks = board.list(filter, 'raised', MARKS_MAX, null).rows;
      return {
        ...{ ...whom, from_ms: span.fromMs, to_ms: span.toMs, step_ms: stepMs },
        now: board.risk(whom.tenant, whom.root, nowMs),
        points: stepsOf(span, stepMs)
          .filter((timeMs) => timeMs <= nowMs)
          .map((timeMs) => ({ time_ms: timeMs, risk: board.risk(whom.tenant, whom.root, Math.min(nowMs, timeMs)) })),
        findings: marks.map(({ finding, raisedMs, closedMs, status }) => ({
          ...{ id: finding.id, raised_ms: raisedMs, closed_ms: closedMs, agent: finding.agent },
          ...{ severity: finding.severity, kind: finding.kind, title: finding.title, risk: finding.risk, status },
        })),
      };
    },
  });
}

interface Member {
  readonly entry: RegistryEntry;
  /** Below the agent asked for; negative: above it. */
  readonly depth: number;
}

/** The topmost first. Names that lead back to themselves, or to nobody that is known, end it. */
function above(registry: RegistryPort, { tenant, agent, parent }: RegistryEntry): Member[] {
  const chain: RegistryEntry[] = [];
  const met = new Set([agent]);
  let name = parent;
  while (name !== null && !met.has(name)) {
    met.add(name);
    const entry = registry.entry(tenant, name);
    if (entry === null) break;
    chain.push(entry);
    name = entry.parent;
  }
  return chain.map((entry, i) => ({ entry, depth: -1 - i })).reverse();
}

/** Level by level, by name. */
function below(registry: RegistryPort, { tenant, agent }: RegistryEntry): Member[] {
  const children = new Map<string, RegistryEntry[]>();
  for (const entry of registry.entries()) {
    if (entry.tenant !== tenant || entry.parent === null) continue;
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const members: Member[] = [];
  const met = new Set([agent]);
  let level = [agent];
  for (let depth = 1; level.length > 0; depth++) {
    const next = level.flatMap((name) => children.get(name) ?? []).filter((entry) => !met.has(entry.agent));
    next.sort((a, b) => (a.agent < b.agent ? -1 : 1));
    for (const entry of next) {
      met.add(entry.agent);
      members.push({ entry, depth });
    }
    level = next.map((entry) => entry.agent);
  }
  return members;
}

function memberView({ entry, depth }: Member, { risk, open }: Standing): TreeAnswer['agents'][number] {
  return {
    agent: entry.agent,
    parent: entry.parent,
    depth,
    status: entry.status,
    registered: entry.registered,
    trust: entry.registration.trust,
    role: entry.role,
    owner: entry.owner,
    risk,
    open_findings: open,
    last_change_ms: entry.lastChangeMs,
  };
}
