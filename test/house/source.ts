/** Files of the checkout as the rules see them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Folders that hold nothing of ours, or data. */
const SKIPPED_FOLDERS = ['node_modules', 'dist', 'data', 'coverage', '.git'];
const SKIPPED_FILES = /\.(gz|bin|log|png|ico|tgz)$/;
/** Larger files are recordings and models, not prose or code. */
const BYTES_MAX = 1_000_000;

export interface Source {
  /** From the checkout's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every text file under the root, sorted by path. */
export function readSources(root: string, folder = ''): Source[] {
  const sources: Source[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.includes(entry.name)) sources.push(...readSources(root, path));
    } else if (entry.isFile() && !SKIPPED_FILES.test(path) && statSync(join(root, path)).size <= BYTES_MAX) {
      sources.push({ path, text: readFileSync(join(root, path), 'utf8') });
    }
  }
  return sources.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether the file is TypeScript of src/ or test/. */
export function isCode(source: Source): boolean {
  return /^(src|test)\/.*\.tsx?$/.test(source.path);
}

const trees = new WeakMap<Source, ts.SourceFile>();

/** Syntax tree of a file, parsed once. */
export function treeOf(source: Source): ts.SourceFile {
  let tree = trees.get(source);
  if (tree === undefined) {
    tree = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2023, true);
    trees.set(source, tree);
  }
  return tree;
}

/** Calls `visit` on every node of the file. */
export function walk(source: Source, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(treeOf(source));
}

/** `path:line: message`, as editors follow it. */
export function at(source: Source, node: ts.Node, message: string): string {
  const { line } = treeOf(source).getLineAndCharacterOfPosition(node.getStart());
  return `${source.path}:${line + 1}: ${message}`;
}
