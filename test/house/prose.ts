/** Names, lengths, docstrings and words: what makes the tree readable. */
import { dirname } from 'node:path';
import ts from 'typescript';
import { isPure, roomOf } from './rooms.js';
import { at, isCode, type Source, treeOf, walk } from './source.js';

const LINES_MAX = 400;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.tsx?$/;
const EMPTY_WORDS = /(^|[-.])(utils?|helpers?|managers?|services?)(?=[-.]|$)/;
/** Written in halves, or this file would be its own first find. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
/** Homes and workspaces of some machine; a path of the project starts at its root. */
const MACHINE_PATH = /(?<![\w.~/:-])(\/(home|Users|root|work|workspaces?|mnt|tmp)\/[\w.-]|[A-Z]:\\Users\\)/;

/** Files that are too long to be read in one sitting. */
export function tooLong(source: Source): string[] {
  if (!isCode(source)) return [];
  const lines = source.text.trimEnd().split('\n').length;
  return lines > LINES_MAX ? [`${source.path}: ${lines} lines, at most ${LINES_MAX}`] : [];
}

/** File and folder names that are not kebab-case nouns, or that say nothing. */
export function misnamed(source: Source): string[] {
  if (!isCode(source)) return [];
  const parts = source.path.split('/');
  const file = parts[parts.length - 1];
  const found = parts.filter((part) => EMPTY_WORDS.test(part)).map((part) => `${source.path}: ${part} says nothing`);
  return KEBAB.test(file) ? found : [...found, `${source.path}: not a kebab-case name`];
}

/** Exports of pure rooms without a docstring. */
export function undocumented(source: Source): string[] {
  if (!isPure(source.path)) return [];
  return treeOf(source).statements.flatMap((node) => {
    const name = exportName(node);
    return name === null || hasDocstring(source, node) ? [] : [at(source, node, `${name} has no docstring`)];
  });
}

function exportName(node: ts.Statement): string | null {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  if (!modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)) return null;
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0].name.getText();
  const named = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);
  return named ? (node.name?.text ?? 'default') : null;
}

function hasDocstring(source: Source, node: ts.Node): boolean {
  const comments = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
  return comments.some((comment) => source.text.startsWith('/**', comment.pos));
}

/** Rooms of which no file opens with a docstring that says what the room is. */
export function roomsWithoutOpening(sources: readonly Source[]): string[] {
  const opened = new Map<string, boolean>();
  for (const source of sources) {
    const room = roomOf(source.path);
    if (room === null || dirname(source.path) === 'src') continue;
    opened.set(room, opened.get(room) === true || source.text.startsWith('/**'));
  }
  return [...opened].filter(([, open]) => !open).map(([room]) => `src/${room}: no file opens with a docstring`);
}

/** Words that promise work for later, and paths of one machine. */
export function forbiddenWords(source: Source): string[] {
  return source.text.split('\n').flatMap((line, index) => {
    const word = UNFINISHED.exec(line)?.[0] ?? MACHINE_PATH.exec(line)?.[0];
    return word === undefined ? [] : [`${source.path}:${index + 1}: ${word}`];
  });
}

/** Tests that run alone or not at all. */
export function partialTests(source: Source): string[] {
  if (!source.path.startsWith('test/') || !isCode(source)) return [];
  const found: string[] = [];
  walk(source, (node) => {
    if (!ts.isPropertyAccessExpression(node) || !['only', 'skip', 'todo', 'fails'].includes(node.name.text)) return;
    if (['it', 'test', 'describe'].includes(rootName(node)))
      found.push(at(source, node, `.${node.name.text} in a test`));
  });
  return found;
}

/** The identifier that a chain of accesses and calls starts with. */
function rootName(node: ts.Expression): string {
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return rootName(node.expression);
  return ts.isIdentifier(node) ? node.text : '';
}
