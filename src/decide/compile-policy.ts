/**
 * From a policy file's text to a Policy, or to the list of all its problems with the line and column of each. Reads no
 * file; a text that is wrong is a value, never an exception. The file's form is explained in docs/policy.md.
 */
import { type Document, LineCounter, parseDocument } from 'yaml';
import { compileBrakes } from './brakes-file.js';
import { compileAllowance, compilePermission } from './permission-file.js';
import type { Policy, PolicyRule } from './policy.js';
import { type PolicyFile, policySchema } from './policy-file.js';
import { describe, offsetOf, pathText } from './policy-problem.js';

export { parseDuration } from './duration.js';

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
/** A mistyped file must not flood a terminal. */
const PROBLEMS_MAX = 20;

function compileRule({ name, mode, when, do: wish }: PolicyFile['rules'][number]): PolicyRule {
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
    ...(when.trust_max === undefined ? {} : { trustMax: when.trust_max }),
    ...(when.environments.length === 0 ? {} : { environments: when.environments }),
    action: wish.action,
    forMs: wish.for ?? null,
    callsPerMinute: wish.calls_per_minute ?? null,
    ...(wish.proportional === true ? { proportional: true } : {}),
  };
}

/** What was not written is left out: a policy that names none of it reads, and digests, as it always did. */
function compile(file: PolicyFile): Policy {
  const { ladder, two_people: twoPeople, permissions, restricted } = file;
  return {
    name: file.name,
    mode: file.mode,
    brakes: compileBrakes(file.brakes),
    rules: file.rules.map(compileRule),
    protectedAgents: file.protected,
    unregistered: file.unregistered,
    ...(file.sponsors === undefined ? {} : { sponsors: { onLeave: file.sponsors.on_leave } }),
    ...(ladder === undefined ? {} : { ladder: { promoteAfterMs: ladder.promote_after } }),
    ...(twoPeople === undefined ? {} : { twoPeople }),
    ...(permissions === undefined ? {} : { permissions: permissions.map(compilePermission) }),
    ...(restricted === undefined ? {} : { restricted: compileAllowance(restricted) }),
  };
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
