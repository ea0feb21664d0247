/**
 * From a policy file's text to a Policy, or to the list of all its problems with the line and column of each. Reads no
 * file; a text that is wrong is a value, never an exception. The file's form is explained in docs/policy.md.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { compileBrakes, createBrakesSchema } from './brakes-file.js';
import { ACTIONS, KINDS, MODES, SEVERITIES } from './finding.js';
import { ON_LEAVE, type Policy, type PolicyRule } from './policy.js';

/** One thing that is wrong with a policy file. */
export interface PolicyProblem {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Where in the file: `rules[0].do.for`; the file's name where it is the whole file. */
  readonly path: string;
  /** Names the thing and what is expected of it. */
  readonly message: string;
}

export type CompiledPolicy = { readonly policy: Policy } | { readonly problems: readonly PolicyProblem[] };

/** Characters; a policy is written by people. */
const TEXT_LENGTH_MAX = 262_144;
const NAME_LENGTH_MAX = 100;
const RULES_MAX = 100;
const NAMES_MAX = 1_000;
/** A mistyped file must not flood a terminal. */
const PROBLEMS_MAX = 20;
const CALLS_PER_MINUTE_MAX = 1_000_000;
const DURATION_MAX_MS = 366 * 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Written out, so that a restriction without an end is never the outcome of a line left out. */
const UNTIL_RELEASED = 'until-released';

const durationWords = 'a duration such as 15s, 30m, 1h or 2d';

/** `90s`, `30m`, `1h`, `2d` in ms; null where it is no such thing, nothing, or more than 366 days. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * (UNIT_MS[match[2]] ?? 0);
  return ms > 0 && ms <= DURATION_MAX_MS ? ms : null;
}

const duration = z.string(`expected ${durationWords}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: `'${text.slice(0, 40)}' is not ${durationWords}, at most 366d` });
  return z.NEVER;
});
const name = z.string().min(1).max(NAME_LENGTH_MAX);
const names = z.array(name).max(NAMES_MAX).default([]);
/** 'billing-*' is a prefix; a star anywhere else would silently match nothing. */
const pattern = name.refine((text) => !text.slice(0, -1).includes('*'), { error: "'*' may stand only at the end" });

const whenSchema = z
  .strictObject({
    kinds: z.array(z.enum(KINDS)).default([]),
    severity: z.enum(SEVERITIES).default('high'),
    p_max: z.number().gt(0).max(1).default(1),
    observed_min: z.number().min(0).default(0),
    ratio_min: z.number().min(0).default(0),
    roles: names,
    labels: names,
  })
  .prefault({});

const doSchema = z
  .strictObject({
    action: z.enum(ACTIONS),
    for: z.union([z.literal(UNTIL_RELEASED).transform(() => null), duration]).optional(),
    calls_per_minute: z.number().int().min(1).max(CALLS_PER_MINUTE_MAX).optional(),
    proportional: z.boolean().optional(),
  })
  .superRefine((wish, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (wish.action === 'revoke' && wish.for !== undefined) complain('for', 'revoke has no end: leave it out');
    if (wish.action !== 'revoke' && wish.for === undefined) {
      complain('for', `missing: expected ${durationWords}, or ${UNTIL_RELEASED}`);
    }
    if (wish.action === 'throttle' && wish.calls_per_minute === undefined) {
      complain('calls_per_minute', 'missing: throttle needs it');
    }
    if (wish.action !== 'throttle' && wish.calls_per_minute !== undefined) {
      complain('calls_per_minute', `${wish.action} takes none: leave it out`);
    }
    if (wish.action !== 'throttle' && wish.proportional !== undefined) {
      complain('proportional', `${wish.action} has no rate: leave it out`);
    }
  });

const ruleSchema = z.strictObject({ name, mode: z.enum(MODES).optional(), when: whenSchema, do: doSchema });

const policySchema = z.strictObject({
  name,
  mode: z.enum(MODES),
  unregistered: z.enum(['allow', 'deny']).default('allow'),
  brakes: createBrakesSchema(duration),
  protected: z.array(pattern).max(NAMES_MAX).default([]),
  sponsors: z.strictObject({ on_leave: z.enum(ON_LEAVE) }).optional(),
  rules: z
    .array(ruleSchema)
    .max(RULES_MAX)
    .superRefine((rules, context) => {
      const seen = new Set<string>();
      for (const [index, rule] of rules.entries()) {
        if (seen.has(rule.name)) {
          context.addIssue({ code: 'custom', path: [index, 'name'], message: `'${rule.name}' names a second rule` });
        }
        seen.add(rule.name);
      }
    }),
});

type RuleFile = z.infer<typeof ruleSchema>;

function compileRule({ name, mode, when, do: wish }: RuleFile): PolicyRule {
  return {
    name,
    kinds: when.kinds,
    severity: when.severity,
    pMax: when.p_max,
    observedMin: when.observed_min,
    ratioMin: when.ratio_min,
    mode: mode ?? null,
    roles: when.roles,
    labels: when.labels,
    action: wish.action,
    forMs: wish.for ?? null,
    callsPerMinute: wish.calls_per_minute ?? null,
    ...(wish.proportional === true ? { proportional: true } : {}),
  };
}

function compile(file: z.infer<typeof policySchema>): Policy {
  return {
    name: file.name,
    mode: file.mode,
    brakes: compileBrakes(file.brakes),
    rules: file.rules.map(compileRule),
    protectedAgents: file.protected,
    unregistered: file.unregistered,
    ...(file.sponsors === undefined ? {} : { sponsors: { onLeave: file.sponsors.on_leave } }),
  };
}

type Path = readonly PropertyKey[];

/** Text of a path: `rules[0].do.for`. */
function pathText(path: Path, file: string): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? file : text.replace(/^\./, '');
}

/** Where a path stands in the text; where it is missing, the nearest thing around it that does stand there. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      // A member is shown at its name, an element of a list at itself.
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
      if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
    } else {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node)) return (node as Node).range?.[0] ?? 0;
    }
  }
  return document.contents?.range?.[0] ?? 0;
}

/** The value at a path for a message, shortened; '' where there is none or it is no plain value. */
function valueText(document: Document, path: Path): string {
  const value = path.length === 0 ? undefined : document.getIn(path);
  if (value === undefined || (typeof value === 'object' && value !== null)) return '';
  return `: found ${JSON.stringify(value).slice(0, 60)}`;
}

function describe(
  document: Document,
  issue: z.core.$ZodIssue,
  path: Path = issue.path,
): { path: Path; message: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown member '${key}'` }));
  }
  if (issue.code === 'custom') return [{ path, message: issue.message }];
  // Of a union (a word or a duration) the branch that read the value as text has the helpful words.
  const branch = issue.code === 'invalid_union' ? issue.errors.at(-1)?.[0] : undefined;
  if (branch !== undefined) return describe(document, branch, path);
  // The schema's words without their preamble: 'expected number', 'expected number to be >0'.
  const words = issue.message.replace(/^(Invalid \w+|Too small|Too big): /, '').replace(/, received.*/, '');
  const isMissing = path.length > 0 && document.getIn(path) === undefined;
  return [{ path, message: isMissing ? `missing: ${words}` : `${words}${valueText(document, path)}` }];
}

/**
 * Compiles a policy file. `name` is the file's name, for messages. All problems are told at once (at most 20), in the
 * order of their lines; unknown members are problems, because a mistyped member would leave an agent running.
 */
export function compilePolicy(text: string, name: string): CompiledPolicy {
  if (text.length > TEXT_LENGTH_MAX) {
    const message = `the file has ${text.length} characters, at most ${TEXT_LENGTH_MAX} are read`;
    return { problems: [{ line: 1, column: 1, path: name, message }] };
  }
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const unread = [...document.errors, ...document.warnings].slice(0, PROBLEMS_MAX);
    if (unread.length > 0) {
      return { problems: unread.map((error) => ({ ...at(error.pos[0]), path: name, message: error.message })) };
    }
    // No aliases: a policy is read by people, and a few lines of them can unfold to gigabytes.
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    const message = 'aliases (*name) and very deep nesting are not read: write it out plainly';
    return { problems: [{ line: 1, column: 1, path: name, message }] };
  }
  const result = policySchema.safeParse(value);
  if (result.success) return { policy: compile(result.data) };
  const problems = result.error.issues
    .flatMap((issue) => describe(document, issue))
    .map(({ path, message }) => ({ ...at(offsetOf(document, path)), path: pathText(path, name), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, PROBLEMS_MAX);
  return { problems };
}
