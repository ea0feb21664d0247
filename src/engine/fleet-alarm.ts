/**
 * An engine takes the fleet stage's records: what becomes milder by them, and the findings that they lead to. Of a
 * record that goes into every partition the first one writes the finding's line, so that there is one.
 */
import { F } from '../agent/layout.js';
import { agentKey } from '../agent/table.js';
import type { Attribution, Severity } from '../decide/finding.js';
import { isSensitive } from '../detect/sensitive.js';
import { FLEET } from '../event/event.js';
import { hex64 } from '../math/hash.js';
import { agentOfFleet, type FleetRecord } from './fleet-record.js';
import { makeFleetTitle } from './fleet-title.js';
import { answer, isAnswered, lineOf } from './line.js';
import type { Outcome } from './outcome.js';
import { round } from './scoring.js';
import type { EngineState } from './state.js';
import { suppressionOf } from './suppressions.js';
import type { FleetKind } from './title.js';

/** What is certain and worth a look, and what is certain and worth a page: these p rank them with what else is open. */
const NOTICE_P = 1e-2;
const SHARING_P = 1e-4;

/** A record that leads to a finding. */
type ToldRecord = Exclude<FleetRecord, { readonly state: 'over' }>;

interface Said {
  readonly kind: FleetKind;
  readonly severity: Severity;
  readonly p: number;
  readonly agent: string;
  readonly root: string;
  readonly bound: boolean;
  readonly part: Attribution;
}

/** Takes one record; one that was taken before changes nothing. */
export function takeFleet(state: EngineState, record: FleetRecord, offset: number, outcome: Outcome): void {
  const { fleet, place } = state;
  if (!fleet.admits(record)) return;
  if (record.state === 'over') {
    fleet.end(record.tenant);
    return;
  }
  if (record.state === 'outage') fleet.begin(record);
  else if (record.state === 'deploy') fleet.adopt(record);
  if (agentOfFleet(record) !== null || place.partition === 0) raiseFleet(state, record, offset, outcome);
}

/**
 * What a cohort has adopted by a deploy is known to it before its members' own adoptions reach the model: to each of
 * them it is new, but normal for its like. What can do lasting harm is new to each of them all the same: many agents
 * attacked in one way look like a deploy, too.
 */
export function lookUpDeploy(state: EngineState): void {
  const { observation: o, model, fleet } = state;
  const role = o.profile.u32[o.profile.at4 + F.role];
  if (role === 0 || !o.endpointNovel || o.event === null || isSensitive(o.event.endpoint)) return;
  const agents = fleet.deployed(model.cohorts[role - 1].id, hex64(o.endpointHigh, o.endpointLow));
  if (agents > o.endpointPeers) o.endpointPeers = Math.min(agents, o.peers);
}

function raiseFleet(state: EngineState, record: ToldRecord, offset: number, outcome: Outcome): void {
  const { tenant, timeMs, finding: id } = record;
  const { kind, severity, p, agent, root, bound, part } = saidOf(record);
  // Each is a cause of its own; about the fleet as a whole several may be open, and none speaks for another.
  const key = agent === FLEET ? `\u0000${FLEET}\u0000${id}` : agentKey(tenant, root, bound);
  const suspect = { kind, severity, endpoint: null, target: null };
  const mutedBy = suppressionOf(state, tenant, root, suspect, () => part);
  const muted = mutedBy !== null;
  const evidence = { kind, cause: id, severity: muted ? 'low' : severity, timeMs, bound, muted } as const;
  const { finding: open, line } = state.findings.note(key, evidence, () => id);
  const title = makeFleetTitle(record);
  const rests = { offset, event: null };
  const said = { timeMs, tenant, agent, root, session: null, kind, title, p, attribution: [part], evidence: rests };
  const finding = lineOf(state, open, said);
  const asks = !muted && open.bound && agent !== FLEET && isAnswered(state.settings.policy.rules, kind, open, timeMs);
  const answered = asks ? answer(state, key, open, finding, offset, outcome) : finding;
  if (!line) return;
  outcome.findings.push(muted ? { ...answered, mutedBy } : answered);
  state.counts.findings++;
}

function saidOf(record: ToldRecord): Said {
  const whole = { agent: FLEET, root: FLEET, bound: true } as const;
  const part = (feature: string, observed: number, expected: number): Attribution => ({
    ...{ detector: 'fleet', feature, observed: round(observed), expected: round(expected), share: 1 },
  });
  switch (record.state) {
    case 'outage':
      return {
        ...{ ...whole, kind: 'provider-outage', severity: 'medium', p: Math.max(1e-300, record.p) },
        part: part('agents with failing model calls', record.agents, 0),
      };
    case 'deploy':
      return {
        ...{ ...whole, kind: 'deploy', severity: 'low', p: NOTICE_P },
        part: part('agents of one cohort that met a new endpoint in a day', record.agents, 0),
      };
    case 'shared-credential': {
      const { agent, root, bound, others } = record;
      return {
        ...{ agent, root, bound, kind: 'shared-credential', severity: 'medium', p: SHARING_P },
        part: part('agents that use one credential', others.length + 1, others.length),
      };
    }
    case 'delegation-tree': {
      const { agent, bound, how, observed, expected } = record;
      return {
        ...{ agent, root: agent, bound, kind: 'delegation-tree', severity: 'low', p: NOTICE_P },
        part: part(TREE_FEATURES[how], observed, expected),
      };
    }
  }
}

const TREE_FEATURES = {
  broader: 'sub-agents in a day',
  deeper: 'levels of sub-agents',
  shared: 'agents that one sub-agent works for',
} as const;
