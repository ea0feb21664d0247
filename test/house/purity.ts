/** What a pure room may not do, as far as it shows in the syntax; plain globals are the linter's part (biome.json). */
import ts from 'typescript';
import { isPure } from './rooms.js';
import { at, type Source, walk } from './source.js';

/** Members whose result differs between calls, hosts or Node versions. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Math: ['random', 'pow'],
  Date: ['now'],
};

/** Methods that answer by the host's time zone or language. */
const LOCAL_METHODS = [
  ...['getFullYear', 'getMonth', 'getDate', 'getDay', 'getHours', 'getMinutes', 'getSeconds', 'getTimezoneOffset'],
  ...['setFullYear', 'setMonth', 'setDate', 'setHours', 'setMinutes', 'setSeconds'],
  ...['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString', 'localeCompare'],
  ...['toLocaleLowerCase', 'toLocaleUpperCase'],
];

/** Impure constructs in files that must be pure. */
export function impurities(source: Source): string[] {
  if (!isPure(source.path)) return [];
  const found: string[] = [];
  walk(source, (node) => {
    const message = impurity(node);
    if (message !== null) found.push(at(source, node, message));
  });
  return found;
}

function impurity(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) return memberImpurity(node.expression, node.name.text);
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return memberImpurity(node.expression, node.argumentExpression.text);
  }
  if (ts.isBinaryExpression(node)) return powerImpurity(node.operatorToken.kind);
  if (ts.isVariableDeclaration(node)) return takenApart(node);
  if (ts.isNewExpression(node) || ts.isCallExpression(node)) return dateImpurity(node);
  return asyncImpurity(node);
}

function memberImpurity(object: ts.Expression, member: string): string | null {
  if (ts.isIdentifier(object) && MEMBERS[object.text]?.includes(member))
    return `${object.text}.${member} in a pure room`;
  return LOCAL_METHODS.includes(member) ? `${member} follows the host's zone or language` : null;
}

function powerImpurity(operator: ts.SyntaxKind): string | null {
  const isPower =
    operator === ts.SyntaxKind.AsteriskAsteriskToken || operator === ts.SyntaxKind.AsteriskAsteriskEqualsToken;
  return isPower ? '** in a pure room: its bits differ between Node versions' : null;
}

/** `const { random } = Math` and `const m = Math` would hide a member from the rule above. */
function takenApart(node: ts.VariableDeclaration): string | null {
  const value = node.initializer;
  const hides = value !== undefined && ts.isIdentifier(value) && MEMBERS[value.text] !== undefined;
  return hides ? `${value.text} under another name` : null;
}

function dateImpurity(node: ts.NewExpression | ts.CallExpression): string | null {
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'import() in a pure room';
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 'Date') return null;
  if (ts.isCallExpression(node)) return 'Date() reads the clock';
  const count = node.arguments?.length ?? 0;
  if (count === 0) return 'new Date() reads the clock';
  return count > 1 ? "new Date(year, ...) follows the host's zone: use Date.UTC" : null;
}

function asyncImpurity(node: ts.Node): string | null {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async in a pure room';
  if (ts.isAwaitExpression(node)) return 'await in a pure room';
  if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return 'for await in a pure room';
  return null;
}
