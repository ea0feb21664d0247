/** Findings as people work on them, cases, and what is said of them, on the wire. */
import * as z from 'zod';
import { KINDS, SEVERITIES } from '../decide/finding.js';
import { LIMITS } from '../event/schema.js';
import { isNameText } from '../event/text.js';
import { RESOLUTIONS, TRIAGE_STATUSES } from '../registry/registry.js';
import { FINDING_SORTS } from '../triage/triage.js';
import { answers, findingAnswer, proposalAnswer, requests } from './schema.js';

export const NOBODY = '';
/** Stands for the asker wherever a person is named. */
export const ME = 'me';
/** Findings that one change is about, at most. */
export const CHANGED_MAX = 500;
/** Ids of a case's findings that an answer holds. */
export const CASE_IDS_MAX = 1_000;

const NOT_A_NAME = 'holds a control character or a lone surrogate';
const NOT_TEXT = 'holds a lone surrogate';
const TEXT_MAX = 2_000;
const tenant = z.string().max(LIMITS.name).refine(isNameText, NOT_A_NAME);
const agent = z.string().min(1).max(LIMITS.name).refine(isNameText, NOT_A_NAME);
const word = z.string().min(1).max(64).refine(isNameText, NOT_A_NAME);
/** As a token's name, which is who people are. */
const person = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,99}$/, 'is no name of a person');
const id = z.string().min(1).max(300);
const key = z.string().min(1).max(200);
const text = z
  .string()
  .min(1)
  .max(TEXT_MAX)
  .refine((value) => value.isWellFormed(), NOT_TEXT);
const instant = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const flag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .optional();

/** Words apart by commas, in the query. */
function several<T extends string>(words: readonly T[]) {
  return z
    .string()
    .min(1)
    .max(1_000)
    .transform((value): string[] => value.split(','))
    .pipe(z.array(z.enum(words)).max(100))
    .optional();
}

// What is asked.

/** Which findings, or cases with such findings; what is left out does not matter. */
export const triageFilter = {
  tenant: tenant.optional(),
  agent: agent.optional().describe('the acting agent, or the root of its tree'),
  kinds: several(KINDS).describe('apart by commas'),
  detector: word.optional().describe('that led it'),
  severity: z.enum(SEVERITIES).optional().describe('this or worse'),
  statuses: several(TRIAGE_STATUSES).describe('apart by commas: new, in-progress, closed'),
  assignee: person.or(z.literal(NOBODY)).optional().describe("a person's name; me: the asker; empty: nobody's"),
  case: id.optional(),
  quiet: flag.describe('true: only those that say that an agent does less than usual; false: none of them'),
  suppressed: flag.describe('true: only those that a person had muted; false: none of them'),
  from_ms: instant.optional().describe('raised at or after'),
  to_ms: instant.optional().describe('raised before'),
  search: z.string().min(1).max(200).optional().describe('words that must all occur in its text'),
};

const sort = z.enum(FINDING_SORTS).default('last').describe('newest or worst first');
const limit = z.coerce.number().int().min(1).max(1000).default(100);
const cursor = z.string().min(1).max(1_000).optional().describe('of the page before, with the same sort');

export const findingsQuery = z.strictObject({ ...triageFilter, sort, limit, cursor });

/** Of one export; more is asked for in parts, by time. */
export const EXPORT_ROWS_MAX = 100_000;
export const EXPORT_FORMATS = ['jsonl', 'csv', 'parquet', 'ocsf'] as const;
export const findingExportQuery = z.strictObject({
  ...triageFilter,
  sort,
  format: z.enum(EXPORT_FORMATS).default('jsonl'),
});

export const updatesQuery = z.strictObject({
  from: z
    .string()
    .max(64)
    .optional()
    .describe('as Last-Event-ID, which wins: updates of a list, or the id of an event'),
  for_ms: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400_000)
    .default(86_400_000)
    .describe('ends the stream after this long'),
});

// What is said.

const status = z.enum(TRIAGE_STATUSES);
const resolution = z.enum(RESOLUTIONS).nullable().optional().describe('why it is closed; there and only there');
const to = person.nullable().describe('a name; me: the asker; null: nobody');

export const assignBody = z.strictObject({ to, key: key.optional() }).register(requests, { id: 'FindingAssignment' });

export const statusBody = z
  .strictObject({ status, resolution, comment: text.optional(), key: key.optional() })
  .refine(isResolved, { path: ['resolution'], message: 'is needed to close, and only there' })
  .register(requests, { id: 'FindingStatusChange' });

export const commentBody = z.strictObject({ text, key: key.optional() }).register(requests, { id: 'FindingComment' });

export const triageBody = z
  .strictObject({
    findings: z.array(id).min(1).max(CHANGED_MAX).optional(),
    case: id.optional().describe('all findings of it'),
    change: z.discriminatedUnion('what', [
      z.strictObject({ what: z.literal('assign'), to }),
      z.strictObject({ what: z.literal('status'), status, resolution }),
      z.strictObject({ what: z.literal('comment'), text }),
    ]),
    key: key.optional(),
  })
  .refine((body) => (body.findings === undefined) !== (body.case === undefined), {
    path: ['findings'],
    message: 'name either findings or a case',
  })
  .refine((body) => body.change.what !== 'status' || isResolved(body.change), {
    path: ['change', 'resolution'],
    message: 'is needed to close, and only there',
  })
  .register(requests, { id: 'TriageRequest' });

function isResolved(said: { status: (typeof TRIAGE_STATUSES)[number]; resolution?: string | null | undefined }) {
  return (said.status === 'closed') === (typeof said.resolution === 'string');
}

// What is answered.

const ms = z.number().describe('ms since the epoch');
const severity = z.enum(SEVERITIES);
const count = z.number().int();
const nextPage = z.string().nullable().describe('cursor of the next page; null at the end');
const total = count.describe('rows that match in all');

export const findingStateAnswer = findingAnswer
  .extend({
    raised_ms: ms.describe('when it was raised'),
    last_ms: ms.describe('time of its latest line'),
    lines: count,
    status,
    resolution: z.enum(RESOLUTIONS).nullable(),
    assignee: z.string().nullable().describe('who has it; null: nobody'),
    closed_ms: ms.nullable(),
    comments: count,
    verdicts: z
      .array(z.object({ id: z.string(), verdict: z.string(), undone: z.boolean() }))
      .describe('on this finding, oldest first'),
    case: z.string().describe('id of its case'),
    quiet: z.boolean().describe('it says that an agent does less than usual'),
    suppressed: z.boolean().describe('a person had the like of it muted'),
  })
  .register(answers, { id: 'FindingState' });

export const findingStatesAnswer = z
  .object({
    findings: z.array(findingStateAnswer),
    cursor: nextPage,
    total,
    updates: z.string().describe('where /v1/updates goes on from, so that nothing is missed: ?from='),
  })
  .register(answers, { id: 'FindingStates' });

const effect = z.object({
  place: z.string().describe("a connector's name, or traffic"),
  state: z.string(),
  reason: z.string().nullable(),
  time_ms: ms,
});

/** What follows from a finding for its agent. */
export const OUTCOMES = ['none', 'waiting', 'held-back', 'in-force', 'over'] as const;
export const PROOFS = ['none', 'pending', 'verified', 'unverified'] as const;

const done = z.object({
  outcome: z
    .enum(OUTCOMES)
    .describe('of its own proposal: none was carried out; waits for a person; held back by the brakes; in force; over'),
  stopped_ms: ms.nullable().describe('when its proposal was put in force'),
  status: z.enum(['active', 'throttled', 'restricted', 'suspended', 'revoked', 'unknown']).describe("the root's, now"),
  until_ms: ms.nullable(),
  calls_per_minute: z.number().nullable(),
  reason: z.string().nullable(),
  proof: z
    .enum(PROOFS)
    .describe('whether what is in force now was seen to work: verified where every place confirmed it'),
  effects: z.array(effect),
  recommendation: proposalAnswer.nullable().describe('its proposal, where that waits for a person'),
  held_back: proposalAnswer.nullable().describe('its proposal, where the brakes held it back'),
  approvals: z.array(z.string()).describe("ids of requests for a person's leave about the agent that are open"),
});

export const findingDetailAnswer = findingStateAnswer.extend({ done }).register(answers, { id: 'FindingDetail' });

export const timelineAnswer = z
  .object({
    entries: z.array(
      z.object({
        time_ms: ms,
        what: z.string(),
        actor: z.string().describe('engine, system, or person:NAME'),
        words: z.string().describe('text, also of people: never to be shown as HTML'),
        finding: z.string().nullable().describe('null: it is about the agent'),
      }),
    ),
  })
  .register(answers, { id: 'Timeline' });

export const caseAnswer = z
  .object({
    id: z.string(),
    tenant: z.string(),
    agents: z.array(z.string()).describe('roots, worst first'),
    title: z.string(),
    reason: z.enum(['tree', 'cause', 'fleet']).describe('why they are one: one tree, one cause, or the fleet'),
    severity,
    risk: z.number(),
    first_ms: ms,
    last_ms: ms,
    findings: count,
    open: count,
    status,
    assignees: z.array(z.string()).describe('of its open findings'),
    quiet: z.boolean(),
  })
  .register(answers, { id: 'Case' });

export const casesAnswer = z
  .object({ cases: z.array(caseAnswer), cursor: nextPage, total })
  .register(answers, { id: 'Cases' });

export const caseDetailAnswer = caseAnswer
  .extend({
    finding_ids: z.array(z.string()).max(CASE_IDS_MAX).describe('oldest first; all of them: /v1/findings?case='),
  })
  .register(answers, { id: 'CaseDetail' });

const changed = {
  effect: z.enum(['applied', 'duplicate']).describe('duplicate: the same key said the same before'),
  key: z.string(),
};

export const changedAnswer = z
  .object({ ...changed, finding: findingStateAnswer })
  .register(answers, { id: 'FindingChanged' });

export const triageAnswer = z
  .object({ ...changed, findings: z.array(z.string()).describe('to which it was applied') })
  .register(answers, { id: 'TriageApplied' });

export const pagesAnswer = z
  .object({
    per_day: z.number().nullable().describe('pages a day that people can bear; null: nobody said'),
    hours: z.array(count).describe('pages of the 24 hours before, by hour, oldest first'),
    today: count,
    held: z.array(z.string()).describe('ids of findings held back since the budget was used up, worst first'),
  })
  .register(answers, { id: 'PageBudget' });

export const precisionAnswer = z
  .object({
    detectors: z.array(
      z.object({
        detector: z.string(),
        true_positives: count,
        false_positives: count,
        expected: count,
        precision: z.number().nullable().describe('null: none was judged'),
        low: z.number().describe('of the interval at 95 %'),
        high: z.number(),
      }),
    ),
  })
  .register(answers, { id: 'Precision' });

export const updatesAnswer = z.string().describe('text/event-stream').register(answers, { id: 'Updates' });
export const findingExportAnswer = z.string().describe('a file').register(answers, { id: 'FindingExport' });

export type TriageQuery = z.output<typeof findingsQuery>;
export type FindingsQuery = z.input<typeof findingsQuery>;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export type FindingStateAnswer = z.output<typeof findingStateAnswer>;
export type FindingStatesAnswer = z.output<typeof findingStatesAnswer>;
export type FindingDetailAnswer = z.output<typeof findingDetailAnswer>;
export type DoneAnswer = FindingDetailAnswer['done'];
export type TimelineAnswer = z.output<typeof timelineAnswer>;
export type CaseAnswer = z.output<typeof caseAnswer>;
export type CasesAnswer = z.output<typeof casesAnswer>;
export type CaseDetailAnswer = z.output<typeof caseDetailAnswer>;
export type StatusBody = z.input<typeof statusBody>;
export type TriageBody = z.input<typeof triageBody>;
export type ChangedAnswer = z.output<typeof changedAnswer>;
export type TriageAnswer = z.output<typeof triageAnswer>;
export type PagesAnswer = z.output<typeof pagesAnswer>;
export type PrecisionAnswer = z.output<typeof precisionAnswer>;
