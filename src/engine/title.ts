/** The sentence that a person reads: what happened, to which agent, against what is usual for it. */
import type { Attribution, Kind } from '../decide/finding.js';
import { LARGEST_CALL } from '../detect/egress.js';
import type { AgentEvent } from '../event/event.js';
import { isRateLimited } from '../event/rate-limit.js';
import type { SourceStateRecord } from './record.js';

/** Longest name quoted in a title. */
const NAME_MAX = 60;

/** A name as a title has it. */
export function quoted(text: string | null): string {
  if (text === null) return 'nothing';
  return text.length > NAME_MAX ? `${text.slice(0, NAME_MAX - 1)}…` : text;
}

/** A whole number with its thousands apart. */
function grouped(x: number): string {
  return String(x).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number as a person writes it: three significant digits at most, thousands apart. */
export function plain(x: number): string {
  if (x === 0) return '0';
  if (Math.abs(x) >= 1000) return grouped(Math.round(x));
  if (Math.abs(x) >= 10) return String(Math.round(x));
  if (Math.abs(x) >= 1) return String(Math.round(x * 10) / 10);
  return x.toPrecision(2);
}

/** The usual, in words: counts below one in a window are 'almost none'. */
function usual(x: number): string {
  return x < 0.5 ? 'almost none' : plain(x);
}

function usd(x: number): string {
  return `$${x >= 100 ? grouped(Math.round(x)) : x >= 0.01 ? x.toFixed(2) : x.toPrecision(2)}`;
}

/** Kinds that are about agents: all but those of a control record. */
export type AgentKind = Exclude<Kind, 'source-refused' | FleetKind | ResponderKind>;
/** Kinds that the fleet stage finds; fleet-alarm.ts words them. */
export type FleetKind = 'provider-outage' | 'deploy' | 'shared-credential' | 'delegation-tree';

/** Kinds that tell of stops; responder.ts and stops.ts word them. */
export type ResponderKind = 'breaker-open' | 'stop-unverified' | 'delivery-dead' | 'halted';

/** The title of a finding about a source; its name and reason were bounded when the record was decoded. */
export function makeSourceTitle({ source, rejections, of, reason }: SourceStateRecord): string {
  const because = reason === '' ? '' : ` (${reason})`;
  return `source ${source} is refused: ${grouped(rejections)} of its last ${grouped(of)} records were rejected${because}`;
}

/** Why its calls fail, where the last of them said that they come too fast. */
function becauseOf(event: AgentEvent | null): string {
  const errorType = event?.errorType ?? null;
  return isRateLimited(errorType) ? `, which limits its rate (${quoted(errorType)})` : '';
}

/** The title of a finding whose leading attribution is `top`; `since`: a version that is new. */
export function makeTitle(
  kind: AgentKind,
  agent: string,
  event: AgentEvent | null,
  top: Attribution,
  since: string | null = null,
): string {
  const title = makePlainTitle(kind, agent, event, top);
  return since === null ? title : `${title}; since version ${quoted(since)}`;
}

function makePlainTitle(kind: AgentKind, agent: string, event: AgentEvent | null, top: Attribution): string {
  const who = quoted(agent);
  const endpoint = quoted(event?.endpoint ?? null);
  const target = event?.target ?? null;
  const on = target === null ? endpoint : `${endpoint} on ${quoted(target)}`;
  switch (kind) {
    case 'retry-loop':
      return `${who} is retrying ${on}${becauseOf(event)}: ${plain(top.observed)} ${top.feature}; ${usual(top.expected)} is usual for it`;
    case 'error-burst':
      return `${who} is failing: ${plain(top.observed)} ${top.feature}, lately ${endpoint}; ${usual(top.expected)} is usual for it`;
    case 'rate-burst':
      return `${who} is unusually busy: ${plain(top.observed)} ${top.feature}; ${usual(top.expected)} is usual for it`;
    case 'fan-out':
      return `${who} is spawning: ${plain(top.observed)} ${top.feature}; ${usual(top.expected)} is usual for it`;
    case 'new-endpoint':
      return `${who} uses ${on}, which it has not adopted, beside other new things in this session`;
    case 'new-target':
      return `${who} uses ${endpoint} on ${quoted(target)}, a target new to it, beside other new things in this session`;
    case 'novelty-creep':
      return `${who} keeps doing what is new to it over several sessions, lately ${on}`;
    case 'privilege-creep':
      return `${who} begins to use one new endpoint after the other, lately ${endpoint}`;
    case 'recurring-target':
      return `${who} uses ${on}, new to it, in session after session: ${plain(top.observed)} so far`;
    case 'exfiltration':
      if (top.feature === LARGEST_CALL)
        return `${who} sends much more than ever, on ${on}: ${plain(top.observed)} bytes in one call; ${plain(top.expected)} was its largest`;
      return `${who} sends much to targets new to it, lately ${on}: ${plain(top.observed)} bytes beyond the usual over days`;
    case 'new-source':
      return `${who} is called from ${quoted(event?.source ?? null)}, a source never seen before`;
    case 'new-environment':
      return `${who} works in ${quoted(event?.environment ?? null)}, an environment new to it`;
    case 'credential-after-task':
      return `${who} uses a credential again after the task that it was used for was over, lately on ${endpoint}`;
    case 'mixed-profile':
      if (top.detector === 'origin')
        return `${who} is called from two sources at once, lately ${quoted(event?.source ?? null)}`;
      return `${who} behaves like somebody else: it uses ${endpoint} beside other things that are new to it and usual for others`;
    case 'dormant-wakes':
      return `${who} calls again after ${plain(top.observed)} h of silence; a call every ${plain(top.expected)} h is usual for it`;
    case 'session-spend': {
      const where = top.detector === 'spend' ? 'an hour, most of it in one session' : 'one session';
      return `${who} has spent ${usd(top.observed)} in ${where}; ${usd(top.expected)} is usual for it`;
    }
    case 'spend':
      return `${who} has spent ${usd(top.observed)} in an hour; ${usd(top.expected)} is usual for it`;
    case 'budget':
      return `${who} ${top.observed >= top.expected ? 'has used up' : 'is about to use up'} its ${top.feature} of ${usd(top.expected)}: ${usd(top.observed)} so far`;
    case 'cost-drift':
      return `${who} has become dearer over the last sessions than its anchor says`;
    case 'rate-drift':
      return `${who} has slowly become busier: ${plain(top.observed)} ${top.feature}; ${usual(top.expected)} is usual for it`;
    case 'joint':
      return `${who} behaves strangely when many features are seen together, foremost ${top.feature}`;
    case 'quiet':
      return `${who} is quiet: no call for ${plain(top.observed)} h; a call every ${plain(top.expected)} h is usual for it`;
    case 'agent-flood':
      return `${plain(top.observed)} events of unknown agents were refused a place in the table within an hour`;
  }
}
