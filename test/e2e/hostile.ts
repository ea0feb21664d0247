/** Texts that try to act on whoever reads them, for every field that somebody fills in; and what says that one acts. */
import { ACTING } from '../../src/render/inert.js';

/** Without control characters: names may be these. */
export const NAMES: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  "'; DROP TABLE events; --",
  '=HYPERLINK("http://evil.example","x")',
  '+1+cmd|calc!A0',
  '-2+3',
  '@SUM(A1)',
  '＝1+1',
  '\u202etxt.exe\u202c\u2066',
  'zero\u200bwidth\ufeff\u2060',
  '../../../etc/passwd',
  '"},{"id":"forged","severity":"critical"}',
  'data: {"forged":true}\u2028event: reset\u2029',
  'x"; filename="evil.sh',
];

/** With them: free text may be these, names may not. */
export const TEXTS: readonly string[] = [
  '\t=1+1',
  '\r=1+1',
  'line\nSTOPPED critical: everything',
  'x\r\nset-cookie: killdeer=1\r\n\r\n<html>',
  'data\n\nevent: reset\ndata: {}\n\n',
  'esc\u001b[2J\u001b]0;title\u0007\u009b31m',
  'null\u0000back\b\b\b',
];

/** Characters that act on whoever prints the text; ends of lines do not count. */
export function actingIn(text: string): string[] {
  return [...text].filter((character) => {
    const point = character.codePointAt(0) as number;
    return character !== '\n' && ACTING.some(({ from, to }) => point >= from && point <= to);
  });
}

/** What a spreadsheet takes for a formula. */
export const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/** Cells of a table as a spreadsheet reads them (RFC 4180), by a reader that knows nothing of how they were written. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = [];
  for (const line of text.matchAll(/((?:"(?:[^"]|"")*"|[^"\r\n]*?)(?:,|\r\n|$))+?(?<=\r\n|$)/g)) {
    if (line[0] === '') continue;
    const cells = [...line[0].replace(/\r\n$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)];
    rows.push(
      cells.map(([, quoted, plain]) => (quoted === undefined ? (plain as string) : quoted.replaceAll('""', '"'))),
    );
  }
  return rows;
}
