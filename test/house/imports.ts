/** The graph of imports: who sees whom, and that nobody sees himself through others. */
import { posix } from 'node:path';
import ts from 'typescript';
import { isPure, MAINS, ROOMS, roomOf } from './rooms.js';
import { at, type Source, treeOf } from './source.js';

interface Import {
  readonly node: ts.Node;
  readonly specifier: string;
  /** Path of the file for a relative specifier, null for a package. */
  readonly target: string | null;
  readonly typesOnly: boolean;
}

/** Imports and re-exports of a file, in order. */
function importsOf(source: Source): Import[] {
  const imports: Import[] = [];
  for (const node of treeOf(source).statements) {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) continue;
    if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) continue;
    const specifier = node.moduleSpecifier.text;
    const resolved = posix.join(posix.dirname(source.path), specifier).replace(/\.js(x?)$/, '.ts$1');
    imports.push({
      node,
      specifier,
      target: specifier.startsWith('.') ? resolved : null,
      typesOnly: isTypesOnly(node),
    });
  }
  return imports;
}

function isTypesOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  const all = clause.name === undefined && names !== undefined && ts.isNamedImports(names);
  return all && names.elements.every((element) => element.isTypeOnly);
}

/** Imports of src/ that the plan does not allow. */
export function misdirected(source: Source): string[] {
  const room = roomOf(source.path);
  if (room === null || MAINS.includes(source.path)) return [];
  if (ROOMS[room] === undefined) return [`${source.path}: room ${room} is not in test/house/rooms.ts`];
  const found: string[] = [];
  for (const seen of importsOf(source)) {
    const wrong = seen.target === null ? foreignPackage(source, room, seen) : unseenRoom(room, seen);
    if (wrong !== null) found.push(at(source, seen.node, wrong));
  }
  return found;
}

function foreignPackage(source: Source, room: string, seen: Import): string | null {
  if (!isPure(source.path)) return null;
  return ROOMS[room].packages?.includes(seen.specifier) ? null : `${room} may not import ${seen.specifier}`;
}

function unseenRoom(room: string, seen: Import): string | null {
  const target = seen.target as string;
  const other = roomOf(target);
  if (other === room) return null;
  const file = target.replace(/^src\//, '').replace(/\.tsx?$/, '');
  const allowed = ROOMS[room].sees.some(
    (name) => name === '*' || name === other || name === file || (name === `${other} (types)` && seen.typesOnly),
  );
  return allowed ? null : `${room} may not import ${file}${seen.typesOnly ? ' (types)' : ''}`;
}

/** Circles of imports in src/, each named once by the files on it. Types count: a circle of types is a tangle too. */
export function circles(sources: readonly Source[]): string[] {
  const graph = new Map<string, string[]>();
  for (const source of sources) {
    if (roomOf(source.path) === null) continue;
    graph.set(
      source.path,
      importsOf(source).flatMap((seen) => (seen.target === null ? [] : [seen.target])),
    );
  }
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    for (const target of graph.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return found;
}
