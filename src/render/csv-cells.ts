/**
 * Rows of a table that people open in a spreadsheet: RFC 4180. A cell that a spreadsheet would take for a formula is
 * written with an apostrophe before it, and read back without: what was written is what is read.
 */

/** What spreadsheets act on, wide forms included; apostrophes before it are part of the value and get one more. */
const ACTS = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const MADE_INERT = /^'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/** A row as text, without its ending. */
export function csvLine(cells: readonly string[]): string {
  return cells
    .map((cell) => {
      const inert = ACTS.test(cell) ? `'${cell}` : cell;
      return NEEDS_QUOTES.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
    })
    .join(',');
}

/** The value that a cell was written for. */
export function plainCell(cell: string): string {
  return MADE_INERT.test(cell) ? cell.slice(1) : cell;
}
