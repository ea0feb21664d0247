/** When a finding is about a label: the same agent, in its time, in its session where both name one. */
import { FLEET } from '../event/event.js';
import type { Label } from './labels.js';

/** Of a finding's line, what is judged. */
export interface Raised {
  /** Lines of one id are one finding. */
  readonly id: string;
  /** ms since the epoch. */
  readonly timeMs: number;
  readonly agent: string;
  readonly session: string | null;
  /** Whether this line wakes a person. */
  readonly isPage: boolean;
  /** The smaller, the stranger, (0, 1]; null: not ranked. */
  readonly p: number | null;
}

/** A page this long after a window's end still belongs to it, ms. */
export const GRACE_MS = 600_000;
/** A window that lasts excuses one page more for each of these, ms. */
export const EXCUSE_EVERY_MS = 43_200_000;

/** The agent that a sub-agent ('crm/sub-03') works for; other names are their own. */
export function rootOf(agent: string): string {
  const at = agent.indexOf('/sub-');
  return at < 0 ? agent : agent.slice(0, at);
}

/** Whether it speaks of all agents together. */
export function isFleetWide({ agent }: Raised): boolean {
  return agent === FLEET;
}

/** Whether the label is about the finding's agent, or about one that it works for; never of a fleet-wide one. */
export function isItsAgent(raised: Raised, { agent }: Label): boolean {
  if (agent === null || isFleetWide(raised)) return false;
  return raised.agent === agent || raised.agent.startsWith(`${agent}/`);
}

/** Whether it was raised in the label's time or soon after. */
export function isDuring({ timeMs }: Raised, { fromMs, toMs }: Label): boolean {
  return timeMs >= fromMs && timeMs <= toMs + GRACE_MS;
}

/** Whether a session (null: none is named) is one of the label's; a label that names none takes every one. */
export function isItsSession(session: string | null, label: Label): boolean {
  if (label.session !== null && session !== label.session) return false;
  return label.sessions === null || (session !== null && label.sessions.includes(session));
}

/** Whether the finding is right about the label: agent, time, and the session where both name one. */
export function isAbout(raised: Raised, label: Label): boolean {
  const { session } = raised;
  if (!isItsAgent(raised, label) || !isDuring(raised, label)) return false;
  return isSilent(session) || isItsSession(session, label);
}

/** Whether a finding names no session. */
export function isSilent(session: string | null): boolean {
  return session === null || session === '';
}

/** How many pages a positive window excuses. */
export function excusedMax({ fromMs, toMs }: Label): number {
  return 1 + Math.trunc((toMs - fromMs) / EXCUSE_EVERY_MS);
}
