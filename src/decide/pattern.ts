/**
 * Lists of names as people write them: a name, the beginning of names (`crm.*`), their end (`*@example.com`), or all
 * (`*`). Compiled once, so that matching allocates nothing.
 */

/** A star stands at one end, or is all there is. */
export function isPattern(text: string): boolean {
  const star = text.indexOf('*');
  if (star < 0) return true;
  return star === text.lastIndexOf('*') && (star === 0 || star === text.length - 1);
}

/** Whether a list of names and beginnings of names (`core/*`) has it: for short lists that are seldom asked. */
export function isListed(list: readonly string[], name: string): boolean {
  return list.some((text) => (text.endsWith('*') ? name.startsWith(text.slice(0, -1)) : name === text));
}

/** A list of names, ready to be asked. */
export class Patterns {
  /** As written, for messages. */
  readonly list: readonly string[];
  private readonly names: ReadonlySet<string>;
  private readonly starts: readonly string[];
  private readonly ends: readonly string[];

  constructor(list: readonly string[]) {
    this.list = list;
    this.names = new Set(list.filter((text) => !text.includes('*')));
    this.starts = list.filter((text) => text.endsWith('*')).map((text) => text.slice(0, -1));
    this.ends = list.filter((text) => text.length > 1 && text.startsWith('*')).map((text) => text.slice(1));
  }

  /** Whether any of the list names it. */
  has(text: string): boolean {
    if (this.names.has(text)) return true;
    for (let i = 0; i < this.starts.length; i++) if (text.startsWith(this.starts[i])) return true;
    for (let i = 0; i < this.ends.length; i++) if (text.endsWith(this.ends[i])) return true;
    return false;
  }
}
