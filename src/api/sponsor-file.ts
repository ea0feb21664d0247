/** The sponsor feed: who answers for agents, who has left, and who takes over. JSON array, JSON Lines or CSV. */
import * as z from 'zod';
import { agentRow } from './registration-schema.js';
import { type RowForm, type RowFormat, type Rows, readRows } from './row-file.js';

const person = agentRow.shape.agent;

const sponsorRow = z.strictObject({
  owner: person,
  state: z.enum(['active', 'left']),
  successor: person.nullable().default(null),
});
export type SponsorRow = z.output<typeof sponsorRow>;

const FORM: RowForm<SponsorRow> = {
  schema: sponsorRow,
  columns: ['owner', 'state', 'successor'],
  fromCells: (cells) => {
    const { successor, ...row } = Object.fromEntries(cells);
    return { ...row, successor: successor === undefined || successor === '' ? null : successor };
  },
};

/** Every person of a feed. One who stands in it twice, with different words, is a problem. */
export function readSponsorFile(bytes: Uint8Array, format: RowFormat, rowsMax: number): Rows<SponsorRow> {
  const { rows, problems } = readRows(FORM, bytes, format, rowsMax);
  const words = new Map<string, { readonly line: number; readonly word: string }>();
  const doubled = rows.flatMap(({ line, value: { owner, state, successor } }) => {
    const word = JSON.stringify([state, successor]);
    const before = words.get(owner);
    if (before === undefined) words.set(owner, { line, word });
    if (before === undefined || before.word === word) return [];
    return [{ line, member: 'owner', message: `line ${before.line} says otherwise of ${owner}` }];
  });
  return { rows, problems: [...problems, ...doubled] };
}
