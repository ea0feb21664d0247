/** What is wrong with a policy file, in words, and where it stands in the text. */
import { type Document, isMap, isNode, isScalar, type Node } from 'yaml';
import type { z } from 'zod';

/** Members and places from the top of a file down. */
export type Path = readonly PropertyKey[];

/** Text of a path: `rules[0].do.for`. */
export function pathText(path: Path, file: string): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? file : text.replace(/^\./, '');
}

/** Where a path stands in the text; where it is missing, the nearest thing around it that does stand there. */
export function offsetOf(document: Document, path: Path): number {
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

/** One or more problems of what the schema found, in words of our own. */
export function describe(
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
