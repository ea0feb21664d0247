/**
 * One limit on what an agent may do, and the question whether a call is beyond it. Limits are compiled once and asked at
 * every call: asking allocates nothing.
 */
import type { Mode } from '../decide/finding.js';
import type { OpenHours } from '../decide/hours.js';
import type { ApprovalRule } from '../decide/intent.js';
import type { Patterns } from '../decide/pattern.js';
import type { Denial, Question } from './registry.js';

/** Whose limit it is. */
export interface Holder {
  /** 'crew is registered for', 'the permission night-shift allows': the beginning of a sentence that ends in names. */
  readonly words: string;
  /** Name of the policy's permission; null: an agent's own registration, or a restriction in force. */
  readonly rule: string | null;
  /** Milder than the policy's own mode; null: the policy's. */
  readonly mode: Mode | null;
}

/** Which names a call may carry. */
export interface NameLimit extends Holder {
  readonly part: 'operation' | 'endpoint' | 'target' | 'data-class';
  readonly denial: Denial;
  readonly patterns: Patterns;
}

/** When calls are allowed. */
export interface HoursLimit extends Holder {
  readonly part: 'hours';
  readonly denial: Denial;
  readonly hours: OpenHours;
}

/** How far, how widely and to whom work is handed on. */
export interface DelegationLimit extends Holder {
  readonly part: 'delegation';
  readonly denial: Denial;
  /** Steps that a sub-agent of the acting agent would stand below the limit's holder. */
  readonly steps: number;
  readonly depthMax: number | null;
  readonly breadthMax: number | null;
  readonly agents: Patterns | null;
}

/** Which calls pass with a person's leave only. */
export interface ApprovalLimit extends Holder {
  readonly part: 'approval';
  readonly denial: Denial;
  /** 'PERMISSION/APPROVAL'. */
  readonly name: string;
  readonly asks: ApprovalRule;
  readonly operations: Patterns | null;
  readonly endpoints: Patterns | null;
  readonly targets: Patterns | null;
  readonly dataClasses: Patterns | null;
}

export type Limit = NameLimit | HoursLimit | DelegationLimit | ApprovalLimit;

/** What a limit on delegation asks about the acting agent. */
export interface Delegates {
  /** Sub-agents that count, but for the one named: calling a known one makes no new one. */
  countBeside(child: string | null, nowMs: number): number;
}

/** What a call says of one part; null: nothing. */
export function saidOf(part: NameLimit['part'], question: Question): string | null {
  switch (part) {
    case 'operation':
      return question.operation ?? null;
    case 'endpoint':
      return question.endpoint ?? null;
    case 'target':
      return question.target ?? null;
    case 'data-class':
      return question.dataClass ?? null;
  }
}

/** Whom a call hands work to; null: it does not, or does not say. */
export function childOf({ target, endpoint }: Question): string | null {
  return target ?? endpoint ?? null;
}

/** Whether a call hands work on to another agent. */
export function isDelegation({ operation }: Question): boolean {
  return operation === 'invoke_agent' || operation === 'create_agent';
}

/**
 * Whether the call is beyond the limit. Every call has an operation and an endpoint, so one that does not say which is
 * beyond a limit on them; it need not have a target or a class of data.
 */
export function isBeyond(limit: Limit, question: Question, nowMs: number, delegates: Delegates): boolean {
  switch (limit.part) {
    case 'hours':
      return !limit.hours.isOpen(nowMs);
    case 'delegation':
      return isDelegation(question) && isTooFar(limit, question, nowMs, delegates);
    case 'approval':
      return isAskedFor(limit, question);
    default: {
      const value = saidOf(limit.part, question);
      if (value === null) return limit.part === 'operation' || limit.part === 'endpoint';
      return !limit.patterns.has(value);
    }
  }
}

function isTooFar(limit: DelegationLimit, question: Question, nowMs: number, delegates: Delegates): boolean {
  const { depthMax, breadthMax, agents, steps } = limit;
  if (depthMax !== null && steps > depthMax) return true;
  const child = childOf(question);
  if (agents !== null && (child === null || !agents.has(child))) return true;
  return breadthMax !== null && delegates.countBeside(child, nowMs) >= breadthMax;
}

function isAskedFor(limit: ApprovalLimit, { operation, endpoint, target, dataClass }: Question): boolean {
  const { operations, endpoints, targets, dataClasses } = limit;
  return (
    (operations === null || operation == null || operations.has(operation)) &&
    (endpoints === null || endpoint == null || endpoints.has(endpoint)) &&
    (targets === null || (target != null && targets.has(target))) &&
    (dataClasses === null || (dataClass != null && dataClasses.has(dataClass)))
  );
}

const NAMES_SHOWN = 5;
const TEXT_SHOWN = 120;

/** A sentence: what the call wanted, whose limit stands against it, and what that allows. */
export function beyondText(limit: Limit, agent: string, question: Question): string {
  const { words } = limit;
  switch (limit.part) {
    case 'hours':
      return `${agent} may not call now: ${words} ${hoursText(limit)}`;
    case 'delegation':
      return `${agent} may not hand work to ${shown(childOf(question))}: ${words} ${delegationText(limit)}`;
    case 'approval':
      return `${agent} needs a person's leave (${limit.asks.name}) for ${callText(question)}: ${words}`;
    default: {
      const value = saidOf(limit.part, question);
      const part = limit.part === 'data-class' ? 'class of data' : limit.part;
      const wanted = value === null ? `call without naming its ${part}` : `use the ${part} ${shown(value)}`;
      return `${agent} may not ${wanted}: ${words} ${namesText(limit.patterns)}`;
    }
  }
}

function shown(text: string | null): string {
  if (text === null) return 'an agent without a name';
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}...` : text;
}

function namesText({ list }: Patterns): string {
  if (list.length === 0) return 'none';
  const more = list.length > NAMES_SHOWN ? ` and ${list.length - NAMES_SHOWN} more` : '';
  return `${list.slice(0, NAMES_SHOWN).join(', ')}${more} only`;
}

function callText(question: Question): string {
  const said = [question.operation, question.endpoint, question.target].filter((one) => one != null);
  return said.length === 0 ? 'this call' : shown(said.join(' '));
}

function hoursText({ hours: { hours } }: HoursLimit): string {
  const { days, fromMinute, toMinute, zone } = hours;
  const clock = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  return `${days.join(', ')} ${clock(fromMinute)} to ${clock(toMinute)} ${zone} only`;
}

function delegationText({ depthMax, breadthMax, agents }: DelegationLimit): string {
  const parts = [
    depthMax === null ? null : `${depthMax} step${depthMax === 1 ? '' : 's'} of delegation`,
    breadthMax === null ? null : `${breadthMax} sub-agent${breadthMax === 1 ? '' : 's'}`,
    agents === null ? null : `sub-agents ${namesText(agents)}`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}
