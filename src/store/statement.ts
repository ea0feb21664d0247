/**
 * Statements as far as they must be understood before they are run: what they consist of, and whether they only read.
 * It is a second lock beside the engine's own read-only mode, because that one lets a query read files, call other
 * servers and, in the embedded engine, write a file.
 */

export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'sign';
  /** Of a quoted name without its quotes. */
  readonly value: string;
}

const SPACE = /\s+/y;
const LINE_COMMENT = /(?:--|#[ !])[^\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*|\d[\w.]*/y;

/**
 * Tokens of a statement without blanks and comments, as ClickHouse cuts it; null where a quote or a comment does not
 * end, or a sign stands outside of quotes that could begin one: '$', and what is not ASCII.
 */
export function tokensOf(sql: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(sql);
  };
  while (at < sql.length) {
    const blank = match(SPACE) ?? match(LINE_COMMENT);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    if (sql.startsWith('/*', at)) {
      const end = commentEnd(sql, at);
      if (end < 0) return null;
      at = end;
      continue;
    }
    const quote = sql[at];
    let end: number;
    if (quote === '$' || quote.charCodeAt(0) > 126) return null;
    if (quote === "'" || quote === '"' || quote === '`') {
      end = quoteEnd(sql, at);
      tokens.push({ kind: quote === "'" ? 'text' : 'quoted', value: sql.slice(at + 1, end - 1) });
    } else {
      const word = match(WORD);
      end = at + (word === null ? 1 : word[0].length);
      tokens.push({ kind: word === null ? 'sign' : 'word', value: sql.slice(at, end) });
    }
    if (end < 0) return null;
    at = end;
  }
  return tokens;
}

/** Comments of this kind may stand within each other. */
function commentEnd(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length; at++) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') depth += 1;
    else if (pair === '*/') depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1;
  }
  return -1;
}

/** After the closing quote; a quote stands within by a backslash, or doubled. */
function quoteEnd(sql: string, from: number): number {
  const quote = sql[from];
  // x'00' and b'01' know no escapes.
  if (quote === "'" && /[xXbB]/.test(sql[from - 1] ?? '')) return sql.indexOf(quote, from + 1) + 1 || -1;
  for (let at = from + 1; at < sql.length; at++) {
    if (sql[at] === '\\') at += 1;
    else if (sql[at] === quote && sql[at + 1] === quote) at += 1;
    else if (sql[at] === quote) return at + 1;
  }
  return -1;
}

const UNREADABLE = 'a quote or a comment does not end, or a sign stands outside of quotes';

/** How a statement that reads may begin. */
const READING: readonly string[] = ['select', 'with', 'explain', 'show', 'describe', 'desc', 'exists'];
/** Table functions that make rows out of nothing, or out of tables; every other reaches for files or other servers. */
const HARMLESS: readonly string[] = [
  ...['numbers', 'numbers_mt', 'zeros', 'zeros_mt', 'generateseries', 'generate_series', 'generaterandom'],
  ...['values', 'view', 'null', 'format', 'primes', 'fuzzjson', 'fuzzquery', 'viewexplain', 'viewifpermitted'],
];
/** Functions that reach beyond the tables without being table functions. */
const REACHING: readonly string[] = [...['file', 'catboostevaluate', 'showcertificate', 'hdfs', 'reloaddictionary']];
/** Known whatever an engine may say: those of the releases at hand. */
const REACHING_TABLES: readonly string[] = [
  ...['file', 'filecluster', 'url', 'urlcluster', 's3', 's3cluster', 'gcs', 'cosn', 'oss', 'hdfs', 'hdfscluster'],
  ...['azureblobstorage', 'azureblobstoragecluster', 'remote', 'remotesecure', 'cluster', 'clusterallreplicas'],
  ...['mysql', 'postgresql', 'mongodb', 'redis', 'sqlite', 'jdbc', 'odbc', 'executable', 'input', 'dictionary'],
  ...['iceberg', 'deltalake', 'hudi', 'arrowflight', 'ytsaurus', 'mergetreeindex', 'loop', 'python', 'prometheusquery'],
];

/**
 * Why a person's statement is not run; null: it only reads. `tableFunctions`: the engine's own list of them, so that
 * one which is new to us is refused too.
 */
export function refusalOf(sql: string, tableFunctions: readonly string[] = []): string | null {
  const tokens = tokensOf(sql);
  if (tokens === null) return UNREADABLE;
  const trimmed = withoutLastSemicolon(tokens);
  if (trimmed.some(isSign(';'))) return 'one statement at a time';
  const first = trimmed.find((token) => !isSign('(')(token));
  if (first === undefined) return 'there is no statement';
  if (first.kind !== 'word' || !READING.includes(first.value.toLowerCase())) {
    return `only queries that read: ${READING.map((word) => word.toUpperCase()).join(', ')}`;
  }
  return reachOf(trimmed, new Set([...tableFunctions.map((name) => name.toLowerCase()), ...REACHING_TABLES]));
}

/** Why not even our own programs may send it to the embedded engine; null: they may. */
export function embeddedRefusalOf(sql: string): string | null {
  const tokens = tokensOf(sql);
  if (tokens === null) return UNREADABLE;
  const trimmed = withoutLastSemicolon(tokens);
  if (trimmed.some(isSign(';'))) return 'Multi-statements are not allowed';
  return writesFile(trimmed) ? 'INTO OUTFILE is not allowed' : null;
}

/** The format that the statement names for its result; null: none. */
export function formatOf(sql: string): string | null {
  const tokens = tokensOf(sql) ?? [];
  const at = tokens.findLastIndex(isWord('format'));
  const name = at < 0 ? undefined : tokens[at + 1];
  return name?.kind === 'word' ? name.value : null;
}

function reachOf(tokens: readonly Token[], tableFunctions: ReadonlySet<string>): string | null {
  if (writesFile(tokens)) return 'INTO OUTFILE writes a file';
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word' && token.kind !== 'quoted') continue;
    const name = token.value.toLowerCase();
    if (isWord('settings')(token) && !isSign('.')(tokens[i - 1])) return 'settings are not to be changed';
    if (!isSign('(')(tokens[i + 1])) continue;
    const reaches = REACHING.includes(name) || (tableFunctions.has(name) && !HARMLESS.includes(name));
    // A name that the tokens do not show as it is: with a backslash in it, it may be any.
    if (reaches || (token.kind === 'quoted' && /[\\`"]/.test(name)))
      return `${token.value}() reaches beyond the tables`;
  }
  return null;
}

function writesFile(tokens: readonly Token[]): boolean {
  return tokens.some((token, i) => isWord('into')(token) && isWord('outfile')(tokens[i + 1]));
}

function withoutLastSemicolon(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.findLastIndex((token) => !isSign(';')(token));
  return tokens.slice(0, last + 1);
}

function isSign(sign: string): (token: Token | undefined) => boolean {
  return (token) => token?.kind === 'sign' && token.value === sign;
}

function isWord(word: string): (token: Token | undefined) => boolean {
  return (token) => token?.kind === 'word' && token.value.toLowerCase() === word;
}
