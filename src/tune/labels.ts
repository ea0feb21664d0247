/**
 * Room tune/: how well findings match what is known of a recording. Pure: labels, events and findings go in, figures
 * come out; it knows no clock, no file and no detector, and decides nothing about an agent.
 *
 * This file: what somebody who knows wrote about a recording.
 */
import { z } from 'zod';
import { parseTime } from '../event/time.js';

/** A time in which something happened to one agent, or to all of them. */
export interface Label {
  /** The agent, its sub-agents included; null: every agent. */
  readonly agent: string | null;
  /** The one session that it is about; null: any. */
  readonly session: string | null;
  /** The sessions that carry it; null: not said. */
  readonly sessions: readonly string[] | null;
  /** First and last instant, ms since the epoch. Where a recording was cut before it began, the last is the earlier. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: string;
}

/** What a label asks for: a page, no page, or nothing either way. */
export type LabelClass = 'positive' | 'negative' | 'unscored';

/** Attacks that came to nothing: nobody wants to be woken for them. */
const HARD_NEGATIVE = ['injection-resisted', 'injection-unseen'];
/** Neither right nor wrong to page about. */
const UNSCORED = ['attack-setup', 'attack-cleanup', 'agent-error', 'provider-alert'];

/** What a label of this kind asks for. */
export function classOf(kind: string): LabelClass {
  if (kind.startsWith('negative:') || HARD_NEGATIVE.includes(kind)) return 'negative';
  return UNSCORED.includes(kind) ? 'unscored' : 'positive';
}

const instant = z.string().transform((text, context) => {
  const ms = parseTime(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({
    code: 'custom',
    message: `'${text.slice(0, 40)}' is not a time such as 2025-06-09T08:30:00.000Z`,
  });
  return z.NEVER;
});
const name = z.string().nullable().default(null);

const labelSchema = z
  .object({
    agent: name,
    session: name,
    sessions: z.array(z.string()).nullable().default(null),
    from: instant,
    to: instant,
    kind: z.string().min(1),
  })
  .transform(({ agent, session, sessions, from, to, kind }): Label => {
    // An empty name says as little as none.
    const listed = sessions === null || sessions.length === 0 ? null : sessions;
    return { agent, session: session === '' ? null : session, sessions: listed, fromMs: from, toMs: to, kind };
  });

/** Reads labels.json, parsed. `problem` names the member and what is wrong with it. */
export function parseLabels(value: unknown): { readonly labels: readonly Label[] } | { readonly problem: string } {
  const parsed = z.array(labelSchema).safeParse(value);
  return parsed.success ? { labels: parsed.data } : { problem: firstIssue(parsed.error) };
}

const keySchema = z.object({ train_until: instant.optional() });

/** Reads key.json, parsed: the instant at which its quiet days end, ms since the epoch; null where it names none. */
export function parseTrainUntil(
  value: unknown,
): { readonly trainUntilMs: number | null } | { readonly problem: string } {
  const parsed = keySchema.safeParse(value);
  return parsed.success ? { trainUntilMs: parsed.data.train_until ?? null } : { problem: firstIssue(parsed.error) };
}

function firstIssue({ issues: [{ path, message }] }: z.ZodError): string {
  return path.length === 0 ? message : `[${path.join('.')}] ${message}`;
}
